//! An authenticator of our own that makes passkeys, and makers who certify authenticators: one that is trusted, and others.
//! Shared by the unit tests of attestation and the tests over HTTP.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What stands in the attestation statement.
#[derive(Clone, Copy)]
pub enum Statement<'a> {
    /// A chain of the maker, for the model with this AAGUID.
    Chain(&'a Maker, Uuid),
    /// The chain, with the root behind it.
    ChainWithRoot(&'a Maker, Uuid),
    /// Signed by the credential's own key: proves nothing about the model.
    SelfSigned,
    /// No statement.
    None,
    /// The maker's chain, but signed by the credential's own key.
    Borrowed(&'a Maker, Uuid),
}

pub struct Maker {
    root: CertifiedIssuer<'static, KeyPair>,
}

impl Maker {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test maker root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self { root: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Its root, DER.
    pub fn root(&self) -> Vec<u8> {
        self.root.der().to_vec()
    }

    /// Its root as a file holds it.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The certificate of a batch of one model (WebAuthn L3 §8.2.1).
    fn batch(&self, aaguid: Uuid) -> (EcdsaKeyPair, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        *name = rcgen::DistinguishedName::new();
        name.push(DnType::CountryName, "DE");
        name.push(DnType::OrganizationName, "Test maker");
        name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        name.push(DnType::CommonName, "Test key batch 1");
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let value = [&[4, 16], &aaguid.into_bytes()[..]].concat();
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], value)];
        let certificate = params.signed_by(&key, &self.root).unwrap().der().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
        (key, certificate)
    }
}

/// One authenticator with one passkey.
pub struct Authenticator {
    pub key: EcdsaKeyPair,
    /// The credential ID.
    pub id: Vec<u8>,
    /// The model that it claims to be.
    pub aaguid: Uuid,
    /// Flags of its answers: user present and verified.
    pub flags: u8,
    pub rp_id: &'static str,
    pub origin: String,
}

impl Authenticator {
    pub fn new(rp_id: &'static str, origin: &str, id: u8) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (id, origin) = (vec![id; 32], origin.to_owned());
        Self { key, id, aaguid: Uuid::nil(), flags: 0x05, rp_id, origin }
    }

    /// The answer to creation options, as a browser writes it.
    pub fn register(&self, options: &Value, statement: Statement<'_>) -> Value {
        let client_data = json!({
            "type": "webauthn.create", "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        let client_data = client_data.to_string();
        let data = self.new_credential();
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let (format, statement) = match statement {
            Statement::Chain(maker, model) => {
                let (batch, certificate) = maker.batch(model);
                ("packed", packed(&batch, &signed, &[certificate]))
            }
            Statement::ChainWithRoot(maker, model) => {
                let (batch, certificate) = maker.batch(model);
                ("packed", packed(&batch, &signed, &[certificate, maker.root()]))
            }
            Statement::SelfSigned => ("packed", packed(&self.key, &signed, &[])),
            Statement::Borrowed(maker, model) => {
                ("packed", packed(&self.key, &signed, &[maker.batch(model).1]))
            }
            Statement::None => ("none", Cbor::Map(Vec::new())),
        };
        let object =
            map(vec![("fmt", Cbor::from(format)), ("attStmt", statement), ("authData", Cbor::Bytes(data))]);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "attestationObject": URL_SAFE_NO_PAD.encode(encode(&object)),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            },
            "clientExtensionResults": { "credProps": { "rk": true } },
        })
    }

    /// Authenticator data with attested credential data (WebAuthn L3 §6.5.1).
    fn new_credential(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let key = Cbor::Map(vec![
            (Cbor::from(1), Cbor::from(2)),
            (Cbor::from(3), Cbor::from(-7)),
            (Cbor::from(-1), Cbor::from(1)),
            (Cbor::from(-2), Cbor::Bytes(point[1..33].to_vec())),
            (Cbor::from(-3), Cbor::Bytes(point[33..].to_vec())),
        ]);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let head = self.data(self.flags | 0x40, 0);
        [&head[..], self.aaguid.as_bytes(), &length, &self.id, &encode(&key)].concat()
    }

    /// RP ID hash, flags and counter.
    pub fn data(&self, flags: u8, count: u32) -> Vec<u8> {
        [digest(&SHA256, self.rp_id.as_bytes()).as_ref(), &[flags], &count.to_be_bytes()].concat()
    }
}

fn packed(key: &EcdsaKeyPair, signed: &[u8], chain: &[Vec<u8>]) -> Cbor {
    let signature = key.sign(&SystemRandom::new(), signed).unwrap();
    let mut statement = vec![("alg", Cbor::from(-7)), ("sig", Cbor::Bytes(signature.as_ref().to_vec()))];
    if !chain.is_empty() {
        statement.push(("x5c", Cbor::Array(chain.iter().cloned().map(Cbor::Bytes).collect())));
    }
    map(statement)
}

fn map(members: Vec<(&str, Cbor)>) -> Cbor {
    Cbor::Map(members.into_iter().map(|(name, value)| (Cbor::from(name), value)).collect())
}

fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
