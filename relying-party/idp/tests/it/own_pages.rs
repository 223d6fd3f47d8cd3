//! Signing in to the provider itself.

use std::time::Duration;

use latchkey_idp::provider::Provider;
use latchkey_idp::sign_in::{self, Destination, Entered, Entry, add_totp, visitor};

use crate::browser::{Browser, Page};
use crate::rig::{Rig, URL};
use crate::sign_in::{NAME, PASSWORD, code_at, rig, seed};

/// From a page with the user-name field to the one after "stay signed in?".
pub async fn sign_in(browser: &mut Browser, page: &Page) -> Page {
    page.shows("user");
    let page = browser.submit(page, "user", &[("loginfmt", NAME)]).await;
    page.shows("password");
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    page.shows("stay");
    browser.submit(&page, "stay", &[("LoginOptions", "3")]).await
}

/// The same browser without HTTP.
fn core(browser: &Browser) -> sign_in::Browser {
    let cookie = |name: &str| {
        let value = browser.cookies.get(&format!("__Host-latchkey-{name}"));
        value.map(|value| latchkey_idp::domain::Opaque::presented(value))
    };
    sign_in::Browser {
        address: [127, 0, 0, 1].into(),
        agent: String::new(),
        binding: cookie("sign-in"),
        session: cookie("session"),
        broker: sign_in::Credentials::default(),
    }
}

async fn is_let_in(provider: &Provider, browser: &Browser, entry: Entry) -> bool {
    match sign_in::enter(provider, &core(browser), entry).await {
        Entered::User(_) => true,
        Entered::SignIn(_) => false,
    }
}

#[tokio::test]
async fn the_start_page_knows_who_is_signed_in() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    let page = browser.get("/").await;
    assert!(
        page.status == 200 && page.html.contains("id=\"sign-in\"") && !page.html.contains("signed-in-as")
    );
    let page = browser.get("/signin").await;
    assert!(!page.html.contains("id=\"application\""));
    let page = sign_in(&mut browser, &page).await;
    assert_eq!((page.status, page.location.as_deref()), (302, Some("/")));
    let page = browser.get("/").await;
    assert!(page.html.contains(NAME) && !page.html.contains("id=\"admin\""));
    assert_eq!(browser.get("/signin").await.location.as_deref(), Some("/"));

    // And out again, by the page's own form only.
    let form = |page: &Page| page.html.split_once("sign-out-form").unwrap().1.to_owned();
    assert!(form(&page).contains("action=\"/common/oauth2/v2.0/logout\""));
    let wrong = browser.post("/common/oauth2/v2.0/logout", &[("csrf", "x")]).await;
    assert_eq!(wrong.status, 400);
    assert!(browser.get("/").await.html.contains(NAME));
    let csrf = page.field("csrf");
    browser.post("/common/oauth2/v2.0/logout", &[("csrf", &csrf)]).await;
    assert!(!browser.get("/").await.html.contains(NAME));
}

/// Names that clients and frameworks give to "where to go afterwards".
const LURES: [&str; 10] = [
    "redirect_uri",
    "returnTo",
    "return_to",
    "next",
    "url",
    "continue",
    "destination",
    "goal",
    "urlPost",
    "post_logout_redirect_uri",
];

#[tokio::test]
async fn nothing_that_a_browser_sends_says_where_a_sign_in_ends() {
    let rig = rig().await;
    for evil in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let mut browser = Browser::new(&rig);
        let lures: Vec<_> = LURES.iter().map(|name| (*name, evil)).collect();
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(lures.iter().copied()).finish();
        let page = browser.get(&format!("/signin?{query}")).await;
        assert!(!page.html.contains("evil") && !page.policy.contains("evil"));
        let page = browser.submit(&page, "user", &[&[("loginfmt", NAME)], &lures[..]].concat()).await;
        let page = browser.submit(&page, "password", &[&[("passwd", PASSWORD)], &lures[..]].concat()).await;
        let page = browser.submit(&page, "stay", &[&[("LoginOptions", "3")], &lures[..]].concat()).await;
        assert_eq!(page.location.as_deref(), Some("/"), "{evil}");
    }
    // And every place where one may end is a path of ours.
    for destination in Destination::ALL {
        let resolved = url::Url::parse(URL).unwrap().join(destination.path()).unwrap();
        assert!(resolved.as_str().starts_with(&format!("{URL}/")), "{destination:?}");
        assert!(destination.path().starts_with('/') && !destination.path().contains(['?', '#', '\\']));
    }
}

#[tokio::test]
async fn the_provider_itself_is_no_client() {
    let rig = rig().await;
    let own = latchkey_idp::domain::first_party::OWN_PAGES.to_string();
    let mut browser = Browser::new(&rig);
    for target in ["", "/", "https://id.example.org/", "/admin/tenants"] {
        let page = browser.authorize(&rig, &[("client_id", own.as_str()), ("redirect_uri", target)]).await;
        assert_eq!((page.status, page.location), (400, None), "{target}");
    }
    let fields = [("grant_type", "password"), ("client_id", own.as_str()), ("scope", "openid")];
    let fields = [&fields[..], &[("username", NAME), ("password", PASSWORD)]].concat();
    assert_eq!(rig.token(&fields).await.status, 400);
    let device = rig.post("/common/oauth2/v2.0/devicecode", &[("client_id", own.as_str())]).await;
    device.refused(400, "unauthorized_client", 700_030);
}

#[tokio::test]
async fn a_page_gets_as_much_proof_as_it_asks_for() {
    let rig = rig().await;
    let mut browser = Browser::new(&rig);
    assert!(!is_let_in(&rig.provider, &browser, Entry::to(Destination::Home)).await);
    let page = browser.get("/signin").await;
    sign_in(&mut browser, &page).await;
    assert!(is_let_in(&rig.provider, &browser, Entry::to(Destination::Security)).await);
    assert!(is_let_in(&rig.provider, &browser, Entry::recently(Destination::Security)).await);
    // A password is not enough for administrators' pages, whoever it is.
    assert!(!is_let_in(&rig.provider, &browser, Entry::to(Destination::Administration)).await);

    // Ten minutes later it is no proof any more for what asks for a recent one.
    rig.wait(Duration::from_secs(601));
    assert!(is_let_in(&rig.provider, &browser, Entry::to(Destination::Security)).await);
    assert!(!is_let_in(&rig.provider, &browser, Entry::recently(Destination::Security)).await);

    // Who has a second factor shows it, and then it is enough.
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    assert!(!is_let_in(&rig.provider, &browser, Entry::to(Destination::Security)).await);
    let page = browser.get("/signin").await;
    page.shows("code");
    let code = code_at(rig.now().seconds());
    let page = browser.submit(&page, "code", &[("otc", &code)]).await;
    assert_eq!(page.location.as_deref(), Some("/"));
    assert!(is_let_in(&rig.provider, &browser, Entry::to(Destination::Administration)).await);

    // What was revoked lets nobody in.
    rig.wait(Duration::from_secs(1));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    assert!(!is_let_in(&rig.provider, &browser, Entry::to(Destination::Home)).await);
    assert!(visitor(&rig.provider, &core(&browser)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_form_is_believed_only_from_a_page_of_its_session() {
    let rig = rig().await;
    let mut tokens = Vec::new();
    let mut visitors = Vec::new();
    for _ in 0..2 {
        let mut browser = Browser::new(&rig);
        let page = browser.get("/signin").await;
        sign_in(&mut browser, &page).await;
        let signed_in = visitor(&rig.provider, &core(&browser)).await.unwrap().unwrap();
        tokens.push(signed_in.csrf().0);
        visitors.push(signed_in);
    }
    assert!(visitors[0].sent(&tokens[0]) && visitors[1].sent(&tokens[1]));
    assert!(!visitors[0].sent(&tokens[1]) && !visitors[0].sent("") && !visitors[0].sent(&tokens[0][1..]));
}

#[tokio::test]
async fn a_sign_in_belongs_to_the_browser_that_began_it() {
    let rig: Rig = rig().await;
    let mut mine = Browser::new(&rig);
    let page = mine.get("/signin").await;
    let mut other = Browser::new(&rig);
    other.get("/signin").await;
    let page = other.submit(&page, "user", &[("loginfmt", NAME)]).await;
    assert_eq!(page.status, 400);
}
