//! A password that an administrator gave is changed by whoever signs in with it.

use std::time::Duration;

use latchkey_idp::domain::SecondFactor;
use latchkey_idp::sign_in::{add_totp, set_password};

use crate::browser::{Browser, Page};
use crate::rig::Rig;
use crate::sign_in::{NAME, PASSWORD, code_at, finish, rig, seed};

const GIVEN: &str = "given by an administrator";
const CHOSEN: &str = "chosen by the user alone";

/// A rig whose user has a temporary password.
async fn given() -> Rig {
    let rig = rig().await;
    set_password(&rig.provider, rig.user.id, GIVEN).await.unwrap();
    let (_, hash) = rig.database.users().by_upn(NAME).await.unwrap().unwrap();
    rig.database.users().set_temporary_password(rig.user.id, &hash.unwrap(), rig.now()).await.unwrap();
    rig
}

async fn change(browser: &mut Browser, page: &Page, old: &str, new: &str, again: &str) -> Page {
    let fields = [("passwd", old), ("newpasswd", new), ("confirmnewpasswd", again)];
    browser.submit(page, "change-password", &fields).await
}

#[tokio::test]
async fn a_given_password_is_changed_before_the_sign_in_goes_on() {
    let rig = given().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, GIVEN).await;
    page.shows("change-password");
    assert!(!page.html.contains("old-password"), "it was typed a moment ago");
    let mut page = browser.submit(&page, "stay", &[("LoginOptions", "1")]).await;
    for (new, again) in [(CHOSEN, "something else"), (GIVEN, GIVEN), ("short", "short"), ("", "")] {
        page.shows("change-password");
        page = change(&mut browser, &page, "", new, again).await;
        page.refuses();
    }
    assert!(!browser.cookies.contains_key("__Host-latchkey-session"));
    let page = change(&mut browser, &page, "", CHOSEN, CHOSEN).await;
    finish(&rig, &mut browser, &page).await;
    let rows = rig.database.audit().entries(1, 10).await.unwrap();
    assert!(rows.iter().any(|row| row.record.contains("password.changed")), "{rows:?}");
    assert!(rows.iter().all(|row| !row.record.contains(CHOSEN)));

    Browser::new(&rig).password(&rig, NAME, GIVEN).await.says(50_126);
    Browser::new(&rig).password(&rig, NAME, CHOSEN).await.shows("stay");
}

#[tokio::test]
async fn every_other_sign_in_ends() {
    let rig = rig().await;
    let mut elsewhere = Browser::new(&rig);
    let page = elsewhere.password(&rig, NAME, PASSWORD).await;
    let page = elsewhere.submit(&page, "stay", &[("LoginOptions", "1")]).await;
    let tokens = rig.redeem(&page.answer()["code"]).await.ok();
    // Marked, though nothing ended yet: the same second, as when the administrator's clock is ours.
    let (_, hash) = rig.database.users().by_upn(NAME).await.unwrap().unwrap();
    rig.database.users().set_temporary_password(rig.user.id, &hash.unwrap(), rig.now()).await.unwrap();
    let silent = elsewhere.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "interaction_required");

    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let page = change(&mut browser, &page, "", CHOSEN, CHOSEN).await;
    finish(&rig, &mut browser, &page).await;
    let silent = elsewhere.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "login_required");
    rig.refresh(&tokens["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
}

#[tokio::test]
async fn after_a_while_the_old_one_is_asked_for() {
    let rig = given().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, GIVEN).await;
    // Not before all factors are there: otherwise a guessed password would lock the user out.
    page.shows("code");
    let page = change(&mut browser, &page, GIVEN, CHOSEN, CHOSEN).await;
    page.shows("code");
    rig.wait(Duration::from_mins(11));
    let page = browser.submit(&page, "code", &[("otc", &code_at(rig.now().seconds()))]).await;
    page.shows("change-password");
    assert!(page.html.contains("old-password"));
    for wrong in ["", "wrong"] {
        let page = change(&mut browser, &page, wrong, CHOSEN, CHOSEN).await;
        assert!(page.location.is_none());
    }
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, GIVEN).await;
    rig.wait(Duration::from_mins(11));
    let page = browser.submit(&page, "code", &[("otc", &code_at(rig.now().seconds()))]).await;
    let page = change(&mut browser, &page, "wrong", CHOSEN, CHOSEN).await;
    page.says(50_126);
    let page = change(&mut browser, &page, GIVEN, CHOSEN, CHOSEN).await;
    finish(&rig, &mut browser, &page).await;
}

#[tokio::test]
async fn programs_that_send_a_password_are_told_to_show_a_page() {
    let rig = given().await;
    rig.decide(|policy| policy.password_grant = true).await;
    let native = rig.native.to_string();
    let ask = async |password: &str| {
        rig.token(&[
            ("grant_type", "password"),
            ("client_id", &native),
            ("scope", "openid"),
            ("username", NAME),
            ("password", password),
        ])
        .await
    };
    ask(GIVEN).await.refused(400, "interaction_required", 50_055);
    ask("wrong").await.refused(400, "invalid_grant", 50_126);
    set_password(&rig.provider, rig.user.id, CHOSEN).await.unwrap();
    ask(CHOSEN).await.ok();
    rig.decide(|policy| policy.second_factor = SecondFactor::Required).await;
    ask(CHOSEN).await.refused(400, "invalid_grant", 50_076);
    rig.decide(|policy| {
        policy.second_factor = SecondFactor::Optional;
        policy.strength = latchkey_idp::strength::Strength::Multifactor;
    })
    .await;
    ask(CHOSEN).await.refused(400, "invalid_grant", 50_076);
}
