use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::{Binding, RecoveryService, UnixTime};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData as _, date_time_ymd};
use serde_json::{Value, json};

use super::ServiceKey;
use crate::wire::WireError;

/// 2026-06-01.
const NOW: UnixTime = UnixTime(1_780_272_000);
const CONTAINER: &str = "000102030405060708090a0b0c0d0e0f";

/// A PIN reset service with a key, certified by an anchor.
struct Service {
    anchor: Vec<u8>,
    key: KeyPair,
    x5c: Vec<String>,
}

impl Service {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let ca = KeyPair::generate().expect("a key");
        let anchor = params.self_signed(&ca).expect("a certificate").der().to_vec();
        let issuer = Issuer::new(params, ca);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        Self { anchor, key, x5c: vec![BASE64_STANDARD.encode(certificate.der())] }
    }

    fn hpke(&self, point: &[u8]) -> Value {
        let [x, y] = [&point[1..33], &point[33..]].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
        json!({ "kid": "1", "alg": "hpke-p256", "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y },
            "x5c": self.x5c, "notAfter": "2027-01-01T00:00:00Z" })
    }

    /// Two points that the service signed for this container.
    fn blind(&self, container: &str) -> Value {
        let points: Vec<u8> = [4].into_iter().chain([1; 64]).chain([4]).chain([2; 64]).collect();
        let text = format!("latchkey pin reset blind 1\n1\ntenant\nuser\ndevice\n{container}\n");
        let der = self.key.serialize_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).expect("a key");
        assert_eq!(pair.public_key().as_ref(), self.key.der_bytes());
        let signed = [text.as_bytes(), &points].concat();
        let signature = pair.sign(&SystemRandom::new(), &signed).expect("it signs");
        let [recover, administer, signature] = [&points[..65], &points[65..], signature.as_ref()]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        json!({ "kid": "1", "alg": "blind-p256", "recover": recover, "administer": administer,
            "signature": signature, "x5c": self.x5c, "notAfter": "2027-01-01T00:00:00Z" })
    }
}

fn verified(answer: &Value, anchor: &[u8]) -> Result<RecoveryService, WireError> {
    let key: ServiceKey = serde_json::from_value(answer.clone()).expect("it has the form");
    let [tenant, user, device] = ["tenant", "user", "device"].map(str::to_owned);
    key.verified(anchor, Binding { tenant, user, device }, CONTAINER, NOW)
}

#[test]
fn a_key_that_the_anchor_vouches_for_is_taken() {
    let service = Service::new();
    let found = verified(&service.hpke(service.key.der_bytes()), &service.anchor);
    assert!(matches!(found, Ok(RecoveryService::Hpke { key, .. }) if key == service.key.der_bytes()));
    let found = verified(&service.blind(CONTAINER), &service.anchor);
    assert!(matches!(found, Ok(RecoveryService::Blind { recover, .. }) if recover[1..] == [1; 64]));
}

#[test]
fn the_key_of_a_man_in_the_middle_is_refused() {
    let (service, other) = (Service::new(), Service::new());
    let theirs = other.hpke(other.key.der_bytes());
    let refused = verified(&theirs, &service.anchor);
    assert!(matches!(refused, Err(WireError::Unverified(_))), "a chain of their own");
    let borrowed = service.hpke(other.key.der_bytes());
    let refused = verified(&borrowed, &service.anchor);
    assert!(matches!(refused, Err(WireError::Unverified(_))), "our chain around their key");
}

#[test]
fn blinded_points_of_another_container_are_refused() {
    let service = Service::new();
    let refused = verified(&service.blind("ffff"), &service.anchor);
    assert!(matches!(refused, Err(WireError::Unverified(_))));
    let mut swapped = service.blind(CONTAINER);
    (swapped["recover"], swapped["administer"]) = (swapped["administer"].clone(), swapped["recover"].clone());
    assert!(matches!(verified(&swapped, &service.anchor), Err(WireError::Unverified(_))));
}
