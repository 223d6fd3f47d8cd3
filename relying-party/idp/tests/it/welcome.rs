//! The link of a first sign-in, from the fragment to the page where it ends.

use std::time::Duration;

use latchkey_idp::domain::User;
use latchkey_idp::storage::NewUser;
use latchkey_idp::totp::{Algorithm, TotpSecret};
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::authenticator::{Authenticator, Statement};
use crate::browser::{Browser, Page};
use crate::rig::{Rig, URL};
use crate::sign_in::code_of;

const BOB: &str = "bob@example.org";
const NEW: &str = "a brand new phrase";

/// A user without any way to sign in, and the secret of their link.
pub async fn invited(rig: &Rig, administrator: bool) -> (User, String) {
    let user = User {
        id: latchkey_idp::domain::UserId::new(Uuid::from_u128(3)),
        upn: BOB.to_owned(),
        display_name: "Bob".to_owned(),
        administrator,
        ..rig.user.clone()
    };
    rig.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
    let link = rig.provider.invitation(user.id, Duration::from_hours(24)).await.unwrap();
    let secret = link.strip_prefix(&format!("{URL}/welcome#")).unwrap().to_owned();
    (user, secret)
}

pub async fn open(browser: &mut Browser, secret: &str) -> Page {
    let page = browser.get("/welcome").await;
    assert!(page.status == 200 && page.html.contains("/static/welcome.js"));
    let csrf = page.field("csrf");
    browser.post("/welcome", &[("csrf", &csrf), ("link", secret)]).await
}

pub fn key() -> Authenticator {
    Authenticator::new("id.example.org", URL, 9)
}

pub async fn make_passkey(browser: &mut Browser, page: &Page, key: &Authenticator) -> Page {
    page.shows("new-passkey");
    let options: Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
    let credential = key.register(&options, Statement::None).to_string();
    browser.submit(page, "new-passkey", &[("credential", &credential), ("name", "Laptop")]).await
}

/// The secret that the page shows.
pub fn shown(page: &Page) -> TotpSecret {
    let text = page.html.split_once("<code id=\"secret\">").unwrap().1.split_once('<').unwrap().0;
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.chars().filter(|letter| *letter != ' ') {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        held = (held << 5) | u32::try_from(value).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xFF).unwrap());
        }
    }
    TotpSecret::from_bytes(Algorithm::Sha1, Zeroizing::new(bytes)).unwrap()
}

async fn finish(browser: &mut Browser, page: &Page, place: &str) {
    page.shows("stay");
    let page = browser.submit(page, "stay", &[("LoginOptions", "3")]).await;
    assert_eq!((page.status, page.location.as_deref()), (302, Some(place)));
    assert!(browser.get("/").await.html.contains(BOB));
}

#[tokio::test]
async fn an_administrator_makes_a_passkey() {
    let rig = Rig::start().await;
    let (user, secret) = invited(&rig, true).await;
    let mut browser = Browser::new(&rig);
    let page = open(&mut browser, &secret).await;
    page.shows("first-way");
    assert!(!page.html.contains(&secret) && page.html.contains("Bob"));
    let page = browser.submit(&page, "first-way", &[("way", "passkey")]).await;
    // A change of mind costs nothing.
    let page = browser.submit(&page, "new-passkey", &[("answer", "later")]).await;
    let page = browser.submit(&page, "first-way", &[("way", "passkey")]).await;
    let page = make_passkey(&mut browser, &page, &key()).await;
    finish(&mut browser, &page, "/admin/tenants").await;
    assert_eq!(rig.database.passkeys().of_user(user.id).await.unwrap().len(), 1);

    // The link is gone, for this browser too.
    for browser in [&mut browser, &mut Browser::new(&rig)] {
        open(browser, &secret).await.says(50_128);
    }
}

#[tokio::test]
async fn a_user_chooses_a_password_and_an_app() {
    let rig = Rig::start().await;
    let (user, secret) = invited(&rig, false).await;
    let mut browser = Browser::new(&rig);
    // Whole links are pasted too.
    let page = open(&mut browser, &format!(" {URL}/welcome#{secret}\n")).await;
    let page = browser.submit(&page, "first-way", &[("way", "password")]).await;
    page.shows("change-password");
    for (typed, again) in [(NEW, "another phrase"), ("short", "short"), ("", "")] {
        let page = browser.get(&resume(&page)).await;
        let page = browser
            .submit(&page, "change-password", &[("newpasswd", typed), ("confirmnewpasswd", again)])
            .await;
        page.shows("change-password");
        assert!(page.html.contains("data-kind=\"error\""), "{typed}");
    }
    let page = browser.get(&resume(&page)).await;
    let page =
        browser.submit(&page, "change-password", &[("newpasswd", NEW), ("confirmnewpasswd", NEW)]).await;
    page.shows("enrol");
    let app = shown(&page);
    let page = browser.submit(&page, "enrol", &[("otc", "000000")]).await;
    page.shows("enrol");
    page.says(500_121);
    assert_eq!(*shown(&page).base32(), *app.base32());
    // Nothing is stored before the whole is.
    assert!(rig.database.users().by_upn(BOB).await.unwrap().unwrap().1.is_none());
    let code = code_of(app.expose(), rig.now().seconds());
    let page = browser.submit(&page, "enrol", &[("otc", &code)]).await;
    finish(&mut browser, &page, "/").await;
    assert!(rig.database.users().by_upn(BOB).await.unwrap().unwrap().1.is_some());
    assert_eq!(rig.database.totp().of_user(user.id).await.unwrap().len(), 1);

    // Both serve from now on; the code that was typed here does not serve again.
    let mut other = Browser::new(&rig);
    let page = other.password(&rig, BOB, NEW).await;
    let page = other.submit(&page, "code", &[("otc", &code)]).await;
    page.says(500_121);
    rig.wait(Duration::from_mins(1));
    let code = code_of(app.expose(), rig.now().seconds());
    other.submit(&page, "code", &[("otc", &code)]).await.shows("stay");
}

/// The page of a sign-in again, whose forms were spent.
fn resume(page: &Page) -> String {
    format!("/common/login?ctx={}", page.field("ctx"))
}

#[tokio::test]
async fn a_link_survives_a_closed_browser_and_serves_one_browser() {
    let rig = Rig::start().await;
    let (_, secret) = invited(&rig, false).await;
    let mut browser = Browser::new(&rig);
    let page = open(&mut browser, &secret).await;
    browser.submit(&page, "first-way", &[("way", "password")]).await.shows("change-password");
    // Who reads the link over a shoulder, later, finds nothing.
    open(&mut Browser::new(&rig), &secret).await.says(50_128);
    // The window was closed and the browser ended; its cookie lives as long as the link.
    let set = browser.get("/welcome").await.set_cookies.concat();
    assert!(set.contains("__Host-latchkey-sign-in=") && set.contains("Max-Age=86400"), "{set}");
    rig.wait(Duration::from_hours(23));
    let page = open(&mut browser, &secret).await;
    let page = browser.submit(&page, "first-way", &[("way", "passkey")]).await;
    let page = make_passkey(&mut browser, &page, &key()).await;
    finish(&mut browser, &page, "/").await;
}

#[tokio::test]
async fn two_windows_set_up_one_way() {
    let rig = Rig::start().await;
    let (user, secret) = invited(&rig, false).await;
    let mut browser = Browser::new(&rig);
    let first = open(&mut browser, &secret).await;
    let second = open(&mut browser, &secret).await;
    let first = browser.submit(&first, "first-way", &[("way", "passkey")]).await;
    let second = browser.submit(&second, "first-way", &[("way", "passkey")]).await;
    // What is refused gives the link back.
    let refused = browser.submit(&first, "new-passkey", &[("credential", "{}")]).await;
    refused.shows("new-passkey");
    let done = make_passkey(&mut browser, &refused, &key()).await;
    done.shows("stay");
    let late = make_passkey(&mut browser, &second, &Authenticator::new("id.example.org", URL, 8)).await;
    assert!(late.status == 400 && late.html.contains("AADSTS50128"), "{}", late.html);
    assert_eq!(rig.database.passkeys().of_user(user.id).await.unwrap().len(), 1);
    // Nor does the page before, once it is done.
    let again = browser.submit(&second, "first-way", &[("way", "password")]).await;
    assert_eq!(again.status, 400);
}

#[tokio::test]
async fn no_form_goes_round_the_link() {
    let rig = Rig::start().await;
    let (_, secret) = invited(&rig, true).await;
    let mut browser = Browser::new(&rig);
    let csrf = browser.get("/welcome").await.field("csrf");
    // A page of another site has no token, and another browser's is worth nothing.
    for csrf in ["", "x", Browser::new(&rig).get("/welcome").await.field("csrf").as_str()] {
        let page = browser.post("/welcome", &[("csrf", csrf), ("link", &secret)]).await;
        assert_eq!(page.status, 400);
    }
    for wrong in ["", "x", &secret[1..], &format!("{secret}x")] {
        browser.post("/welcome", &[("csrf", &csrf), ("link", wrong)]).await.says(50_128);
    }
    let page = open(&mut browser, &secret).await;
    for (step, field) in
        [("stay", "LoginOptions"), ("password", "passwd"), ("user", "loginfmt"), ("enrol", "otc")]
    {
        let page = open(&mut browser, &secret).await;
        assert_eq!(browser.submit(&page, step, &[(field, "1")]).await.status, 400, "{step}");
    }
    // A sign-in of another kind sets nothing up.
    let other = browser.authorize(&rig, &[]).await;
    assert_eq!(browser.submit(&other, "first-way", &[("way", "passkey")]).await.status, 400);
    // A link ends after a day, also while a page of it is open.
    rig.wait(Duration::from_mins(20));
    let page = browser.submit(&page, "first-way", &[("way", "passkey")]).await;
    page.shows("new-passkey");
    rig.wait(Duration::from_hours(24));
    assert_eq!(make_passkey(&mut browser, &page, &key()).await.status, 400);
    open(&mut browser, &secret).await.says(50_128);
}

#[tokio::test]
async fn wrong_links_are_counted() {
    let rig = Rig::start().await;
    let (_, secret) = invited(&rig, false).await;
    let mut browser = Browser::new(&rig);
    for _ in 0..10 {
        open(&mut browser, "wrong").await.says(50_128);
    }
    open(&mut browser, &secret).await.says(50_053);
    rig.wait(Duration::from_mins(2));
    open(&mut browser, &secret).await.shows("first-way");
}
