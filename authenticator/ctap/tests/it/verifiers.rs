//! Relying parties that have no part in this authenticator: webauthn-rs and python-fido2.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;
use webauthn_attestation_ca::{AttestationCaList, AttestationCaListBuilder};
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{COSEAlgorithm, RegisterPublicKeyCredential, RegistrationState};

use crate::platform::RP;

/// A site with webauthn-rs, in the middle of a registration.
pub struct Site {
    core: WebauthnCore,
    state: RegistrationState,
    client_data: String,
}

impl Site {
    pub fn new() -> Self {
        let origin = format!("https://{RP}");
        let core = WebauthnCore::new_unsafe_experts_only(
            "Site",
            RP,
            vec![Url::parse(&origin).unwrap()],
            Duration::from_mins(5),
            None,
            None,
        );
        // webauthn-rs 0.6 has no others ("testing required", it says of EdDSA); `algorithms` has another verifier for those.
        let algorithms = COSEAlgorithm::secure_algs();
        let builder = core.new_challenge_register_builder(b"alice", "alice", "Alice").unwrap();
        let (challenge, state) =
            core.generate_challenge_register(builder.credential_algorithms(algorithms)).unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(&challenge.public_key.challenge);
        let client_data = json!({ "type": "webauthn.create", "challenge": challenge, "origin": origin });
        Self { core, state, client_data: client_data.to_string() }
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.client_data).into()
    }

    /// With `trusted`, only an attestation that ends at one of its roots will do.
    pub fn takes(&self, object: &[u8], trusted: Option<&AttestationCaList>) -> Result<(), String> {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let credential: RegisterPublicKeyCredential = serde_json::from_value(json!({
            "id": "AA", "rawId": "AA", "type": "public-key",
            "response": {
                "attestationObject": encoded(object),
                "clientDataJSON": encoded(self.client_data.as_bytes()),
            },
        }))
        .unwrap();
        let taken = self.core.register_credential(&credential, &self.state, trusted);
        taken.map(drop).map_err(|error| error.to_string())
    }
}

/// A script that asks python-fido2, with a folder of its own.
pub struct Python {
    script: &'static str,
    folder: TempDir,
}

impl Python {
    pub fn new(script: &'static str) -> Self {
        Self { script, folder: tempfile::tempdir().unwrap() }
    }

    pub fn run(&self, verb: &str, question: &Value) -> Value {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let file = self.folder.path().join(verb);
        std::fs::write(&file, question.to_string()).unwrap();
        let output = Command::new(checkout.join("tests/python/run"))
            .arg("--script")
            .arg(checkout.join("tests/python").join(self.script))
            .arg(verb)
            .arg(&file)
            .env("LATCHKEY_AUTHORITY", self.folder.path())
            .output()
            .expect("sh runs");
        let report = String::from_utf8_lossy(&output.stderr);
        println!("{report}");
        assert!(output.status.success(), "{report}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// What trusts one certificate (DER) for one model.
pub fn trusting(certificate: &[u8], aaguid: [u8; 16]) -> AttestationCaList {
    let mut trusted = AttestationCaListBuilder::new();
    let name = "Latchkey".to_owned();
    trusted.insert_device_der(certificate, Uuid::from_bytes(aaguid), name, BTreeMap::new()).unwrap();
    trusted.build()
}
