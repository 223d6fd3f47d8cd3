//! Signing out: who is asked, where it leads, who else hears of it, and what lives on.

use latchkey_idp::domain::{ClientId, Registration, SigningAlgorithm};
use latchkey_idp::keys::SigningKey;
use serde_json::Value;
use url::form_urlencoded;

use crate::browser::{Browser, Page};
use crate::rig::{REDIRECT, Rig, URL, claims};
use crate::sign_in::{NAME, PASSWORD, rig};

const BACK: &str = "https://app.example.org/bye";

async fn change(rig: &Rig, id: ClientId, change: impl FnOnce(&mut Registration)) {
    let mut app = rig.database.apps().find(id).await.unwrap().unwrap();
    change(&mut app.registration);
    rig.database.apps().update(&app).await.unwrap();
    rig.wait(std::time::Duration::from_secs(6));
}

/// A browser in which the user is signed in, and the tokens of the web application, which may call the browser back.
async fn signed_in() -> (Rig, Browser, Value) {
    let rig = rig().await;
    change(&rig, rig.web, |registration| registration.post_logout_redirect_uris.push(BACK.to_owned())).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let page = browser.submit(&page, "stay", &[("LoginOptions", "3")]).await;
    let tokens = rig.redeem(&page.answer()["code"]).await.ok();
    (rig, browser, tokens)
}

async fn sign_out(rig: &Rig, browser: &mut Browser, fields: &[(&str, &str)]) -> Page {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.get(&format!("/{}/oauth2/v2.0/logout?{query}", rig.tenant)).await
}

fn asks(page: &Page) -> bool {
    page.status == 200 && page.html.contains("sign-out-form")
}

async fn signed_out(rig: &Rig, browser: &mut Browser) -> bool {
    browser.authorize(rig, &[("prompt", "none")]).await.answer().contains_key("error")
}

#[tokio::test]
async fn an_application_of_the_session_signs_out_without_a_question() {
    let (rig, mut browser, tokens) = signed_in().await;
    rig.wait(std::time::Duration::from_hours(2));
    let hint = tokens["id_token"].as_str().unwrap();
    let fields = [("id_token_hint", hint), ("post_logout_redirect_uri", BACK), ("state", "a&b")];
    let page = sign_out(&rig, &mut browser, &fields).await;
    assert_eq!(page.location.as_deref(), Some("https://app.example.org/bye?state=a%26b"), "{}", page.html);
    assert!(signed_out(&rig, &mut browser).await);
    // Again, with nobody signed in: the browser goes back all the same.
    let page = sign_out(&rig, &mut browser, &fields).await;
    assert_eq!(page.location.as_deref(), Some("https://app.example.org/bye?state=a%26b"));
}

#[tokio::test]
async fn whoever_proves_nothing_is_asked_about() {
    let (rig, mut browser, tokens) = signed_in().await;
    let hint = tokens["id_token"].as_str().unwrap();
    let web = rig.web.to_string();
    // An ID token of another browser's session, and one that another person is named beside.
    let page = Browser::new(&rig).password(&rig, NAME, PASSWORD).await;
    assert!(page.location.is_none());
    let elsewhere = rig.redeem(&rig.code("openid").await).await.ok();
    let elsewhere = elsewhere["id_token"].as_str().unwrap();
    let (other, _) = SigningKey::generate(SigningAlgorithm::Es256, rig.now()).unwrap();
    let forged = other.sign(claims(&tokens["id_token"]).to_string().as_bytes()).unwrap();
    for fields in [
        &[][..],
        &[("client_id", web.as_str())],
        &[("id_token_hint", elsewhere)],
        &[("id_token_hint", hint), ("logout_hint", "bob@example.org")],
        &[("id_token_hint", &forged)],
        &[("id_token_hint", tokens["access_token"].as_str().unwrap())],
        &[("id_token_hint", "x")],
    ] {
        let page = sign_out(&rig, &mut browser, fields).await;
        assert!(asks(&page), "{fields:?}: {}", page.html);
    }
    assert!(!signed_out(&rig, &mut browser).await);
    let fields = [("id_token_hint", hint), ("logout_hint", "Alice@example.org")];
    assert!(!asks(&sign_out(&rig, &mut browser, &fields).await));
    assert!(signed_out(&rig, &mut browser).await);
}

#[tokio::test]
async fn the_way_back_is_a_registered_one() {
    let (rig, _, tokens) = signed_in().await;
    let hint = tokens["id_token"].as_str().unwrap();
    let (web, native) = (rig.web.to_string(), rig.native.to_string());
    let (other, _) = SigningKey::generate(SigningAlgorithm::Es256, rig.now()).unwrap();
    let forged = other.sign(claims(&tokens["id_token"]).to_string().as_bytes()).unwrap();
    // Nobody is signed in here, so nothing is asked: only the way back differs.
    for (fields, back) in [
        (&[("client_id", web.as_str()), ("post_logout_redirect_uri", BACK)][..], true),
        (&[("id_token_hint", hint), ("post_logout_redirect_uri", BACK)], true),
        (&[("id_token_hint", hint), ("client_id", &web), ("post_logout_redirect_uri", BACK)], true),
        (&[("post_logout_redirect_uri", BACK)], false),
        (&[("client_id", &web), ("post_logout_redirect_uri", REDIRECT)], false),
        (&[("client_id", &web), ("post_logout_redirect_uri", "https://app.example.org/bye/")], false),
        (&[("client_id", &web), ("post_logout_redirect_uri", "https://app.example.org/bye?x=1")], false),
        (&[("client_id", &web), ("post_logout_redirect_uri", "https://evil.example/")], false),
        (&[("client_id", &native), ("post_logout_redirect_uri", BACK)], false),
        (&[("id_token_hint", hint), ("client_id", &native), ("post_logout_redirect_uri", BACK)], false),
        (&[("id_token_hint", &forged), ("post_logout_redirect_uri", BACK)], false),
        (&[("id_token_hint", &forged), ("client_id", &web), ("post_logout_redirect_uri", BACK)], false),
    ] {
        let page = sign_out(&rig, &mut Browser::new(&rig), fields).await;
        assert_eq!(page.location.as_deref(), back.then_some(BACK), "{fields:?}");
        assert!(back || page.html.contains("id=\"signed-out\""), "{fields:?}: {}", page.html);
    }
    let broken = [("client_id", "nobody"), ("post_logout_redirect_uri", BACK)];
    assert_eq!(sign_out(&rig, &mut Browser::new(&rig), &broken).await.status, 400);
}

#[tokio::test]
async fn applications_of_the_session_are_told_in_frames() {
    let (rig, mut browser, tokens) = signed_in().await;
    change(&rig, rig.web, |registration| {
        registration.front_channel_logout_uri = Some("https://app.example.org/out?x=1".to_owned());
    })
    .await;
    // Registered too, but nobody signed in to it in this session.
    change(&rig, rig.native, |registration| {
        registration.front_channel_logout_uri = Some("https://native.example/out".to_owned());
    })
    .await;
    let hint = tokens["id_token"].as_str().unwrap();
    let fields = [("id_token_hint", hint), ("post_logout_redirect_uri", BACK)];
    let page = sign_out(&rig, &mut browser, &fields).await;
    assert_eq!((page.status, page.location.as_deref()), (200, None));
    let sid = claims(&tokens["id_token"])["sid"].as_str().unwrap().to_owned();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("iss", format!("{URL}/{}/v2.0", rig.tenant)), ("sid", sid)])
        .finish();
    let frame = page.attribute("src");
    assert!(page.html.contains("<iframe") && !page.html.contains("native.example"), "{}", page.html);
    assert!(
        page.html.replace("&#38;", "&").contains(&format!("https://app.example.org/out?x=1&{query}")),
        "{frame}"
    );
    assert!(page.policy.contains("frame-src https://app.example.org;"), "{}", page.policy);
    assert!(page.html.contains(&format!("href=\"{BACK}\"")), "the way back is on the page");
    assert!(signed_out(&rig, &mut browser).await);
}

#[tokio::test]
async fn refresh_tokens_live_on_and_the_session_does_not() {
    let (rig, mut browser, tokens) = signed_in().await;
    let hint = tokens["id_token"].as_str().unwrap();
    sign_out(&rig, &mut browser, &[("id_token_hint", hint)]).await;
    assert!(signed_out(&rig, &mut browser).await);
    let renewed = rig.refresh(&tokens["refresh_token"]).await.ok();
    rig.wait(std::time::Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    rig.refresh(&renewed["refresh_token"]).await.refused(400, "invalid_grant", 50_173);
}
