//! What devices are given before they need it, and the life of the service's keys.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::pin_reset::{Error, keys, point, told};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;

use super::protector::public;
use crate::rig::{Answer, Rig};

const DAY: Duration = Duration::from_hours(24);
const CONTAINER: &str = "oid=00000000-0000-0000-0000-000000000002&deviceId=00000000-0000-0000-0000-0000000000aa&\
                         containerId=00112233445566778899aabbccddeeff";

async fn key(rig: &Rig, query: &str) -> Answer {
    rig.get(&format!("/getencryptionkey/v1?tid={}{query}", rig.tenant), None).await
}

fn chain(given: &Value) -> Vec<Vec<u8>> {
    let chain = given["x5c"].as_array().unwrap();
    chain.iter().map(|der| STANDARD.decode(der.as_str().unwrap()).unwrap()).collect()
}

fn certified(certificate: &X509Certificate<'_>) -> Vec<u8> {
    certificate.public_key().subject_public_key.data.to_vec()
}

/// The chain leads to the anchor that the device was told of, and its first certificate is for `key`.
#[track_caller]
fn leads_to_anchor(given: &Value, anchor: &[u8], key: &[u8]) {
    let chain = chain(given);
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[1], anchor);
    let (_, leaf) = parse_x509_certificate(&chain[0]).unwrap();
    let (_, anchor) = parse_x509_certificate(anchor).unwrap();
    leaf.verify_signature(Some(anchor.public_key())).unwrap();
    assert_eq!(leaf.issuer(), anchor.subject());
    assert_eq!(certified(&leaf), key);
    assert!(anchor.is_ca() && !leaf.is_ca());
}

#[tokio::test]
async fn a_device_gets_a_key_that_the_anchor_certified() {
    let rig = Rig::start().await;
    let tenant = rig.database.tenants().find(rig.tenant).await.unwrap().unwrap();
    let anchor = told(&rig.provider, &tenant, rig.user.id).await.unwrap().anchor;
    let given = key(&rig, "").await.ok();
    assert_eq!(given["alg"], "hpke-p256");
    assert!(given["notAfter"].as_str().unwrap().ends_with('Z'));
    let part = |name: &str| URL_SAFE_NO_PAD.decode(given["jwk"][name].as_str().unwrap()).unwrap();
    let key_bytes = [&[4], &part("x")[..], &part("y")].concat();
    assert!(point::parse(&key_bytes).is_some());
    leads_to_anchor(&given, &anchor, &key_bytes);
    assert_eq!(key(&rig, "").await.ok(), given, "it is the same until it is replaced");

    // By POST too, and in whichever case the path is written.
    let form = Body::from(format!("tid={}", rig.tenant));
    assert_eq!(rig.send(Request::post("/GetEncryptionKey/v1").body(form).unwrap()).await.ok(), given);

    // The points of one container, signed by a certified key over all that they are for.
    let points = key(&rig, &format!("&protocol=blind-p256&{CONTAINER}")).await.ok();
    let words = format!(
        "latchkey pin reset blind 1\n{}\n{}\n00000000-0000-0000-0000-000000000002\n\
         00000000-0000-0000-0000-0000000000aa\n00112233445566778899aabbccddeeff\n",
        points["kid"].as_str().unwrap(),
        rig.tenant
    );
    let (recover, administer) = (public(&points["recover"]), public(&points["administer"]));
    assert_ne!(recover, administer);
    let signed = [words.as_bytes(), &point::bytes(&recover), &point::bytes(&administer)].concat();
    let (_, leaf) = parse_x509_certificate(&chain(&points)[0])
        .map(|(rest, leaf)| (rest.len(), certified(&leaf)))
        .unwrap();
    leads_to_anchor(&points, &anchor, &leaf);
    let signature = URL_SAFE_NO_PAD.decode(points["signature"].as_str().unwrap()).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    VerifyingKey::from_sec1_bytes(&leaf).unwrap().verify(&signed, &signature).unwrap();
    let other = CONTAINER.replace("ddeeff", "ddeefe");
    assert_ne!(key(&rig, &format!("&protocol=blind-p256&{other}")).await.ok()["recover"], points["recover"]);

    for (query, code) in [
        ("?tid=00000000-0000-0000-0000-0000000000ff".to_owned(), "tenant_unknown"),
        (String::new(), "malformed_request"),
        ("?tid=x".to_owned(), "malformed_request"),
        (format!("?tid={0}&tid={0}", rig.tenant), "malformed_request"),
        (format!("?tid={}&protocol=rsa", rig.tenant), "malformed_request"),
        (format!("?tid={}&protocol=blind-p256", rig.tenant), "malformed_request"),
        (
            format!("?tid={}&protocol=blind-p256&{}", rig.tenant, CONTAINER.to_uppercase()),
            "malformed_request",
        ),
    ] {
        let refused = rig.get(&format!("/getencryptionkey/v1{query}"), None).await;
        assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some(code)), "{query}");
        assert_eq!(refused.body["errorMessage"], refused.body["error_description"]);
        assert!(refused.body["trace_id"].is_string() && refused.body["correlation_id"].is_string());
    }
}

#[tokio::test]
async fn keys_are_replaced_in_time_and_retired_by_hand() {
    let rig = Rig::start().await;
    let first = key(&rig, "").await.ok();
    let kid = first["kid"].as_str().unwrap().to_owned();
    assert!(matches!(keys::retire(&rig.provider, &kid).await, Err(Error::CurrentKey)));
    rig.wait(179 * DAY);
    rig.provider.tend().await;
    assert_eq!(key(&rig, "").await.ok()["kid"], *kid);
    rig.wait(2 * DAY);
    rig.provider.tend().await;
    let second = key(&rig, "").await.ok();
    assert_ne!(second["kid"], *kid);
    assert_eq!(chain(&second)[1], chain(&first)[1], "the anchor stays");
    let rotated = keys::rotate(&rig.provider).await.unwrap();
    assert_eq!(rotated.len(), 2);
    rig.wait(Duration::from_secs(1));

    keys::retire(&rig.provider, &kid).await.unwrap();
    assert!(matches!(keys::retire(&rig.provider, &kid).await, Err(Error::NoSuchKey)));
    let stored = rig.database.reset_keys().find(&kid).await.unwrap().unwrap();
    assert!(
        stored.sealed.is_empty() && stored.retired_at.is_some(),
        "nothing is left to open old envelopes with"
    );
    assert_eq!(rig.database.reset_keys().all().await.unwrap().len(), 5);
}
