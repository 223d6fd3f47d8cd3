//! Applications, policies and logs, through the administrators' core.

use std::time::Duration;

use latchkey_idp::administration::{Administrator, NewRegistration, Platform, Principal, Refused};
use latchkey_idp::domain::{AppRole, ClientId, ExposedScope, Scopes, UserId};
use latchkey_idp::storage::{LogCursor, SignInFilter};
use uuid::Uuid;

use crate::administration::{actions, other_tenant, person};
use crate::browser::Browser;
use crate::sign_in::{PASSWORD, rig};

#[tokio::test]
async fn applications_are_registered_and_changed() {
    let rig = rig().await;
    let operator = Administrator::operator(&rig.provider, "example.org").await.unwrap();
    let new = |platform, uris: &[&str]| NewRegistration {
        name: "Notes".to_owned(),
        platform,
        redirect_uris: uris.iter().map(ToString::to_string).collect(),
        identifier_uri: None,
    };
    for uri in [
        "http://app.example/cb",
        "https://app.example/cb#x",
        "https://*.example/cb",
        "javascript:alert(1)",
        "https://u:p@app.example/",
        "https://app.example/ cb",
        "app",
        "data:text/html,x",
        "https://a\\@b.example/",
        "http://localhost.evil.example/",
    ] {
        for platform in [Platform::Web, Platform::Spa, Platform::Native] {
            let refused = operator.register_app(&new(platform, &[uri])).await;
            assert!(matches!(refused, Err(Refused::Invalid(_))), "{uri} {platform:?}");
        }
    }
    operator
        .register_app(&new(Platform::Native, &["com.example.notes://back", "http://127.0.0.1/x"]))
        .await
        .unwrap();
    assert!(operator.register_app(&new(Platform::Web, &["com.example.notes://back"])).await.is_err());
    let app = operator.register_app(&new(Platform::Web, &["https://notes.example/cb"])).await.unwrap().id;
    let (secret, value) = operator.add_secret(app, "Production", 30).await.unwrap();
    assert!(operator.add_secret(app, "Production", 731).await.is_err());
    assert!(operator.add_secret(rig.native, "Device", 30).await.is_err(), "it can keep none");
    let id = app.to_string();
    let asks = |secret: String| {
        let fields = [
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), id.clone()),
            ("client_secret".to_owned(), secret),
            ("scope".to_owned(), "https://graph.microsoft.com/.default".to_owned()),
        ];
        let rig = &rig;
        async move {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            rig.token(&fields).await
        }
    };
    asks(value.expose().to_owned()).await.ok();
    operator.delete_secret(app, secret).await.unwrap();
    // Seen at once, though registrations are remembered for a moment.
    asks(value.expose().to_owned()).await.refused(401, "invalid_client", 7_000_215);
    operator
        .change_app(app, |app| {
            app.name = "Notes 2".to_owned();
            app.identifier_uri = Some("api://notes".to_owned());
            app.id = ClientId::new(Uuid::nil());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(operator.app(app).await.unwrap().name, "Notes 2");
    let files = |app: &mut latchkey_idp::domain::App| {
        app.identifier_uri = Some("api://files".to_owned());
        Ok(())
    };
    assert!(matches!(operator.change_app(app, files).await, Err(Refused::Taken(_))));
    let graph = latchkey_idp::domain::first_party::GRAPH;
    assert!(matches!(operator.change_app(graph, |_| Ok(())).await, Err(Refused::NotYours)));
    assert!(matches!(operator.delete_app(graph).await, Err(Refused::NotYours)));
    assert!(operator.add_certificate(app, "no certificate").await.is_err());
    let scope = |name: &str| ExposedScope {
        name: name.to_owned(),
        description: "Read notes".to_owned(),
        administrators_only: false,
    };
    assert!(operator.expose_scope(app, scope("two words")).await.is_err());
    operator.expose_scope(app, scope("Notes.Read")).await.unwrap();
    operator.add_role(app, AppRole { value: "Writer".to_owned(), description: String::new() }).await.unwrap();
    operator.assign(app, Principal::User(rig.user.id), "Writer").await.unwrap();
    operator.assign(app, Principal::Application(rig.web), "").await.unwrap();
    assert!(operator.assign(app, Principal::User(rig.user.id), "Reader").await.is_err());
    assert!(operator.assign(app, Principal::User(UserId::new(Uuid::nil())), "").await.is_err());
    let names: Vec<_> =
        operator.assignments(app).await.unwrap().into_iter().map(|row| row.name.unwrap()).collect();
    assert_eq!(names, ["App 0", "alice@example.org"]);
    operator.remove_role(app, "Writer").await.unwrap();
    operator.unassign(app, &rig.web.to_string(), "").await.unwrap();
    assert!(operator.assignments(app).await.unwrap().is_empty());
    operator.consent_for_all(rig.web, app, &Scopes::parse("Notes.Read").unwrap()).await.unwrap();
    assert!(operator.consent_for_all(rig.web, app, &Scopes::parse("Other").unwrap()).await.is_err());
    assert_eq!(operator.consents(rig.web).await.unwrap()[0].resource, "Notes 2");
    operator.withdraw_consent(rig.web, None).await.unwrap();
    assert!(operator.withdraw_consent(rig.web, None).await.is_err());
    operator.remove_scope(app, "Notes.Read").await.unwrap();
    operator.delete_app(app).await.unwrap();
    assert!(operator.app(app).await.is_err());
    let rows = rig.database.audit().entries(1, 100).await.unwrap();
    assert!(rows.iter().all(|row| !row.record.contains(value.expose())));
    assert_eq!(actions(&rig, 1).await.len(), 15);
}

#[tokio::test]
async fn policies_and_logs() {
    let rig = rig().await;
    let ada = person(&rig, rig.tenant, "ada@example.org", true).await;
    let eve = other_tenant(&rig).await;
    let ada = Administrator::user(&rig.provider, &ada, rig.tenant).unwrap();
    let eve = Administrator::user(&rig.provider, &eve, eve.tenant).unwrap();
    ada.change_policy(|policy| {
        (policy.lockout_threshold, policy.lockout_seconds) = (3, 300);
        Ok(())
    })
    .await
    .unwrap();
    let too_few = ada
        .change_policy(|policy| {
            policy.lockout_threshold = 2;
            Ok(())
        })
        .await;
    assert!(matches!(too_few, Err(Refused::Invalid(_))));
    let none = ada
        .change_policy(|policy| {
            policy.passkeys.aaguids = Some([].into());
            Ok(())
        })
        .await;
    assert!(matches!(none, Err(Refused::Invalid(_))));
    ada.change_policy(|policy| {
        policy.passkeys.aaguids = Some([Uuid::max()].into());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(ada.tenant().await.unwrap().policy.models[&Uuid::max()], "");
    eve.change_policy(|policy| {
        policy.password_grant = true;
        Ok(())
    })
    .await
    .unwrap();

    let mut browser = Browser::new(&rig);
    let mut page = browser.password(&rig, &rig.user.upn, "wrong").await;
    for _ in 0..2 {
        page.says(50_126);
        page = browser.submit(&page, "password", &[("passwd", "wrong")]).await;
    }
    page.says(50_126);
    browser.submit(&page, "password", &[("passwd", PASSWORD)]).await.says(50_053);
    let locked = ada.methods(rig.user.id).await.unwrap().locked_until;
    assert_eq!(locked, Some(rig.now().plus(Duration::from_mins(5))));
    rig.wait(Duration::from_mins(5));
    let page = browser.password(&rig, &rig.user.upn, PASSWORD).await;
    crate::sign_in::finish(&rig, &mut browser, &page).await;

    let count =
        async |filter: SignInFilter| ada.sign_ins(&filter, LogCursor::Newest, 50).await.unwrap().rows.len();
    let all = ada.sign_ins(&SignInFilter::default(), LogCursor::Newest, 50).await.unwrap().rows;
    let entry = all.iter().find(|entry| entry.error == 50_053).unwrap().clone();
    assert!(all.iter().all(|entry| !entry.correlation.is_nil()));
    for (filter, expected) in [
        (SignInFilter { failed: true, ..SignInFilter::default() }, 4),
        (SignInFilter { succeeded: true, ..SignInFilter::default() }, all.len() - 4),
        (SignInFilter { name: "ALICE@".to_owned(), ..SignInFilter::default() }, all.len()),
        (SignInFilter { name: "' OR ''='".to_owned(), ..SignInFilter::default() }, 0),
        (SignInFilter { client: Some(rig.web), ..SignInFilter::default() }, all.len()),
        (SignInFilter { client: Some(rig.api), ..SignInFilter::default() }, 0),
        (SignInFilter { correlation: Some(entry.correlation), ..SignInFilter::default() }, 4),
        (SignInFilter { from: Some(rig.now()), ..SignInFilter::default() }, all.len() - 4),
        (SignInFilter { before: Some(rig.now()), ..SignInFilter::default() }, 4),
    ] {
        assert_eq!(count(filter.clone()).await, expected, "{filter:?}");
    }
    // Page by page, forth and back, each entry comes once, also those of one second.
    let (mut seen, mut cursor) = (Vec::new(), LogCursor::Newest);
    loop {
        let page = ada.sign_ins(&SignInFilter::default(), cursor, 1).await.unwrap();
        seen.extend(page.rows);
        let Some(last) = seen.last().filter(|_| page.after) else { break };
        cursor = LogCursor::OlderThan((last.at, last.id));
    }
    assert_eq!(seen, all);
    let (second, third) = (&all[1], &all[2]);
    let back =
        ada.sign_ins(&SignInFilter::default(), LogCursor::NewerThan((third.at, third.id)), 1).await.unwrap();
    assert_eq!((&back.rows[0], back.before, back.after), (second, true, true));
    assert!(eve.sign_ins(&SignInFilter::default(), LogCursor::Newest, 50).await.unwrap().rows.is_empty());

    let changes = ada.changes(LogCursor::Newest, 50).await.unwrap().rows;
    assert!(changes.iter().all(|change| change.event.actor != eve.actor().to_string()));
    assert!(changes.last().unwrap().event.detail["changed"].contains("lockout_threshold=3"));
    assert_eq!((changes.len(), eve.changes(LogCursor::Newest, 50).await.unwrap().rows.len()), (2, 1));
    assert_eq!(ada.audit_state(), None);
    assert_eq!(ada.check_audit().await.unwrap().found.unwrap().number, 3);
    assert!(ada.audit_state().is_some());
}
