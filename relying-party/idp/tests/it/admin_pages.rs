//! The administrators' pages, through a browser: an administrator does each thing and sees it.

use latchkey_idp::administration::Administrator;
use latchkey_idp::domain::User;
use latchkey_idp::sign_in::{add_totp, set_password};
use url::form_urlencoded;

use crate::administration::{actions, person};
use crate::browser::{Browser, Page};
use crate::rig::Rig;
use crate::sign_in::{PASSWORD, code_at, rig, seed};

/// An administrator of the tenant, with a password and an authenticator app.
pub async fn ada(rig: &Rig) -> User {
    let ada = person(rig, rig.tenant, "ada@example.org", true).await;
    enrol(rig, &ada).await;
    ada
}

pub async fn enrol(rig: &Rig, user: &User) {
    set_password(&rig.provider, user.id, PASSWORD).await.unwrap();
    add_totp(&rig.provider, user.id, "Phone", &seed(), None).await.unwrap();
}

/// Signs in at a page of ours, from whatever it shows.
pub async fn sign_in(rig: &Rig, browser: &mut Browser, page: Page, name: &str, codes: bool) -> Page {
    let page = browser.submit(&page, "user", &[("loginfmt", name)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    let page = if codes {
        page.shows("code");
        let code = code_at(rig.now().seconds());
        browser.submit(&page, "code", &[("otc", &code)]).await
    } else {
        page
    };
    if page.html.contains("name=\"step\" value=\"stay\"") {
        return browser.submit(&page, "stay", &[("LoginOptions", "3")]).await;
    }
    page
}

/// A browser in which an administrator is signed in, for the tenant's pages.
pub struct Desk {
    pub browser: Browser,
    pub base: String,
}

impl Desk {
    pub async fn of(rig: &Rig, user: &User) -> Self {
        let mut browser = Browser::new(rig);
        let first = browser.get("/admin/tenants").await;
        let page = sign_in(rig, &mut browser, first, &user.upn, true).await;
        assert_eq!(page.location.as_deref(), Some("/admin/tenants"), "{}", page.html);
        Self { browser, base: format!("/admin/{}", user.tenant) }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let page = self.browser.get(&format!("{}{path}", self.base)).await;
        assert_eq!(page.status, 200, "{path}: {}", page.html);
        page
    }

    pub async fn csrf(&mut self) -> String {
        self.browser.get("/admin/tenants").await.field("csrf")
    }

    /// Sends a form of the tenant's pages with the session's token.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.browser.post(&format!("{}{path}", self.base), &all).await
    }

    /// Sends a form, and follows to the page that says what was done.
    pub async fn done(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, 303, "{path}: {}", page.html);
        let location = page.location.unwrap();
        let page = self.browser.get(&location).await;
        assert!(
            page.status == 200 && page.html.contains("data-kind=\"success\""),
            "{location}: {}",
            page.html
        );
        page
    }

    /// Sends a form that is refused, and says why.
    pub async fn refused(&mut self, path: &str, fields: &[(&str, &str)], status: u16, why: &str) {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, status, "{path}: {}", page.html);
        assert!(page.html.contains(why), "{path}: {why}: {}", page.html);
    }
}

/// What the page shows once.
pub fn issued(page: &Page) -> String {
    assert_eq!(page.status, 200, "{}", page.html);
    let (_, rest) = page.html.split_once("id=\"issued-secret\">").unwrap_or_else(|| panic!("{}", page.html));
    rest.split_once('<').unwrap().0.to_owned()
}

pub fn has(page: &Page, text: &str) {
    assert!(page.html.contains(text), "{text}: {}", page.html);
}

#[tokio::test]
async fn the_way_in_needs_two_factors_and_leads_to_the_own_tenant() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let page = desk.browser.get("/admin").await;
    assert_eq!((page.status, page.location.as_deref()), (303, Some(format!("{}/users", desk.base).as_str())));
    let page = desk.get("/users").await;
    has(&page, "ada@example.org");
    assert!(
        page.policy.contains("frame-ancestors 'none'") && !page.policy.contains("unsafe"),
        "{}",
        page.policy
    );
    let out =
        page.html.split_once("class=\"who\" method=\"post\" action=\"").unwrap().1.split_once('"').unwrap().0;
    assert_eq!(desk.browser.post(out, &[("csrf", &page.field("csrf"))]).await.status, 200);
    desk.browser.get("/admin/tenants").await.shows("user");

    // A session of one factor is asked for the other one.
    let bob = person(&rig, rig.tenant, "bob@example.org", true).await;
    set_password(&rig.provider, bob.id, PASSWORD).await.unwrap();
    let mut browser = Browser::new(&rig);
    let first = browser.get("/signin").await;
    let page = sign_in(&rig, &mut browser, first, &bob.upn, false).await;
    assert_eq!(page.location.as_deref(), Some("/"), "{}", page.html);
    let page = browser.get(&format!("/admin/{}/users", rig.tenant)).await;
    assert!(!page.html.contains("ada@example.org") && !page.html.contains("user-create"), "{}", page.html);
}

#[tokio::test]
async fn users() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let from = rig.provider.newest_audit_entry().await.unwrap() + 1;
    let new = [("user_name", "bob@example.org"), ("display_name", "Bob"), ("administrator", "1")];
    let page = desk.post("/users", &new).await;
    assert!(issued(&page).starts_with("https://id.example.org/welcome#"));
    has(&page, "Administrator</span>");
    let bob = rig.database.users().by_upn("bob@example.org").await.unwrap().unwrap().0;
    desk.refused("/users", &new, 409, "in use already").await;
    desk.refused("/users", &[("user_name", "b@evil.example"), ("display_name", "B")], 400, "example.org")
        .await;
    let list = desk.get("/users?q=BOB").await;
    has(&list, ">1 user for");
    assert!(!list.html.contains("<span>ada@example.org</span>"), "only who fits");

    let at = |rest: &str| format!("/users/{}{rest}", bob.id);
    // What was shown once is not shown again.
    assert!(!desk.get(&at("")).await.html.contains("issued-secret"));
    assert!(issued(&desk.post(&at("/invite"), &[]).await).contains("/welcome#"));
    let page = desk.done(&at("/names"), &[("display_name", "Bobby"), ("email", "b@mail.example")]).await;
    has(&page, "value=\"b@mail.example\"");
    desk.refused(&at("/names"), &[("display_name", " ")], 400, "The name is missing.").await;
    has(&desk.done(&at("/demote"), &[]).await, "Make administrator");
    has(&desk.done(&at("/promote"), &[]).await, "No longer an administrator");
    has(&desk.done(&at("/disable"), &[]).await, ">Disabled</span>");
    has(&desk.done(&at("/enable"), &[]).await, ">Enabled</span>");

    desk.refused(&at("/passes"), &[("minutes", "481"), ("once", "1")], 400, "at most 480 minutes").await;
    desk.refused(&at("/passes"), &[("minutes", "x")], 400, "Type a number.").await;
    let page = desk.post(&at("/passes"), &[("minutes", "60"), ("once", "1")]).await;
    let pass = issued(&page);
    let mut guest = Browser::new(&rig);
    let first = guest.get("/signin").await;
    let first = guest.submit(&first, "user", &[("loginfmt", "bob@example.org")]).await;
    let first = guest.submit(&first, "way", &[("way", "pass")]).await;
    let inside = guest.submit(&first, "pass", &[("accesspass", &pass)]).await;
    assert!(!inside.html.contains("data-code="), "{}", inside.html);

    let password = issued(&desk.post(&at("/password"), &[]).await);
    has(&desk.get(&at("")).await, "must be changed at the next sign-in");
    assert!(rig.database.users().by_upn("bob@example.org").await.unwrap().unwrap().1.is_some());
    assert_eq!(password.len(), 16);
    add_totp(&rig.provider, bob.id, "Phone", &seed(), None).await.unwrap();
    let operator = Administrator::operator(&rig.provider, "example.org").await.unwrap();
    let phone = operator.methods(bob.id).await.unwrap().apps[0].id;
    has(&desk.get(&at("")).await, &phone.to_string());
    let page = desk.done(&at(&format!("/methods/{phone}/delete")), &[]).await;
    assert!(!page.html.contains(&phone.to_string()));
    desk.refused(&at(&format!("/methods/{phone}/delete")), &[], 404, "no such method").await;
    desk.done(&at("/sessions/revoke"), &[]).await;
    has(&desk.done(&at("/delete"), &[]).await, "Deleted.");
    let gone = desk.browser.get(&format!("{}{}", desk.base, at(""))).await;
    assert_eq!(gone.status, 404);
    let expected = [
        "user.created",
        "user.invited",
        "user.renamed",
        "user.demoted",
        "user.promoted",
        "user.disabled",
        "user.enabled",
        "pass.issued",
        "user.password_reset",
        "totp.removed",
        "user.sessions_revoked",
        "user.deleted",
    ];
    let seen: Vec<_> =
        actions(&rig, from).await.into_iter().filter(|action| action != "totp.added").collect();
    assert_eq!(seen, expected);
    // The only administrator stays, and can still sign in.
    let own = format!("/users/{}", ada.id);
    for change in ["disable", "demote", "delete"] {
        desk.refused(&format!("{own}/{change}"), &[], 409, "only enabled administrator").await;
    }
}

#[tokio::test]
async fn sessions_are_seen_and_revoked() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let mut alice = Browser::new(&rig);
    let page = alice.password(&rig, &rig.user.upn, PASSWORD).await;
    crate::sign_in::finish(&rig, &mut alice, &page).await;
    let path = format!("/users/{}", rig.user.id);
    let page = desk.get(&path).await;
    has(&page, "<dd>App 0</dd>");
    let session = page.html.split_once("data-session-id=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let page = desk.done(&format!("{path}/sessions/{session}/revoke"), &[]).await;
    has(&page, "Not signed in anywhere.");
    assert_eq!(alice.authorize(&rig, &[("prompt", "none")]).await.answer()["error"], "login_required");
    // Another user's session is not this one's.
    let own = desk.get(&format!("/users/{}", ada.id)).await;
    let session = own.html.split_once("data-session-id=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    desk.refused(&format!("{path}/sessions/{session}/revoke"), &[], 404, "no such session").await;
}

#[tokio::test]
async fn names_are_text_and_searches_are_words() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let evil = "<script>alert(1)</script>{{ 7*7 }}\"><b>'";
    let page = desk.post("/users", &[("user_name", "bob@example.org"), ("display_name", evil)]).await;
    let bob = rig.database.users().by_upn("bob@example.org").await.unwrap().unwrap().0;
    assert_eq!(bob.display_name, evil);
    let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;{{ 7*7 }}&#34;&#62;&#60;b&#62;&#39;";
    desk.done("/apps", &[("name", evil), ("kind", "web"), ("redirect_uris", "https://a.example/")]).await;
    desk.done("/policies/aaguids", &[("aaguid", "00000000-0000-0000-0000-000000000001"), ("note", evil)])
        .await;
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", evil).finish();
    let mut pages = vec![page];
    for path in [
        format!("/users/{}", bob.id),
        "/users".into(),
        format!("/users?{query}"),
        "/apps".into(),
        "/policies".into(),
        "/audit".into(),
    ] {
        pages.push(desk.get(&path).await);
    }
    for page in &pages {
        assert!(page.html.contains(escaped), "{}", page.html);
        assert!(!page.html.contains("<script>alert"), "{}", page.html);
    }
    for (path, found) in [
        ("/users?q=%25", false),
        ("/users?q=_", false),
        ("/users?q=%27+OR+1%3D1+--", false),
        ("/users?q=ada", true),
        ("/users?q=%27%3B+DROP+TABLE+users%3B--", false),
        ("/users?q=a%00da", true),
        ("/users?after=z%27+OR+%27%27%3D%27", false),
        ("/users?q=a&q=b", true),
    ] {
        assert_eq!(desk.get(path).await.html.contains("<span>ada@example.org</span>"), found, "{path}");
    }
    for path in [
        "/sign-ins?user=%27+OR+1%3D1--",
        "/sign-ins?app=%27",
        "/sign-ins?correlation=%27",
        "/sign-ins?from=x",
        "/sign-ins?user=%25",
        "/sign-ins?result=success&from=2031-01-01",
    ] {
        has(&desk.get(path).await, "No sign-in fits.");
    }
}
