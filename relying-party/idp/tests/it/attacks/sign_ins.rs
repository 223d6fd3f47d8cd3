//! Sessions that were put there, codes of apps that were seen, cookies that are not ours.

use std::time::Duration;

use latchkey_idp::sign_in::add_totp;

use crate::browser::Browser;
use crate::sign_in::{NAME, PASSWORD, code_at, rig, seed};

const SESSION: &str = "__Host-latchkey-session";
const BINDING: &str = "__Host-latchkey-sign-in";

/// A cookie that was there before the sign-in is worth nothing after it, and each sign-in brings a new one.
#[tokio::test]
async fn a_session_cannot_be_fixed() {
    let rig = rig().await;
    let planted = "attackers-own-value-that-is-as-long-as-ours";
    let mut victim = Browser::new(&rig);
    victim.cookies.insert(SESSION.to_owned(), planted.to_owned());
    let page = victim.password(&rig, NAME, PASSWORD).await;
    victim.through(page).await;
    let first = victim.cookies[SESSION].clone();
    assert_ne!(first, planted);
    assert_ne!(first, victim.cookies[BINDING]);
    let mut attacker = Browser::new(&rig);
    let silent = [("prompt", "none")];
    for known in [planted.to_owned(), victim.cookies[BINDING].clone()] {
        attacker.cookies = [(SESSION.to_owned(), known)].into();
        assert_eq!(attacker.authorize(&rig, &silent).await.answer()["error"], "login_required");
    }
    // The next sign-in ends the session before it.
    let page = victim.authorize(&rig, &[("prompt", "login")]).await;
    let page = victim.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    victim.through(page).await;
    assert_ne!(victim.cookies[SESSION], first);
    attacker.cookies = [(SESSION.to_owned(), first)].into();
    assert_eq!(attacker.authorize(&rig, &silent).await.answer()["error"], "login_required");
    assert!(victim.authorize(&rig, &silent).await.answer().contains_key("code"));
}

/// A name that other hosts could set is not read: only `__Host-` cookies count (RFC 6265bis §4.1.3.2).
#[tokio::test]
async fn cookies_of_other_hosts_are_not_read() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    browser.through(page).await;
    let session = browser.cookies[SESSION].clone();
    for name in [
        "latchkey-session",
        "__Secure-latchkey-session",
        "__host-latchkey-session",
        "__Host-latchkey-session ",
    ] {
        let mut tossed = Browser::new(&rig);
        tossed.cookies.insert(name.to_owned(), session.clone());
        let silent = tossed.authorize(&rig, &[("prompt", "none")]).await.answer();
        assert_eq!(silent["error"], "login_required", "{name}");
    }
    // A tossed cookie beside the real one neither replaces it nor is taken over.
    browser.cookies.insert("latchkey-session".to_owned(), "tossed".to_owned());
    browser.cookies.insert("latchkey-sign-in".to_owned(), "tossed".to_owned());
    assert!(browser.authorize(&rig, &[("prompt", "none")]).await.answer().contains_key("code"));
}

/// RFC 6238 §5.2: a code that was used, and every older one, is refused while its window is open.
#[tokio::test]
async fn a_code_of_an_app_is_used_once() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let start = rig.now().seconds() / 30 * 30;
    let (before, now, next) = (code_at(start - 30), code_at(start), code_at(start + 30));
    let mut first = Browser::new(&rig);
    let page = first.password(&rig, NAME, PASSWORD).await;
    // Seen over the shoulder, it is typed by the thief too, who had the page open before.
    let mut thief = Browser::new(&rig);
    let waiting = thief.password(&rig, NAME, PASSWORD).await;
    waiting.shows("code");
    first.submit(&page, "code", &[("otc", &now)]).await.shows("stay");
    let mut page = thief.submit(&waiting, "code", &[("otc", &now)]).await;
    for code in [&now, &before, &now] {
        page.shows("code");
        page.says(500_121);
        page = thief.submit(&page, "code", &[("otc", code)]).await;
    }
    rig.wait(Duration::from_secs(29));
    page = thief.submit(&page, "code", &[("otc", &now)]).await;
    page.says(500_121);
    thief.submit(&page, "code", &[("otc", &next)]).await.shows("stay");
}

/// Guesses at a code are counted over all sign-ins: the right password gives none back.
#[tokio::test]
async fn a_code_of_an_app_cannot_be_guessed() {
    let rig = rig().await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut guesses = 0;
    for _ in 0..6 {
        let mut browser = Browser::new(&rig);
        let mut page = browser.password(&rig, NAME, PASSWORD).await;
        for guess in 0..3 {
            page = browser.submit(&page, "code", &[("otc", &format!("99990{guess}"))]).await;
            guesses += i32::from(page.html.contains("data-code=\"500121\""));
        }
    }
    assert!(guesses <= 10, "{guesses}");
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let page = browser.submit(&page, "code", &[("otc", &code_at(rig.now().seconds()))]).await;
    page.says(50_053);
}
