//! The page on which the code of another device is typed (RFC 8628 §3.3), and what the device hears.

use std::time::Duration;

use serde_json::Value;

use crate::browser::{Browser, Page};
use crate::own_pages::sign_in;
use crate::rig::{Answer, Rig, claims};
use crate::sign_in::{NAME, rig};

/// A device that asked for a code.
struct Device {
    codes: Value,
}

impl Device {
    async fn ask(rig: &Rig) -> Self {
        let native = rig.native.to_string();
        let path = format!("/{}/oauth2/v2.0/devicecode", rig.tenant);
        let codes = rig.post(&path, &[("client_id", &native), ("scope", "openid User.Read")]).await.ok();
        Self { codes }
    }

    fn user_code(&self) -> &str {
        self.codes["user_code"].as_str().unwrap()
    }

    async fn poll(&self, rig: &Rig) -> Answer {
        let native = rig.native.to_string();
        rig.wait(Duration::from_secs(5));
        rig.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &native),
            ("device_code", self.codes["device_code"].as_str().unwrap()),
        ])
        .await
    }
}

/// From the empty field to the question whether it is the own device.
async fn until_question(browser: &mut Browser, device: &Device) -> Page {
    let page = browser.get("/devicelogin").await;
    page.shows("device-code");
    let typed = device.user_code().to_lowercase();
    let page =
        browser.submit(&page, "device-code", &[("otc", &format!(" {}-{}", &typed[..4], &typed[4..]))]).await;
    let page = sign_in(browser, &page).await;
    page.shows("device-confirm");
    page
}

#[tokio::test]
async fn the_owner_lets_the_device_in() {
    let rig = rig().await;
    let device = Device::ask(&rig).await;
    device.poll(&rig).await.refused(400, "authorization_pending", 70_016);
    let mut browser = Browser::new(&rig);
    let page = until_question(&mut browser, &device).await;
    // What tells the own device from another one's (§5.4).
    for shown in [device.user_code(), NAME, "App 1", "0.0.0.0", "15 Jun 2025"] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    device.poll(&rig).await.refused(400, "authorization_pending", 70_016);
    let page = browser.submit(&page, "device-confirm", &[("answer", "accept")]).await;
    // What the device wants was never consented to.
    page.shows("consent");
    device.poll(&rig).await.refused(400, "authorization_pending", 70_016);
    let page = browser.submit(&page, "consent", &[("answer", "accept")]).await;
    assert!(page.html.contains("data-accepted=\"true\"") && page.html.contains("App 1"), "{}", page.html);
    let tokens = device.poll(&rig).await.ok();
    assert_eq!(claims(&tokens["id_token"])["oid"], rig.user.id.to_string());
    device.poll(&rig).await.refused(400, "bad_verification_code", 70_018);

    // The browser is signed in now: the next device needs the code and the question, no proof and no consent.
    let device = Device::ask(&rig).await;
    let page = browser.get(&format!("/devicelogin?user_code={}", device.user_code())).await;
    page.shows("device-code");
    assert_eq!(page.field_of_code(), device.user_code());
    device.poll(&rig).await.refused(400, "authorization_pending", 70_016);
    let page = browser.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    page.shows("device-confirm");
    let page = browser.submit(&page, "device-confirm", &[("answer", "accept")]).await;
    assert!(page.html.contains("data-accepted=\"true\""), "{}", page.html);
    device.poll(&rig).await.ok();
}

impl Page {
    fn field_of_code(&self) -> String {
        let (_, field) = self.html.split_once("id=\"user-code\"").unwrap();
        field.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    }
}

#[tokio::test]
async fn the_owner_keeps_the_device_out() {
    let rig = rig().await;
    for at_consent in [false, true] {
        let device = Device::ask(&rig).await;
        let mut browser = Browser::new(&rig);
        let mut page = until_question(&mut browser, &device).await;
        let mut step = "device-confirm";
        if at_consent {
            page = browser.submit(&page, step, &[("answer", "accept")]).await;
            step = "consent";
            page.shows(step);
        }
        let page = browser.submit(&page, step, &[("answer", "decline")]).await;
        assert!(page.html.contains("data-accepted=\"false\""), "{}", page.html);
        device.poll(&rig).await.refused(400, "authorization_declined", 65_004);
    }
}

#[tokio::test]
async fn only_the_question_lets_a_device_in() {
    let rig = rig().await;
    let device = Device::ask(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = browser.get("/devicelogin").await;
    // No step goes round the code, the proof or the question.
    for (step, field) in [("device-confirm", "answer"), ("stay", "LoginOptions"), ("consent", "answer")] {
        let page = browser.get(&format!("/devicelogin?otc={}", device.user_code())).await;
        browser.submit(&page, step, &[(field, "accept")]).await.shows("device-code");
    }
    let page = browser.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    let page = browser.submit(&page, "device-confirm", &[("answer", "accept")]).await;
    page.shows("user");
    let page = sign_in(&mut browser, &page).await;
    page.shows("device-confirm");
    // A link to the sign-in does not answer either, and another account is asked again.
    let path = page.html.split_once("id=\"change-account\"").unwrap().1;
    let path = path.split_once("href=\"").unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
    browser.get(&path).await.shows("user");
    // Nor does a client's sign-in take a code.
    let page = browser.authorize(&rig, &[("prompt", "login")]).await;
    let page = browser.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    assert_eq!(page.status, 400);
    device.poll(&rig).await.refused(400, "authorization_pending", 70_016);
}

#[tokio::test]
async fn a_code_is_good_as_long_as_the_device_waits() {
    let rig = rig().await;
    let device = Device::ask(&rig).await;
    let mut browser = Browser::new(&rig);
    let page = until_question(&mut browser, &device).await;
    rig.wait(Duration::from_mins(15));
    let page = browser.submit(&page, "device-confirm", &[("answer", "accept")]).await;
    assert!(page.status == 400 && page.html.contains("AADSTS70019"), "{}", page.html);
    device.poll(&rig).await.refused(400, "expired_token", 70_019);
    let mut late = Browser::new(&rig);
    let page = late.get("/devicelogin").await;
    let page = late.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    page.shows("device-code");
    page.says(70_018);
}

#[tokio::test]
async fn guesses_are_counted_by_browser_and_by_address() {
    let rig = rig().await;
    let device = Device::ask(&rig).await;
    let mut browser = Browser::new(&rig);
    let mut page = browser.get("/devicelogin").await;
    for _ in 0..10 {
        page = browser.submit(&page, "device-code", &[("otc", "BBBBBBBBB")]).await;
        page.says(70_018);
    }
    // Now not even the right one is looked at, after a restart neither: the counter lies in the database.
    page = browser.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    page.says(50_053);
    // Another browser at the same address has its own ten; all of them together have a hundred, with the eleven above.
    for tries in [10, 10, 10, 10, 10, 10, 10, 10, 9] {
        let mut other = Browser::new(&rig);
        let mut page = other.get("/devicelogin").await;
        for _ in 0..tries {
            page = other.submit(&page, "device-code", &[("otc", "BBBBBBBBB")]).await;
            page.says(70_018);
        }
    }
    let mut fresh = Browser::new(&rig);
    let page = fresh.get("/devicelogin").await;
    let page = fresh.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    page.says(50_053);
    rig.wait(Duration::from_mins(2));
    let page = fresh.submit(&page, "device-code", &[("otc", device.user_code())]).await;
    page.shows("user");
}
