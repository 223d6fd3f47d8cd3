//! Attestation statements before two relying parties that have no part in them. python-fido2 takes the right ones and
//! refuses each that has one thing wrong. webauthn-rs takes self attestation; of the format "tpm" its 0.6.2 takes nothing,
//! because its hash of what was signed (`only_hash_from_type`) knows no algorithm.

use latchkey_protocol::attestation::AttestationObject;
use latchkey_protocol::{Algorithm, CredentialParameter};
use serde_json::json;

use crate::attestation::Joined;
use crate::platform::RP;
use crate::verifiers::{Python, Site, hex, trusting, unhex};

/// python-fido2 2.2.1 looks at no validity of a certificate, and does not compare `ver`.
const PYTHON_IS_LENIENT: [&str; 2] = ["certificate over", "version"];

#[test]
fn right_statements_are_taken_and_those_with_one_thing_wrong_are_not() {
    let mut joined = Joined::start();
    let site = Site::new();
    let python = Python::new("tpm_statements.py");
    let point = joined.attestation_key.to_sec1_point(false);
    let certificates = python.run("certify", &json!({ "point": hex(point.as_bytes()) }));
    joined.follow_certified(&[RP], &unhex(&certificates["good"]));
    let trusted = trusting(&unhex(&certificates["root"]), latchkey_ctap::aaguid::VIRTUAL);

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
