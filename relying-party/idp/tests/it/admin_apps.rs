//! Applications, policies, tenants and logs on the administrators' pages.

use std::time::Duration;

use latchkey_idp::audit_chain::Event;
use latchkey_idp::domain::{AppKind, SecondFactor, SigningAlgorithm, TokenVersion};
use latchkey_idp::strength::Strength;
use uuid::Uuid;

use crate::admin_pages::{Desk, ada, has, issued};
use crate::administration::actions;
use crate::browser::{Browser, Page};
use crate::rig::Rig;
use crate::sign_in::{PASSWORD, rig};

fn client_id(page: &Page) -> String {
    page.html.split_once("id=\"client-id\">").unwrap().1.split_once('<').unwrap().0.to_owned()
}

const SETTINGS: [(&str, &str); 14] = [
    ("name", "Notes 2"),
    ("redirect_uris", "https://notes.example/cb\r\n\r\nhttp://localhost/cb\r\n"),
    ("spa_redirect_uris", "https://spa.example/"),
    ("native_redirect_uris", "com.example.notes://back"),
    ("post_logout_redirect_uris", "https://notes.example/bye"),
    ("front_channel_logout_uri", "https://notes.example/out"),
    ("identifier_uri", "api://notes"),
    ("signing", "ES256"),
    ("token_version", "1"),
    ("confidential", "1"),
    ("multi_tenant", "1"),
    ("assignment_required", "1"),
    ("par", "1"),
    ("dpop", "1"),
];

#[tokio::test]
async fn an_application_is_registered_changed_and_deleted() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let from = rig.provider.newest_audit_entry().await.unwrap() + 1;
    has(&desk.get("/apps/new").await, "name=\"kind\"");
    let bad =
        [("name", "Notes"), ("kind", "web"), ("redirect_uris", "https://ok.example/\njavascript:alert(1)")];
    desk.refused("/apps", &bad, 400, "“javascript:alert(1)” cannot be used").await;
    let page = desk
        .done("/apps", &[("name", "Notes"), ("kind", "web"), ("redirect_uris", "https://ok.example/")])
        .await;
    let id = client_id(&page);
    has(&desk.get("/apps").await, &id);
    let at = |rest: &str| format!("/apps/{id}{rest}");
    has(&desk.done(&at(""), &SETTINGS).await, "com.example.notes://back");
    let stored = rig.database.apps().find(id.parse().unwrap()).await.unwrap().unwrap();
    let registration = &stored.registration;
    let uris: Vec<_> = registration.redirect_uris.iter().map(|redirect| redirect.uri.as_str()).collect();
    let expected = [
        "https://notes.example/cb",
        "http://localhost/cb",
        "https://spa.example/",
        "com.example.notes://back",
    ];
    assert_eq!(uris, expected);
    assert_eq!((stored.name.as_str(), stored.identifier_uri.as_deref()), ("Notes 2", Some("api://notes")));
    assert_eq!(registration.post_logout_redirect_uris, ["https://notes.example/bye"]);
    assert_eq!(
        (registration.signing_algorithm, registration.access_token_version),
        (SigningAlgorithm::Es256, TokenVersion::V1)
    );
    assert!(registration.pushed_requests && registration.dpop_bound && registration.multi_tenant);
    assert!(registration.assignment_required && !registration.public_flows);
    assert_eq!(registration.kind, AppKind::Confidential);
    desk.refused(&at(""), &[("name", "x"), ("signing", "none"), ("token_version", "2")], 400, "signed").await;

    let secret = issued(&desk.post(&at("/secrets"), &[("description", "Production"), ("days", "30")]).await);
    let page = desk.get(&at("")).await;
    assert!(!page.html.contains(&secret) && page.html.contains("Production"));
    let row = page.html.split_once("data-secret-id=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    desk.done(&at(&format!("/secrets/{row}/delete")), &[]).await;
    desk.refused(&at("/secrets"), &[("description", ""), ("days", "30")], 400, "is missing").await;

    let certificate = rcgen::generate_simple_self_signed(["notes.example".to_owned()]).unwrap();
    let page = desk.done(&at("/certificates"), &[("pem", &certificate.cert.pem())]).await;
    has(&page, "EC key");
    let thumbprint = page.field("certificate");
    let page = desk.done(&at("/certificates/delete"), &[("certificate", &thumbprint)]).await;
    assert!(!page.html.contains("EC key"), "under each of its names");
    desk.refused(&at("/certificates"), &[("pem", "x")], 400, "must be PEM text").await;

    has(
        &desk.done(&at("/scopes"), &[("name", "Notes.Read"), ("description", "Read notes")]).await,
        "Read notes",
    );
    has(&desk.done(&at("/roles"), &[("value", "Writer")]).await, "<strong>Writer</strong>");
    let assigned =
        desk.done(&at("/assignments"), &[("principal", "Alice@example.org"), ("role", "Writer")]).await;
    has(&assigned, "<strong>alice@example.org</strong>");
    desk.refused(&at("/assignments"), &[("principal", "eve@example.org"), ("role", "")], 404, "no such user")
        .await;
    let alice = rig.user.id.to_string();
    desk.done(&at("/assignments/delete"), &[("principal", &alice), ("role", "Writer")]).await;
    let page = desk.done(&at("/consents"), &[("permission", &format!("{} Read", rig.api))]).await;
    has(&page, "<strong>Everyone</strong>");
    has(&desk.done(&at("/consents/withdraw"), &[("user", "")]).await, "None: nobody let it");
    desk.done(&at("/roles/delete"), &[("value", "Writer")]).await;
    desk.done(&at("/scopes/delete"), &[("name", "Notes.Read")]).await;
    let graph = latchkey_idp::domain::first_party::GRAPH;
    let page = desk.get(&format!("/apps/{graph}")).await;
    assert!(!page.html.contains("app-save") && page.html.contains("cannot be changed"));
    desk.refused(&format!("/apps/{graph}"), &SETTINGS, 403, "was not registered by this tenant").await;
    assert!(!desk.done(&at("/delete"), &[]).await.html.contains(&id));
    assert_eq!(actions(&rig, from).await.len(), 15);
}

async fn policy(rig: &Rig) -> latchkey_idp::domain::TenantPolicy {
    rig.database.tenants().find(rig.tenant).await.unwrap().unwrap().policy
}

#[tokio::test]
async fn policies_are_saved_and_work() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let numbers = [("lockout_threshold", "3"), ("lockout_seconds", "120"), ("pass_max_minutes", "30")];
    let mut fields = vec![("second_factor", "offered"), ("password_grant", "1")];
    fields.extend(numbers);
    has(&desk.done("/policies/sign-in", &fields).await, "value=\"120\"");
    let now = policy(&rig).await;
    assert!(now.password_grant && !now.user_consent && now.second_factor == SecondFactor::Offered);
    assert_eq!((now.lockout_threshold, now.lockout_seconds, now.pass_max_minutes), (3, 120, 30));
    desk.refused("/policies/sign-in", &[("second_factor", "never")], 400, "Choose").await;
    fields[2] = ("lockout_threshold", "1");
    desk.refused("/policies/sign-in", &fields, 400, "from 3 to 50").await;
    desk.refused(&format!("/users/{}/passes", rig.user.id), &[("minutes", "31")], 400, "at most 30 minutes")
        .await;

    // Three wrong passwords lock for two minutes, and the page says so.
    let mut browser = Browser::new(&rig);
    let mut page = browser.password(&rig, &rig.user.upn, "wrong").await;
    for _ in 0..2 {
        page = browser.submit(&page, "password", &[("passwd", "wrong")]).await;
    }
    browser.submit(&page, "password", &[("passwd", PASSWORD)]).await.says(50_053);
    has(&desk.get(&format!("/users/{}", rig.user.id)).await, "id=\"user-locked\"");
    rig.wait(Duration::from_secs(121));
    let page = browser.password(&rig, &rig.user.upn, PASSWORD).await;
    assert!(!page.html.contains("data-code="), "{}", page.html);

    desk.refused("/policies/passkeys", &[("models", "listed"), ("format", "tpm")], 400, "Add a model").await;
    let model = Uuid::from_u128(7).to_string();
    desk.refused("/policies/aaguids", &[("aaguid", "x")], 400, "32 hexadecimal digits").await;
    has(&desk.done("/policies/aaguids", &[("aaguid", &model), ("note", "Laptops")]).await, "Laptops");
    assert_eq!(policy(&rig).await.passkeys.aaguids, None, "listed, and not yet a rule");
    let form = [("models", "listed"), ("format", "tpm"), ("attestation", "1"), ("known", "1")];
    desk.done("/policies/passkeys", &form).await;
    let rules = policy(&rig).await.passkeys;
    assert!(
        rules.required
            && rules.aaguids.unwrap().contains(&Uuid::from_u128(7))
            && rules.formats.unwrap().len() == 1
    );
    desk.refused(&format!("/policies/aaguids/{model}/delete"), &[], 400, "Add a model").await;
    let both = [("models", "any"), ("format", "tpm"), ("format", "packed")];
    desk.done("/policies/passkeys", &both).await;
    assert_eq!(policy(&rig).await.passkeys, latchkey_idp::attestation::AttestationPolicy::default());
    desk.done(&format!("/policies/aaguids/{model}/delete"), &[]).await;

    let web = rig.web.to_string();
    desk.done("/policies/strength", &[("client_id", &web), ("strength", "phishing-resistant")]).await;
    desk.done("/policies/strength", &[("client_id", ""), ("strength", "mfa")]).await;
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    assert_eq!(app.registration.strength, Strength::PhishingResistant);
    assert_eq!(policy(&rig).await.strength, Strength::Multifactor);
    desk.refused("/policies/strength", &[("client_id", ""), ("strength", "none")], 400, "Choose").await;
}

#[tokio::test]
async fn logs_and_tenants() {
    let rig = rig().await;
    let ada = ada(&rig).await;
    let mut desk = Desk::of(&rig, &ada).await;
    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, &rig.user.upn, "wrong").await;
    let page = browser.submit(&page, "password", &[("passwd", PASSWORD)]).await;
    crate::sign_in::finish(&rig, &mut browser, &page).await;
    let rows = |page: &Page| page.html.matches("data-correlation-id=").count();
    let all = desk.get("/sign-ins").await;
    has(&all, "AADSTS50126");
    let failed = desk.get("/sign-ins?result=failure&user=ALICE").await;
    assert_eq!((rows(&failed), failed.html.contains("The user name or the password is wrong.")), (1, true));
    let correlation = failed.attribute("data-correlation-id");
    assert!(rows(&desk.get(&format!("/sign-ins?correlation={correlation}")).await) > 1, "the right one too");
    let web = rig.web;
    let of_web = rows(&desk.get(&format!("/sign-ins?app={web}&from=2025-06-15&to=2025-06-15")).await);
    assert!(of_web > 1 && of_web < rows(&all), "{of_web}");
    assert_eq!(rows(&desk.get("/sign-ins?to=2025-06-14").await), 0);

    has(&desk.get("/audit").await, "data-state=\"unchecked\"");
    has(&desk.done("/audit/check", &[]).await, "data-state=\"whole\"");
    for number in 0..55 {
        let uri = format!("https://a.example/{number}");
        desk.post("/apps", &[("name", "App"), ("kind", "spa"), ("redirect_uris", &uri)]).await;
    }
    let page = desk.get("/audit").await;
    has(&page, "<td role=\"cell\" data-label=\"Who\">ada@example.org</td>");
    let older = page.html.split_once("id=\"page-after\" class=\"button quiet compact\" href=\"").unwrap().1;
    let older = older.split_once('"').unwrap().0.to_owned();
    let page = desk.get(&format!("/audit{older}")).await;
    assert!(page.html.contains("id=\"page-before\"") && !page.html.contains("id=\"page-after\""));

    let csrf = desk.csrf().await;
    let new = [("csrf", csrf.as_str()), ("name", "Other"), ("domain", "other.example"), ("admin", "root")];
    let page = desk.browser.post("/admin/tenants", &new).await;
    assert!(issued(&page).contains("/welcome#") && page.html.contains("root@other.example"));
    let again = desk.browser.post("/admin/tenants", &new).await;
    assert!(again.status == 409 && again.html.contains("in use already"), "{}", again.html);
    let (root, _) = rig.database.users().by_upn("root@other.example").await.unwrap().unwrap();
    assert!(root.administrator && root.tenant != rig.tenant);
    let looked = desk.browser.get(&format!("/admin/{}/users", root.tenant)).await;
    assert_eq!(looked.status, 403, "making a tenant is not looking into it");
    let last =
        rig.database.audit().entries(rig.provider.newest_audit_entry().await.unwrap(), 1).await.unwrap();
    let event: Event = serde_json::from_str(&last[0].record).unwrap();
    assert_eq!((event.action.as_str(), event.actor), ("tenant.created", ada.id.to_string()));
}
