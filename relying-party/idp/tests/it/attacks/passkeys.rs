//! Passkey answers that were tampered with (conformance, R1 and R4 to R10).

use crate::browser::{Browser, Page, Parts, Passkey};
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, rig};
use latchkey_idp::strength::Strength;

/// The page for alice's passkey.
async fn page_for_alice(rig: &Rig, browser: &mut Browser) -> Page {
    let page = browser.authorize(rig, &[]).await;
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "way", &[("way", "passkey")]).await;
    page.shows("passkey");
    page
}

/// Alice's passkey answers with something changed: the page that follows.
async fn changed(rig: &Rig, passkey: &mut Passkey, change: impl FnOnce(&mut Parts)) -> Page {
    let mut browser = Browser::new(rig);
    let page = page_for_alice(rig, &mut browser).await;
    let credential = passkey.sign_changed(&page.attribute("data-options"), change);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    page
}

macro_rules! refused {
    ($rig:expr, $passkey:expr, $($why:literal: $change:expr;)*) => {$(
        let page = changed(&$rig, &mut $passkey, $change).await;
        assert!(page.html.contains("data-code=\"135010\""), "{}: {} {}", $why, page.status, page.html);
    )*};
}

#[tokio::test]
async fn an_answer_is_of_one_page_one_key_and_one_time() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    refused! { rig, passkey,
        "R1, id is not rawId": |parts| parts.id = vec![8; 32];
        "R1, rawId is another": |parts| parts.raw_id = vec![8; 32];
        "R4, another scheme": |parts| parts.client_data["origin"] = "http://id.example.org".into();
        "R4, another port": |parts| parts.client_data["origin"] = "https://id.example.org:8443".into();
        "R4, the default port written out": |parts| parts.client_data["origin"] = "https://id.example.org:443".into();
        "R4, a slash": |parts| parts.client_data["origin"] = "https://id.example.org/".into();
        "R4, a path": |parts| parts.client_data["origin"] = "https://id.example.org/x".into();
        "R4, user information": |parts| parts.client_data["origin"] = "https://x@id.example.org".into();
        "R4, upper case": |parts| parts.client_data["origin"] = "https://ID.example.org".into();
        "R4, a host below": |parts| parts.client_data["origin"] = "https://x.id.example.org".into();
        "R4, a host above": |parts| parts.client_data["origin"] = "https://example.org".into();
        "R4, a longer host": |parts| parts.client_data["origin"] = "https://id.example.org.evil.example".into();
        "R4, no origin": |parts| parts.client_data["origin"] = "null".into();
        "R4, in another's frame": |parts| parts.client_data["crossOrigin"] = true.into();
        "R4, below another's page": |parts| parts.client_data["topOrigin"] = "https://evil.example".into();
        "R6, of a registration": |parts| parts.client_data["type"] = "webauthn.create".into();
        "R6, another challenge": |parts| parts.client_data["challenge"] = "AAAA".into();
        "R6, no challenge": |parts| parts.client_data["challenge"] = "".into();
        "R5, nobody was verified": |parts| parts.data[32] = 0x01;
        "R5, nobody was there": |parts| parts.data[32] = 0x04;
        "another relying party's": |parts| parts.data[0] ^= 1;
        "leftover bytes": |parts| parts.data.push(0);
        "R8, no signature": |parts| parts.signature = Some(Vec::new());
        "R8, r and s are zero": |parts| parts.signature = Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]);
        "R8, zeros": |parts| parts.signature = Some(vec![0; 70]);
        "R10, another user's handle": |parts| parts.handle = Some(vec![9; 16]);
        "R10, an empty handle": |parts| parts.handle = Some(Vec::new());
    }
    changed(&rig, &mut passkey, |_| ()).await.shows("stay");
    changed(&rig, &mut passkey, |parts| parts.handle = None).await.shows("stay");
    // From now on the counter is known.
    refused! { rig, passkey,
        "R10, the counter is gone": |parts| parts.data[33..37].fill(0);
        "R10, the counter went back": |parts| parts.data[33..37].copy_from_slice(&1_u32.to_be_bytes());
        "R10, the counter stands still": |parts| parts.data[36] -= 3;
    }
}

#[tokio::test]
async fn a_challenge_serves_once_in_its_own_browser() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    // Phished: the attacker shows the victim's passkey the attacker's challenge, and the other way round.
    let (mut attacker, mut victim) = (Browser::new(&rig), Browser::new(&rig));
    let theirs = page_for_alice(&rig, &mut attacker).await;
    let ours = page_for_alice(&rig, &mut victim).await;
    let for_victim = passkey.sign(&ours.attribute("data-options"), URL);
    let stolen = attacker.submit(&theirs, "passkey", &[("credential", &for_victim)]).await;
    stolen.says(135_010);
    victim.submit(&ours, "passkey", &[("credential", &for_victim)]).await.shows("stay");
    // Used once, it is worth nothing in the next sign-in, nor on the page that follows a wrong one.
    let mut again = Browser::new(&rig);
    let page = page_for_alice(&rig, &mut again).await;
    let page = again.submit(&page, "passkey", &[("credential", &for_victim)]).await;
    page.says(135_010);
    let options = page.attribute("data-options");
    let credential = passkey.sign(&options, URL);
    let wrong = again.submit(&page, "passkey", &[("credential", "{}")]).await;
    wrong.says(135_010);
    again.submit(&wrong, "passkey", &[("credential", &credential)]).await.says(135_010);
}

#[tokio::test]
async fn a_passkey_of_another_user_is_no_second_factor_of_this_one() {
    let rig = rig().await;
    let bob = rig.user_with_password(rig.tenant, "bob@example.org", PASSWORD).await;
    let _alices = Passkey::enrol_for(&rig, &rig.user, 7).await;
    let mut bobs = Passkey::enrol_for(&rig, &bob, 8).await;
    rig.register(rig.web, |registration| registration.strength = Strength::PhishingResistant).await;
    let alice = rig.user.id;
    for handle in [Some(bob.id), None, Some(alice)] {
        let mut browser = Browser::new(&rig);
        let page = browser.password(&rig, NAME, PASSWORD).await;
        page.shows("passkey");
        let options = page.attribute("data-options");
        let handle = handle.map(|user| user.guid().as_bytes().to_vec());
        let credential = bobs.sign_changed(&options, |parts| parts.handle = handle);
        let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
        page.says(135_010);
        assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    }
    // Under alice's name, without a handle of its own, it is nobody's.
    let mut browser = Browser::new(&rig);
    let page = page_for_alice(&rig, &mut browser).await;
    let credential = bobs.sign_changed(&page.attribute("data-options"), |parts| parts.handle = None);
    browser.submit(&page, "passkey", &[("credential", &credential)]).await.says(135_010);
}

#[tokio::test]
async fn the_page_cannot_be_asked_for_less() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    for more in [("userVerification", "discouraged"), ("user_verification", "preferred"), ("acr_values", "0")]
    {
        let page = browser.authorize(&rig, &[more]).await;
        // `sign_changed` asserts that the page requires it.
        let credential = passkey.sign_changed(&page.attribute("data-options"), |parts| parts.data[32] = 0x01);
        let page = browser.submit(&page, "passkey", &[("credential", &credential), more]).await;
        page.says(135_010);
    }
}

/// R11: an answer is data, however it is made.
#[tokio::test]
async fn a_malformed_answer_is_only_refused() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let mut page = page_for_alice(&rig, &mut browser).await;
    let good = passkey.sign(&page.attribute("data-options"), URL);
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for credential in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        deep.clone(),
        good.replace("\"public-key\"", &deep[..9_000]),
        good.replace("\"rawId\":\"", "\"rawId\":\"="),
        good.replace('{', "{\"a\":1,"),
        good[..good.len() / 2].to_owned(),
        "{\"id\":\"\u{0}\"}".to_owned(),
    ] {
        page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
        assert!(page.html.contains("data-code=\"135010\""), "{}: {}", page.status, page.html);
    }
    let good = passkey.sign(&page.attribute("data-options"), URL);
    browser.submit(&page, "passkey", &[("credential", &good)]).await.shows("stay");
}
