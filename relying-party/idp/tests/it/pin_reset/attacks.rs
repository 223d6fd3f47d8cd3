//! What somebody would try, each refused by name and written down.

use std::time::Duration;

use latchkey_idp::domain::{Amr, Authentication, first_party};
use latchkey_idp::pin_reset::{Owner, Purpose};
use latchkey_idp::storage::RuleFor;
use serde_json::{Value, json};

use super::device::RegisteredDevice;
use super::ground::{Ground, on_both};
use super::protector::text;
use super::scene::{CONTAINER, last_entry, token, token_for};

on_both! { "attacks":
    the_sign_in_must_be_strong_and_fresh_and_not_the_forgotten_one
    the_token_must_be_for_this_service_and_of_its_client
    another_users_token_opens_nothing
    another_tenants_device_and_envelope_open_nothing
    an_envelope_of_elsewhere_does_not_open
    a_request_is_good_once_here_and_from_this_device
    a_token_that_names_a_device_is_for_that_device
    points_must_be_points
    keys_of_elsewhere_are_unknown
    who_is_disabled_or_forbidden_resets_nothing
}

/// Sends a reset after one thing of it was changed.
macro_rules! spoilt {
    ($scene:ident, $reset:ident => $spoil:expr, $status:literal, $code:literal) => {{
        let mut spoilt = $scene.reset().await;
        {
            let $reset = &mut spoilt;
            let _ = &$reset;
            $spoil;
        }
        let answer = $scene.send(&spoilt).await;
        $scene.refused(&answer, $status, $code).await;
    }};
}

async fn the_sign_in_must_be_strong_and_fresh_and_not_the_forgotten_one(ground: &Ground) {
    let mut scene = ground.hpke().await;
    for (methods, code) in [
        (vec![Amr::Fido, Amr::Mfa], "mfa_required"),
        (vec![Amr::Rsa, Amr::Hwk, Amr::Mfa, Amr::NgcMfa], "hello_key_not_allowed"),
    ] {
        let authentication = Authentication { methods, ..scene.authentication() };
        let token = token(&scene.rig, authentication).await;
        let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        scene.refused(&answer, 403, code).await;
    }
    let token = token(&scene.rig, scene.authentication()).await;
    scene.rig.wait(Duration::from_mins(10));
    let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
    assert_eq!(scene.send(&reset).await.status, 200, "ten minutes are not too old");
    scene.rig.wait(Duration::from_secs(1));
    let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "mfa_stale").await;
}

async fn the_token_must_be_for_this_service_and_of_its_client(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let client = first_party::PIN_RESET_CLIENT.to_string();
    let loopback = "http://127.0.0.1:1/";
    let graph = "https://graph.microsoft.com";
    let other = token_for(&scene.rig, (&client, loopback), graph, scene.authentication()).await;
    let broker = first_party::LINUX_BROKER.to_string();
    let resource = latchkey_idp::pin_reset::RESOURCE;
    let brokers = token_for(&scene.rig, (&broker, loopback), resource, scene.authentication()).await;
    for (authorization, status, code) in [
        (format!("Bearer {other}"), 401, "token_audience"),
        (format!("Bearer {brokers}"), 403, "token_client"),
        (format!("DPoP {other}"), 401, "token_audience"),
    ] {
        let reset = scene.reset_with(&authorization, Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        scene.refused(&answer, status, code).await;
    }
    for nobodys in ["Bearer e30.e30.e30", ""] {
        let reset = scene.reset_with(nobodys, Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        scene.refused_unknown(&answer, 401, "token_invalid").await;
    }
    let token = token(&scene.rig, scene.authentication()).await;
    scene.rig.wait(Duration::from_hours(2));
    let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
    let answer = scene.send(&reset).await;
    scene.refused_unknown(&answer, 401, "token_invalid").await;
}

async fn another_users_token_opens_nothing(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let mallory = scene.rig.another_user("mallory@example.org").await;
    let token_of = Authentication { user: mallory.id, ..scene.authentication() };
    let mut user = scene.rig.user.clone();
    std::mem::swap(&mut user, &mut scene.rig.user);
    scene.rig.user = mallory.clone();
    let stolen = token(&scene.rig, token_of).await;
    scene.rig.user = user;
    // With the victim's device.
    let reset = scene.reset_with(&format!("Bearer {stolen}"), Purpose::Recover).await;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "device_mismatch").await;
    // With a device of their own, and the victim's envelope.
    let own = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, mallory.id)).await;
    let reset = scene.reset_with(&format!("Bearer {stolen}"), Purpose::Recover).await;
    let answer = scene.post(&reset, &own.sign(&reset.payload)).await;
    scene.refused(&answer, 403, "envelope_user").await;
    assert_eq!(scene.events().await.len(), 2);
}

async fn another_tenants_device_and_envelope_open_nothing(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let tenant = scene.rig.another_tenant(77, "other.example").await;
    let user = scene.rig.user_with_password(tenant, "eve@other.example", "a long password of eve").await;
    let device = RegisteredDevice::register(&scene.rig, (tenant, user.id)).await;
    let reset = scene.reset().await;
    let answer = scene.post(&reset, &device.sign(&reset.payload)).await;
    scene.refused(&answer, 403, "device_unknown").await;

    let owner = Owner { tenant, user: user.id, device: device.id, container: CONTAINER.parse().unwrap() };
    let envelope = scene.protect(&owner, "hpke-p256").await.envelope;
    let mut reset = scene.reset().await;
    reset.payload["envelope"] = hash(&envelope);
    reset.envelope = envelope;
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "envelope_tenant").await;
}

fn hash(envelope: &str) -> Value {
    use sha2::Digest as _;
    text(&sha2::Sha256::digest(envelope)).into()
}

async fn an_envelope_of_elsewhere_does_not_open(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let other = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, scene.rig.user.id)).await;
    // The envelope of the one device with a request of the other.
    let reset = scene.reset().await;
    let answer = scene.post(&reset, &other.sign(&reset.payload)).await;
    scene.refused(&answer, 403, "envelope_device").await;
    // What the envelope says about itself is changed until it fits: then it does not open.
    let changes: [fn(&mut Value); 5] = [
        |envelope| envelope["containerId"] = "ff112233445566778899aabbccddeeff".into(),
        |envelope| envelope["protectorVersion"] = 2.into(),
        |envelope| envelope["created"] = 1.into(),
        |envelope| envelope["recover"] = envelope["administer"].clone(),
        |envelope| {
            let part = envelope["recover"].as_str().unwrap().to_owned();
            // The last two bits of the text stand for nothing.
            let last = if part.ends_with('A') { "Q" } else { "A" };
            envelope["recover"] = format!("{}{last}", &part[..part.len() - 1]).into();
        },
    ];
    for change in changes {
        // A new user's limit each time: a try counts.
        scene.rig.wait(Duration::from_hours(1));
        let envelope = scene.protector.changed(change);
        spoilt!(scene, reset => { reset.payload["envelope"] = hash(&envelope); reset.envelope = envelope }, 400, "envelope_not_opened");
    }
    let envelope = scene.protector.changed(|envelope| envelope["deviceId"] = other.id.to_string().into());
    scene.rig.wait(Duration::from_hours(1));
    let mut reset = scene.reset().await;
    reset.payload["envelope"] = hash(&envelope);
    reset.envelope = envelope;
    let answer = scene.post(&reset, &other.sign(&reset.payload)).await;
    scene.refused(&answer, 400, "envelope_not_opened").await;
    // One that the device did not sign for.
    spoilt!(scene, reset => reset.envelope = scene.protector.changed(|_| ()) + "A", 400, "envelope_not_signed");
}

async fn a_request_is_good_once_here_and_from_this_device(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let reset = scene.reset().await;
    assert_eq!(scene.send(&reset).await.status, 200);
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 400, "nonce_invalid").await;
    spoilt!(scene, reset => reset.payload["nonce"] = "made up".into(), 400, "nonce_invalid");
    spoilt!(scene, reset => scene.rig.wait(Duration::from_mins(6)), 400, "nonce_invalid");
    spoilt!(scene, reset => reset.payload["aud"] = "https://evil.example/unprotectsecret/v1".into(), 400, "request_audience");
    spoilt!(scene, reset => reset.payload["purpose"] = "administer".into(), 403, "purpose_not_allowed");
    spoilt!(scene, reset => reset.payload["purpose"] = "everything".into(), 400, "request_malformed");

    // Another key under the device's certificate, and another kind of signed text.
    let other = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, scene.rig.user.id)).await;
    let reset = scene.reset().await;
    let answer = scene.post(&reset, &scene.device.sign_as("JWT", &reset.payload)).await;
    scene.refused(&answer, 400, "malformed_request").await;
    let own = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, scene.rig.user.id)).await;
    let forged = own.with_key_of(other).sign(&reset.payload);
    let answer = scene.post(&reset, &forged).await;
    scene.refused(&answer, 403, "request_signature").await;
    // What the device signed is taken apart, and one thing of it exchanged: whom the answer is sealed to, what it is about.
    let mut other = scene.reset().await;
    other.payload["purpose"] = "administer".into();
    for member in ["key", "envelope", "purpose", "nonce"] {
        let reset = scene.reset().await;
        let mut swapped = reset.payload.clone();
        swapped[member] = if member == "envelope" { hash("another") } else { other.payload[member].clone() };
        let (signed, swapped) = (scene.device.sign(&reset.payload), text(swapped.to_string().as_bytes()));
        let (header, others) = signed.split_once('.').unwrap();
        let (_, signature) = others.split_once('.').unwrap();
        let answer = scene.post(&reset, &format!("{header}.{swapped}.{signature}")).await;
        scene.refused(&answer, 403, "request_signature").await;
    }
    for body in ["", "{}", "[]", r#"{"protectedSecret":"x"}"#] {
        let answer = scene.post_body(&reset.authorization, body.to_owned()).await;
        scene.refused_unknown(&answer, 400, "malformed_request").await;
    }
    let answer = scene.post(&reset, "e30.e30.e30").await;
    scene.refused(&answer, 400, "request_malformed").await;
    let huge = json!({ "protectedSecret": "A".repeat(70_000), "request": "x" }).to_string();
    assert_eq!(scene.post_body(&reset.authorization, huge).await.status, 413);
}

async fn a_token_that_names_a_device_is_for_that_device(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let other = RegisteredDevice::register(&scene.rig, (scene.rig.tenant, scene.rig.user.id)).await;
    for (device, status) in [(scene.device.id, 200), (other.id, 403)] {
        let authentication = Authentication { device: Some(device), ..scene.authentication() };
        let token = token(&scene.rig, authentication).await;
        let reset = scene.reset_with(&format!("Bearer {token}"), Purpose::Recover).await;
        let answer = scene.send(&reset).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 403 {
            scene.refused(&answer, 403, "device_mismatch").await;
        }
    }
}

async fn points_must_be_points(ground: &Ground) {
    let mut scene = ground.blind().await;
    let garbage =
        [vec![0; 65], [vec![4], vec![0xff; 64]].concat(), vec![0], vec![4], vec![2; 33], vec![4; 65]];
    for bytes in garbage {
        let bad: Value = text(&bytes).into();
        spoilt!(scene, reset => reset.payload["key"] = bad.clone(), 400, "point_invalid");
        spoilt!(scene, reset => reset.payload["blinded"] = bad, 400, "point_invalid");
    }
    spoilt!(scene, reset => { reset.payload.as_object_mut().unwrap().remove("blinded"); }, 400, "malformed_request");
    let mut scene = ground.hpke().await;
    for bytes in [vec![], vec![4; 113], vec![0; 113]] {
        let envelope = scene.protector.changed(|envelope| envelope["recover"] = text(&bytes).into());
        spoilt!(scene, reset => { reset.payload["envelope"] = hash(&envelope); reset.envelope = envelope }, 400, "point_invalid");
    }
    spoilt!(scene, reset => reset.payload["blinded"] = reset.payload["key"].clone(), 400, "malformed_request");
    // None of them counted.
    let reset = scene.reset().await;
    assert_eq!(scene.send(&reset).await.status, 200);
}

async fn keys_of_elsewhere_are_unknown(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let blind = scene
        .rig
        .get(
            &format!(
                "/getencryptionkey/v1?tid={}&protocol=blind-p256&oid={}&deviceId={}&containerId={CONTAINER}",
                scene.rig.tenant, scene.rig.user.id, scene.device.id
            ),
            None,
        )
        .await
        .ok();
    for kid in [Value::from("another"), blind["kid"].clone()] {
        let envelope = scene.protector.changed(|envelope| envelope["kid"] = kid);
        spoilt!(scene, reset => { reset.payload["envelope"] = hash(&envelope); reset.envelope = envelope }, 400, "key_unknown");
    }
}

async fn who_is_disabled_or_forbidden_resets_nothing(ground: &Ground) {
    let mut scene = ground.hpke().await;
    let rules = scene.rig.database.reset_rules();
    let (tenant, user) = (scene.rig.tenant, scene.rig.user.id);
    rules.set(tenant, RuleFor::User(user), Some(false)).await.unwrap();
    spoilt!(scene, reset => reset.payload["iat"] = 0.into(), 403, "user_forbidden");
    scene.rig.database.reset_rules().set(tenant, RuleFor::User(user), None).await.unwrap();
    scene.rig.decide(|policy| policy.enable_pin_recovery = false).await;
    spoilt!(scene, reset => reset.payload["iat"] = 0.into(), 403, "policy_disabled");
    scene.rig.decide(|policy| policy.enable_pin_recovery = true).await;

    let database = scene.rig.database.clone();
    let (devices, of_tenant) = (database.devices(), (tenant, scene.device.id));
    let reset = scene.reset().await;
    assert!(devices.set_enabled(of_tenant, false, scene.rig.now()).await.unwrap());
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "device_disabled").await;
    let actor = last_entry(&scene.rig).await["actor"].clone();
    assert_eq!(actor, format!("device:{}", scene.device.id), "it signed, so it is known which one tries");
    assert!(devices.set_enabled(of_tenant, true, scene.rig.now()).await.unwrap());
    let reset = scene.reset().await;
    scene.rig.database.users().set_enabled(user, false, scene.rig.now()).await.unwrap();
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "user_disabled").await;
    scene.rig.database.users().set_enabled(user, true, scene.rig.now()).await.unwrap();
    let reset = scene.reset().await;
    assert!(devices.remove(of_tenant, scene.rig.now()).await.unwrap());
    let answer = scene.send(&reset).await;
    scene.refused(&answer, 403, "device_unknown").await;
}
