//! Text that is meant to be taken for something else, and too much of it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;

use crate::browser::{Browser, Page};
use crate::rig::{Rig, SECRET};
use crate::sign_in::{NAME, PASSWORD, rig};

/// SQL, templates, HTML, JavaScript, headers, format strings.
const INJECTIONS: [&str; 14] = [
    "' OR '1'='1",
    "alice@example.org' --",
    "alice@example.org'/*",
    "'; DROP TABLE users; --",
    "' UNION SELECT id, upn FROM users --",
    "%",
    "_lice@example.org",
    "{{7*191}}",
    "${7*191}",
    "{% raw %}<%= 7*191 %>#{7*191}",
    "\"><script>alert(4242)</script>",
    "</script><script>alert(4242)</script>//]]>",
    "javascript:alert(4242)",
    "x\r\nSet-Cookie: evil=4242",
];

/// What a template would make of 7 * 191.
const EVALUATED: &str = "1337";

/// The page shows the text as text, if at all.
fn is_text(page: &Page, injected: &str) {
    assert!(page.status < 500, "{injected}: {}", page.html);
    let html = &page.html;
    assert!(!html.contains("<script>alert") && !html.contains("href=\"javascript:"), "{injected}: {html}");
    assert!(!html.contains(EVALUATED), "{injected}: {html}");
    assert!(page.set_cookies.iter().all(|cookie| !cookie.starts_with("evil")), "{injected}");
    // Only the page's own script has no source: the data for brokers, whose end cannot be written early.
    for script in html.split("<script").skip(1) {
        let inline = !script.split('>').next().unwrap().contains("src=");
        assert!(!inline || script.contains("$Config="), "{injected}: {script}");
    }
}

#[tokio::test]
async fn what_is_typed_stays_text() {
    let rig = rig().await;
    for injected in INJECTIONS {
        let mut browser = Browser::new(&rig);
        let page = browser.authorize(&rig, &[("login_hint", injected)]).await;
        is_text(&page, injected);
        let page = browser.authorize(&rig, &[]).await;
        let page = browser.submit(&page, "user", &[("loginfmt", injected)]).await;
        is_text(&page, injected);
        if page.html.contains("value=\"password\"") {
            let page = browser.submit(&page, "password", &[("passwd", injected)]).await;
            is_text(&page, injected);
            page.says(50_126);
            let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
            page.says(50_126);
            let page = browser.submit(&page, "way", &[("way", injected)]).await;
            is_text(&page, injected);
        }
        assert!(!browser.cookies.contains_key("__Host-latchkey-session"), "{injected}");
        let page = browser.password(&rig, NAME, injected).await;
        page.says(50_126);
        // Or alice is locked out.
        rig.wait(Duration::from_hours(25));
    }
    let page = Browser::new(&rig).password(&rig, NAME, PASSWORD).await;
    page.shows("stay");
}

#[tokio::test]
async fn what_a_client_sends_stays_text() {
    let rig = rig().await;
    for injected in INJECTIONS {
        for name in [
            "client_id",
            "redirect_uri",
            "response_type",
            "response_mode",
            "scope",
            "state",
            "nonce",
            "prompt",
            "max_age",
            "domain_hint",
            "claims",
            "code_challenge",
            "resource",
            "display",
            "ui_locales",
            "acr_values",
        ] {
            for mode in ["query", "form_post"] {
                let more = [("response_mode", mode), ("prompt", "none"), (name, injected)];
                let page = Browser::new(&rig).authorize(&rig, &more).await;
                is_text(&page, injected);
                if let Some(location) = &page.location {
                    assert!(location.starts_with("https://app.example.org/cb?"), "{name}: {location}");
                    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {location}");
                }
            }
        }
        let encoded: String = url::form_urlencoded::byte_serialize(injected.as_bytes()).collect();
        for path in [
            format!("/{encoded}/oauth2/v2.0/authorize?client_id={encoded}"),
            format!("/{encoded}/v2.0/.well-known/openid-configuration"),
            format!("/common/userrealm/{encoded}"),
            format!("/{}/login?ctx={encoded}&view={encoded}", rig.tenant),
            format!("/common/oauth2/v2.0/logout?state={encoded}&client_id={encoded}&id_token_hint={encoded}"),
        ] {
            is_text(&Browser::new(&rig).get(&path).await, injected);
        }
    }
}

#[tokio::test]
async fn what_a_program_sends_stays_text() {
    let rig = rig().await;
    let web = rig.web.to_string();
    for injected in INJECTIONS {
        for name in [
            "grant_type",
            "client_id",
            "client_secret",
            "scope",
            "resource",
            "code",
            "refresh_token",
            "device_code",
            "username",
            "password",
            "redirect_uri",
            "code_verifier",
            "client_assertion",
            "client_assertion_type",
        ] {
            for grant in
                ["client_credentials", "authorization_code", "refresh_token", "device_code", "password"]
            {
                let mut fields = vec![
                    ("grant_type", grant),
                    ("client_id", web.as_str()),
                    ("client_secret", SECRET),
                    ("code", "x"),
                    ("redirect_uri", "x"),
                    ("refresh_token", "x"),
                    ("device_code", "x"),
                    ("scope", "openid"),
                ];
                fields.retain(|(known, _)| *known != name);
                fields.push((name, injected));
                let answer = rig.token(&fields).await;
                assert!((400..500).contains(&answer.status), "{grant} {name} {injected}: {}", answer.body);
                let text = answer.body.to_string();
                assert!(!text.contains(EVALUATED) && !text.contains('<'), "{grant} {name}: {text}");
                assert_eq!(answer.headers["content-type"], "application/json");
            }
        }
    }
    assert_eq!(rig.database.users().page(rig.tenant, "", 10).await.unwrap().len(), 1);
}

/// JSON that is nested deeper than anything reads, wherever JSON is read.
#[tokio::test]
async fn deep_json_is_refused() {
    let rig = rig().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(500), close.repeat(500));
        let claims = format!("{{\"access_token\":{{\"acrs\":{deep}}}}}");
        for claims in [&deep, &claims] {
            let answer = Browser::new(&rig).authorize(&rig, &[("claims", claims)]).await.answer();
            assert_eq!(answer["error"], "invalid_request");
        }
        let encoded = {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&deep)
        };
        for token in
            [format!("{encoded}.e30.AA"), format!("e30.{encoded}.AA"), format!("{encoded}.{encoded}.AA")]
        {
            assert_eq!(rig.get("/oidc/userinfo", Some(&token)).await.status, 401);
            let hint = Browser::new(&rig).authorize(&rig, &[("id_token_hint", &token)]).await.answer();
            assert_eq!(hint["error"], "invalid_request");
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &token),
                ("scope", "x/.default"),
            ];
            rig.token(&fields).await.refused(401, "invalid_client", 50_027);
        }
    }
}

#[tokio::test]
async fn too_much_is_refused_early() {
    let rig = rig().await;
    let tenant = rig.tenant;
    for path in [
        format!("/{tenant}/oauth2/v2.0/token"),
        format!("/{tenant}/oauth2/v2.0/devicecode"),
        format!("/{tenant}/oauth2/v2.0/authorize"),
        format!("/{tenant}/oauth2/v2.0/logout"),
        format!("/{tenant}/login"),
        "/oidc/userinfo".to_owned(),
    ] {
        let huge = Request::post(&path).body(Body::from(vec![b'a'; 64 * 1024 + 1])).unwrap();
        assert_eq!(rig.send(huge).await.status, 413, "{path}");
    }
    let many = "a=b&".repeat(100);
    let answer =
        rig.send(Request::post(format!("/{tenant}/oauth2/v2.0/token")).body(many.clone().into()).unwrap());
    assert_eq!(answer.await.status, 400);
    let mut browser = Browser::new(&rig);
    assert_eq!(browser.get(&format!("/{tenant}/oauth2/v2.0/authorize?{many}")).await.status, 400);
    // What would be kept while somebody signs in is bounded, each part and the whole.
    for (name, length) in [("state", 4_097), ("ui_locales", 17_000)] {
        let page = browser.authorize(&rig, &[(name, &"x".repeat(length))]).await;
        assert_eq!((page.status, page.location), (400, None), "{name}");
    }
    for (name, length) in [("nonce", 513), ("scope", 4_097)] {
        let answer = browser.authorize(&rig, &[(name, &"x".repeat(length))]).await.answer();
        assert!(answer.contains_key("error"), "{name}");
    }
    let page = browser.authorize(&rig, &[("login_hint", &"x".repeat(5_000))]).await;
    assert!(!page.html.contains(&"x".repeat(300)));
    let page = browser.submit(&page, "user", &[("loginfmt", &"x".repeat(300))]).await;
    page.says(900_144);
    // A password that is too long is wrong, and not hashed.
    let page = browser.password(&rig, NAME, &"x".repeat(60_000)).await;
    page.says(50_126);
}

/// A parameter that is there twice is read by one of two programs in each way, so by us in none (RFC 6749 §3.1).
#[tokio::test]
async fn a_parameter_is_there_once() {
    let rig: Rig = rig().await;
    let mut browser = Browser::new(&rig);
    let path = format!("/{}/oauth2/v2.0/authorize", rig.tenant);
    let query = crate::browser::request(&rig, &[]);
    for name in ["client_id", "redirect_uri", "state"] {
        let page = browser.get(&format!("{path}?{query}&{name}=evil")).await;
        assert_eq!((page.status, page.location), (400, None), "{name}");
    }
    for name in
        ["scope", "nonce", "response_type", "code_challenge", "code_challenge_method", "prompt", "claims"]
    {
        let page = browser.get(&format!("{path}?{query}&{name}=x&{name}=y")).await;
        assert_eq!(page.answer()["error"], "invalid_request", "{name}");
    }
    let web = rig.web.to_string();
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://files/.default"),
    ];
    for field in good {
        rig.token(&[&good[..], &[field]].concat()).await.refused(400, "invalid_request", 90_014);
    }
    // What stands in the address is not read at all: it would be in logs.
    let address = format!("/{}/oauth2/v2.0/token?client_secret={SECRET}&client_id={web}", rig.tenant);
    rig.post(&address, &[good[0], good[1], good[3]]).await.refused(401, "invalid_client", 7_000_218);
    rig.token(&good).await.ok();
}
