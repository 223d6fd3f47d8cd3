//! Packed attestation with the certificate of the installation (WebAuthn L3 §8.2), which an administrator may want for
//! clients that take no self attestation.

use std::path::Path;

use ciborium::Value;
use latchkey_container::{Container, CreateOptions, Profile, StretchCost, UnixTime};
use latchkey_ctap::{Policy, aaguid};
use latchkey_protocol::attestation::{AttestationObject, AttestationStatement};
use latchkey_protocol::make_credential::Response;
use latchkey_protocol::{Algorithm, CredentialParameter, Request, Status, get_info};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::attestation::{Joined, member};
use crate::device::{Device, rng, status};
use crate::platform::{attested, register, registration};
use crate::verifiers::{Python, Site, hex, trusting};

const WANTED: Policy = Policy { organisations: Vec::new(), ml_dsa_44: true, attestation_certificate: true };

/// The container that is kept in a folder, and made there at first. What is drawn from one seed is the same each time.
fn container(folder: &Path, seed: u64) -> Container {
    let drawn = Box::new(ChaCha20Rng::seed_from_u64(seed));
    let tpm = Box::new(SoftwareTpm::open(folder, drawn).unwrap());
    let path = folder.join("container");
    if path.exists() {
        return Container::open(&path, tpm).unwrap();
    }
    let stretch = StretchCost { memory_kib: 8, passes: 1 };
    let options = CreateOptions { stretch, require_tpm: false, profile: Profile::Hello };
    Container::create(&path, tpm, &options, UnixTime(1), &mut rng()).unwrap()
}

/// Powered up, and following `policy`. Its clock is in 1970, which the certificate must survive.
fn powered(container: Container, policy: Policy) -> Device {
    let mut device = Device::powered(container);
    device.engine().follow(policy);
    device
}

fn registered(device: &mut Device, algorithm: Algorithm, preference: &[&str]) -> Response {
    let mut request = registration();
    request.pub_key_cred_params = vec![CredentialParameter::public_key(algorithm)];
    request.attestation_formats_preference = preference.iter().map(|&one| one.to_owned()).collect();
    register(device, request)
}

/// The one certificate of a packed statement; `None` for self attestation.
fn certificate(response: &Response) -> Option<Vec<u8>> {
    assert_eq!(response.att_stmt.format(), "packed");
    match &response.att_stmt {
        AttestationStatement::PackedSelf { .. } => None,
        statement @ (AttestationStatement::None | AttestationStatement::Other(..)) => {
            match member(statement, "x5c").as_array().unwrap().as_slice() {
                [one] => Some(one.as_bytes().unwrap().clone()),
                several => panic!("{several:?}"),
            }
        }
    }
}

#[test]
fn it_is_one_from_its_first_use_to_a_reset_and_only_where_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let mut device = powered(container(folder.path(), 1), Policy::default()).set_pin();
    let es256 = |device: &mut Device| certificate(&registered(device, Algorithm::ES256, &[]));
    assert_eq!(es256(&mut device), None, "off unless somebody wants it (A12)");
    assert!(device.container().installation_key().unwrap().is_none());

    device.engine().follow(WANTED);
    let first = es256(&mut device).expect("it is wanted");
    for algorithm in [Algorithm::ES384, Algorithm::RS256, Algorithm::EDDSA, Algorithm::ML_DSA_44] {
        let response = registered(&mut device, algorithm, &["packed"]);
        assert_eq!(attested(&response).public_key.algorithm(), Some(algorithm));
        assert_eq!(certificate(&response).as_ref(), Some(&first), "{algorithm}");
        assert_eq!(
            member(&response.att_stmt, "alg"),
            &Value::from(Algorithm::ES256.0),
            "the certified key's"
        );
    }
    let formats = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap().attestation_formats;
    assert_eq!(formats, ["packed"]);

    drop(device);
    let mut device = powered(container(folder.path(), 2), WANTED);
    assert_eq!(es256(&mut device).as_ref(), Some(&first), "after a restart");
    device.engine().follow(Policy::default());
    assert_eq!(es256(&mut device), None, "no longer wanted");
    device.engine().follow(WANTED);
    assert_eq!(es256(&mut device).as_ref(), Some(&first));

    assert_eq!(status(&device.send(&Request::Reset)), Status::OK);
    assert!(device.container().installation_key().unwrap().is_none(), "nothing of it is left");
    let mut device = device.set_pin();
    let second = es256(&mut device).expect("it is wanted still");
    let key = |der: &[u8]| X509Certificate::from_der(der).unwrap().1.public_key().raw.to_vec();
    assert_ne!(key(&first), key(&second), "nobody can tell that it is the same installation");
}

#[test]
fn other_formats_are_given_as_ever() {
    let mut joined = Joined::start();
    for wanted in [false, true] {
        joined.decide(|policy| policy.attestation_certificate = wanted);
        for (preference, expected) in [("none", "none"), ("tpm", "tpm")] {
            let response = joined.register(|request| {
                request.attestation_formats_preference = vec![preference.to_owned()];
            });
            assert_eq!(response.unwrap().att_stmt.format(), expected, "{wanted}");
        }
        let packed = joined.register(|_| ()).unwrap();
        assert_eq!(certificate(&packed).is_some(), wanted);
    }
}

#[test]
fn relying_parties_of_others_take_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut device = powered(container(folder.path(), 1), WANTED).set_pin();
    let (site, python) = (Site::new(), Python::new("packed_statements.py"));
    let mut request = registration();
    request.client_data_hash = site.hash();
    let response = register(&mut device, request);
    let ours = certificate(&response).unwrap();
    let response = AttestationObject { att_stmt: response.att_stmt, auth_data: response.auth_data }.encode();

    let other = tempfile::tempdir().unwrap();
    let mut other = powered(container(other.path(), 3), WANTED).set_pin();
    let another = certificate(&registered(&mut other, Algorithm::ES256, &[])).unwrap();

    // webauthn-rs 0.6.2 verifies signature and certificate, and trusts no authority that is not marked as one: where it has
    // a list, the statement is worth what self attestation is.
    assert_eq!(site.takes(&response, None), Ok(()));
    let untrusted = site.takes(&response, Some(&trusting(&ours, aaguid::SOFTWARE)));
    untrusted.expect_err("nobody stands above it");
    for (trusted, expected) in [(&ours, true), (&another, false)] {
        let said = python.run(
            "judge",
            &json!({
                "attestation_object": hex(&response),
                "client_data_hash": hex(&site.hash()),
                "certificate": hex(trusted),
            }),
        );
        let subject = "CN=Latchkey installation,OU=Authenticator Attestation,O=Latchkey,C=XX";
        let right = json!({
            "type": "BASIC",
            "version": "v3",
            "subject": subject,
            "issuer": subject,
            "is an authority": false,
            "taken": expected,
            "taken with another signature": false,
            "taken with another algorithm": false,
            "taken with another certificate": false,
            "taken with another passkey": false,
        });
        assert_eq!(said, right);
    }
}
