//! Tenants are kept apart.

use crate::browser::{Browser, request};
use crate::rig::{Rig, SECRET};
use crate::sign_in::{NAME, PASSWORD, rig};

const MALLORY: &str = "mallory@example.net";

async fn two_tenants() -> (Rig, String) {
    let rig = rig().await;
    let other = rig.another_tenant(30, "example.net").await;
    rig.user_with_password(other, MALLORY, PASSWORD).await;
    (rig, other.to_string())
}

#[tokio::test]
async fn a_user_of_another_tenant_is_nobody_here() {
    let (rig, other) = two_tenants().await;
    let mut browser = Browser::new(&rig);
    // At the tenant's own endpoint, and where the application is only the tenant's.
    let page = browser.password(&rig, MALLORY, PASSWORD).await;
    page.shows("password");
    page.says(50_126);
    for authority in ["common", "organizations"] {
        let page = browser.get(&format!("/{authority}/oauth2/v2.0/authorize?{}", request(&rig, &[]))).await;
        let page = browser.submit(&page, "user", &[("loginfmt", MALLORY)]).await;
        let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
        page.shows("password");
        page.says(50_126);
    }
    // Through the other tenant's door the application is unknown.
    let page = browser.get(&format!("/{other}/oauth2/v2.0/authorize?{}", request(&rig, &[]))).await;
    assert_eq!((page.status, page.location), (400, None));
    assert!(page.html.contains("700016"));
}

#[tokio::test]
async fn a_session_of_another_tenant_answers_nothing_here() {
    let (rig, other) = two_tenants().await;
    rig.register(rig.web, |registration| registration.multi_tenant = true).await;
    let mut browser = Browser::new(&rig);
    let page = browser.get(&format!("/{other}/oauth2/v2.0/authorize?{}", request(&rig, &[]))).await;
    let page = browser.submit(&page, "user", &[("loginfmt", MALLORY)]).await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    assert!(browser.through(page).await.answer().contains_key("code"));
    // Signed in over there; here nobody is.
    let silent = browser.authorize(&rig, &[("prompt", "none")]).await.answer();
    assert_eq!(silent["error"], "login_required");
    browser.authorize(&rig, &[]).await.shows("user");
    let page = browser.password(&rig, NAME, PASSWORD).await;
    assert!(browser.through(page).await.answer().contains_key("code"));
}

#[tokio::test]
async fn a_refresh_token_is_renewed_in_its_tenant_only() {
    let (rig, other) = two_tenants().await;
    rig.register(rig.web, |registration| registration.multi_tenant = true).await;
    let mine = super::tokens(&rig, "openid offline_access").await;
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("refresh_token", mine["refresh_token"].as_str().unwrap()),
    ];
    for authority in [other.as_str(), "example.net"] {
        let refused = rig.post(&format!("/{authority}/oauth2/v2.0/token"), &fields).await;
        refused.refused(400, "invalid_grant", 70_000);
    }
    rig.post("/consumers/oauth2/v2.0/token", &fields).await.refused(400, "invalid_request", 90_002);
    rig.token(&fields).await.ok();
}

#[tokio::test]
async fn a_client_gets_nothing_from_a_tenant_that_it_is_not_of() {
    let (rig, other) = two_tenants().await;
    let web = rig.web.to_string();
    let fields = |scope| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", &*web),
            ("client_secret", SECRET),
            ("scope", scope),
        ]
    };
    let path = format!("/{other}/oauth2/v2.0/token");
    let refused = rig.post(&path, &fields("https://graph.microsoft.com/.default")).await;
    refused.refused(400, "unauthorized_client", 700_016);
    // And an API of one tenant is not there in the other.
    rig.register(rig.web, |registration| registration.multi_tenant = true).await;
    rig.post(&path, &fields("api://files/.default")).await.refused(400, "invalid_resource", 500_011);
    let guid = format!("{}/.default", rig.api);
    rig.post(&path, &fields(&guid)).await.refused(400, "invalid_resource", 500_011);
}
