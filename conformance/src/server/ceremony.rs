//! The two ceremonies as a client and an authenticator hold them, in steps, so that a case can change what it is about before
//! the step that covers it: client data and authenticator data, then the signature, then JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::authenticator_data::{Attested, AuthenticatorData};
use super::key::Key;
use super::statement::{Maker, Statement};
use super::{Members, Reply, Server};
use crate::case::{Stop, present};
use crate::cbor::{Value, encode};
use crate::cbor_map;
use crate::ctap::flags;

/// The model that this authenticator says it is.
const AAGUID: [u8; 16] = *b"conformance-run1";

/// base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A credential that a server has accepted.
pub struct Credential {
    /// Whose.
    pub user: String,
    /// Its ID.
    pub id: Vec<u8>,
    /// The user handle.
    pub user_handle: String,
    /// Its key.
    pub key: Key,
}

/// A registration before it is signed.
pub struct Registration {
    /// The options that it answers.
    pub options: Members,
    /// Client data.
    pub client_data: Members,
    /// Authenticator data.
    pub data: AuthenticatorData,
    /// The credential's key.
    pub key: Key,
}

impl Registration {
    /// An honest answer to options.
    ///
    /// # Errors
    /// When the options lack what an answer needs.
    pub fn new(server: &Server, options: Members, algorithm: i64) -> Result<Self, Stop> {
        let mut id = vec![0; 32];
        getrandom::fill(&mut id).map_err(|error| Stop::Broken(error.to_string()))?;
        let key = Key::generate(algorithm)?;
        let attested = Attested { aaguid: AAGUID, id, length: None, key: key.cose() };
        Ok(Self {
            client_data: client_data("webauthn.create", &options, server)?,
            data: AuthenticatorData {
                rp_id_hash: Sha256::digest(server.rp_id.as_bytes()).to_vec(),
                flags: flags::UP | flags::UV | flags::AT,
                counter: 1,
                attested: Some(attested),
                extensions: None,
                leftover: Vec::new(),
            },
            options,
            key,
        })
    }

    /// The same with another key than the one in the authenticator data.
    pub fn with_key(&self, key: Key) -> Self {
        Self {
            options: self.options.clone(),
            client_data: self.client_data.clone(),
            data: self.data.clone(),
            key,
        }
    }

    /// SHA-256 of the client data.
    pub fn client_data_hash(&self) -> Vec<u8> {
        Sha256::digest(text(&self.client_data)).to_vec()
    }

    /// What most statements sign.
    pub fn covered(&self) -> Vec<u8> {
        [self.data.bytes(), self.client_data_hash()].concat()
    }

    /// The model in the attested credential data.
    pub fn aaguid(&self) -> [u8; 16] {
        self.data.attested.as_ref().map_or(AAGUID, |attested| attested.aaguid)
    }

    /// The credential's ID; empty without attested credential data.
    pub fn credential_id(&self) -> Vec<u8> {
        self.data.attested.as_ref().map(|attested| attested.id.clone()).unwrap_or_default()
    }

    /// The attestation object.
    ///
    /// # Errors
    /// When the statement cannot be made.
    pub fn attestation_object(&self, maker: Maker) -> Result<Value, Stop> {
        let Statement { format, statement } = maker(self)?;
        Ok(cbor_map! { "fmt" => format, "attStmt" => statement, "authData" => self.data.bytes() })
    }

    /// The credential, as `/attestation/result` takes it.
    pub fn json(&self, attestation_object: &Value) -> Json {
        let id = base64url(&self.credential_id());
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(text(&self.client_data).as_bytes()),
                "attestationObject": base64url(&encode(attestation_object)),
            },
            "getClientExtensionResults": {},
        })
    }
}

/// A sign-in before it is signed.
pub struct Assertion {
    /// Client data.
    pub client_data: Members,
    /// Authenticator data.
    pub data: AuthenticatorData,
}

impl Assertion {
    /// An honest answer to options.
    ///
    /// # Errors
    /// When the options lack what an answer needs.
    pub fn new(server: &Server, options: &Members) -> Result<Self, Stop> {
        Ok(Self {
            client_data: client_data("webauthn.get", options, server)?,
            data: AuthenticatorData {
                rp_id_hash: Sha256::digest(server.rp_id.as_bytes()).to_vec(),
                flags: flags::UP | flags::UV,
                counter: 2,
                attested: None,
                extensions: None,
                leftover: Vec::new(),
            },
        })
    }

    /// The credential, as `/assertion/result` takes it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn json(&self, credential: &Credential) -> Result<Json, Stop> {
        let (data, client_data) = (self.data.bytes(), text(&self.client_data));
        let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let id = base64url(&credential.id);
        Ok(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(client_data.as_bytes()),
                "authenticatorData": base64url(&data),
                "signature": base64url(&credential.key.sign(&signed)?),
                "userHandle": credential.user_handle,
            },
            "getClientExtensionResults": {},
        }))
    }
}

impl Server {
    /// Registers a credential of a new user.
    ///
    /// # Errors
    /// Unless the server accepts it.
    pub fn registered(&mut self) -> Result<Credential, Stop> {
        let user = self.new_user();
        let options = self.creation_options(&user, "none")?;
        let registration = Registration::new(self, options, -7)?;
        self.finish(&registration, super::statement::none)?.accepted()?;
        let handle = registration.options.get("user").and_then(|user| user.get("id")).and_then(Json::as_str);
        let user_handle = present(handle, "user.id")?.to_owned();
        Ok(Credential { user, id: registration.credential_id(), user_handle, key: registration.key })
    }

    /// Sends a registration with a statement.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn finish(&mut self, registration: &Registration, maker: Maker) -> Result<Reply, Stop> {
        let object = registration.attestation_object(maker)?;
        self.post("attestation/result", &registration.json(&object))
    }
}

/// Collected client data (WebAuthn L3 §5.8.1).
fn client_data(kind: &str, options: &Members, server: &Server) -> Result<Members, Stop> {
    let challenge = present(options.get("challenge").and_then(Json::as_str), "challenge")?;
    let data = json!({"type": kind, "challenge": challenge, "origin": server.origin, "crossOrigin": false});
    Ok(data.as_object().cloned().unwrap_or_default())
}

fn text(client_data: &Members) -> String {
    Json::Object(client_data.clone()).to_string()
}
