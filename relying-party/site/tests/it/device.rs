//! The smallest authenticator and client in one: ES256 keys in memory, and a knob for each thing that can be wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use ciborium::Value as Cbor;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::rig::ORIGIN;

pub const UP: u8 = 0x01;
pub const UV: u8 = 0x04;
pub const BE: u8 = 0x08;
pub const BS: u8 = 0x10;
const AT: u8 = 0x40;

pub struct Device {
    pub origin: String,
    pub rp_id: String,
    pub flags: u8,
    pub cross_origin: bool,
    pub top_origin: Option<String>,
    pub aaguid: [u8; 16],
    pub algorithm: i64,
    /// Added to the counter at each signature.
    pub step: u32,
    pub count: u32,
    pub ceremony: Option<&'static str>,
    pub user_handle: Handle,
    /// The ID of the next key, instead of a new one.
    pub fixed_id: Option<Vec<u8>>,
    pub keys: Vec<Key>,
}

/// Which user handle sign-ins report.
pub enum Handle {
    Own,
    Absent,
    Other(Vec<u8>),
}

pub struct Key {
    pub id: Vec<u8>,
    pub user: Vec<u8>,
    pub secret: SigningKey,
}

impl Device {
    pub fn new() -> Self {
        Self {
            origin: ORIGIN.to_owned(),
            rp_id: "localhost".to_owned(),
            flags: UP | UV,
            cross_origin: false,
            top_origin: None,
            aaguid: [7; 16],
            algorithm: -7,
            step: 1,
            count: 0,
            ceremony: None,
            user_handle: Handle::Own,
            fixed_id: None,
            keys: Vec::new(),
        }
    }

    pub fn create(&mut self, options: &Value) -> Value {
        let seed = Sha256::digest([options["challenge"].as_str().unwrap().as_bytes(), &[1]].concat());
        let secret = SigningKey::from_slice(&seed).unwrap();
        let id = self.fixed_id.clone().unwrap_or_else(|| Sha256::digest(seed).to_vec());
        let user = B64.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let public = secret.verifying_key().to_sec1_point(false);
        let key = Cbor::Map(vec![
            (1.into(), 2.into()),
            (3.into(), self.algorithm.into()),
            ((-1).into(), 1.into()),
            ((-2).into(), Cbor::Bytes(public.x().unwrap().to_vec())),
            ((-3).into(), Cbor::Bytes(public.y().unwrap().to_vec())),
        ]);
        let mut auth_data = self.auth_data(AT);
        auth_data.extend(self.aaguid);
        auth_data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
        auth_data.extend(&id);
        ciborium::into_writer(&key, &mut auth_data).unwrap();
        let object = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(auth_data)),
        ]);
        let mut attestation_object = Vec::new();
        ciborium::into_writer(&object, &mut attestation_object).unwrap();
        let client_data = self.client_data("webauthn.create", options);
        self.keys.push(Key { id: id.clone(), user, secret });
        json!({
            "id": B64.encode(&id), "rawId": B64.encode(&id), "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": B64.encode(client_data),
                "attestationObject": B64.encode(attestation_object),
                "transports": ["internal", "smart-card"],
            },
        })
    }

    /// Signs with the first key that the options allow, or with the newest one.
    pub fn get(&mut self, options: &Value) -> Value {
        let allowed = options["allowCredentials"].as_array().unwrap();
        let listed = |key: &&Key| allowed.iter().any(|entry| entry["id"] == B64.encode(&key.id));
        let place = self.keys.iter().position(|key| listed(&key)).unwrap_or(self.keys.len() - 1);
        self.get_with(place, options)
    }

    pub fn get_with(&mut self, place: usize, options: &Value) -> Value {
        self.count += self.step;
        let client_data = self.client_data("webauthn.get", options);
        let auth_data = self.auth_data(0);
        let key = &self.keys[place];
        let message = [auth_data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature: DerSignature = key.secret.sign(&message);
        let handle = match &self.user_handle {
            Handle::Own => Some(B64.encode(&key.user)),
            Handle::Absent => None,
            Handle::Other(other) => Some(B64.encode(other)),
        };
        json!({
            "id": B64.encode(&key.id), "rawId": B64.encode(&key.id), "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": B64.encode(client_data),
                "authenticatorData": B64.encode(auth_data),
                "signature": B64.encode(signature.as_bytes()),
                "userHandle": handle,
            },
        })
    }

    fn auth_data(&self, more_flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(self.flags | more_flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn client_data(&self, ceremony: &str, options: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": self.ceremony.unwrap_or(ceremony),
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        });
        if let Some(top) = &self.top_origin {
            data["topOrigin"] = json!(top);
        }
        data.to_string().into_bytes()
    }
}
