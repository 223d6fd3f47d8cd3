//! Discovery, registration with keys in files, policy, and leaving.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::domain::{Amr, Authentication, Registrars};
use serde_json::{Value, json};
use x509_parser::parse_x509_certificate;

use super::default_pin;
use super::machine::{Machine, join};
use crate::rig::{Rig, URL};

#[tokio::test]
async fn a_device_finds_the_service_registers_and_asks_for_its_policy() {
    let rig = Rig::start().await;
    let found = rig.get("/example.org/Discover?api-version=1.9&managed=True", None).await.ok();
    assert_eq!(found["DeviceJoinService"]["JoinEndpoint"], format!("{URL}/EnrollmentServer/device/"));
    assert_eq!(found["KeyProvisioningService"]["KeyProvisionResourceId"], super::DRS);
    assert_eq!(found["TenantInfo"]["TenantId"], rig.tenant.to_string());
    assert_eq!(rig.get("/nowhere.example/Discover", None).await.status, 404);

    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    let answer = machine.join(&rig, &token).await;
    assert_eq!(answer["User"]["Upn"], "alice@example.org");
    assert_eq!(answer["TenantId"], rig.tenant.to_string());
    assert_eq!(answer["Certificate"]["Thumbprint"].as_str().unwrap().len(), 40);
    assert!(answer["AttestationKeyCertificate"].is_null());
    assert_eq!(answer["Policy"]["PINComplexity"], default_pin());
    let sid = answer["MembershipChanges"][0]["AddSIDs"][0].as_str().unwrap();
    assert!(sid.starts_with("S-1-12-1-"), "{sid}");
    let (action, actor, _) = rig.last_audit().await;
    assert_eq!((action, actor), ("device.registered".to_owned(), rig.user.id.to_string()));

    let (_, certificate) = parse_x509_certificate(&machine.certificate).unwrap();
    assert_eq!(certificate.subject().to_string(), format!("CN={}", machine.id));
    let issuer = certificate.issuer().to_string();
    assert!(issuer.starts_with("DC=net, DC=windows, CN=MS-Organization-Access, OU="), "{issuer}");
    let tenant = certificate
        .extensions()
        .iter()
        .find(|extension| extension.oid.to_id_string() == "1.2.840.113556.1.5.284.5");
    let expected = [&[0x04, 0x81, 0x10], rig.tenant.guid().to_bytes_le().as_slice()].concat();
    assert_eq!(tenant.unwrap().value, expected);

    let policy = machine.asks("/EnrollmentServer/policy/", &rig.drs_nonce().await);
    let told = rig.post_json("/EnrollmentServer/policy/?api-version=1.0", None, &policy).await.ok();
    assert_eq!(told["tenantName"], "Example");
    assert_eq!(told["UsePassportForWork"], true);
    assert_eq!(
        (&told["EnablePinRecovery"], &told["PinRecoveryProtocol"]),
        (&false.into(), &"hpke-p256".into())
    );
    assert_eq!(told["PinReset"]["Allowed"], false);
    let anchor = STANDARD.decode(told["PinReset"]["Anchor"].as_str().unwrap()).unwrap();
    parse_x509_certificate(&anchor).unwrap();
    let again = rig.post_json("/EnrollmentServer/policy/", None, &policy).await;
    again
        .noted((400, "invalid_nonce"), &rig, ("device.request_refused", &format!("device:{}", machine.id)))
        .await;
}

#[tokio::test]
async fn one_key_is_one_device_however_often_it_registers() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    machine.join(&rig, &token).await;
    let (first, certificate) = (machine.id.clone(), machine.certificate.clone());
    machine.join(&rig, &token).await;
    assert_eq!(machine.id, first, "a repeated registration is the same device");
    // The older certificate is worth nothing any more.
    let nonce = rig.drs_nonce().await;
    let payload = json!({ "nonce": nonce, "aud": format!("{URL}/EnrollmentServer/policy/") });
    let old = json!({ "request": machine.signed_with(&certificate, &payload) });
    let refused = rig.post_json("/EnrollmentServer/policy/", None, &old).await;
    refused.noted((401, "device_unknown"), &rig, ("device.request_refused", "unknown")).await;
    let junk = json!({ "request": "e30.e30.e30" });
    let refused = rig.post_json("/EnrollmentServer/policy/", None, &junk).await;
    refused.noted((401, "malformed"), &rig, ("device.request_refused", "unknown")).await;

    // Another key with the same name replaces it only where the client says so.
    let mut second = Machine::software("laptop");
    let mut body = second.join_body();
    second.keep(&join(&rig, &token, &body).await.ok());
    body["attributes"] = json!({ "ReuseDevice": "true", "ReturnClientSid": "true" });
    let third = Machine::software("LAPTOP").join_body();
    let mut reusing = third.clone();
    reusing["attributes"] = body["attributes"].clone();
    let third = join(&rig, &token, &reusing).await.ok();
    let left = rig.database.devices().of_owner(rig.user.id).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].id.to_string(), third["DeviceId"]);
    // Its key is the first user's, whoever asks.
    let bob = rig.another_user("bob@example.org").await;
    let token = rig.drs_token_of(&bob).await;
    let denied = join(&rig, &token, &reusing).await;
    let who = bob.id.to_string();
    denied.noted((409, "key_in_use"), &rig, ("device.refused", &who)).await;
}

#[tokio::test]
async fn the_tenant_decides_who_registers_and_how_many() {
    let rig = Rig::start().await;
    let me = rig.user.id.to_string();
    let body = Machine::software("Laptop").join_body();
    let weak = Authentication { methods: vec![Amr::Pwd], ..rig.authentication() };
    let weak = rig.drs_token(weak).await;
    let refused = join(&rig, &weak, &body).await;
    refused.noted((403, "multifactor_required"), &rig, ("device.refused", &me)).await;
    rig.decide(|policy| policy.devices.multifactor = false).await;
    assert_eq!(join(&rig, &weak, &body).await.status, 200);

    rig.decide(|policy| policy.devices.registration = Registrars::Administrators).await;
    let other = Machine::software("Desktop").join_body();
    let refused = join(&rig, &weak, &other).await;
    refused.noted((403, "registration_not_allowed"), &rig, ("device.refused", &me)).await;
    rig.decide(|policy| {
        policy.devices.registration = Registrars::Everyone;
        policy.devices.quota = 1;
    })
    .await;
    let refused = join(&rig, &weak, &other).await;
    refused.noted((403, "device_quota_exceeded"), &rig, ("device.refused", &me)).await;
    assert_eq!(join(&rig, &weak, &body).await.status, 200, "the device that is there is not a second one");
    rig.decide(|policy| policy.devices.quota = 2).await;
    assert_eq!(join(&rig, &weak, &other).await.status, 200);
}

#[tokio::test]
async fn a_device_that_was_disabled_cannot_register_itself_again() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    machine.join(&rig, &token).await;
    let id = machine.id.parse().unwrap();
    assert!(rig.database.devices().set_enabled((rig.tenant, id), false, rig.now()).await.unwrap());
    let refused = join(&rig, &token, &machine.join_body()).await;
    let me = rig.user.id.to_string();
    refused.noted((401, "device_disabled"), &rig, ("device.refused", &me)).await;
    let policy = machine.asks("/EnrollmentServer/policy/", &rig.drs_nonce().await);
    let refused = rig.post_json("/EnrollmentServer/policy/", None, &policy).await;
    let itself = format!("device:{id}");
    refused.noted((401, "device_disabled"), &rig, ("device.request_refused", &itself)).await;
}

#[tokio::test]
async fn a_device_leaves_with_its_own_signature_only() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let (mut one, mut two) = (Machine::software("One"), Machine::software("Two"));
    one.join(&rig, &token).await;
    two.join(&rig, &token).await;
    let path = format!("/EnrollmentServer/device/{}", one.id);
    let url = format!("{path}?api-version=2.0");
    let other = two.asks(&path, &rig.drs_nonce().await);
    let refused = rig.json("DELETE", &url, None, &other).await;
    let who = |machine: &Machine| format!("device:{}", machine.id);
    refused.noted((403, "other_device"), &rig, ("device.leave_refused", &who(&two))).await;
    let policy = one.asks("/EnrollmentServer/policy/", &rig.drs_nonce().await);
    let refused = rig.json("DELETE", &url, None, &policy).await;
    refused.noted((400, "invalid_audience"), &rig, ("device.leave_refused", &who(&one))).await;
    let refused = rig.json("DELETE", &url, Some(&token), &json!({})).await;
    refused.noted((400, "invalid_request"), &rig, ("device.leave_refused", "unknown")).await;
    let own = one.asks(&path, &rig.drs_nonce().await);
    assert_eq!(rig.json("DELETE", &url, None, &own).await.status, 200);
    assert_eq!(rig.last_audit().await.0, "device.left");
    let refused = rig.json("DELETE", &url, None, &own).await;
    refused.noted((404, "device_not_found"), &rig, ("device.leave_refused", "unknown")).await;

    // The same in a header, as clients have it that send no body with DELETE.
    let path = format!("/EnrollmentServer/device/{}", two.id);
    let signed = two.asks(&path, &rig.drs_nonce().await);
    let request = Request::delete(&path).header("x-ms-devicecredential", signed["request"].as_str().unwrap());
    assert_eq!(rig.send(request.body(Body::empty()).unwrap()).await.status, 200);
    assert!(rig.database.devices().of_owner(rig.user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_malformed_is_refused_before_anything_is_made() {
    let rig = Rig::start().await;
    let token = rig.drs_token(rig.fresh()).await;
    let me = rig.user.id.to_string();
    let good = Machine::software("Laptop").join_body();
    let other = Machine::software("Other").join_body();
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    // The request of one key, with the signature of another one: it does not hold what it asks for.
    let csr = |body: &Value| STANDARD.decode(body["CertificateRequest"]["Data"].as_str().unwrap()).unwrap();
    let (mut forged, theirs) = (csr(&good), csr(&other));
    let at = forged.len() - 256;
    forged.truncate(at);
    forged.extend_from_slice(&theirs[theirs.len() - 256..]);
    let forged = STANDARD.encode(forged);
    for (body, status, code) in [
        (with("/CertificateRequest/Data", forged.into()), 400, "possession_not_proven"),
        (with("/CertificateRequest/Data", "AAAA".into()), 400, "invalid_request"),
        (with("/CertificateRequest/Type", "cms".into()), 400, "invalid_request"),
        (with("/TransportKey", "AAAA".into()), 400, "invalid_key"),
        (with("/JoinType", 6.into()), 400, "invalid_request"),
        (with("/DeviceDisplayName", "a\u{7}".into()), 400, "invalid_request"),
        (json!({}), 400, "invalid_request"),
    ] {
        join(&rig, &token, &body).await.noted((status, code), &rig, ("device.refused", &me)).await;
    }
    let large = with("/DeviceDisplayName", "a".repeat(70_000).into());
    assert_eq!(join(&rig, &token, &large).await.status, 413);
    assert!(rig.database.devices().of_owner(rig.user.id).await.unwrap().is_empty());
    rig.wait(Duration::from_secs(1));
    assert_eq!(join(&rig, &token, &good).await.status, 200);
}
