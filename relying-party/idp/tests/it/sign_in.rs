//! Signing in through the pages: what works, from the request to the tokens.

use std::time::Duration;

use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::audit_chain::Row;
use latchkey_idp::domain::{App, Registration};
use latchkey_idp::sign_in::{add_totp, issue_pass, set_password};
use latchkey_idp::storage::SignInFilter;
use latchkey_idp::strength::Strength;
use latchkey_idp::totp::{Algorithm, TotpSecret};
use zeroize::Zeroizing;

use crate::browser::{Browser, Page, Passkey};
use crate::rig::{Rig, URL, claims};

pub const NAME: &str = "alice@example.org";
pub const PASSWORD: &str = "correct horse battery";

pub async fn rig() -> Rig {
    let rig = Rig::start().await;
    set_password(&rig.provider, rig.user.id, PASSWORD).await.unwrap();
    rig
}

pub fn seed() -> TotpSecret {
    TotpSecret::from_bytes(Algorithm::Sha1, Zeroizing::new(b"12345678901234567890".to_vec())).unwrap()
}

/// The code that the seed shows at a time.
pub fn code_at(seconds: i64) -> String {
    code_of(b"12345678901234567890", seconds)
}

/// The code that a secret shows at a time, computed here as RFC 6238 says.
pub fn code_of(secret: &[u8], seconds: i64) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &u64::try_from(seconds / 30).unwrap().to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Answers "stay signed in?" with no, and redeems the code: the claims of the ID token.
pub async fn finish(rig: &Rig, browser: &mut Browser, page: &Page) -> serde_json::Value {
    page.shows("stay");
    let page = browser.submit(page, "stay", &[("LoginOptions", "3")]).await;
    let answer = page.answer();
    assert_eq!((page.status, answer["state"].as_str()), (302, "s"));
    assert!(page.html.starts_with("<a href="));
    claims(&rig.redeem(&answer["code"]).await.ok()["id_token"])
}

#[tokio::test]
async fn with_a_password() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    assert!(page.policy.contains("form-action 'self' https://app.example.org;"), "{}", page.policy);
    let token = finish(&rig, &mut browser, &page).await;
    assert_eq!(token["nonce"], "n");
    assert_eq!(token["oid"], rig.user.id.to_string());
    assert!(browser.cookies.contains_key("__Host-latchkey-session"));

    // The session answers the next request without a page, and only what it is fresh enough for.
    let answer = browser.authorize(&rig, &[]).await.answer();
    rig.redeem(&answer["code"]).await.ok();
    assert!(browser.authorize(&rig, &[("prompt", "none")]).await.answer().contains_key("code"));
    rig.wait(Duration::from_secs(20));
    browser.authorize(&rig, &[("max_age", "10")]).await.shows("password");
    browser.authorize(&rig, &[("prompt", "login")]).await.shows("password");
    let hint = browser.authorize(&rig, &[("login_hint", "bob@example.org")]).await;
    hint.shows("password");
    assert_eq!(hint.field("login"), "bob@example.org");
    let old = browser.authorize(&rig, &[("prompt", "none"), ("max_age", "10")]).await.answer();
    assert_eq!(old["error"], "login_required");

    let log = rig.database.sign_in_log().page(rig.tenant, &SignInFilter::default(), 10).await.unwrap();
    assert!(
        log.iter().any(|entry| entry.error == 0 && entry.methods == "pwd" && entry.user == Some(rig.user.id))
    );
}

#[tokio::test]
async fn with_a_password_and_a_code() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("code");
    assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    let page = browser.submit(&page, "code", &[("otc", "000000")]).await;
    page.shows("code");
    page.says(500_121);
    let code = code_at(rig.now().seconds());
    let page = browser.submit(&page, "code", &[("otc", &code)]).await;
    finish(&rig, &mut browser, &page).await;

    // The same code again, in another browser: it was used.
    let mut other = Browser::new(&rig);
    let page = other.password(&rig, NAME, PASSWORD).await;
    let page = other.submit(&page, "code", &[("otc", &code)]).await;
    page.shows("code");
    page.says(500_121);
    // Nor does another form of the same sign-in go round it.
    let page = other.submit(&page, "stay", &[("LoginOptions", "1")]).await;
    page.shows("code");
}

#[tokio::test]
async fn with_a_passkey_from_the_list() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    finish(&rig, &mut browser, &page).await;
    let session = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert!(session.contains_key("code"));
}

#[tokio::test]
async fn with_a_passkey_by_user_name() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let mut ids = Vec::new();
    for name in ["nobody@example.org", NAME] {
        let page = browser.authorize(&rig, &[]).await;
        let page = browser.submit(&page, "user", &[("loginfmt", name)]).await;
        let path = page.html.split_once("id=\"other-ways\" href=\"").unwrap().1.split_once('"').unwrap().0;
        let path = path.replace("&#38;", "&").replace("&amp;", "&");
        let page = browser.get(&path).await;
        page.shows("way");
        let page = browser.submit(&page, "way", &[("way", "passkey")]).await;
        page.shows("passkey");
        let options: serde_json::Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
        ids.push(options["allowCredentials"].clone());
        let credential = passkey.sign(&page.attribute("data-options"), URL);
        let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
        page.shows("stay");
    }
    // Nobody's list looks like somebody's.
    assert_eq!((ids[0].as_array().unwrap().len(), ids[1].as_array().unwrap().len()), (1, 1));
    assert_eq!(ids[0][0]["id"].as_str().unwrap().len(), ids[1][0]["id"].as_str().unwrap().len());
}

#[tokio::test]
async fn with_an_access_pass_once() {
    let rig = rig().await;
    let code = issue_pass(&rig.provider, rig.user.id, &PassOptions::default()).await.unwrap();
    for works in [true, false] {
        let mut browser = Browser::new(&rig);
        let page = browser.authorize(&rig, &[]).await;
        let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
        let page = browser.submit(&page, "way", &[("way", "pass")]).await;
        page.shows("pass");
        let page = browser.submit(&page, "pass", &[("accesspass", code.expose())]).await;
        if works {
            page.shows("new-passkey");
            let page = browser.submit(&page, "new-passkey", &[("answer", "later")]).await;
            finish(&rig, &mut browser, &page).await;
        } else {
            page.says(130_503);
        }
    }
}

#[tokio::test]
async fn consent_is_asked_once() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let scope = [("scope", "openid api://files/Read")];
    let page = browser.authorize(&rig, &scope).await;
    let page = browser.submit(&page, "user", &[("loginfmt", NAME)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    page.shows("consent");
    let page = browser.submit(&page, "consent", &[("answer", "accept")]).await;
    finish(&rig, &mut browser, &page).await;
    assert!(browser.authorize(&rig, &scope).await.answer().contains_key("code"));
    let rows = rig.database.audit().entries(1, 10).await.unwrap();
    assert!(rows.len() == 1 && rows[0].record.contains("consent.given"), "{rows:?}");
    let row = Row { number: 1, at: rows[0].at, record: rows[0].record.clone(), hash: rows[0].hash.clone() };
    rig.provider.audit_key().verify([row], None).unwrap();

    let page = browser.authorize(&rig, &[scope[0], ("prompt", "consent")]).await;
    page.shows("consent");
    let no = browser.submit(&page, "consent", &[("answer", "decline")]).await.answer();
    assert_eq!((no["error"].as_str(), no["state"].as_str()), ("access_denied", "s"));
}

#[tokio::test]
async fn an_account_is_picked_and_signed_out() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    finish(&rig, &mut browser, &page).await;
    let page = browser.authorize(&rig, &[("prompt", "select_account")]).await;
    page.shows("account");
    let other = browser.submit(&page, "account", &[("account", "")]).await;
    other.shows("user");
    let page = browser.authorize(&rig, &[("prompt", "select_account")]).await;
    let user = rig.user.id.to_string();
    assert!(browser.submit(&page, "account", &[("account", &user)]).await.answer().contains_key("code"));

    let page = browser.get("/common/oauth2/v2.0/logout").await;
    let evil = [("csrf", "wrong"), ("answer", "sign-out")];
    assert_eq!(browser.post("/common/oauth2/v2.0/logout", &evil).await.status, 400);
    assert!(page.html.contains("sign-out-form"));
    let csrf = page.field("csrf");
    let page = browser.post("/common/oauth2/v2.0/logout", &[("csrf", &csrf)]).await;
    assert!(page.html.contains("id=\"signed-out\""), "{}", page.html);
    let silent = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "login_required");
}

#[tokio::test]
async fn an_application_asks_for_more_than_a_password() {
    let rig = rig().await;
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    let registration = Registration { strength: Strength::PhishingResistant, ..app.registration.clone() };
    rig.database.apps().update(&App { registration, ..app }).await.unwrap();
    rig.wait(Duration::from_secs(6));
    // Nothing else is there: the sign-in ends on a page of ours.
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    assert!(page.location.is_none() && page.html.contains("50079"), "{}", page.html);

    // A code is not enough either; a passkey is.
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut passkey = Passkey::enrol(&rig).await;
    let page = browser.password(&rig, NAME, PASSWORD).await;
    page.shows("passkey");
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    let token = finish(&rig, &mut browser, &page).await;
    assert_eq!(token["oid"], rig.user.id.to_string());
}
