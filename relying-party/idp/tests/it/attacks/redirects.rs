//! Nobody is sent where an attacker wants them.

use axum::body::Body;
use axum::http::Request;
use url::form_urlencoded;

use crate::browser::{Browser, Page, request};
use crate::rig::{REDIRECT, Rig, URL};
use crate::sign_in::{NAME, PASSWORD, rig};

/// Addresses that look like `https://app.example.org/cb`, or `http://localhost` of the native application, to somebody.
const TRICKS: [&str; 38] = [
    "https://evil.example/cb",
    "https://evil.example/https://app.example.org/cb",
    "https://app.example.org.evil.example/cb",
    "https://app.example.org@evil.example/cb",
    "https://app.example.org%40evil.example/cb",
    "https://app.example.org:443@evil.example/cb",
    "https://app.example.org\\@evil.example/cb",
    "https://app.example.org\\.evil.example/cb",
    "https://evil.example\\app.example.org/cb",
    "https://evil.example#app.example.org/cb",
    "https://evil.example?app.example.org/cb",
    "//evil.example/cb",
    "/\\evil.example/cb",
    "https:evil.example/cb",
    "https:/\\evil.example",
    "javascript:alert(1)//https://app.example.org/cb",
    "data:text/html,https://app.example.org/cb",
    "https://app.example.org/cb/",
    "https://app.example.org/cb//evil.example",
    "https://app.example.org/cb/../../evil",
    "https://app.example.org/cb/%2e%2e/evil",
    "https://app.example.org/cb;evil",
    "https://app.example.org/cb?url=https://evil.example",
    "https://app.example.org/cb#https://evil.example",
    "https://app.example.org/CB",
    "HTTPS://APP.EXAMPLE.ORG/cb",
    "http://app.example.org/cb",
    "https://app.example.org:8443/cb",
    "https://app.example.org./cb",
    " https://app.example.org/cb",
    "https://app.example.org/cb ",
    "https://app.example.org/cb\r\nLocation: https://evil.example",
    "https://app.example.org/cb\0.evil.example",
    "https://app.example.org/cb%00",
    "https://\u{430}pp.example.org/cb",
    "http://localhost",
    "http://localhost:80@evil.example/",
    "http://localhost.evil.example/",
];

fn stays_here(page: &Page, why: &str) {
    assert_eq!((page.status, page.location.as_deref()), (400, None), "{why}");
    let html = page.html.to_ascii_lowercase();
    assert!(!html.contains("evil") && !html.contains("http-equiv=\"refresh\""), "{why}: {html}");
    assert!(!page.policy.contains("evil"), "{why}");
}

#[tokio::test]
async fn a_redirect_uri_is_the_registered_one_or_none() {
    let rig = rig().await;
    let path = format!("/{}/oauth2/v2.0/authorize", rig.tenant);
    for uri in TRICKS {
        let mut browser = Browser::new(&rig);
        for more in
            [&[][..], &[("prompt", "none")], &[("response_mode", "form_post")], &[("response_type", "x")]]
        {
            let page = browser.authorize(&rig, &[&[("redirect_uri", uri)], more].concat()).await;
            stays_here(&page, uri);
        }
        // By POST, and beside the good one.
        let query = request(&rig, &[("redirect_uri", uri)]);
        let page = browser.get(&format!("{path}?{query}&redirect_uri={REDIRECT}")).await;
        stays_here(&page, uri);
        let posted = Request::post(&path).body(Body::from(query)).unwrap();
        let location = browser.send(posted).await.location.unwrap();
        assert!(location.starts_with(&format!("{path}?")), "{location}");
        stays_here(&browser.get(&location).await, uri);
    }
}

#[tokio::test]
async fn a_native_redirect_differs_in_the_port_only() {
    let rig = rig().await;
    let native = rig.native.to_string();
    let mut browser = Browser::new(&rig);
    for uri in [
        "http://localhost:1234@evil.example/",
        "http://localhost.evil.example/",
        "http://localhost:1234.evil.example/",
        "http://localhost:/evil",
        "http://localhost\\.evil.example/",
        "http://localhost%2eevil.example/",
        "http://evil.example/?http://localhost",
        "http://0.0.0.0/",
        "https://localhost/",
    ] {
        let page = browser.authorize(&rig, &[("client_id", &native), ("redirect_uri", uri)]).await;
        stays_here(&page, uri);
    }
    let good =
        [("client_id", native.as_str()), ("redirect_uri", "http://localhost:1234/"), ("prompt", "none")];
    let page = browser.authorize(&rig, &good).await;
    assert!(page.location.unwrap().starts_with("http://localhost:1234/?error=login_required"));
}

#[tokio::test]
async fn signing_out_leads_nowhere_else() {
    let rig = rig().await;
    let web = rig.web.to_string();
    let path = "/common/oauth2/v2.0/logout";
    for signed_in in [false, true] {
        for uri in TRICKS {
            let mut browser = Browser::new(&rig);
            if signed_in {
                let page = browser.password(&rig, NAME, PASSWORD).await;
                browser.through(page).await;
            }
            let fields =
                [("client_id", web.as_str()), ("post_logout_redirect_uri", uri), ("state", "https://evil")];
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let page = browser.get(&format!("{path}?{query}")).await;
            assert_eq!(page.location, None, "{uri}");
            assert!(!page.policy.contains("evil"), "{uri}");
            if signed_in {
                let csrf = page.field("csrf");
                let page = browser.post(path, &[&fields[..], &[("csrf", &csrf)]].concat()).await;
                assert_eq!(page.location, None, "{uri}");
            }
            // Without a tenant, an application or a registration of it there is nowhere to go either.
            let page = browser.get(&format!("{path}?post_logout_redirect_uri={REDIRECT}")).await;
            assert_eq!(page.location, None);
        }
    }
}

/// The tenant's segment comes back in addresses; a slash in it would make them another host's.
#[tokio::test]
async fn the_tenants_segment_is_no_way_out() {
    let rig = rig().await;
    for segment in
        ["%2Fevil.example", "%5Cevil.example", "%2F%2Fevil.example", "x%2F..%2F..%2Fevil", "%0d%0aevil"]
    {
        for path in
            ["oauth2/v2.0/authorize", "oauth2/authorize", "login", "oauth2/v2.0/logout", "oauth2/logout"]
        {
            let mut browser = Browser::new(&rig);
            let page = browser.password(&rig, NAME, PASSWORD).await;
            browser.through(page).await;
            let path = format!("/{segment}/{path}");
            for page in [browser.post(&path, &[("client_id", "x")]).await, browser.get(&path).await] {
                let location = page.location.clone().unwrap_or_default();
                assert!(!location.contains("evil"), "{path}: {location}");
                assert!(!page.html.contains("action=\"//") && !page.html.contains("evil"), "{path}");
            }
        }
    }
}

/// Who we are is decided by the operator, never by a header.
#[tokio::test]
async fn the_host_header_is_not_believed() {
    let rig = rig().await;
    let tenant = rig.tenant;
    let query = request(&rig, &[]);
    for path in [
        format!("/{tenant}/oauth2/v2.0/authorize?{query}"),
        format!("/{tenant}/v2.0/.well-known/openid-configuration"),
        "/common/discovery/instance?api-version=1.1".to_owned(),
        "/common/oauth2/v2.0/logout".to_owned(),
        format!("/{tenant}/oauth2/v2.0/authorize?client_id=x"),
    ] {
        for (name, value) in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-original-url", "/evil"),
            ("x-forwarded-proto", "evil"),
        ] {
            let mut browser = Browser::new(&rig);
            let request = Request::get(&path).header(name, value).body(Body::empty()).unwrap();
            let page = browser.send(request).await;
            assert!(!page.html.contains("evil"), "{name} at {path}");
            assert!(!page.set_cookies.concat().to_ascii_lowercase().contains("domain"), "{name} at {path}");
        }
        let absolute = Request::get(format!("https://evil.example{path}")).body(Body::empty()).unwrap();
        assert!(!Browser::new(&rig).send(absolute).await.html.contains("evil"), "{path}");
    }
}

/// Paths are found in any case (brokers write them so); what they protect is the same, and nothing else is found.
#[tokio::test]
async fn the_case_of_a_path_changes_nothing() {
    let rig: Rig = rig().await;
    let mut browser = Browser::new(&rig);
    let query = request(&rig, &[("redirect_uri", "https://evil.example/")]);
    for path in ["OAUTH2/V2.0/AUTHORIZE", "oAuth2/v2.0/Authorize"] {
        let tenant = rig.tenant.to_string().to_ascii_uppercase();
        stays_here(&browser.get(&format!("/{tenant}/{path}?{query}")).await, path);
    }
    for path in [
        "//evil.example",
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e%2fCargo.toml",
        "/STATIC/ID.CSS%00.js",
        "/%2e%2e/healthz",
        "/oidc//userinfo",
        "/oidc/userinfo/",
        "/OIDC/USERINFO%2f",
    ] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.location), (404, None), "{path}");
    }
    assert_eq!(browser.get("/OIDC/USERINFO").await.status, 401);
    assert_eq!(browser.get("/Static/ID.css").await.status, 200);
    assert!(browser.get(&format!("{URL}/healthz")).await.status == 204);
}
