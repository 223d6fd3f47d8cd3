//! Who may not: every route of the administrators' pages, asked by everyone who has no business there.

use latchkey_idp::http::{ADMIN_ROUTES, AdminRoute};

use crate::admin_pages::{Desk, ada, enrol, sign_in};
use crate::administration::{actions, other_tenant, person};
use crate::browser::{Browser, Page};
use crate::rig::Rig;
use crate::sign_in::rig;

/// A route's paths with everything in them that could be: users, applications, methods of the tenant.
fn paths(rig: &Rig, (method, route): &AdminRoute) -> Vec<String> {
    let id = if route.contains("/apps/") { rig.web.to_string() } else { rig.user.id.to_string() };
    let path = route
        .replace("{tenant}", &rig.tenant.to_string())
        .replace("{id}", &id)
        .replace("{key}", &uuid::Uuid::nil().to_string())
        .replace("{device}", &uuid::Uuid::nil().to_string())
        .replace("{user}", &rig.user.id.to_string())
        .replace("{case}", &uuid::Uuid::nil().to_string())
        .replace("{method}", &uuid::Uuid::nil().to_string())
        .replace("{session}", &uuid::Uuid::nil().to_string())
        .replace("{secret}", &uuid::Uuid::from_u128(1).to_string())
        .replace("{aaguid}", &uuid::Uuid::nil().to_string());
    let words: &[&str] = match path.as_str() {
        path if path.ends_with("{change}") => {
            &["enable", "disable", "delete", "promote", "demote", "invite", "names", "passes", "password"]
        }
        path if path.ends_with("{which}") => &["sign-in", "passkeys", "aaguids", "strength", "devices"],
        path if path.ends_with("{verb}") => &["delete", "withdraw"],
        path if path.ends_with("{thing}") => {
            &["secrets", "certificates", "scopes", "roles", "assignments", "consents", "delete"]
        }
        _ => &[""],
    };
    assert!(["get", "post"].contains(method), "{method}");
    let fill = |word: &&str| {
        ["{change}", "{which}", "{verb}"].iter().fold(path.clone(), |path, name| path.replace(name, word))
    };
    let things = |path: String| {
        let all = if path.contains("{thing}/") {
            vec!["certificates", "scopes", "roles", "assignments", "consents"]
        } else {
            vec![]
        };
        if all.is_empty() {
            vec![path]
        } else {
            all.iter().map(|thing| path.replace("{thing}", thing)).collect()
        }
    };
    let filled = words.iter().map(|word| {
        let path = fill(word);
        if path.ends_with("{thing}") { path.replace("{thing}", word) } else { path }
    });
    filled.flat_map(things).collect()
}

/// All that a form could say, so that it is refused for no other reason.
fn fields(csrf: Option<&str>) -> Vec<(&'static str, &str)> {
    let mut fields = vec![
        ("name", "Mallory"),
        ("domain", "mallory.example"),
        ("admin", "mallory"),
        ("user_name", "mallory@example.org"),
        ("display_name", "Mallory"),
        ("administrator", "1"),
        ("minutes", "60"),
        ("kind", "web"),
        ("redirect_uris", "https://mallory.example/"),
        ("signing", "RS256"),
        ("token_version", "2"),
        ("description", "M"),
        ("days", "9"),
        ("value", "M"),
        ("principal", "alice@example.org"),
        ("role", ""),
        ("user", ""),
        ("second_factor", "optional"),
        ("lockout_threshold", "50"),
        ("lockout_seconds", "5"),
        ("pass_max_minutes", "600"),
        ("aaguid", "00000000-0000-0000-0000-000000000000"),
        ("strength", "any"),
        ("format", "packed"),
        ("device", "Laptop"),
        ("reason", "M"),
        ("rule", "allow"),
        ("kid", "M"),
        ("registration", "everyone"),
        ("attestation", "optional"),
        ("pin_recovery_protocol", "hpke-p256"),
        ("quota", "9"),
        ("pin_minimum", "4"),
        ("pin_maximum", "9"),
        ("pin_history", "0"),
        ("pin_expiration", "0"),
        ("pin_digits", "allowed"),
        ("pin_lowercase", "allowed"),
        ("pin_uppercase", "allowed"),
        ("pin_special", "allowed"),
    ];
    fields.extend(csrf.map(|csrf| ("csrf", csrf)));
    fields
}

async fn ask(browser: &mut Browser, method: &str, path: &str, csrf: Option<&str>) -> Page {
    if method == "get" { browser.get(path).await } else { browser.post(path, &fields(csrf)).await }
}

/// Nothing of the tenant is on the page, and nothing was changed.
fn shut(page: &Page, who: &str, path: &str) {
    for secret in [
        "user-create",
        "app-save",
        "sign-in-policy",
        "device-policy",
        "group-create",
        "member-add",
        "case-open",
        "keys-rotate",
        "id=\"anchor\"",
        "id=\"audit\"",
        "id=\"sign-ins\"",
        "issued-secret",
    ] {
        assert!(!page.html.contains(secret), "{who} at {path}: {}", page.html);
    }
    assert!(page.location.is_none() || page.location.as_deref() == Some("/admin/tenants"), "{who} at {path}");
}

#[tokio::test]
async fn whoever_is_no_administrator_of_the_tenant_is_refused_everywhere() {
    let rig = rig().await;
    ada(&rig).await;
    let eve = other_tenant(&rig).await;
    enrol(&rig, &eve).await;
    let carl = person(&rig, rig.tenant, "carl@example.org", false).await;
    enrol(&rig, &carl).await;
    let mut anonymous = Browser::new(&rig);
    let mut eve = Desk::of(&rig, &eve).await;
    let own = eve.csrf().await;
    let mut user = Browser::new(&rig);
    let first = user.get("/signin").await;
    sign_in(&rig, &mut user, first, &carl.upn, true).await;
    let home = user.get("/").await;
    let token = home.field("csrf");
    let from = rig.provider.newest_audit_entry().await.unwrap() + 1;
    for route in ADMIN_ROUTES {
        let plain = !route.1.contains("{tenant}");
        for path in paths(&rig, route) {
            assert!(!path.contains('{'), "{path}");
            let page = ask(&mut anonymous, route.0, &path, None).await;
            shut(&page, "nobody", &path);
            assert_eq!(page.status, if route.0 == "get" { 200 } else { 303 }, "{path}");
            let page = ask(&mut user, route.0, &path, Some(&token)).await;
            shut(&page, "a user", &path);
            assert_eq!(page.status, 403, "{path}: {}", page.html);
            // Eve may open her own list of tenants and sign out; nothing of this tenant is hers.
            if !plain {
                let page = ask(&mut eve.browser, route.0, &path, Some(&own)).await;
                shut(&page, "another tenant's administrator", &path);
                assert_eq!(page.status, 403, "{path}");
            }
        }
    }
    assert_eq!(actions(&rig, from).await, Vec::<String>::new());
    let page = eve.browser.get("/admin/tenants").await;
    assert!(page.html.contains("other.example") && !page.html.contains("tenant-form"), "{}", page.html);
    assert!(!page.html.contains(&rig.tenant.to_string()));
    let made = ask(&mut eve.browser, "post", "/admin/tenants", Some(&own)).await;
    assert_eq!(made.status, 403);
    assert!(made.html.contains("Only administrators of the first tenant"), "{}", made.html);
    // Whoever was an administrator a moment ago is none.
    let zoe = person(&rig, rig.tenant, "zoe@example.org", true).await;
    enrol(&rig, &zoe).await;
    let mut zoe_desk = Desk::of(&rig, &zoe).await;
    zoe_desk.get("/users").await;
    rig.database
        .users()
        .take_out(zoe.id, latchkey_idp::storage::Removal::Demote, zoe.created_at)
        .await
        .unwrap();
    assert_eq!(zoe_desk.browser.get(&format!("/admin/{}/users", rig.tenant)).await.status, 403);
}

#[tokio::test]
async fn every_form_needs_the_token_of_its_own_session() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let bea = person(&rig, rig.tenant, "bea@example.org", true).await;
    enrol(&rig, &bea).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let mut other = Desk::of(&rig, &bea).await;
    let foreign = other.csrf().await;
    let own = desk.csrf().await;
    assert_ne!(own, foreign);
    let from = rig.provider.newest_audit_entry().await.unwrap() + 1;
    let posts: Vec<_> = ADMIN_ROUTES.iter().filter(|route| route.0 == "post").collect();
    assert!(posts.len() > 25);
    for route in posts {
        for path in paths(&rig, route) {
            for token in [None, Some(""), Some("wrong"), Some(foreign.as_str())] {
                let page = ask(&mut desk.browser, "post", &path, token).await;
                assert_eq!(page.status, 403, "{path}: {}", page.html);
                assert!(page.html.contains("165000"), "{path}");
            }
            // A token in the address is none.
            let page = desk.browser.post(&format!("{path}?csrf={own}"), &fields(None)).await;
            assert_eq!(page.status, 403, "{path}");
        }
    }
    assert_eq!(actions(&rig, from).await, Vec::<String>::new());
    // The right one is let through: the forms were refused for nothing else.
    let page = desk.post("/users", &fields(None)).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert_eq!(actions(&rig, from).await, ["user.created"]);
}
