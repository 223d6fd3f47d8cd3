//! The Graph-shaped API: who is let in, and who is not.

mod applications;
mod device_rules;
mod devices;
mod groups;
mod passkeys;
mod pin_reset;
mod policies;
mod users;

use axum::body::Body;
use axum::http::Request;
use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::{
    Authentication, Scopes, Tenant, TenantId, TenantPolicy, User, UserId, first_party,
};
use latchkey_idp::storage::NewUser;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

use crate::rig::{Answer, Rig, SECRET};

/// A caller of the API.
pub struct Graph<'a> {
    rig: &'a Rig,
    token: String,
}

impl<'a> Graph<'a> {
    /// The web application for itself, with these roles in the directory.
    pub async fn app(rig: &'a Rig, roles: &[&str]) -> Self {
        let web = rig.web.to_string();
        for role in roles {
            rig.database.apps().assign(rig.tenant, first_party::GRAPH, &web, role).await.unwrap();
        }
        // What was remembered of its roles is read again.
        rig.wait(Duration::from_secs(6));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", web.as_str()),
            ("client_secret", SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let token = rig.token(&fields).await.ok()["access_token"].as_str().unwrap().to_owned();
        Self { rig, token }
    }

    /// The web application for Alice, with these scopes.
    pub async fn alice(rig: &'a Rig, scopes: &str) -> Self {
        Self::of(rig, &rig.user, scopes).await
    }

    /// The web application for another user, with these scopes.
    pub async fn of(rig: &'a Rig, user: &User, scopes: &str) -> Self {
        let asked = Scopes::parse(scopes).unwrap();
        let pair = (rig.web, first_party::GRAPH);
        rig.database.consents().give(rig.tenant, Some(user.id), pair, &asked, rig.now()).await.unwrap();
        let authentication = Authentication { user: user.id, ..rig.authentication() };
        let code = rig.code_of(&format!("openid {scopes}"), &[], authentication).await;
        let token = rig.redeem(&code).await.ok()["access_token"].as_str().unwrap().to_owned();
        Self { rig, token }
    }

    /// The same for Alice as an administrator.
    pub async fn administrator(rig: &'a Rig, scopes: &str) -> Self {
        rig.database.users().promote(rig.user.id).await.unwrap();
        Self::alice(rig, scopes).await
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.rig.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &Value::Null).await
    }
}

/// The answer is a refusal in Graph's shape.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.body["error"]["code"].as_str()),
        (status, Some(code)),
        "{}",
        answer.body
    );
    let inner = &answer.body["error"]["innerError"];
    for name in ["date", "request-id", "client-request-id"] {
        assert!(inner[name].is_string(), "{name}: {inner}");
    }
    assert!(answer.body["error"]["message"].is_string());
}

/// A tenant beside Alice's, with a user.
async fn neighbour(rig: &Rig) -> User {
    let tenant = TenantId::new(Uuid::from_u128(77));
    let (name, domains, policy) =
        ("Other".to_owned(), vec!["other.example".to_owned()], TenantPolicy::default());
    let created_at = rig.now();
    rig.database.tenants().create(&Tenant { id: tenant, name, domains, policy, created_at }).await.unwrap();
    let user = User {
        id: UserId::new(Uuid::from_u128(78)),
        tenant,
        upn: "mallory@other.example".to_owned(),
        display_name: "Mallory".to_owned(),
        sessions_valid_from: UnixTime::from_seconds(0),
        ..rig.user.clone()
    };
    rig.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
    user
}

#[tokio::test]
async fn without_a_token_of_the_directory_nothing_is_told() {
    let rig = Rig::start().await;
    refused(&rig.get("/v1.0/users", None).await, 401, "InvalidAuthenticationToken");
    refused(&rig.get("/v1.0/nothing", Some("x")).await, 401, "InvalidAuthenticationToken");
    // A token for another API, and an ID token.
    let answer = rig.redeem(&rig.code("openid profile").await).await.ok();
    for token in ["id_token", "refresh_token"] {
        if let Some(token) = answer[token].as_str() {
            refused(&rig.get("/v1.0/me", Some(token)).await, 401, "InvalidAuthenticationToken");
        }
    }
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://files/.default"),
    ];
    let other = rig.token(&fields).await.ok();
    let answer = rig.get("/v1.0/users", other["access_token"].as_str()).await;
    refused(&answer, 401, "InvalidAuthenticationToken");
    let challenges = answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap());
    let schemes: Vec<_> = challenges.filter_map(|challenge| challenge.split(' ').next()).collect();
    assert_eq!(schemes, ["Bearer", "DPoP"], "bound tokens are taken too");
}

#[tokio::test]
async fn each_thing_needs_its_own_role() {
    let rig = Rig::start().await;
    let alice = rig.user.id;
    let graph = Graph::app(&rig, &["User.Read.All"]).await;
    graph.get("/v1.0/users").await.ok();
    for (method, path) in [
        ("POST", "/v1.0/users".to_owned()),
        ("PATCH", format!("/v1.0/users/{alice}")),
        ("DELETE", format!("/v1.0/users/{alice}")),
        ("POST", format!("/v1.0/users/{alice}/revokeSignInSessions")),
        ("GET", format!("/v1.0/users/{alice}/authentication/methods")),
        ("GET", format!("/beta/users/{alice}/authentication/fido2Methods/creationOptions")),
        ("POST", format!("/beta/users/{alice}/authentication/temporaryAccessPassMethods")),
        ("GET", "/v1.0/applications".to_owned()),
        ("POST", "/v1.0/applications".to_owned()),
        ("GET", "/v1.0/auditLogs/signIns".to_owned()),
        ("GET", "/v1.0/policies/authenticationMethodsPolicy".to_owned()),
        ("GET", "/v1.0/me".to_owned()),
    ] {
        refused(&graph.call(method, &path, &json!({})).await, 403, "Authorization_RequestDenied");
    }
    // Nothing was done on the way.
    assert!(rig.database.users().find(alice).await.unwrap().unwrap().enabled);
    // Roles are one by one; writing users is not writing what they sign in with.
    let graph = Graph::app(&rig, &["Directory.ReadWrite.All"]).await;
    graph.get("/v1.0/applications").await.ok();
    let path = format!("/v1.0/users/{alice}/authentication/methods");
    refused(&graph.get(&path).await, 403, "Authorization_RequestDenied");
    refused(&graph.get("/v1.0/nothing").await, 404, "BadRequest");
    refused(&graph.call("PUT", "/v1.0/users", &json!({})).await, 405, "Request_BadRequest");
}

#[tokio::test]
async fn a_scope_is_worth_nothing_without_an_administrator() {
    let rig = Rig::start().await;
    let scopes = "User.Read User.ReadWrite.All UserAuthenticationMethod.ReadWrite.All";
    let graph = Graph::alice(&rig, scopes).await;
    assert_eq!(graph.get("/v1.0/me").await.ok()["userPrincipalName"], "alice@example.org");
    refused(&graph.get("/v1.0/users").await, 403, "Authorization_RequestDenied");
    let own = format!("/v1.0/users/{}", rig.user.id);
    refused(&graph.patch(&own, json!({ "displayName": "x" })).await, 403, "Authorization_RequestDenied");
    let graph = Graph::administrator(&rig, scopes).await;
    graph.get("/v1.0/users").await.ok();
    // And an administrator is worth nothing without the scope.
    refused(&graph.get("/v1.0/auditLogs/signIns").await, 403, "Authorization_RequestDenied");
    // One who is no longer one, or whose sign-ins were ended.
    rig.database
        .users()
        .take_out(rig.user.id, latchkey_idp::storage::Removal::Demote, rig.now())
        .await
        .unwrap();
    let bob = rig.another_user("bob@example.org").await;
    rig.database.users().promote(bob.id).await.unwrap();
    rig.database
        .users()
        .take_out(rig.user.id, latchkey_idp::storage::Removal::Demote, rig.now())
        .await
        .unwrap();
    refused(&graph.get("/v1.0/users").await, 403, "Authorization_RequestDenied");
    rig.wait(Duration::from_secs(2));
    rig.database.users().revoke_sessions(rig.user.id, rig.now()).await.unwrap();
    refused(&graph.get("/v1.0/me").await, 401, "InvalidAuthenticationToken");
}

#[tokio::test]
async fn another_tenant_is_not_there() {
    let rig = Rig::start().await;
    let other = neighbour(&rig).await;
    let roles = [
        "User.ReadWrite.All",
        "UserAuthenticationMethod.ReadWrite.All",
        "Application.ReadWrite.All",
        "AuditLog.Read.All",
    ];
    let graph = Graph::app(&rig, &roles).await;
    let all = graph.get("/v1.0/users").await.ok();
    assert_eq!(all["value"].as_array().unwrap().len(), 1, "{all}");
    let nobody = Uuid::from_u128(9_999);
    for (method, end) in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/revokeSignInSessions"),
        ("GET", "/authentication/methods"),
        ("GET", "/authentication/fido2Methods/creationOptions(challengeTimeoutInMinutes=10)"),
        ("POST", "/authentication/temporaryAccessPassMethods"),
    ] {
        // The same words for one that is another tenant's and for one that never was.
        let mut answers = Vec::new();
        for id in [other.id.to_string(), nobody.to_string(), other.upn.clone()] {
            let answer = graph.call(method, &format!("/v1.0/users/{id}{end}"), &json!({})).await;
            refused(&answer, 404, "Request_ResourceNotFound");
            let message = answer.body["error"]["message"].as_str().unwrap().replace(&id, "ID");
            answers.push(message);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{method} {end}: {answers:?}");
    }
    assert!(rig.database.users().find(other.id).await.unwrap().is_some_and(|user| user.enabled));
    let filtered =
        graph.get("/v1.0/users?$filter=userPrincipalName%20eq%20'mallory@other.example'").await.ok();
    assert_eq!(filtered["value"], json!([]));
    for (id, status, code) in [
        (first_party::GRAPH.to_string(), 404, "Request_ResourceNotFound"),
        (nobody.to_string(), 404, "Request_ResourceNotFound"),
        ("x".to_owned(), 404, "Request_ResourceNotFound"),
    ] {
        refused(&graph.delete(&format!("/v1.0/applications/{id}")).await, status, code);
    }
}
