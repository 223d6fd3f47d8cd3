//! Which other websites' scripts may read answers, and what clients find in metadata.

use axum::body::Body;
use axum::http::Request;
use latchkey_idp::domain::{App, RedirectKind, RedirectUri};

use crate::rig::{Answer, Rig, URL};

const PAGE: &str = "https://page.example.org";

async fn ask(rig: &Rig, method: &str, path: &str, origin: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    rig.send(request.body(Body::empty()).unwrap()).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn only_registered_pages_read_answers() {
    let rig = Rig::start().await;
    let mut app = rig.database.apps().find(rig.native).await.unwrap().unwrap();
    let uri = format!("{PAGE}/cb?x=1");
    app.registration.redirect_uris.push(RedirectUri { uri, kind: RedirectKind::Spa });
    rig.database.apps().update(&app).await.unwrap();
    let token = format!("/{}/oauth2/v2.0/token", rig.tenant);
    for path in [token.as_str(), "/oidc/userinfo"] {
        let preflight = ask(&rig, "OPTIONS", path, PAGE).await;
        assert_eq!((preflight.status, allowed(&preflight)), (204, Some(PAGE)), "{path}");
        assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("dpop"));
        assert_eq!(preflight.headers["vary"], "origin");
        let answer = ask(&rig, "POST", path, PAGE).await;
        assert_eq!(allowed(&answer), Some(PAGE), "an error can be read too");
        assert!(answer.headers.get("access-control-allow-credentials").is_none());
        // Of websites with a server, of nobody, and what only looks like the page.
        for origin in [
            "https://app.example.org",
            "https://evil.example",
            "null",
            "https://page.example.org.evil.example",
        ] {
            assert_eq!(allowed(&ask(&rig, "OPTIONS", path, origin).await), None, "{origin}");
            assert_eq!(allowed(&ask(&rig, "POST", path, origin).await), None, "{origin}");
        }
    }
    // No longer registered.
    app.registration.redirect_uris.retain(|uri| uri.kind != RedirectKind::Spa);
    rig.database.apps().update(&app).await.unwrap();
    rig.wait(std::time::Duration::from_secs(6));
    assert_eq!(allowed(&ask(&rig, "POST", &token, PAGE).await), None);
    let page = App { id: latchkey_idp::domain::ClientId::new(uuid::Uuid::from_u128(70)), ..app };
    rig.database.apps().register(&page).await.unwrap();
    // The sign-in pages are nobody's to read, metadata everybody's.
    let page = ask(&rig, "GET", &format!("/{}/oauth2/v2.0/authorize", rig.tenant), PAGE).await;
    assert_eq!(allowed(&page), None);
    let metadata = format!("/{}/v2.0/.well-known/openid-configuration", rig.tenant);
    assert_eq!(allowed(&ask(&rig, "GET", &metadata, "https://any.example").await), Some("*"));
}

#[tokio::test]
async fn metadata_say_what_there_is() {
    let rig = Rig::start().await;
    let tenant = rig.tenant;
    let document = rig.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration"), None).await.ok();
    let base = format!("{URL}/{tenant}/oauth2/v2.0");
    assert_eq!(document["pushed_authorization_request_endpoint"], format!("{base}/par"));
    assert_eq!(document["end_session_endpoint"], format!("{base}/logout"));
    assert_eq!(document["frontchannel_logout_session_supported"], true);
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&"urn:ietf:params:oauth:grant-type:jwt-bearer".into()));
    assert!(!grants.contains(&"password".into()), "this tenant does not allow it");
    assert_eq!(document["capabilities"], serde_json::json!(["kdf_ver2"]), "MS-OIDCE 2.2.3.2");
    // RFC 8414 §3.1: the same, under the path that OAuth clients build.
    let same = rig.get(&format!("/.well-known/oauth-authorization-server/{tenant}/v2.0"), None).await.ok();
    assert_eq!(same, document);
    let v1 = rig.get(&format!("/.well-known/oauth-authorization-server/{tenant}"), None).await.ok();
    assert_eq!(v1["issuer"], format!("{URL}/{tenant}/"));
    assert_eq!(v1["token_endpoint"], format!("{URL}/{tenant}/oauth2/token"));
    // Each endpoint that a document names is there.
    for (name, value) in document.as_object().unwrap().iter().chain(v1.as_object().unwrap()) {
        if !(name.ends_with("_endpoint") || name == "jwks_uri") {
            continue;
        }
        let path = value.as_str().unwrap().strip_prefix(URL).unwrap();
        let found = rig.get(path, None).await.status;
        assert!(found != 404, "{name}: {path}");
    }
    let common = rig.get("/common/v2.0/.well-known/openid-configuration", None).await.ok();
    assert!(!common["grant_types_supported"].as_array().unwrap().contains(&"client_credentials".into()));
}
