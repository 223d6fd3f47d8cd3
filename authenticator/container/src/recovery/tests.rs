//! Both protocols against recorded exchanges, which the service's side checks as well.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::blind_p256::Blinding;
use super::hpke_p256::AnswerKey;
use super::pending::ANSWER_INFO;
use super::{Binding, Heading, Point, RecoveryPurpose, RecoveryService};
use crate::compartment::CompartmentId;
use crate::time::UnixTime;

const HPKE: &str = include_str!("../../../../tests/vectors/pin_reset/hpke-p256.json");
const BLIND: &str = include_str!("../../../../tests/vectors/pin_reset/blind-p256.json");

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = text(value);
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn base64url(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(value)).unwrap()
}

fn point(value: &Value) -> Point {
    base64url(value).try_into().unwrap()
}

fn service(vector: &Value) -> RecoveryService {
    let binding = Binding {
        tenant: text(&vector["tid"]),
        user: text(&vector["oid"]),
        device: text(&vector["deviceId"]),
    };
    let (kid, keys) = (text(&vector["kid"]), &vector["service"]);
    if vector["protocol"] == "hpke-p256" {
        RecoveryService::Hpke { kid, key: point(&keys["key"]), binding }
    } else {
        let (recover, administer) = (point(&keys["recover"]), point(&keys["administer"]));
        RecoveryService::Blind { kid, recover, administer, binding }
    }
}

fn heading<'a>(vector: &Value, service: &'a RecoveryService) -> Heading<'a> {
    Heading {
        service,
        compartment: CompartmentId(hex(&vector["containerId"]).try_into().unwrap()),
        version: vector["protectorVersion"].as_u64().unwrap(),
        created: UnixTime(vector["created"].as_u64().unwrap()),
    }
}

#[test]
fn envelopes_and_what_secrets_are_bound_to() {
    for vector in [HPKE, BLIND] {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let service = service(&vector);
        let heading = heading(&vector, &service);
        for purpose in RecoveryPurpose::BOTH {
            assert_eq!(heading.binding(purpose), text(&vector["binding"][purpose.name()]));
        }
        let theirs: Value = serde_json::from_slice(&base64url(&vector["protectedSecret"])).unwrap();
        let ours = heading.envelope(&base64url(&theirs["recover"]), &base64url(&theirs["administer"]));
        assert!(!ours.contains('='));
        let ours: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(ours).unwrap()).unwrap();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn answers_give_the_secret() {
    for vector in [HPKE, BLIND] {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let service = service(&vector);
        let heading = heading(&vector, &service);
        let exchanges = vector["exchanges"].as_array().unwrap();
        assert_eq!(exchanges.len(), 2);
        for exchange in exchanges {
            let purpose = RecoveryPurpose::BOTH
                .into_iter()
                .find(|purpose| exchange["purpose"] == purpose.name())
                .unwrap();
            let key = AnswerKey::of(&hex(&exchange["responsePrivate"]));
            let (hash, answer) = (hex(&exchange["requestHash"]), base64url(&exchange["answer"]));
            let opened = key.open(ANSWER_INFO, &hash, &answer).unwrap();
            assert_eq!(*opened, hex(&exchange["plaintext"]));
            assert!(key.open(ANSWER_INFO, &[0; 32], &answer).is_none(), "an answer to another request");

            let secret = match &service {
                RecoveryService::Hpke { .. } => opened.to_vec(),
                RecoveryService::Blind { .. } => {
                    let blinding = Blinding::of(&hex(&exchange["blinding"]), &point(&exchange["blinded"]));
                    let bound_to = heading.binding(purpose);
                    let recover =
                        |point: &Point, answer: &[u8]| blinding.recover(point, bound_to.as_bytes(), answer);
                    assert!(recover(&point(&exchange["blinded"]), &opened).is_none(), "not the pinned point");
                    for at in [1, 64, 65, 96, 97, 128] {
                        let mut lie = opened.to_vec();
                        lie[at] ^= 1;
                        assert!(recover(service.point(purpose), &lie).is_none(), "byte {at}");
                    }
                    recover(service.point(purpose), &opened).unwrap().expose().to_vec()
                }
            };
            assert_eq!(secret, hex(&exchange["secret"]));
            assert_eq!(secret, hex(&vector["secrets"][purpose.name()]));
        }
    }
}
