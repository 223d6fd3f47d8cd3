//! A device, as its own software would have it: keys in memory, or in an emulated TPM.

use std::sync::Mutex;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{
    Certification, CreatedKey, CredentialChallenge, DeviceKeys as _, KeyAlgorithm, KeyBlob, PublicKey,
    Tpm as _,
};
use latchkey_idp::devices::tpm::Key;
use latchkey_idp::domain::Rsa1;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use rcgen::{CertificateParams, PublicKeyData, SignatureAlgorithm, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::rig::{Answer, Rig};

const NV_BASE: u32 = 0x0181_0000;

/// A device that registers.
pub struct Machine {
    pub name: String,
    signer: Signer,
    device: Rsa1,
    transport: Rsa1,
    /// What the service issued, DER.
    pub certificate: Vec<u8>,
    /// What the service calls it.
    pub id: String,
}

enum Signer {
    Memory(Box<RsaKeyPair>),
    Tpm(Box<Mutex<TpmKeys>>),
}

/// The keys of a device in its TPM.
pub struct TpmKeys {
    _process: Swtpm,
    pub tpm: DeviceTpm,
    pub device: CreatedKey,
    pub transport: CreatedKey,
    pub attestation: (KeyBlob, Vec<u8>),
}

pub fn auth(byte: u8) -> AuthValue {
    AuthValue::new([byte; 32])
}

/// A new key pair and its public key.
fn pair() -> (RsaKeyPair, Rsa1) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'static> = pair.as_der().unwrap();
    let again = RsaKeyPair::from_pkcs8(der.as_ref()).unwrap();
    let public = again.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
    (pair, Rsa1::new(&exponent, &modulus).unwrap())
}

/// A public key of the container as the wire has it.
pub fn rsa1(key: &PublicKey) -> Rsa1 {
    let PublicKey::Rsa { modulus, exponent } = key else { panic!("{key:?}") };
    let exponent = exponent.to_be_bytes();
    let first = exponent.iter().position(|byte| *byte != 0).unwrap();
    Rsa1::new(&exponent[first..], modulus).unwrap()
}

impl Machine {
    /// A device whose keys are in memory.
    pub fn software(name: &str) -> Self {
        let ((signer, device), (_, transport)) = (pair(), pair());
        Self::of(name, Signer::Memory(Box::new(signer)), device, transport)
    }

    /// A device with this TPM.
    pub fn with_tpm(name: &str, process: Swtpm) -> Self {
        let options = DeviceOptions { nv_base: NV_BASE, ..DeviceOptions::new(process.tcti()) };
        let mut tpm = DeviceTpm::open(&options).unwrap();
        let device = tpm.create_key(KeyAlgorithm::Rs256, &auth(1)).unwrap();
        let transport = tpm.create_transport_key(&auth(2)).unwrap();
        let attestation = tpm.create_attestation_key(&auth(3)).unwrap();
        let (public, transport_public) = (rsa1(&device.public), rsa1(&transport.public));
        let attestation = (attestation.blob, attestation.public_area);
        let keys = TpmKeys { _process: process, tpm, device, transport, attestation };
        Self::of(name, Signer::Tpm(Box::new(Mutex::new(keys))), public, transport_public)
    }

    fn of(name: &str, signer: Signer, device: Rsa1, transport: Rsa1) -> Self {
        let name = name.to_owned();
        Self { name, signer, device, transport, certificate: Vec::new(), id: String::new() }
    }

    /// Makes new keys in the same TPM, as a system does that was installed anew.
    pub fn renew(&mut self) {
        let (device, transport) = self.tpm(|keys| {
            keys.device = keys.tpm.create_key(KeyAlgorithm::Rs256, &auth(1)).unwrap();
            keys.transport = keys.tpm.create_transport_key(&auth(2)).unwrap();
            (rsa1(&keys.device.public), rsa1(&keys.transport.public))
        });
        (self.device, self.transport) = (device, transport);
    }

    /// What its TPM can do.
    pub fn tpm<T>(&self, act: impl FnOnce(&mut TpmKeys) -> T) -> T {
        let Signer::Tpm(keys) = &self.signer else { panic!("{} has no TPM", self.name) };
        act(&mut keys.lock().unwrap())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.signer {
            Signer::Memory(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Signer::Tpm(keys) => {
                let mut keys = keys.lock().unwrap();
                let blob = keys.device.blob.clone();
                keys.tpm.sign(&blob, &auth(1), &Sha256::digest(message)).unwrap()
            }
        }
    }

    /// A PKCS #10 request for its device key.
    pub fn csr(&self) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "7E980AD9-B86D-4306-9425-9AC066FB014A");
        let spki = Key::Rsa(self.device.clone()).spki().unwrap();
        let (_, spki) = SubjectPublicKeyInfo::from_der(&spki).unwrap();
        let key = Requester { machine: self, public: spki.subject_public_key.data.to_vec() };
        params.serialize_request(&key).unwrap().der().to_vec()
    }

    /// The body of its registration.
    pub fn join_body(&self) -> Value {
        json!({
            "CertificateRequest": { "Type": "pkcs10", "Data": STANDARD.encode(self.csr()) },
            "TransportKey": STANDARD.encode(self.transport.bytes()),
            "TargetDomain": "example.org",
            "DeviceType": "Linux",
            "OSVersion": "13",
            "DeviceDisplayName": self.name,
            "JoinType": 0,
        })
    }

    /// Registers, and keeps what the service says.
    pub async fn join(&mut self, rig: &Rig, token: &str) -> Value {
        let answer = join(rig, token, &self.join_body()).await.ok();
        self.keep(&answer);
        answer
    }

    /// Keeps what the service said.
    pub fn keep(&mut self, answer: &Value) {
        self.certificate = STANDARD.decode(answer["Certificate"]["RawBody"].as_str().unwrap()).unwrap();
        answer["DeviceId"].as_str().unwrap().clone_into(&mut self.id);
    }

    /// A compact JWS with its certificate.
    pub fn signed(&self, payload: &Value) -> String {
        self.signed_with(&self.certificate, payload)
    }

    /// The same with another certificate.
    pub fn signed_with(&self, certificate: &[u8], payload: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "x5c": [STANDARD.encode(certificate)] });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(payload));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes())))
    }

    /// The body that registers a key, with what the device signs around a nonce.
    pub fn key_body(&self, key: &Rsa1, nonce: &str) -> Value {
        let payload = json!({
            "nonce": nonce,
            "aud": format!("{}/EnrollmentServer/key/", crate::rig::URL),
            "kngc": URL_SAFE_NO_PAD.encode(key.key_id()),
        });
        json!({ "kngc": STANDARD.encode(key.bytes()), "request": self.signed(&payload) })
    }

    /// Registers a key: its ID.
    pub async fn register_key(&self, rig: &Rig, token: &str, key: &Rsa1) -> String {
        let body = self.key_body(key, &rig.drs_nonce().await);
        let answer = rig.post_json("/EnrollmentServer/key/", Some(token), &body).await.ok();
        answer["kid"].as_str().unwrap().to_owned()
    }

    /// A request for a path of the service, around a nonce.
    pub fn asks(&self, path: &str, nonce: &str) -> Value {
        let aud = format!("{}{path}", crate::rig::URL);
        json!({ "request": self.signed(&json!({ "nonce": nonce, "aud": aud, "iat": 1 })) })
    }
}

/// Posts a registration.
pub async fn join(rig: &Rig, token: &str, body: &Value) -> Answer {
    rig.post_json("/EnrollmentServer/device/?api-version=2.0", Some(token), body).await
}

/// What the TPM says about its device key and transport key, for a challenge that it opened.
pub async fn evidence(rig: &Rig, token: &str, machine: &Machine) -> Value {
    let begin = begin(rig, token, machine).await.ok();
    machine.tpm(|keys| attest(keys, &begin))
}

/// Asks for a challenge.
pub async fn begin(rig: &Rig, token: &str, machine: &Machine) -> Answer {
    let body = machine.tpm(|keys| {
        let endorsement = keys.tpm.endorsement().unwrap().unwrap();
        let certificate = endorsement.certificate.as_ref().map(|der| STANDARD.encode(der));
        json!({
            "ek": { "public": STANDARD.encode(&endorsement.public_area), "certificate": certificate },
            "ak": { "public": STANDARD.encode(&keys.attestation.1) },
        })
    });
    rig.post_json("/EnrollmentServer/attestation/?api-version=1.0", Some(token), &body).await
}

/// Opens a challenge and certifies both keys for it.
pub fn attest(keys: &mut TpmKeys, begin: &Value) -> Value {
    let bytes = |name: &str| STANDARD.decode(begin[name].as_str().unwrap()).unwrap();
    let challenge = CredentialChallenge { credential_blob: bytes("credentialBlob"), secret: bytes("secret") };
    let ak = keys.attestation.0.clone();
    let activated = keys.tpm.activate_credential(&ak, &auth(3), &challenge).unwrap();
    let name = begin["challenge"].as_str().unwrap();
    let (device, transport) = (keys.device.blob.clone(), keys.transport.blob.clone());
    let device = certify(keys, (&device, 1), "device", name);
    let transport = certify(keys, (&transport, 2), "transport", name);
    json!({
        "profile": "latchkey-tpm-1",
        "challenge": name,
        "activated": STANDARD.encode(&*activated),
        "device": device,
        "transport": transport,
    })
}

/// Has the TPM certify one of its keys in a role, for a challenge or nonce.
pub fn certify(keys: &mut TpmKeys, (key, byte): (&KeyBlob, u8), role: &str, challenge: &str) -> Value {
    let qualifying =
        Sha256::digest([format!("latchkey-tpm-1 {role}\0").as_bytes(), challenge.as_bytes()].concat());
    let ak = keys.attestation.0.clone();
    let certified = keys.tpm.certify((&ak, &auth(3)), (key, &auth(byte)), &qualifying.into()).unwrap();
    shown(&certified)
}

fn shown(certified: &Certification) -> Value {
    json!({
        "attest": STANDARD.encode(&certified.attest),
        "signature": STANDARD.encode(&certified.signature),
        "public": STANDARD.encode(&certified.public_area),
    })
}

/// A body of a registration with this evidence.
pub fn with_evidence(mut body: Value, evidence: &Value) -> Value {
    body["AttestationData"] = STANDARD.encode(evidence.to_string()).into();
    body
}

/// A machine as rcgen asks it to sign.
struct Requester<'a> {
    machine: &'a Machine,
    public: Vec<u8>,
}

impl PublicKeyData for Requester<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for Requester<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.machine.sign(message))
    }
}
