//! When the user is asked, and when nobody may be.

use std::time::Duration;

use serde_json::Value;

use super::Suite;
use crate::sign_in::NAME;

fn auth_time(id_token: &Value) -> i64 {
    id_token["auth_time"].as_i64().unwrap()
}

#[tokio::test]
async fn oidcc_display_page() {
    let mut suite = Suite::start().await;
    suite.tokens(&[("display", "page")]).await;
}

#[tokio::test]
async fn oidcc_display_popup() {
    let mut suite = Suite::start().await;
    suite.tokens(&[("display", "popup")]).await;
}

#[tokio::test]
async fn oidcc_prompt_login() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let first = suite.verified(&tokens).await;
    suite.rig.wait(Duration::from_secs(2));
    let page = suite.authorize(&[("prompt", "login")]).await;
    assert_eq!(page.location, None, "the user is asked again");
    let answer = suite.through(page).await.answer();
    let tokens = suite.redeem(&answer["code"], &[]).await.ok();
    let second = suite.verified(&tokens).await;
    assert_eq!(first["sub"], second["sub"]);
    assert!(auth_time(&second) > auth_time(&first));
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let mut suite = Suite::start().await;
    let page = suite.authorize(&[("prompt", "none")]).await;
    let answer = page.answer();
    assert!(["login_required", "interaction_required"].contains(&answer["error"].as_str()));
    assert_eq!(answer["iss"], suite.metadata().await["issuer"], "RFC 9207 §2");
    assert!(!answer.contains_key("code"));
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let first = suite.verified(&tokens).await;
    suite.rig.wait(Duration::from_secs(2));
    let answer = suite.authorize(&[("prompt", "none")]).await.answer();
    let tokens = suite.redeem(&answer["code"], &[]).await.ok();
    let second = suite.verified(&tokens).await;
    assert_eq!((&first["sub"], auth_time(&first)), (&second["sub"], auth_time(&second)));
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let first = suite.verified(&tokens).await;
    suite.rig.wait(Duration::from_secs(2));
    let page = suite.authorize(&[("max_age", "1")]).await;
    assert_eq!(page.location, None, "the user is asked again");
    let answer = suite.through(page).await.answer();
    let tokens = suite.redeem(&answer["code"], &[]).await.ok();
    let second = suite.verified(&tokens).await;
    assert!(auth_time(&second) > auth_time(&first));
    assert!(suite.rig.now().seconds() - auth_time(&second) <= 1);
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[("max_age", "10000")]).await;
    let first = suite.verified(&tokens).await;
    suite.rig.wait(Duration::from_secs(2));
    let answer = suite.authorize(&[("max_age", "10000")]).await.answer();
    let tokens = suite.redeem(&answer["code"], &[]).await.ok();
    assert_eq!(auth_time(&first), auth_time(&suite.verified(&tokens).await));
    // Beyond it the session is too old.
    suite.rig.wait(Duration::from_secs(10_000));
    assert_eq!(suite.authorize(&[("max_age", "10000")]).await.location, None);
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let first = suite.verified(&tokens).await;
    let hint = tokens["id_token"].as_str().unwrap();
    suite.rig.wait(Duration::from_hours(2));
    let answer = suite.authorize(&[("prompt", "none"), ("id_token_hint", hint)]).await.answer();
    let again = suite.redeem(&answer["code"], &[]).await.ok();
    let second = suite.verified(&again).await;
    assert_eq!((&first["sub"], auth_time(&first)), (&second["sub"], auth_time(&second)));
    // A hint that is not ours is no hint.
    let (head, signature) = hint.rsplit_once('.').unwrap();
    let first_letter = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{first_letter}{}", &signature[1..]);
    let answer = suite.authorize(&[("prompt", "none"), ("id_token_hint", &forged)]).await.answer();
    assert_eq!(answer["error"], "invalid_request");
    let access_token = tokens["access_token"].as_str().unwrap();
    let answer = suite.authorize(&[("prompt", "none"), ("id_token_hint", access_token)]).await.answer();
    assert_eq!(answer["error"], "invalid_request", "an access token is for another audience");
}

/// OIDC Core §3.1.2.1: who is signed in is not the one whom the client expects.
#[tokio::test]
async fn the_hint_of_another_user_is_not_answered_for_this_one() {
    let mut suite = Suite::start().await;
    let hint = suite.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    suite.other_user("bob@example.org").await;
    let page = suite.authorize(&[("prompt", "login"), ("login_hint", "bob@example.org")]).await;
    assert_eq!(suite.through(page).await.status, 302);
    let silent = suite.authorize(&[("prompt", "none"), ("id_token_hint", &hint)]).await.answer();
    assert_eq!(silent["error"], "login_required");
    // Nor when the other one signs in for it.
    let page = suite.authorize(&[("id_token_hint", &hint), ("login_hint", "bob@example.org")]).await;
    assert_eq!(suite.through(page).await.answer()["error"], "login_required");
}

#[tokio::test]
async fn oidcc_login_hint() {
    let mut suite = Suite::start().await;
    let page = suite.authorize(&[("login_hint", NAME)]).await;
    assert!(page.html.contains(NAME), "the page names who was hinted at");
    assert!(suite.through(page).await.answer().contains_key("code"));
}

#[tokio::test]
async fn oidcc_ui_locales() {
    let mut suite = Suite::start().await;
    suite.tokens(&[("ui_locales", "se")]).await;
}
