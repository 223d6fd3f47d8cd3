//! Each algorithm of getInfo: a passkey of it attests itself (WebAuthn L3 §8.2) and signs in (§6.5.5).

use aws_lc_rs::signature::{self, UnparsedPublicKey};
use latchkey_ctap::Policy;
use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{Algorithm, CredentialParameter, Request, Status, get_assertion, get_info};

use crate::device::{Device, status};
use crate::platform::{
    self, HASH, RP, attested, authentication, prove_authentication, prove_registration, registration,
};

/// With a verifier that has no part in the engine.
fn verifies(key: &CoseKey, message: &[u8], sig: &[u8]) -> bool {
    match key {
        CoseKey::P256 { x, y } => {
            let point = [&[4], &x[..], y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point).verify(message, sig)
        }
        CoseKey::P384 { x, y } => {
            let point = [&[4], &x[..], y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_ASN1, point).verify(message, sig)
        }
        CoseKey::Rsa { n, e } => {
            let key = signature::RsaPublicKeyComponents { n, e };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, sig)
        }
        CoseKey::Ed25519 { x } => UnparsedPublicKey::new(&signature::ED25519, x).verify(message, sig),
        CoseKey::MlDsa44 { key } => UnparsedPublicKey::new(&signature::ML_DSA_44, key).verify(message, sig),
        CoseKey::Other(key) => panic!("another key: {key:?}"),
    }
    .is_ok()
}

fn offered(device: &mut Device) -> Vec<Algorithm> {
    let info = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap();
    info.algorithms.iter().map(|parameter| parameter.alg).collect()
}

fn registers(device: &mut Device, algorithm: Algorithm) -> CoseKey {
    let mut request = registration();
    request.pub_key_cred_params = vec![CredentialParameter::public_key(algorithm)];
    let registered = platform::register(device, request);
    let key = attested(&registered).public_key;
    assert_eq!(key.algorithm(), Some(algorithm));
    let AttestationStatement::PackedSelf { alg, sig } = &registered.att_stmt else { panic!("{algorithm}") };
    assert_eq!(*alg, algorithm);
    assert!(verifies(&key, &[&registered.auth_data[..], &HASH].concat(), sig), "{algorithm}");
    assert!(!verifies(&key, &registered.auth_data, sig), "{algorithm}: the client data is signed, too");
    key
}

fn registers_and_signs_in(device: &mut Device, algorithm: Algorithm) {
    let key = registers(device, algorithm);
    // The key is read from its record again.
    device.power_cycle();
    let token = platform::token(device, Permissions::GET_ASSERTION, Some(RP));
    let mut request = authentication();
    prove_authentication(&mut request, &token);
    let response = get_assertion::Response::parse(&device.send(&Request::GetAssertion(request))).unwrap();
    let message = [&response.auth_data[..], &HASH].concat();
    assert!(verifies(&key, &message, &response.signature), "{algorithm}");
}

#[test]
fn each_one_that_is_offered_registers_and_signs_in() {
    let mut device = Device::with_pin();
    let algorithms = offered(&mut device);
    assert_eq!(algorithms, [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::EDDSA]);
    for algorithm in algorithms {
        registers_and_signs_in(&mut device, algorithm);
    }
}

#[test]
fn ml_dsa_44_is_there_when_an_administrator_wants_it() {
    let mut device = Device::with_pin();
    let mut request = registration();
    request.pub_key_cred_params = vec![CredentialParameter::public_key(Algorithm::ML_DSA_44)];
    let token = platform::token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
    prove_registration(&mut request, &token);
    let refused = device.send(&Request::MakeCredential(request));
    assert_eq!(status(&refused), Status::UNSUPPORTED_ALGORITHM);

    device.engine().follow(Policy { ml_dsa_44: true, ..Policy::default() });
    assert_eq!(offered(&mut device).last(), Some(&Algorithm::ML_DSA_44));
    registers(&mut device, Algorithm::ML_DSA_44);
}
