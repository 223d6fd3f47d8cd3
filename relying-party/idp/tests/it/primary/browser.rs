//! Browsers on a registered device: signed in without a page.

use std::time::Duration;

use latchkey_idp::domain::TenantPolicy;
use latchkey_idp::strength::Strength;
use serde_json::{Value, json};

use super::device::{self, Device, Held, nonce};
use super::{by_key, by_password, refusals};
use crate::browser::{Browser, Page};
use crate::rig::{PASSWORD, REDIRECT, Rig, claims};

const HEADER: &str = "x-ms-RefreshTokenCredential";
const DEVICE: &str = "x-ms-DeviceCredential";

/// What a broker puts into a browser's request.
fn cookie(held: &Held, nonce: &str) -> String {
    held.message(&json!({
        "refresh_token": held.token, "is_primary": "true", "win_ver": "10.0.19041.868", "request_nonce": nonce,
    }))
}

/// The nonce that a redirect to the same request brings.
#[track_caller]
fn nonce_of(page: &Page) -> String {
    let location = page.location.as_deref().unwrap_or_else(|| panic!("{} {}", page.status, page.html));
    assert!(location.starts_with('/') && location.contains("/oauth2/v2.0/authorize?"), "{location}");
    let (_, query) = location.split_once('?').unwrap();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.find(|(name, _)| name == "sso_nonce").unwrap().1
}

struct Scene {
    rig: Rig,
    device: Device,
    held: Held,
    browser: Browser,
}

impl Scene {
    async fn new() -> Self {
        let rig = Rig::start().await;
        let device = Device::register(&rig, "Laptop").await;
        let held = by_password(&rig, &device).await;
        let browser = Browser::new(&rig);
        Self { rig, device, held, browser }
    }

    async fn open(&mut self, credential: Option<String>, more: &[(&str, &str)]) -> Page {
        self.browser.cookies.remove(HEADER);
        if let Some(credential) = credential {
            self.browser.cookies.insert(HEADER.to_owned(), credential);
        }
        self.browser.authorize(&self.rig, more).await
    }

    /// The claims of the token that a code gives.
    async fn redeemed(&self, page: &Page) -> Value {
        claims(&self.rig.redeem(&page.answer()["code"]).await.ok()["access_token"])
    }
}

#[tokio::test]
async fn a_primary_token_signs_its_user_in() {
    let mut scene = Scene::new().await;
    let credential = cookie(&scene.held, &nonce(&scene.rig).await);
    let page = scene.open(Some(credential), &[]).await;
    assert!(page.html.contains(&format!("<a href=\"{REDIRECT}?code=")), "some brokers read the body");
    let access = scene.redeemed(&page).await;
    assert_eq!(access["deviceid"], scene.device.id.to_string());
    assert_eq!((&access["oid"], &access["amr"]), (&json!(scene.rig.user.id), &json!(["pwd"])));
    // Its session goes on by itself, also for a silent request, and says which device it is on.
    let page = scene.open(None, &[("prompt", "none")]).await;
    assert_eq!(scene.redeemed(&page).await["deviceid"], scene.device.id.to_string());
    let devices = scene.rig.database.devices();
    devices.set_enabled((scene.rig.tenant, scene.device.id), false, scene.rig.now()).await.unwrap();
    let page = scene.open(None, &[("prompt", "none")]).await;
    assert_eq!(page.answer()["error"], "login_required", "a browser's session ends with its device");
}

#[tokio::test]
async fn a_nonce_is_given_once_to_whoever_has_none() {
    let mut scene = Scene::new().await;
    let without = scene.held.message(&json!({
        "refresh_token": scene.held.token, "is_primary": "true", "iat": scene.rig.now().seconds().to_string(),
    }));
    let given = nonce_of(&scene.open(Some(without.clone()), &[]).await);
    let page = scene.open(Some(without), &[("sso_nonce", &given)]).await;
    page.shows("user");
    let credential = cookie(&scene.held, &given);
    let page = scene.open(Some(credential.clone()), &[("sso_nonce", &given), ("prompt", "none")]).await;
    assert!(page.answer().contains_key("code"));
    // The same cookie again, in another browser.
    scene.browser = Browser::new(&scene.rig);
    let again = nonce_of(&scene.open(Some(credential.clone()), &[("sso_nonce", &given)]).await);
    assert_ne!(again, given);
    scene.open(Some(credential), &[("sso_nonce", &again)]).await.shows("user");
    let late = nonce(&scene.rig).await;
    scene.rig.wait(device::NONCE);
    nonce_of(&scene.open(Some(cookie(&scene.held, &late)), &[]).await);
}

#[tokio::test]
async fn whoever_wants_a_page_gets_one() {
    let mut scene = Scene::new().await;
    for (name, value, step) in
        [("prompt", "login", "password"), ("prompt", "select_account", "user"), ("amr_values", "ngcmfa", "")]
    {
        scene.browser = Browser::new(&scene.rig);
        let credential = cookie(&scene.held, &nonce(&scene.rig).await);
        let page = scene.open(Some(credential), &[(name, value)]).await;
        if step.is_empty() {
            assert!(page.location.is_none(), "{name}");
        } else {
            page.shows(step);
        }
    }
    // Too old for the request.
    scene.rig.wait(Duration::from_mins(20));
    let credential = cookie(&scene.held, &nonce(&scene.rig).await);
    scene.open(Some(credential), &[("max_age", "600")]).await.shows("password");
    let credential = cookie(&scene.held, &nonce(&scene.rig).await);
    let page = scene.open(Some(credential), &[("max_age", "600"), ("prompt", "none")]).await;
    assert_eq!(page.answer()["error"], "login_required");
    // For somebody else.
    let credential = cookie(&scene.held, &nonce(&scene.rig).await);
    scene.open(Some(credential), &[("login_hint", "bob@example.org")]).await.shows("password");
}

#[tokio::test]
async fn a_strong_request_is_satisfied_by_an_enterprise_key_only() {
    let mut scene = Scene::new().await;
    let key = scene.device.add_key(&scene.rig, scene.rig.user.id).await;
    let strong = by_key(&scene.rig, &scene.device, &key).await;
    scene.rig.decide(|policy: &mut TenantPolicy| policy.strength = Strength::PhishingResistant).await;
    let credential = cookie(&scene.held, &nonce(&scene.rig).await);
    let page = scene.open(Some(credential), &[("prompt", "none")]).await;
    assert_eq!(page.answer()["error"], "interaction_required");
    scene.browser = Browser::new(&scene.rig);
    let credential = cookie(&strong, &nonce(&scene.rig).await);
    let page = scene.open(Some(credential), &[("prompt", "none")]).await;
    assert_eq!(scene.redeemed(&page).await["amr"], json!(["rsa", "mfa"]));
}

#[tokio::test]
async fn a_device_alone_says_where_the_user_signs_in() {
    let mut scene = Scene::new().await;
    let credential = async |scene: &Scene, device: &Device| {
        let nonce = nonce(&scene.rig).await;
        device.signed(
            &json!({ "grant_type": "device_auth", "iss": "aad:brokerplugin", "request_nonce": nonce }),
        )
    };
    let first = credential(&scene, &scene.device).await;
    scene.browser.cookies.insert(DEVICE.to_owned(), first);
    let page = scene.open(None, &[]).await;
    page.shows("user");
    scene.browser.cookies.remove(DEVICE);
    let page = scene.browser.submit(&page, "user", &[("loginfmt", &scene.rig.user.upn)]).await;
    let page = scene.browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    let page = scene.browser.through(page).await;
    assert_eq!(scene.redeemed(&page).await["deviceid"], scene.device.id.to_string());
    // The session was carried to another device.
    let other = Device::register(&scene.rig, "Desktop").await;
    let second = credential(&scene, &other).await;
    scene.browser.cookies.insert(DEVICE.to_owned(), second);
    let page = scene.open(None, &[("prompt", "none")]).await;
    assert_eq!(page.answer()["error"], "login_required");
    assert!(refusals(&scene.rig).await.is_empty());
}
