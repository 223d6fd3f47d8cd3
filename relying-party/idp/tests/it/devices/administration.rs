//! Devices on the administrators' pages, and on a user's own.

use latchkey_idp::domain::{CharacterRule, DeviceId, Registrars, RequiredAttestation, Rsa1};

use super::machine::Machine;
use crate::admin_pages::{Desk, ada};
use crate::browser::Browser;
use crate::own_pages::sign_in;
use crate::rig::Rig;
use crate::sign_in::rig;

async fn device(rig: &Rig) -> (Machine, String) {
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop <b>");
    machine.join(rig, &token).await;
    let key = Rsa1::new(&[1, 0, 1], &[0x81; 256]).unwrap();
    let key = machine.register_key(rig, &token, &key).await;
    (machine, key)
}

#[tokio::test]
async fn an_administrator_looks_after_devices() {
    let rig = rig().await;
    let (machine, key) = device(&rig).await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let list = desk.get("/devices?q=laptop").await;
    assert!(list.html.contains("Laptop &#60;b&#62;") && list.html.contains("Not attested"), "{}", list.html);
    assert!(!desk.get("/devices?q=nothing").await.html.contains("Laptop"));
    let path = format!("/devices/{}", machine.id);
    let page = desk.get(&path).await;
    assert!(page.html.contains(&key) && page.html.contains("alice@example.org"), "{}", page.html);
    desk.done(&format!("{path}/disable"), &[]).await;
    let id: DeviceId = machine.id.parse().unwrap();
    assert!(!rig.database.devices().find(id).await.unwrap().unwrap().enabled);
    desk.done(&format!("{path}/enable"), &[]).await;
    desk.done(&format!("{path}/keys/{key}/delete"), &[]).await;
    desk.refused(&format!("{path}/keys/{key}/delete"), &[], 404, "no such key").await;
    desk.done(&format!("{path}/delete"), &[]).await;
    assert!(rig.database.devices().find(id).await.unwrap().is_none());
    assert_eq!(rig.last_audit().await.0, "device.deleted");
}

#[tokio::test]
async fn a_users_devices_and_keys_are_on_the_users_page() {
    let rig = rig().await;
    let (machine, key) = device(&rig).await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let path = format!("/users/{}", rig.user.id);
    let page = desk.get(&path).await;
    for shown in ["Laptop &#60;b&#62;", &machine.id, &key, "Not attested"] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    let device = format!("{path}/devices/{}", machine.id);
    let page = desk.done(&format!("{device}/disable"), &[]).await;
    assert!(page.html.contains("Its device is disabled"), "{}", page.html);
    let id: DeviceId = machine.id.parse().unwrap();
    assert!(!rig.database.devices().find(id).await.unwrap().unwrap().enabled);
    desk.done(&format!("{device}/enable"), &[]).await;
    // Only what is this user's is changed from this user's page.
    let other = format!("/users/{}", ada.id);
    desk.refused(&format!("{other}/devices/{}/delete", machine.id), &[], 404, "no such device").await;
    desk.refused(&format!("{other}/keys/{key}/delete"), &[], 404, "no such key").await;
    desk.refused(&format!("{device}/promote"), &[], 404, "no such page").await;
    let page = desk.done(&format!("{path}/keys/{key}/delete"), &[]).await;
    assert!(page.html.contains("No PIN is set up on any device"), "{}", page.html);
    let page = desk.done(&format!("{device}/delete"), &[]).await;
    assert!(page.html.contains("None is registered") && rig.last_audit().await.0 == "device.deleted");
}

#[tokio::test]
async fn the_rules_for_devices_are_decided_with_the_policies() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let good = [
        ("registration", "administrators"),
        ("attestation", "verified"),
        ("quota", "3"),
        ("pin_minimum", "8"),
        ("pin_maximum", "64"),
        ("pin_history", "5"),
        ("pin_expiration", "90"),
        ("pin_digits", "required"),
        ("pin_lowercase", "allowed"),
        ("pin_uppercase", "allowed"),
        ("pin_special", "forbidden"),
        ("hosts", "signin.example.net; portal.example.net"),
        ("hello", "1"),
        ("pin_recovery", "1"),
        ("pin_recovery_protocol", "blind-p256"),
        ("require_kdf_v2", "1"),
        ("require_equal_nonce", "1"),
    ];
    desk.done("/policies/devices", &good).await;
    let policy = rig.database.tenants().find(rig.tenant).await.unwrap().unwrap().policy;
    let devices = &policy.devices;
    assert_eq!((devices.registration, devices.quota), (Registrars::Administrators, 3));
    assert_eq!(devices.attestation, RequiredAttestation::Verified);
    assert_eq!((devices.version, policy.enable_pin_recovery, devices.multifactor), (2, true, false));
    assert_eq!(devices.hello.pin.special, CharacterRule::Forbidden);
    assert_eq!(devices.hello.web_sign_in_hosts, ["signin.example.net", "portal.example.net"]);
    assert!(policy.require_kdf_v2 && policy.require_equal_nonce);
    assert_eq!(policy.pin_recovery_protocol.name(), "blind-p256");
    let page = desk.get("/policies").await;
    for on in ["hello", "pin_recovery", "require_kdf_v2", "require_equal_nonce"] {
        assert!(page.html.contains(&format!("name=\"{on}\" type=\"checkbox\" value=\"1\" checked")), "{on}");
    }
    assert!(page.html.contains("value=\"blind-p256\" selected"), "{}", page.html);
    for (name, wrong, why) in [
        ("registration", "all", "who registers"),
        ("pin_recovery_protocol", "rot13", "how devices get ready"),
        ("quota", "0", "must be from 1 to 1000"),
        ("pin_minimum", "3", "must be from 4 to 127"),
        ("pin_maximum", "7", "must not be longer"),
        ("hosts", "\"signin.example.net\"", "without quotes"),
    ] {
        let fields: Vec<_> =
            good.iter().map(|(field, value)| (*field, if *field == name { wrong } else { *value })).collect();
        desk.refused("/policies/devices", &fields, 400, why).await;
    }
}

#[tokio::test]
async fn a_user_reports_a_device_lost() {
    let rig = rig().await;
    let (machine, _) = device(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = browser.get("/signin").await;
    sign_in(&mut browser, &page).await;
    let page = browser.get("/security").await;
    assert!(page.html.contains("Laptop &#60;b&#62;"), "{}", page.html);
    let csrf = page.field("csrf");
    let path = format!("/security/devices/{}/lost", machine.id);
    let page = browser.post(&path, &[("csrf", "wrong")]).await;
    assert!(page.html.contains("data-kind=\"error\""));
    let page = browser.post(&path, &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"success\""), "{}", page.html);
    let id: DeviceId = machine.id.parse().unwrap();
    assert!(!rig.database.devices().find(id).await.unwrap().unwrap().enabled);
    assert_eq!(rig.last_audit().await.0, "device.reported_lost");
    // Another user's device is not there.
    let bob = rig.another_user("bob@example.org").await;
    let token = rig.drs_token_of(&bob).await;
    let mut theirs = Machine::software("Desktop");
    theirs.join(&rig, &token).await;
    let page = browser.post(&format!("/security/devices/{}/lost", theirs.id), &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"info\""), "{}", page.html);
    let id: DeviceId = theirs.id.parse().unwrap();
    assert!(rig.database.devices().find(id).await.unwrap().unwrap().enabled);
}
