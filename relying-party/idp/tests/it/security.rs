//! The page on which people look after their own ways to sign in.

use std::time::Duration;

use crate::browser::{Browser, Page, Passkey};
use crate::own_pages::sign_in;
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, code_of, rig};
use crate::welcome::{key, make_passkey, shown};

/// A browser in which the rig's user has just signed in with the password.
async fn signed_in(rig: &Rig) -> Browser {
    let mut browser = Browser::new(rig);
    let page = browser.get("/signin").await;
    sign_in(&mut browser, &page).await;
    browser
}

/// Whoever has a passkey uses it before something is added: a password alone is not enough for that.
async fn confirmed(browser: &mut Browser, passkey: &mut Passkey, page: &Page) -> Page {
    page.shows("passkey");
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    browser.submit(page, "passkey", &[("credential", &credential)]).await
}

fn ids(page: &Page, attribute: &str) -> Vec<String> {
    let start = format!("{attribute}=\"");
    page.html.split(&start).skip(1).map(|part| part.split_once('"').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn a_stranger_signs_in_first() {
    let rig = rig().await;
    for (path, step) in [
        ("/security/passkey", "new-passkey"),
        ("/security/authenticator", "enrol"),
        ("/security/password", "change-password"),
    ] {
        let mut browser = Browser::new(&rig);
        let page = browser.get(path).await;
        let page = sign_in(&mut browser, &page).await;
        page.shows(step);
        // And may change their mind.
        let page = browser.submit(&page, step, &[("answer", "later")]).await;
        assert_eq!(page.location.as_deref(), Some("/security"));
    }
    let mut browser = Browser::new(&rig);
    let page = browser.get("/security").await;
    let page = sign_in(&mut browser, &page).await;
    assert_eq!(page.location.as_deref(), Some("/security"));
}

#[tokio::test]
async fn a_passkey_is_added_named_and_removed() {
    let rig = rig().await;
    let mut browser = signed_in(&rig).await;
    let page = browser.get("/security/passkey").await;
    let page = make_passkey(&mut browser, &page, &key()).await;
    assert_eq!(page.location.as_deref(), Some("/security"));
    let page = browser.get("/security").await;
    assert!(page.html.contains("Laptop") && page.html.contains("never used"), "{}", page.html);
    let [id] = &ids(&page, "data-passkey-id")[..] else { panic!("{}", page.html) };
    let csrf = page.field("csrf");
    let path = format!("/security/passkeys/{id}");
    for (name, kind) in [("", "error"), ("a\nb", "error"), ("Desk <b>", "success")] {
        let page = browser.post(&format!("{path}/rename"), &[("csrf", &csrf), ("name", name)]).await;
        assert!(page.html.contains(&format!("data-kind=\"{kind}\"")), "{name}: {}", page.html);
    }
    assert!(browser.get("/security").await.html.contains("Desk &#60;b&#62;"));
    let page = browser.post(&format!("{path}/remove"), &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"success\"") && !page.html.contains("Desk"));
    // Somebody else's, or what is gone, is only said to be gone.
    let page = browser.post(&format!("{path}/remove"), &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"info\""));
}

#[tokio::test]
async fn what_changes_asks_for_a_recent_proof() {
    let rig = rig().await;
    let mut passkey = Passkey::enrol(&rig).await;
    let mut browser = signed_in(&rig).await;
    let page = browser.get("/security").await;
    let (csrf, id) = (page.field("csrf"), ids(&page, "data-passkey-id").remove(0));
    let form = browser.get("/security/passkey").await;
    let form = confirmed(&mut browser, &mut passkey, &form).await;
    rig.wait(Duration::from_secs(601));
    // The page itself is shown; what adds, names or removes is not done.
    assert!(browser.get("/security").await.html.contains("id=\"sessions\""));
    for path in ["/security/passkey", "/security/authenticator", "/security/password"] {
        browser.get(path).await.shows("password");
    }
    for path in [format!("/security/passkeys/{id}/remove"), format!("/security/passkeys/{id}/rename")] {
        browser.post(&path, &[("csrf", &csrf), ("name", "Mine")]).await.shows("password");
    }
    let stored = rig.database.passkeys().of_user(rig.user.id).await.unwrap();
    assert!(stored.len() == 1 && stored[0].passkey.name == "Key");
    // Nor by a form that was opened in time: its challenge is too old.
    make_passkey(&mut browser, &form, &key()).await;
    assert_eq!(rig.database.passkeys().of_user(rig.user.id).await.unwrap().len(), 1);
    // With the password it goes on where it began.
    let page = browser.get("/security/passkey").await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    let page = confirmed(&mut browser, &mut passkey, &page).await;
    let page = make_passkey(&mut browser, &page, &key()).await;
    assert_eq!(page.location.as_deref(), Some("/security"));
    assert_eq!(rig.database.passkeys().of_user(rig.user.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_app_is_added_and_counts_at_once() {
    let rig = rig().await;
    let mut browser = signed_in(&rig).await;
    let page = browser.get("/security/authenticator").await;
    let app = shown(&page);
    let page = browser.submit(&page, "enrol", &[("otc", "000000")]).await;
    page.says(500_121);
    let code = code_of(app.expose(), rig.now().seconds());
    let page = browser.submit(&page, "enrol", &[("otc", &code)]).await;
    assert_eq!(page.location.as_deref(), Some("/security"));
    // No further code is asked for here, and one everywhere else.
    let page = browser.get("/security").await;
    let [id] = &ids(&page, "data-app-id")[..] else { panic!("{}", page.html) };
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.shows("code");
    let csrf = page.field("csrf");
    browser.post(&format!("/security/apps/{id}/remove"), &[("csrf", &csrf)]).await;
    assert!(rig.database.totp().of_user(rig.user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere_else() {
    let rig = rig().await;
    let mut other = signed_in(&rig).await;
    rig.wait(Duration::from_secs(5));
    let mut browser = signed_in(&rig).await;
    let page = browser.get("/security/password").await;
    rig.wait(Duration::from_secs(5));
    let new = [("newpasswd", "a brand new phrase"), ("confirmnewpasswd", "a brand new phrase")];
    let page = browser.submit(&page, "change-password", &new).await;
    assert_eq!(page.location.as_deref(), Some("/security"), "{}", page.html);
    assert!(browser.get("/security").await.html.contains("this browser"));
    other.get("/security").await.shows("user");
    Browser::new(&rig).password(&rig, NAME, PASSWORD).await.says(50_126);
}

#[tokio::test]
async fn the_last_way_stays() {
    let rig = Rig::start().await;
    let (bob, secret) = crate::welcome::invited(&rig, false).await;
    let mut browser = Browser::new(&rig);
    let page = crate::welcome::open(&mut browser, &secret).await;
    let page = browser.submit(&page, "first-way", &[("way", "passkey")]).await;
    let page = make_passkey(&mut browser, &page, &key()).await;
    browser.submit(&page, "stay", &[("LoginOptions", "3")]).await;
    let page = browser.get("/security").await;
    let (csrf, id) = (page.field("csrf"), ids(&page, "data-passkey-id").remove(0));
    let page = browser.post(&format!("/security/passkeys/{id}/remove"), &[("csrf", &csrf)]).await;
    assert!(page.html.contains("your only way to sign in"), "{}", page.html);
    assert_eq!(rig.database.passkeys().of_user(bob.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_end_by_their_owner_only_and_forms_come_from_the_page() {
    let rig = rig().await;
    let mut other = signed_in(&rig).await;
    let mut browser = signed_in(&rig).await;
    let page = browser.get("/security").await;
    let csrf = page.field("csrf");
    assert_eq!(ids(&page, "data-session-id").len(), 2);
    let own: Vec<_> = page.html.split("/security/sessions/").skip(1).map(|rest| &rest[..36]).collect();
    let [theirs] = own[..] else { panic!("{}", page.html) };
    let path = format!("/security/sessions/{theirs}/end");
    // Another site's form, another session's token.
    let foreign = other.get("/security").await.field("csrf");
    for wrong in ["", "x", &foreign] {
        let page = browser.post(&path, &[("csrf", wrong)]).await;
        assert!(page.html.contains("data-kind=\"error\""));
    }
    assert!(other.get("/security").await.html.contains("this browser"));
    let page = browser.post(&path, &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"success\""));
    other.get("/security").await.shows("user");
    // Somebody else's session is not found, whoever knows its ID.
    let (_, secret) = crate::welcome::invited(&rig, false).await;
    let mut bob = Browser::new(&rig);
    let page = crate::welcome::open(&mut bob, &secret).await;
    let page = bob.submit(&page, "first-way", &[("way", "passkey")]).await;
    let page = make_passkey(&mut bob, &page, &key()).await;
    bob.submit(&page, "stay", &[("LoginOptions", "3")]).await;
    let page = browser.get("/security").await;
    let alices = ids(&page, "data-session-id").remove(0);
    let csrf = bob.get("/security").await.field("csrf");
    let page = bob.post(&format!("/security/sessions/{alices}/end"), &[("csrf", &csrf)]).await;
    assert!(page.html.contains("data-kind=\"info\""));
    assert!(browser.get("/security").await.html.contains("this browser"));
}
