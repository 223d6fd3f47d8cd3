//! Enterprise keys: who may register one, for which device, and what becomes of an older one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_container::tpm::{KeyAlgorithm, Tpm as _};
use latchkey_idp::domain::{Amr, Authentication, DeviceId, RequiredAttestation, Rsa1, first_party};
use latchkey_tests::swtpm::Swtpm;
use serde_json::{Value, json};

use super::DRS;
use super::machine::{Machine, auth, certify, evidence, join, rsa1, with_evidence};
use crate::rig::{Answer, Rig};

const PATH: &str = "/EnrollmentServer/key/?api-version=1.0";
const REFUSED: &str = "enterprise_key.refused";

/// A public key whose modulus is all of this byte: nobody signs with it here.
fn key(byte: u8) -> Rsa1 {
    Rsa1::new(&[1, 0, 1], &[byte | 0x81; 256]).unwrap()
}

fn body(key: &Rsa1) -> Value {
    json!({ "kngc": STANDARD.encode(key.bytes()) })
}

/// The body with what a device signs.
async fn signed(rig: &Rig, machine: &Machine, key: &Rsa1) -> Value {
    machine.key_body(key, &rig.drs_nonce().await)
}

async fn register(rig: &Rig, token: &str, body: &Value) -> Answer {
    rig.post_json(PATH, Some(token), body).await
}

/// A token on a device, as a primary refresh token gives it.
async fn bound(rig: &Rig, device: &str, authentication: Authentication) -> String {
    let device: DeviceId = device.parse().unwrap();
    rig.drs_token(Authentication { device: Some(device), ..authentication }).await
}

#[tokio::test]
async fn a_user_has_one_key_on_each_device() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let (mut one, mut two) = (Machine::software("One"), Machine::software("Two"));
    one.join(&rig, &token).await;
    two.join(&rig, &token).await;
    let first = register(&rig, &token, &signed(&rig, &one, &key(1)).await).await.ok();
    assert_eq!((first["upn"].as_str(), first["krctx"].as_str()), (Some("alice@example.org"), Some("")));
    assert_eq!(rig.last_audit().await.0, "enterprise_key.registered");
    let again = register(&rig, &token, &signed(&rig, &one, &key(1)).await).await.ok();
    assert_eq!(again["kid"], first["kid"], "the same key is the same key");
    register(&rig, &token, &signed(&rig, &two, &key(3)).await).await.ok();
    let next = register(&rig, &token, &signed(&rig, &one, &key(5)).await).await.ok();
    assert_ne!(next["kid"], first["kid"]);
    let keys = rig.database.enterprise_keys().of_user(rig.user.id).await.unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|held| [key(3), key(5)].contains(&held.key)), "{keys:?}");
    assert!(keys.iter().all(|held| held.multifactor));
    let me = rig.user.id.to_string();
    let denied = register(&rig, &token, &signed(&rig, &two, &key(5)).await).await;
    denied.noted((409, "key_in_use"), &rig, (REFUSED, &me)).await;
    assert_eq!(denied.body["response"], "ERROR_FAIL");
    assert!(denied.body["innererror"]["trace"].is_string());

    // A token that was given on a device needs no signature, as brokers have it.
    let on_two = bound(&rig, &two.id, rig.fresh()).await;
    register(&rig, &on_two, &body(&key(7))).await.ok();
    let both = register(&rig, &on_two, &signed(&rig, &one, &key(9)).await).await;
    both.noted((403, "other_device"), &rig, (REFUSED, &me)).await;
    register(&rig, &token, &body(&key(9))).await.noted((400, "device_missing"), &rig, (REFUSED, &me)).await;
}

#[tokio::test]
async fn two_factors_of_the_last_ten_minutes_are_needed() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    machine.join(&rig, &token).await;
    let me = rig.user.id.to_string();
    let password = Authentication { methods: vec![Amr::Pwd], ..rig.fresh() };
    let not_fresh = Authentication { methods: vec![Amr::Pwd, Amr::Otp, Amr::Mfa], ..rig.fresh() };
    for (authentication, code) in [(password, "multifactor_required"), (not_fresh, "multifactor_stale")] {
        let token = rig.drs_token(authentication).await;
        let refused = register(&rig, &token, &signed(&rig, &machine, &key(1)).await).await;
        refused.noted((403, code), &rig, (REFUSED, &me)).await;
    }
    rig.wait(Duration::from_mins(10));
    register(&rig, &token, &signed(&rig, &machine, &key(1)).await).await.ok();
    rig.wait(Duration::from_secs(1));
    let late = register(&rig, &token, &signed(&rig, &machine, &key(3)).await).await;
    late.noted((403, "multifactor_stale"), &rig, (REFUSED, &me)).await;
    let keys = rig.database.enterprise_keys().of_user(rig.user.id).await.unwrap();
    assert_eq!(keys.len(), 1, "nothing was stored by those who were refused");
}

#[tokio::test]
async fn tokens_of_others_nonces_of_before_and_disabled_devices_are_worth_nothing() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    machine.join(&rig, &token).await;
    let me = rig.user.id.to_string();
    // For another audience: a token of ours, so we know who tries.
    let graph = rig.broker_token("https://graph.microsoft.com/.default", rig.fresh()).await;
    let refused = register(&rig, &graph, &signed(&rig, &machine, &key(1)).await).await;
    refused.noted((401, "invalid_token"), &rig, (REFUSED, &me)).await;
    // Somebody whom nothing names.
    for token in [None, Some("e30.e30.e30")] {
        let refused = rig.post_json(PATH, token, &body(&key(1))).await;
        refused.noted((401, "invalid_token"), &rig, (REFUSED, "unknown")).await;
    }

    let spent = signed(&rig, &machine, &key(1)).await;
    register(&rig, &token, &spent).await.ok();
    register(&rig, &token, &spent).await.noted((400, "invalid_nonce"), &rig, (REFUSED, &me)).await;
    let mut swapped = signed(&rig, &machine, &key(3)).await;
    swapped["kngc"] = STANDARD.encode(key(5).bytes()).into();
    let refused = register(&rig, &token, &swapped).await;
    refused.noted((400, "attestation_other_key"), &rig, (REFUSED, &me)).await;
    let stranger = Machine::software("Stranger");
    let mut forged = signed(&rig, &machine, &key(3)).await;
    let payload = json!({ "nonce": "n", "aud": "a", "kngc": "k" });
    forged["request"] = stranger.signed_with(&machine.certificate, &payload).into();
    register(&rig, &token, &forged).await.noted((401, "wrong_signature"), &rig, (REFUSED, &me)).await;

    // A user of another tenant, on this tenant's device.
    let elsewhere = rig.another_tenant(77, "elsewhere.example").await;
    let carol = rig.user_with_password(elsewhere, "carol@elsewhere.example", "a long password").await;
    let authentication = Authentication { user: carol.id, ..rig.fresh() };
    let theirs = {
        let scope = format!("{DRS}/.default");
        rig.token_in(elsewhere, (first_party::LINUX_BROKER, &scope), authentication).await
    };
    let refused = register(&rig, &theirs, &signed(&rig, &machine, &key(3)).await).await;
    refused.noted((401, "device_unknown"), &rig, (REFUSED, &carol.id.to_string())).await;

    let id: DeviceId = machine.id.parse().unwrap();
    let on_it = bound(&rig, &machine.id, rig.fresh()).await;
    rig.database.devices().set_enabled((rig.tenant, id), false, rig.now()).await.unwrap();
    // What was given on it is revoked; what was given elsewhere does not help it either.
    let refused = register(&rig, &on_it, &body(&key(3))).await;
    refused.noted((401, "invalid_token"), &rig, (REFUSED, &me)).await;
    let refused = register(&rig, &token, &signed(&rig, &machine, &key(3)).await).await;
    refused.noted((401, "device_disabled"), &rig, (REFUSED, &me)).await;
    rig.database.devices().set_enabled((rig.tenant, id), true, rig.now()).await.unwrap();
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    let refused = register(&rig, &token, &signed(&rig, &machine, &key(3)).await).await;
    refused.noted((401, "invalid_token"), &rig, (REFUSED, &me)).await;
}

#[tokio::test]
async fn a_key_in_the_tpm_of_its_device_is_attested() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = Machine::with_tpm("Laptop", Swtpm::start(&folder.path().join("tpm")));
    let rig = Rig::start().await;
    rig.decide(|policy| policy.devices.attestation = RequiredAttestation::Verified).await;
    let token = rig.drs_token(rig.fresh()).await;
    let joined = with_evidence(machine.join_body(), &evidence(&rig, &token, &machine).await);
    machine.keep(&join(&rig, &token, &joined).await.ok());
    let (created, other) = machine.tpm(|keys| {
        let mut make = || keys.tpm.create_key(KeyAlgorithm::Rs256, &auth(4)).unwrap();
        (make(), make())
    });
    let enterprise = rsa1(&created.public);
    let me = rig.user.id.to_string();
    let bare = register(&rig, &token, &signed(&rig, &machine, &enterprise).await).await;
    bare.noted((403, "attestation_required"), &rig, (REFUSED, &me)).await;

    let attested = async |blob, role: &str, around: Option<&str>| {
        let nonce = rig.drs_nonce().await;
        let mut evidence = machine.tpm(|keys| certify(keys, (blob, 4), role, around.unwrap_or(&nonce)));
        evidence["profile"] = "latchkey-tpm-1".into();
        evidence["nonce"] = nonce.clone().into();
        let mut body = machine.key_body(&enterprise, &nonce);
        body["attestation"] = evidence;
        register(&rig, &token, &body).await
    };
    for (blob, role, around, code) in [
        (&created.blob, "device", None, "attestation_purpose"),
        (&created.blob, "enterprise", Some("another nonce"), "attestation_purpose"),
        (&other.blob, "enterprise", None, "attestation_other_key"),
    ] {
        attested(blob, role, around).await.noted((400, code), &rig, (REFUSED, &me)).await;
    }
    let answer = attested(&created.blob, "enterprise", None).await.ok();
    let stored = rig.database.enterprise_keys().find(&enterprise.key_id()).await.unwrap().unwrap();
    assert_eq!((json!(stored.id), stored.attestation.word()), (answer["kid"].clone(), "verified"));
}
