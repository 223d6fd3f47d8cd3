//! An authenticator of our own with a maker's certificate, and a maker that nobody trusts.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;
use url::Url;
use webauthn_rs::prelude::{WebauthnBuilder, WebauthnError};

use super::*;

/// What stands in the attestation statement.
#[derive(Clone, Copy)]
pub(super) enum Statement {
    /// A chain of the maker.
    Chain,
    /// The chain, with the root behind it.
    ChainWithRoot,
    /// Signed by the credential's own key: proves nothing about the model.
    SelfSigned,
    /// No statement.
    None,
    /// The maker's chain, but signed by the credential's own key.
    Borrowed,
}

pub(super) struct Maker {
    root: CertifiedIssuer<'static, KeyPair>,
}

impl Maker {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test maker root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self { root: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(super) fn anchor(&self, aaguid: Uuid) -> Anchor {
        Anchor { aaguid, description: "Test key".to_owned(), certificate: self.root.der().to_vec() }
    }

    /// The certificate of a batch of one model (WebAuthn L3 §8.2.1).
    fn batch(&self, aaguid: Uuid) -> (KeyPair, Vec<u8>) {
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
        (key, certificate)
    }

    /// A whole registration ceremony. `claimed` is the AAGUID in the authenticator data, `certified` the one in the
    /// maker's certificate.
    pub(super) fn register(
        &self,
        anchors: AttestationCaList,
        (claimed, certified): (Uuid, Uuid),
        statement: Statement,
    ) -> Result<AttestedPasskey, WebauthnError> {
        let origin = Url::parse("https://login.example.test").unwrap();
        let webauthn = WebauthnBuilder::new("login.example.test", &origin).unwrap().build().unwrap();
        let user = Uuid::from_u128(77);
        let (options, state) =
            webauthn.start_attested_passkey_registration(user, "ada", "Ada", None, anchors, None).unwrap();
        let options = serde_json::to_value(&options).unwrap();
        let client_data = json!({
            "type": "webauthn.create",
            "challenge": options["publicKey"]["challenge"],
            "origin": "https://login.example.test",
            "crossOrigin": false,
        })
        .to_string();
        let credential = KeyPair::generate().unwrap();
        let authenticator_data = authenticator_data(claimed, &credential);
        let hash = digest(&SHA256, client_data.as_bytes());
        let signed = [authenticator_data.as_slice(), hash.as_ref()].concat();
        let (batch, certificate) = self.batch(certified);
        let root = self.root.der().to_vec();
        let (format, statement) = match statement {
            Statement::Chain => ("packed", packed(&batch, &signed, &[certificate])),
            Statement::ChainWithRoot => ("packed", packed(&batch, &signed, &[certificate, root])),
            Statement::SelfSigned => ("packed", packed(&credential, &signed, &[])),
            Statement::Borrowed => ("packed", packed(&credential, &signed, &[certificate])),
            Statement::None => ("none", Value::Map(Vec::new())),
        };
        let object = map(vec![
            ("fmt", Value::from(format)),
            ("attStmt", statement),
            ("authData", Value::Bytes(authenticator_data)),
        ]);
        let response = json!({
            "id": URL_SAFE_NO_PAD.encode([9; 32]),
            "rawId": URL_SAFE_NO_PAD.encode([9; 32]),
            "type": "public-key",
            "response": {
                "attestationObject": URL_SAFE_NO_PAD.encode(encode(&object)),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            },
        });
        let response = serde_json::from_value(response).unwrap();
        webauthn.finish_attested_passkey_registration(&response, &state)
    }
}

/// WebAuthn L3 §6.1: user present, user verified, attested credential data.
fn authenticator_data(aaguid: Uuid, credential: &KeyPair) -> Vec<u8> {
    let point = credential.public_key_raw();
    let key = Value::Map(vec![
        (Value::from(1), Value::from(2)),
        (Value::from(3), Value::from(-7)),
        (Value::from(-1), Value::from(1)),
        (Value::from(-2), Value::Bytes(point[1..33].to_vec())),
        (Value::from(-3), Value::Bytes(point[33..].to_vec())),
    ]);
    let rp_id = digest(&SHA256, b"login.example.test");
    let parts: [&[u8]; 7] =
        [rp_id.as_ref(), &[0x45], &[0, 0, 0, 1], aaguid.as_bytes(), &[0, 32], &[9; 32], &encode(&key)];
    parts.concat()
}

fn packed(key: &KeyPair, signed: &[u8], chain: &[Vec<u8>]) -> Value {
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
    assert_eq!(key.public_key().as_ref().len(), 65);
    let signature = key.sign(&SystemRandom::new(), signed).unwrap();
    let mut statement = vec![("alg", Value::from(-7)), ("sig", Value::Bytes(signature.as_ref().to_vec()))];
    if !chain.is_empty() {
        statement.push(("x5c", Value::Array(chain.iter().cloned().map(Value::Bytes).collect())));
    }
    map(statement)
}

fn map(members: Vec<(&str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
