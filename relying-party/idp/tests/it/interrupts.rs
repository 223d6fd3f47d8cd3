//! What a sign-in asks for besides proofs: an authenticator app, a passkey, another password.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::attestation::Anchor;
use latchkey_idp::domain::{App, Registration, SecondFactor};
use latchkey_idp::models::Models;
use latchkey_idp::sign_in::{add_totp, issue_pass, set_password};
use latchkey_idp::strength::Strength;
use serde_json::Value;
use uuid::Uuid;

use crate::authenticator::{Authenticator, Maker, Statement};
use crate::browser::{Browser, Page, Passkey};
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, code_at, code_of, finish, rig, seed};

/// The code that an app shows which read the page's key.
fn code(rig: &Rig, page: &Page) -> String {
    let shown = page.html.split_once("<code id=\"secret\">").unwrap().1.split_once('<').unwrap().0;
    let (mut bits, mut held, mut key) = (0_u32, 0_u32, Vec::new());
    for letter in shown.bytes().filter(|letter| *letter != b' ') {
        let digit = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5) | u32::try_from(digit).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    assert_eq!(key.len(), 20);
    code_of(&key, rig.now().seconds())
}

async fn demand(rig: &Rig, strength: Strength) {
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    let registration = Registration { strength, ..app.registration.clone() };
    rig.database.apps().update(&App { registration, ..app }).await.unwrap();
    rig.wait(Duration::from_secs(6));
}

/// The page after a Temporary Access Pass.
async fn with_pass(rig: &Rig, browser: &mut Browser) -> Page {
    let code = issue_pass(&rig.provider, rig.user.id, &PassOptions::default()).await.unwrap();
    let page = browser.authorize(rig, &[]).await;
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "way", &[("way", "pass")]).await;
    browser.submit(&page, "pass", &[("accesspass", code.expose())]).await
}

/// What an authenticator answers to the page's options.
fn made(page: &Page, id: u8) -> (Authenticator, String) {
    let made = Authenticator::new("id.example.org", URL, id);
    let options: Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
    let answer = made.register(&options, Statement::None).to_string();
    (made, answer)
}

fn amr(token: &Value) -> Vec<&str> {
    token["amr"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// Neither another form nor another answer leads past the page.
async fn cannot_be_skipped(browser: &mut Browser, mut page: Page, step: &str) -> Page {
    let fields = [("LoginOptions", "1"), ("answer", "later"), ("passwd", ""), ("credential", "")];
    for other in ["stay", "consent", "way", step] {
        page.shows(step);
        page = browser.submit(&page, other, &fields).await;
        assert!(page.location.is_none(), "{other}");
    }
    page.shows(step);
    assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    page
}

#[tokio::test]
async fn an_app_is_added_where_the_tenant_requires_it() {
    let rig = rig().await;
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    assert!(page.html.contains("id=\"qr\"") && !page.html.contains("enrol-later"));
    let page = cannot_be_skipped(&mut browser, page, "enrol").await;
    let right = code(&rig, &page);
    let page = browser.submit(&page, "enrol", &[("otc", "000000")]).await;
    page.says(500_121);
    assert_eq!(code(&rig, &page), right, "the app has this key already");
    assert!(rig.database.totp().of_user(rig.user.id).await.unwrap().is_empty());
    let page = browser.submit(&page, "enrol", &[("otc", &right)]).await;
    let token = finish(&rig, &mut browser, &page).await;
    assert_eq!(amr(&token), ["pwd", "otp", "mfa", "ngcmfa"]);
    let rows = rig.database.audit().entries(1, 10).await.unwrap();
    assert!(rows.iter().any(|row| row.record.contains("authenticator.added")), "{rows:?}");

    // From now on the code is asked for; the one that proved the app is used up.
    let mut other = Browser::new(&rig);
    let page = other.password(&rig, NAME, PASSWORD).await;
    page.shows("code");
    let page = other.submit(&page, "code", &[("otc", &right)]).await;
    page.says(500_121);
    let page = other.submit(&page, "enrol", &[("otc", &right)]).await;
    page.shows("code");
    assert_eq!(rig.database.totp().of_user(rig.user.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_app_that_is_offered_can_wait() {
    let rig = rig().await;
    rig.decide(|policy| policy.second_factor = SecondFactor::Offered).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("enrol");
    let page = browser.submit(&page, "enrol", &[("answer", "later")]).await;
    assert_eq!(amr(&finish(&rig, &mut browser, &page).await), ["pwd"]);
    // Nobody nags, until two weeks are over.
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("stay");
    rig.wait(Duration::from_hours(15 * 24));
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("enrol");
    // What was put off is asked for by an application that needs it, and then it cannot wait.
    demand(&rig, Strength::Multifactor).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    cannot_be_skipped(&mut browser, page, "enrol").await;
}

#[tokio::test]
async fn a_link_of_the_page_puts_it_off_too() {
    let rig = rig().await;
    rig.decide(|policy| policy.second_factor = SecondFactor::Offered).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let (_, link) = page.html.split_once("\"urlSkipMfaRegistration\":\"").unwrap();
    let link = link.split_once('"').unwrap().0.replace("\\u0026", "&");
    let page = browser.get(link.strip_prefix(URL).unwrap()).await;
    finish(&rig, &mut browser, &page).await;
    // What is required has no such link, and an invented one is none.
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    assert!(!page.html.contains("urlSkipMfaRegistration"));
    let path = format!("/{}/login?ctx={}&view=later", rig.tenant, page.field("ctx"));
    browser.get(&path).await.shows("enrol");
}

#[tokio::test]
async fn a_sign_in_keeps_to_the_list_of_models() {
    let (maker, model) = (Maker::new(), Uuid::from_u128(0x11));
    let description = "Test key".to_owned();
    let anchor = Anchor { aaguid: model, description, certificate: maker.root() };
    let rig = Rig::start_with(Models::new(vec![anchor])).await;
    set_password(&rig.provider, rig.user.id, PASSWORD).await.unwrap();
    rig.decide(|policy| {
        policy.offer_passkey = true;
        policy.passkeys.aaguids = Some(BTreeSet::from([model]));
    })
    .await;
    let mut browser = Browser::new(&rig);
    let mut page = browser.password(&rig, NAME, PASSWORD).await;
    let mut made = Authenticator::new("id.example.org", URL, 1);
    made.aaguid = model;
    for statement in [Statement::SelfSigned, Statement::None, Statement::Chain(&maker, model)] {
        page.shows("new-passkey");
        let options: Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
        let answer = made.register(&options, statement).to_string();
        page = browser.submit(&page, "new-passkey", &[("credential", &answer)]).await;
    }
    finish(&rig, &mut browser, &page).await;
    let stored = rig.database.passkeys().of_user(rig.user.id).await.unwrap();
    assert_eq!((stored.len(), stored[0].passkey.attestation.as_str()), (1, "verified packed"));
    // Where no model of the list could be proved, nothing is offered.
    rig.decide(|policy| policy.passkeys.aaguids = Some(BTreeSet::from([Uuid::from_u128(0x22)]))).await;
    rig.database.passkeys().remove(rig.user.id, stored[0].passkey.id).await.unwrap();
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("stay");
}

#[tokio::test]
async fn only_who_has_nothing_else_adds_an_app_after_a_password() {
    let rig = rig().await;
    // A tenant that asks nobody for a second factor lets nobody add one with a password alone.
    demand(&rig, Strength::Multifactor).await;
    let page = Browser::new(&rig).password(&rig, NAME, PASSWORD).await;
    assert!(page.location.is_none() && page.html.contains("50079"), "{}", page.html);
    // Who has a passkey uses it.
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("passkey");
    let page = browser.submit(&page, "enrol", &[("otc", "123456")]).await;
    page.shows("passkey");
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    finish(&rig, &mut browser, &page).await;
}

#[tokio::test]
async fn an_old_session_adds_nothing() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    finish(&rig, &mut browser, &page).await;
    rig.wait(Duration::from_mins(11));
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    let silent = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "login_required", "the password must be typed again");
    let page = browser.authorize(&rig, &[]).await;
    page.shows("password");
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    page.shows("enrol");
    let typed = code(&rig, &page);
    let page = browser.submit(&page, "enrol", &[("otc", &typed)]).await;
    finish(&rig, &mut browser, &page).await;
}

#[tokio::test]
async fn a_passkey_is_offered_after_something_weaker() {
    let rig = rig().await;
    rig.decide(|policy| policy.offer_passkey = true).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("new-passkey");
    assert!(page.html.contains("new-passkey-later"));
    let page = browser.submit(&page, "new-passkey", &[("answer", "later")]).await;
    finish(&rig, &mut browser, &page).await;
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("stay");
    rig.wait(Duration::from_hours(15 * 24));
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("new-passkey");
}

#[tokio::test]
async fn a_passkey_that_was_offered_is_of_this_sign_in() {
    let rig = rig().await;
    rig.decide(|policy| policy.offer_passkey = true).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let (_, answer) = made(&page, 1);
    // Another sign-in's answer, even the same user's.
    let mut thief = Browser::new(&rig);
    let stolen = thief.password(&rig, NAME, PASSWORD).await;
    stolen.shows("new-passkey");
    let stolen = thief.submit(&stolen, "new-passkey", &[("credential", &answer)]).await;
    stolen.shows("new-passkey");
    stolen.refuses();
    let page = browser.submit(&page, "new-passkey", &[("credential", &answer)]).await;
    page.shows("new-passkey");
    page.refuses();
    assert!(rig.database.passkeys().of_user(rig.user.id).await.unwrap().is_empty(), "it was spent");
    let (authenticator, answer) = made(&page, 2);
    let page = browser.submit(&page, "new-passkey", &[("credential", &answer), ("name", "Laptop")]).await;
    let token = finish(&rig, &mut browser, &page).await;
    assert!(amr(&token).contains(&"fido") && amr(&token).contains(&"pwd"), "{token}");
    assert_eq!(rig.database.passkeys().of_user(rig.user.id).await.unwrap()[0].passkey.name, "Laptop");

    // It signs in, and nobody is asked again.
    let mut passkey = Passkey::of(authenticator, rig.user.id.guid());
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    browser.submit(&page, "passkey", &[("credential", &credential)]).await.shows("stay");
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("stay");
}

#[tokio::test]
async fn a_pass_leads_to_a_passkey() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = with_pass(&rig, &mut browser).await;
    page.shows("new-passkey");
    let page = browser.submit(&page, "new-passkey", &[("answer", "later")]).await;
    finish(&rig, &mut browser, &page).await;

    // Where only a passkey will do it cannot wait.
    demand(&rig, Strength::PhishingResistant).await;
    let mut browser = Browser::new(&rig);
    let page = with_pass(&rig, &mut browser).await;
    let page = cannot_be_skipped(&mut browser, page, "new-passkey").await;
    let mut unverified = Authenticator::new("id.example.org", URL, 5);
    unverified.flags = 0x01;
    let options: Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
    let answer = unverified.register(&options, Statement::None).to_string();
    let page = browser.submit(&page, "new-passkey", &[("credential", &answer)]).await;
    page.refuses();
    let (_, answer) = made(&page, 6);
    let page = browser.submit(&page, "new-passkey", &[("credential", &answer)]).await;
    let token = finish(&rig, &mut browser, &page).await;
    assert!(amr(&token).contains(&"tap") && amr(&token).contains(&"fido"), "{token}");
}

#[tokio::test]
async fn a_passkey_that_is_demanded_needs_two_factors_first() {
    let rig = rig().await;
    // For every application, since the tenant says so.
    rig.decide(|policy| policy.strength = Strength::PhishingResistant).await;
    let page = Browser::new(&rig).password(&rig, NAME, PASSWORD).await;
    assert!(page.location.is_none() && page.html.contains("50079"), "{}", page.html);
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("code");
    let page = browser.submit(&page, "new-passkey", &[("credential", "{}")]).await;
    page.shows("code");
    let page = browser.submit(&page, "code", &[("otc", &code_at(rig.now().seconds()))]).await;
    let page = cannot_be_skipped(&mut browser, page, "new-passkey").await;
    let (_, answer) = made(&page, 1);
    let page = browser.submit(&page, "new-passkey", &[("credential", &answer)]).await;
    finish(&rig, &mut browser, &page).await;
}
