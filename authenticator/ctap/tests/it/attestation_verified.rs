//! Attestation statements before two relying parties that have no part in them. python-fido2 takes the right ones and
//! refuses each that has one thing wrong. webauthn-rs takes self attestation; of the format "tpm" its 0.6.2 takes nothing,
//! because its hash of what was signed (`only_hash_from_type`) knows no algorithm.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_protocol::attestation::AttestationObject;
use latchkey_protocol::{Algorithm, CredentialParameter};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;
use webauthn_attestation_ca::{AttestationCaList, AttestationCaListBuilder};
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{COSEAlgorithm, RegisterPublicKeyCredential, RegistrationState};

use crate::attestation::Joined;
use crate::platform::RP;

/// A site with webauthn-rs, in the middle of a registration.
struct Site {
    core: WebauthnCore,
    state: RegistrationState,
    client_data: String,
}

impl Site {
    fn new() -> Self {
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

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.client_data).into()
    }

    /// With `trusted`, only an attestation that ends at one of its roots will do.
    fn takes(&self, object: &[u8], trusted: Option<&AttestationCaList>) -> Result<(), String> {
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

/// The certificates that python's authority makes for an attestation key, and python's verdicts.
struct Python {
    folder: TempDir,
}

impl Python {
    fn run(&self, verb: &str, question: &Value) -> Value {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let file = self.folder.path().join(verb);
        std::fs::write(&file, question.to_string()).unwrap();
        let output = Command::new(checkout.join("tests/python/run"))
            .arg("--script")
            .arg(checkout.join("tests/python/tpm_statements.py"))
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

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// python-fido2 2.2.1 looks at no validity of a certificate, and does not compare `ver`.
const PYTHON_IS_LENIENT: [&str; 2] = ["certificate over", "version"];

#[test]
fn right_statements_are_taken_and_those_with_one_thing_wrong_are_not() {
    let mut joined = Joined::start();
    let site = Site::new();
    let python = Python { folder: tempfile::tempdir().unwrap() };
    let point = joined.attestation_key.to_sec1_point(false);
    let certificates = python.run("certify", &json!({ "point": hex(point.as_bytes()) }));
    joined.follow_certified(&[RP], &unhex(&certificates["good"]));
    let mut trusted = AttestationCaListBuilder::new();
    let model = Uuid::from_bytes(latchkey_ctap::aaguid::VIRTUAL);
    let name = "Latchkey".to_owned();
    trusted.insert_device_der(&unhex(&certificates["root"]), model, name, BTreeMap::new()).unwrap();
    let trusted = trusted.build();

    let mut register = |algorithm: Algorithm, formats: &[&str]| {
        let response = joined.register(|request| {
            request.client_data_hash = site.hash();
            request.pub_key_cred_params = vec![CredentialParameter::public_key(algorithm)];
            request.attestation_formats_preference =
                formats.iter().map(|&format| format.to_owned()).collect();
        });
        let response = response.unwrap();
        AttestationObject { att_stmt: response.att_stmt, auth_data: response.auth_data }.encode()
    };
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256] {
        let of_itself = register(algorithm, &["packed"]);
        assert_eq!(site.takes(&of_itself, None), Ok(()), "{algorithm}, self attestation");
        site.takes(&of_itself, Some(&trusted)).expect_err("self attestation is nobody's word");
    }
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256] {
        let real = register(algorithm, &["tpm"]);
        let cases = python.run(
            "judge",
            &json!({
                "attestation_object": hex(&real),
                "client_data_hash": hex(&site.hash()),
                "certificates": certificates,
            }),
        );
        for case in cases.as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let right = ["real", "signed anew"].contains(&name) || PYTHON_IS_LENIENT.contains(&name);
            assert_eq!(case["taken"], json!(right), "python-fido2, {algorithm}, {name}");
            let taken = site.takes(&unhex(&case["object"]), Some(&trusted));
            assert!(taken.is_err(), "webauthn-rs knows the format now: expect of it what python-fido2 says");
        }
        assert_eq!(cases.as_array().unwrap().len(), 15);
    }
}
