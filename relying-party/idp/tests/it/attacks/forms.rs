//! Requests that another site makes the browser send.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use latchkey_idp::sign_in::add_totp;
use sqlx::{Column as _, Row as _};
use url::form_urlencoded;

use crate::browser::{Browser, Page, Passkey};
use crate::rig::{REDIRECT, Rig};
use crate::sign_in::{NAME, PASSWORD, code_at, rig, seed};

/// Routes that look at no cookie: what they do, the caller could do without this browser.
const WITHOUT_COOKIES: [&str; 8] = [
    "/{tenant}/oauth2/v2.0/token",
    "/{tenant}/oauth2/token",
    "/{tenant}/oauth2/v2.0/devicecode",
    "/{tenant}/oauth2/devicecode",
    "/{tenant}/oauth2/v2.0/authorize",
    "/{tenant}/oauth2/authorize",
    "/oidc/userinfo",
    "/v1.0/me/revokesigninsessions",
];

/// What a visit leaves behind without changing anything for anybody: refusals are logged.
const TRACES: [&str; 8] =
    ["sign_ins", "sign_in_log", "limits", "nonces", "seen", "device_codes", "_sqlx_migrations", "audit"];

/// And the columns that say when something was last used.
const TRACED: [&str; 2] = ["seen_at", "last_used_at"];

/// Every route of the router that takes something else than GET, read from the source.
fn changing_routes() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    let mut sources = vec![std::fs::read_to_string(folders[0].with_extension("rs")).unwrap()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for source in sources {
        let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(!source.contains(".nest("), "this walk knows routes by their whole path");
        for route in source.split(".route(\"").skip(1) {
            let (path, rest) = route.split_once('"').unwrap();
            let end = rest.find(".route(").unwrap_or(rest.len());
            let methods = rest[..end].split(';').next().unwrap();
            if ["post(", "put(", "patch(", "delete(", "any("].iter().any(|method| methods.contains(method)) {
                found.push(path.to_owned());
            }
        }
    }
    assert!(found.len() >= 10, "{found:?}");
    found
}

/// A path of the route, to something that is there.
async fn path(rig: &Rig, route: &str) -> String {
    let user = rig.user.id;
    let mut ids = BTreeMap::from([("{tenant}", rig.tenant.to_string())]);
    let of_user = match route.split('/').rev().nth(2).unwrap_or_default() {
        "passkeys" => rig.database.passkeys().of_user(user).await.unwrap()[0].passkey.id.to_string(),
        "apps" if route.starts_with("/security/") => {
            rig.database.totp().of_user(user).await.unwrap()[0].id.to_string()
        }
        "sessions" => rig.database.sessions().of_user(user, rig.now()).await.unwrap()[0].id.to_string(),
        _ => user.to_string(),
    };
    ids.insert("{id}", of_user);
    let filled = route.split('/').map(|part| match ids.get(part) {
        Some(id) => id.clone(),
        None if part.starts_with('{') => user.to_string(),
        None => part.to_owned(),
    });
    filled.collect::<Vec<_>>().join("/")
}

/// All that the database holds, but for traces.
async fn contents(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", rig.file().display())).await.unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let mut all = BTreeMap::new();
    for name in sqlx::query(names).fetch_all(&pool).await.unwrap() {
        let name: String = name.get(0);
        if TRACES.contains(&name.as_str()) {
            continue;
        }
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM \"{name}\""))).fetch_all(&pool).await;
        let text = |row: &sqlx::sqlite::SqliteRow| {
            let columns = row.columns().iter().filter(|column| !TRACED.contains(&column.name()));
            let value = |column: &sqlx::sqlite::SqliteColumn| {
                let at = column.ordinal();
                let bytes = row.try_get::<Option<Vec<u8>>, _>(at).map(|value| format!("{value:?}"));
                let bytes =
                    bytes.or_else(|_| row.try_get::<Option<i64>, _>(at).map(|value| format!("{value:?}")));
                bytes
                    .or_else(|_| row.try_get::<Option<String>, _>(at).map(|value| format!("{value:?}")))
                    .unwrap()
            };
            columns.map(value).collect::<Vec<_>>().join(" ")
        };
        let mut rows: Vec<String> = rows.unwrap().iter().map(text).collect();
        rows.sort();
        all.insert(name, rows);
    }
    pool.close().await;
    all
}

/// Signed in as an administrator, who has most to lose.
async fn administrator() -> (Rig, Browser) {
    let rig = rig().await;
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", rig.file().display())).await.unwrap();
    sqlx::query("UPDATE users SET administrator = 1").execute(&pool).await.unwrap();
    pool.close().await;
    let _passkey = Passkey::enrol(&rig).await;
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, NAME, PASSWORD).await;
    let code = code_at(rig.now().seconds());
    let page = browser.submit(&page, "code", &[("otc", &code)]).await;
    browser.through(page).await;
    assert!(browser.cookies.contains_key("__Host-latchkey-session"));
    (rig, browser)
}

/// A form that another site posts. Browsers would leave our cookies out (SameSite=Lax); this one does not.
async fn cross_site(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header("cookie", browser.cookie_header())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    browser.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn no_form_of_another_site_changes_anything() {
    let (rig, mut browser) = administrator().await;
    let before = contents(&rig).await;
    assert!(before["users"].len() == 1 && before.contains_key("sessions"));
    let user = rig.user.id.to_string();
    let guessed = [
        ("answer", "sign-out"),
        ("csrf", "AAAA"),
        ("canary", "AAAA"),
        ("ctx", "AAAA"),
        ("flowToken", "AAAA"),
        ("step", "stay"),
        ("user", user.as_str()),
        ("id", &user),
        ("name", "Evil"),
        ("upn", "evil@example.org"),
        ("display_name", "Evil"),
        ("password", "an-evil-password"),
        ("action", "delete"),
        ("user_code", "BCDFGHJKL"),
    ];
    let without_token: Vec<_> =
        guessed.iter().copied().filter(|(name, _)| !["csrf", "canary"].contains(name)).collect();
    for route in changing_routes() {
        let path = path(&rig, &route).await;
        for fields in [&guessed[..], &without_token, &[]] {
            let session = browser.cookies.clone();
            let page = cross_site(&mut browser, &path, fields).await;
            // It may be refused, asked about, or led to a page: nothing follows from it.
            let location = page.location.unwrap_or_default();
            assert!(!location.contains("evil.example"), "{route}: {location}");
            assert_eq!(
                browser.cookies.get("__Host-latchkey-session"),
                session.get("__Host-latchkey-session"),
                "{route}"
            );
        }
        assert_eq!(contents(&rig).await, before, "{route}");
    }
    assert!(browser.authorize(&rig, &[("prompt", "none")]).await.answer().contains_key("code"));
}

/// What needs no cookie must not take one for a proof either.
#[tokio::test]
async fn a_session_is_no_bearer_token() {
    let (rig, mut browser) = administrator().await;
    for route in WITHOUT_COOKIES {
        let path = path(&rig, route).await;
        let with = cross_site(&mut browser, &path, &[]).await.status;
        let mut nobody = Browser::new(&rig);
        assert_eq!(with, cross_site(&mut nobody, &path, &[]).await.status, "{route}");
    }
    assert_eq!(browser.get("/oidc/userinfo").await.status, 401);
}

/// The same form with each of its tokens left out, emptied, or of another browser.
#[tokio::test]
async fn a_sign_in_form_needs_each_of_its_tokens() {
    let rig = rig().await;
    let mut attacker = Browser::new(&rig);
    let foreign = attacker.authorize(&rig, &[]).await;
    for name in ["ctx", "flowToken", "canary"] {
        for value in [None, Some(String::new()), Some(foreign.field(name)), Some("x".repeat(43))] {
            let mut browser = Browser::new(&rig);
            let page = browser.authorize(&rig, &[]).await;
            let mut fields: BTreeMap<&str, String> =
                ["ctx", "flowToken", "canary"].map(|name| (name, page.field(name))).into();
            fields.extend([("step", "user".to_owned()), ("loginfmt", NAME.to_owned())]);
            match &value {
                Some(value) => fields.insert(name, value.clone()),
                None => fields.remove(name),
            };
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let refused = browser.post(&format!("/{}/login", rig.tenant), &fields).await;
            assert_eq!((refused.status, refused.location), (400, None), "{name}: {value:?}");
            browser.submit(&page, "user", &[("loginfmt", NAME)]).await.shows("password");
        }
    }
    // The whole form, in a browser without its cookie: sign-in CSRF.
    let mut victim = Browser::new(&rig);
    assert_eq!(victim.submit(&foreign, "user", &[("loginfmt", NAME)]).await.status, 400);
    victim.authorize(&rig, &[]).await;
    assert_eq!(victim.submit(&foreign, "user", &[("loginfmt", NAME)]).await.status, 400);
    assert_eq!(victim.get(&format!("/{}/login?ctx={}", rig.tenant, foreign.field("ctx"))).await.status, 400);
}

#[tokio::test]
async fn signing_out_needs_the_persons_word() {
    let (rig, mut browser) = administrator().await;
    let path = "/common/oauth2/v2.0/logout";
    let link =
        browser.get(&format!("{path}?post_logout_redirect_uri={REDIRECT}&client_id={}", rig.web)).await;
    assert!(link.status == 200 && link.set_cookies.is_empty());
    let mut other = Browser::new(&rig);
    rig.wait(Duration::from_secs(30));
    let page = other.password(&rig, NAME, PASSWORD).await;
    let code = code_at(rig.now().seconds());
    let page = other.submit(&page, "code", &[("otc", &code)]).await;
    other.through(page).await;
    let foreign = other.get(path).await.field("csrf");
    for csrf in ["", "x", foreign.as_str()] {
        let page = cross_site(&mut browser, path, &[("csrf", csrf), ("answer", "sign-out")]).await;
        assert!(page.set_cookies.is_empty() && page.location.is_none(), "{csrf}");
    }
    assert!(browser.authorize(&rig, &[("prompt", "none")]).await.answer().contains_key("code"));
}

/// No page of ours can be shown inside another's (clickjacking), run a foreign script, or tell where it came from.
#[tokio::test]
async fn pages_keep_to_themselves() {
    let (rig, mut browser) = administrator().await;
    let fresh = Browser::new(&rig).authorize(&rig, &[]).await;
    let consent = browser.authorize(&rig, &[("prompt", "consent"), ("scope", "openid User.Read")]).await;
    let sign_out = browser.get("/common/oauth2/v2.0/logout").await;
    let error = browser.authorize(&rig, &[("client_id", "x")]).await;
    for page in [fresh, consent, sign_out, error] {
        assert!(page.policy.contains("frame-ancestors 'none'"), "{}", page.policy);
        assert!(page.policy.contains("default-src 'none'"), "{}", page.policy);
        assert!(
            !page.policy.contains("unsafe-inline") && !page.policy.contains("unsafe-eval"),
            "{}",
            page.policy
        );
        assert!(page.policy.contains("base-uri 'none'"), "{}", page.policy);
    }
}
