//! Signing in through the pages: what does not work, and what is not said.

use std::time::Duration;

use url::form_urlencoded;

use crate::browser::{Browser, Passkey, request};
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, rig};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_alike() {
    let rig = rig().await;
    let mut pages = Vec::new();
    for name in [NAME, "nobody@example.org", "nobody@elsewhere.example"] {
        let mut browser = Browser::new(&rig);
        let page = browser.password(&rig, name, "wrong").await;
        page.shows("password");
        page.says(50_126);
        let message = page.html.split_once("id=\"message\"").unwrap().1.split_once("</p>").unwrap().0;
        pages.push((page.status, message.to_owned()));
        assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:?}");
}

#[tokio::test]
async fn too_many_guesses_lock_known_and_unknown_users_alike() {
    let rig = rig().await;
    for name in [NAME, "nobody@example.org"] {
        let mut browser = Browser::new(&rig);
        let mut page = browser.password(&rig, name, "wrong").await;
        for _ in 0..10 {
            page = browser.submit(&page, "password", &[("passwd", "wrong")]).await;
        }
        page.says(50_053);
        let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
        page.says(50_053);
    }
    rig.wait(Duration::from_secs(61));
    let mut browser = Browser::new(&rig);
    browser.password(&rig, NAME, PASSWORD).await.shows("stay");
}

#[tokio::test]
async fn a_form_is_good_once_and_in_its_own_browser() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let first = browser.authorize(&rig, &[]).await;
    let second = browser.submit(&first, "user", &[("loginfmt", NAME)]).await;
    // The token was used.
    let again = browser.submit(&first, "user", &[("loginfmt", NAME)]).await;
    assert_eq!((again.status, again.location.as_deref()), (400, None));
    assert!(again.html.contains("165000"));
    // Another browser, with a sign-in of its own: neither its cookie nor its canary fits.
    let mut thief = Browser::new(&rig);
    let own = thief.authorize(&rig, &[]).await;
    let stolen = thief.submit(&second, "password", &[("passwd", PASSWORD)]).await;
    assert_eq!(stolen.status, 400);
    let (ctx, token, canary) = (second.field("ctx"), second.field("flowToken"), own.field("canary"));
    let mixed = [("ctx", ctx.as_str()), ("flowToken", &token), ("canary", &canary), ("step", "password")];
    let path = format!("/{}/login", rig.tenant);
    assert_eq!(thief.post(&path, &mixed).await.status, 400);
    assert_eq!(thief.get(&format!("{path}?ctx={ctx}")).await.status, 400);
    // A foreign canary in the right browser.
    assert_eq!(browser.post(&path, &mixed).await.status, 400);
    // And the right form still works, since none of these was looked at.
    browser.submit(&second, "password", &[("passwd", PASSWORD)]).await.shows("stay");
}

#[tokio::test]
async fn no_step_can_be_skipped() {
    let rig = rig().await;
    for step in ["stay", "consent", "password", "code", "pass", "account", "passkey", "enrol", ""] {
        let mut browser = Browser::new(&rig);
        let page = browser.authorize(&rig, &[]).await;
        let fields = [("answer", "accept"), ("LoginOptions", "1"), ("account", "x"), ("passwd", PASSWORD)];
        let page = browser.submit(&page, step, &fields).await;
        assert_eq!(page.location, None, "{step}");
        assert!(!browser.cookies.contains_key("__Host-latchkey-session"), "{step}");
    }
}

#[tokio::test]
async fn errors_go_only_to_registered_addresses() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let silent = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!((silent["error"].as_str(), silent["state"].as_str()), ("login_required", "s"));
    let evil = browser.authorize(&rig, &[("redirect_uri", "https://evil.example/")]).await;
    assert_eq!((evil.status, evil.location), (400, None));
    assert!(evil.html.contains("50011") && !evil.html.contains("evil.example"));
    let posted = browser.authorize(&rig, &[("prompt", "none"), ("response_mode", "form_post")]).await;
    assert_eq!(posted.status, 200);
    assert_eq!(posted.field("error"), "login_required");
    // A request by POST goes on as GET, so that the browser brings its cookies.
    let query = request(&rig, &[]);
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = browser.post(&format!("/{}/oauth2/v2.0/authorize", rig.tenant), &fields).await;
    browser.get(&page.location.unwrap()).await.shows("user");
}

#[tokio::test]
async fn cookies_are_for_this_host_and_no_script() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let before = browser.cookies["__Host-latchkey-sign-in"].clone();
    let page = browser.submit(&page, "stay", &[("LoginOptions", "1")]).await;
    let [cookie] = page.set_cookies.as_slice() else { panic!("{:?}", page.set_cookies) };
    for part in [
        "__Host-latchkey-session=",
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
        "; Max-Age=7776000",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_ne!(browser.cookies["__Host-latchkey-session"], before);
    // Revoked, the session is worth nothing.
    rig.wait(Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    let silent = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "login_required");
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_noted() {
    let rig: Rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    for (count, accepted) in [(7_u32, true), (7, false), (3, false), (1, false), (8, true)] {
        let mut browser = Browser::new(&rig);
        let page = browser.authorize(&rig, &[]).await;
        passkey.count = count - 1;
        let credential = passkey.sign(&page.attribute("data-options"), URL);
        let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
        if accepted {
            page.shows("stay");
        } else {
            page.says(135_010);
        }
        let stored = rig.database.passkeys().of_user(rig.user.id).await.unwrap();
        assert_eq!(stored[0].suspected_at.is_some(), count != 7 || !accepted, "{count}");
    }
    let rows = rig.database.audit().entries(1, 20).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.record.contains("passkey.suspected")).count(), 3);
}

#[tokio::test]
async fn passkeys_are_refused_alike() {
    let rig: Rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let old = passkey.sign(&page.attribute("data-options"), URL);
    // Made on another website.
    let wrong = passkey.sign(&page.attribute("data-options"), "https://id.evil.example");
    let page = browser.submit(&page, "passkey", &[("credential", &wrong)]).await;
    page.says(135_010);
    // The answer to an earlier challenge.
    let page = browser.submit(&page, "passkey", &[("credential", &old)]).await;
    page.says(135_010);
    // Nobody was verified.
    passkey.flags = 0x01;
    let unverified = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &unverified)]).await;
    page.says(135_010);
    // Too late.
    passkey.flags = 0x05;
    let late = passkey.sign(&page.attribute("data-options"), URL);
    rig.wait(Duration::from_secs(301));
    let page = browser.submit(&page, "passkey", &[("credential", &late)]).await;
    page.says(135_010);
    let right = passkey.sign(&page.attribute("data-options"), URL);
    browser.submit(&page, "passkey", &[("credential", &right)]).await.shows("stay");
}
