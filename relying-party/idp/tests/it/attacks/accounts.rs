//! Who has an account here cannot be found out: not by words, not by status, not by the work that an answer takes.

use std::sync::atomic::Ordering;

use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::domain::TenantPolicy;
use latchkey_idp::sign_in::issue_pass;

use crate::browser::{Browser, Page, Passkey, request};
use crate::rig::Rig;
use crate::sign_in::{NAME, PASSWORD, rig};

/// Names of every kind: with and without a password, passkey or pass, disabled, of another tenant, and nobody's.
const NAMES: [&str; 7] = [
    NAME,
    "bob@example.org",
    "disabled@example.org",
    "bare@example.org",
    "mallory@example.net",
    "nobody@example.org",
    "nobody@elsewhere.example",
];

async fn people() -> Rig {
    let rig = rig().await;
    let other = rig.another_tenant(30, "example.net").await;
    rig.user_with_password(other, NAMES[4], PASSWORD).await;
    let bob = rig.user_with_password(rig.tenant, NAMES[1], PASSWORD).await;
    let _passkey = Passkey::enrol_for(&rig, &bob, 8).await;
    issue_pass(&rig.provider, bob.id, &PassOptions::default()).await.unwrap();
    let disabled = rig.user_with_password(rig.tenant, NAMES[2], PASSWORD).await;
    rig.database.users().set_enabled(disabled.id, false, rig.now()).await.unwrap();
    rig.another_user(NAMES[3]).await;
    rig
}

/// A page without what is drawn anew for each visitor, and without the name that was typed.
fn shape(page: &Page, name: &str) -> (u16, Option<String>, String) {
    let mut html = page.html.replace(&name.replace('@', "&#64;"), "NAME").replace(name, "NAME");
    let drawn = |word: &str| {
        word.len() >= 32
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // The circle shows the first letter of what was typed.
    if let Some((before, after)) = html.split_once("<span class=\"circle\" aria-hidden=\"true\">") {
        html = format!("{before}{}", after.split_once("</span>").unwrap().1);
    }
    // Brokers read credential IDs in the other alphabet of base64.
    if let Some((before, after)) = html.split_once("\"arrFidoAllowList\":[") {
        let (ids, after) = after.split_once(']').unwrap();
        let ids = ids.replace('+', "-").replace('/', "_");
        html = format!("{before}\"arrFidoAllowList\":[{ids}]{after}");
    }
    let words: Vec<String> = html
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| drawn(word))
        .map(str::to_owned)
        .collect();
    for word in words {
        html = html.replace(&word, "DRAWN");
    }
    (page.status, page.location.clone(), html)
}

/// What `attempt` shows for each name, and how many passwords it hashes: all the same.
async fn alike<F: AsyncFn(&Rig, &'static str) -> (u16, Option<String>, String)>(what: &str, attempt: F) {
    let mut seen = Vec::new();
    for name in NAMES {
        let rig = people().await;
        let before = rig.hashed.load(Ordering::SeqCst);
        let shown = attempt(&rig, name).await;
        seen.push((name, shown, rig.hashed.load(Ordering::SeqCst) - before));
    }
    for (name, shown, hashed) in &seen[1..] {
        assert_eq!(shown, &seen[0].1, "{what}: {name}");
        assert_eq!(*hashed, seen[0].2, "{what}: {name} takes another number of hashes");
    }
}

#[tokio::test]
async fn names_and_passwords_are_refused_alike() {
    alike("name", async |rig, name| {
        let mut browser = Browser::new(rig);
        let page = browser.authorize(rig, &[]).await;
        shape(&browser.submit(&page, "user", &[("loginfmt", name)]).await, name)
    })
    .await;
    alike("password", async |rig, name| {
        let page = Browser::new(rig).password(rig, name, "wrong").await;
        assert!(rig.hashed.load(Ordering::SeqCst) > 0);
        shape(&page, name)
    })
    .await;
    alike("password at common", async |rig, name| {
        let mut browser = Browser::new(rig);
        let page = browser.get(&format!("/common/oauth2/v2.0/authorize?{}", request(rig, &[]))).await;
        let page = browser.submit(&page, "user", &[("loginfmt", name)]).await;
        shape(&browser.submit(&page, "password", &[("passwd", "wrong")]).await, name)
    })
    .await;
}

#[tokio::test]
async fn ways_passes_and_passkeys_are_offered_and_refused_alike() {
    alike("ways", async |rig, name| {
        let mut browser = Browser::new(rig);
        let page = browser.authorize(rig, &[("login_hint", name)]).await;
        shape(&browser.get(&format!("/{}/login?ctx={}&view=ways", rig.tenant, page.field("ctx"))).await, name)
    })
    .await;
    alike("pass", async |rig, name| {
        let mut browser = Browser::new(rig);
        let page = browser.authorize(rig, &[("login_hint", name)]).await;
        let page = browser.submit(&page, "way", &[("way", "pass")]).await;
        shape(&browser.submit(&page, "pass", &[("accesspass", "ABCD2345")]).await, name)
    })
    .await;
    // Bob has a passkey, and everyone else's list looks as if they had one, each time the same.
    alike("passkey", async |rig, name| {
        let mut lists = Vec::new();
        let mut last = None;
        for _ in 0..2 {
            let mut browser = Browser::new(rig);
            let page = browser.authorize(rig, &[("login_hint", name)]).await;
            let page = browser.submit(&page, "way", &[("way", "passkey")]).await;
            let options: serde_json::Value = serde_json::from_str(&page.attribute("data-options")).unwrap();
            lists.push(options["allowCredentials"].clone());
            last = Some(shape(&page, name));
        }
        assert_eq!(lists[0], lists[1], "{name}");
        assert_eq!(lists[0].as_array().unwrap().len(), 1, "{name}");
        last.unwrap()
    })
    .await;
}

#[tokio::test]
async fn the_password_grant_refuses_alike() {
    alike("password grant", async |rig, name| {
        let policy = TenantPolicy { password_grant: true, ..TenantPolicy::default() };
        rig.database.tenants().set_policy(rig.tenant, &policy).await.unwrap();
        rig.wait(std::time::Duration::from_secs(5));
        let native = rig.native.to_string();
        let fields = [
            ("grant_type", "password"),
            ("client_id", native.as_str()),
            ("scope", "openid"),
            ("username", name),
            ("password", "wrong"),
        ];
        let answer = rig.token(&fields).await;
        answer.refused(400, "invalid_grant", 50_126);
        (answer.status, None, answer.body["suberror"].to_string())
    })
    .await;
}

/// A lock is no sign of an account either: names that are nobody's lock too, after as many tries.
#[tokio::test]
async fn locks_come_alike() {
    alike("lock", async |rig, name| {
        let mut browser = Browser::new(rig);
        let mut page = browser.password(rig, name, "wrong").await;
        let mut tries = 1;
        while !page.html.contains("data-code=\"50053\"") {
            page = browser.submit(&page, "password", &[("passwd", "wrong")]).await;
            tries += 1;
            assert!(tries < 20);
        }
        (tries, None, shape(&page, name).2)
    })
    .await;
}

/// Brokers ask first whether the domain signs in here. It says nothing about names.
#[tokio::test]
async fn the_realm_is_the_domains() {
    let rig = people().await;
    for name in ["alice", "bob", "nobody", "' OR 1=1 --"] {
        let name = name.replace(' ', "%20").replace('\'', "%27");
        let path = format!("/common/userrealm/{name}@example.org?api-version=1.0");
        assert_eq!(rig.get(&path, None).await.ok()["account_type"], "Managed");
    }
}
