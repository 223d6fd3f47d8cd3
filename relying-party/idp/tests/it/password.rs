//! The password grant: only where a tenant allows it, counted, and silent about who exists.

use std::time::Duration;

use latchkey_idp::domain::TenantPolicy;
use latchkey_idp::sign_in::add_totp;
use latchkey_idp::storage::SignInFilter;

use crate::rig::{Answer, PASSWORD, Rig, claims};

async fn ask(rig: &Rig, user: &str, password: &str) -> Answer {
    let native = rig.native.to_string();
    rig.token(&[
        ("grant_type", "password"),
        ("client_id", &native),
        ("scope", "openid offline_access"),
        ("username", user),
        ("password", password),
    ])
    .await
}

async fn allow(rig: &Rig) {
    let policy = TenantPolicy { password_grant: true, ..TenantPolicy::default() };
    rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
}

#[tokio::test]
async fn it_works_where_the_tenant_allows_it() {
    let rig = Rig::start().await;
    ask(&rig, "alice@example.org", PASSWORD).await.refused(400, "unauthorized_client", 700_030);
    allow(&rig).await;
    rig.wait(Duration::from_secs(6));
    let answer = ask(&rig, "Alice@Example.org", PASSWORD).await.ok();
    assert_eq!(claims(&answer["id_token"])["amr"], serde_json::json!(["pwd"]));
    assert!(answer["refresh_token"].is_string());
    for (user, password) in [("alice@example.org", "wrong"), ("nobody@example.org", PASSWORD)] {
        ask(&rig, user, password).await.refused(400, "invalid_grant", 50_126);
    }
    let log = rig.database.sign_in_log().page(rig.tenant, &SignInFilter::default(), 10).await.unwrap();
    let mut seen: Vec<_> = log.iter().map(|sign_in| (sign_in.error, sign_in.upn.as_str())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(0, "Alice@Example.org"), (50_126, ""), (50_126, "alice@example.org")]);
    rig.database.users().set_enabled(rig.user.id, false, rig.now()).await.unwrap();
    ask(&rig, "alice@example.org", "wrong").await.refused(400, "invalid_grant", 50_126);
    ask(&rig, "alice@example.org", PASSWORD).await.refused(400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn guesses_lock_and_the_right_password_waits_too() {
    let rig = Rig::start().await;
    allow(&rig).await;
    for user in ["alice@example.org", "nobody@example.org"] {
        for _ in 0..10 {
            ask(&rig, user, "wrong").await.refused(400, "invalid_grant", 50_126);
        }
        ask(&rig, user, PASSWORD).await.refused(400, "invalid_grant", 50_053);
    }
    rig.wait(Duration::from_mins(1));
    ask(&rig, "alice@example.org", PASSWORD).await.ok();
    ask(&rig, "alice@example.org", "wrong").await.refused(400, "invalid_grant", 50_126);
}

#[tokio::test]
async fn a_password_alone_does_not_do_for_who_has_a_second_factor() {
    let rig = Rig::start().await;
    allow(&rig).await;
    ask(&rig, "alice@example.org", PASSWORD).await.ok();
    add_totp(&rig.provider, rig.user.id, "Phone", &crate::sign_in::seed(), None).await.unwrap();
    ask(&rig, "alice@example.org", PASSWORD).await.refused(400, "invalid_grant", 50_076);
    ask(&rig, "alice@example.org", "wrong").await.refused(400, "invalid_grant", 50_126);
}
