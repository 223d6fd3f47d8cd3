//! Applications, and the logs.

use std::time::Duration;

use serde_json::json;

use super::{Graph, refused};
use crate::rig::Rig;

#[tokio::test]
async fn an_application_is_registered_and_its_secret_works() {
    let rig = Rig::start().await;
    let graph = Graph::app(&rig, &["Application.ReadWrite.All"]).await;
    let new = json!({
        "displayName": "Orders",
        "signInAudience": "AzureADMyOrg",
        "identifierUris": ["api://orders"],
        "web": { "redirectUris": ["https://orders.example.org/cb"] },
        "api": { "requestedAccessTokenVersion": 2 },
    });
    let made = graph.post("/v1.0/applications", new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["appId"].as_str().unwrap().to_owned();
    assert_eq!(made.body["web"]["redirectUris"], json!(["https://orders.example.org/cb"]));
    refused(&graph.post("/v1.0/applications", new).await, 409, "ObjectConflict");
    let path = format!("/v1.0/applications/{id}");

    let new = json!({ "passwordCredential": { "displayName": "ci" } });
    let secret = graph.post(&format!("{path}/addPassword"), new).await.ok();
    let text = secret["secretText"].as_str().unwrap();
    let token = async |secret: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("scope", "api://files/.default"),
        ];
        rig.token(&fields).await
    };
    token(text).await.ok();
    let shown = graph.get(&path).await.ok();
    assert_eq!(shown["passwordCredentials"][0]["keyId"], secret["keyId"]);
    assert!(!shown.to_string().contains(text), "a secret is shown once");
    let gone = graph.post(&format!("{path}/removePassword"), json!({ "keyId": secret["keyId"] })).await;
    assert_eq!(gone.status, 204);
    rig.wait(Duration::from_secs(6));
    token(text).await.refused(401, "invalid_client", 7_000_215);
    let again = graph.post(&format!("{path}/removePassword"), json!({ "keyId": secret["keyId"] })).await;
    refused(&again, 404, "Request_ResourceNotFound");

    let change = json!({
        "displayName": "Orders 2",
        "isFallbackPublicClient": true,
        "publicClient": { "redirectUris": ["http://localhost"] },
        "authenticationStrength": { "id": "00000000-0000-0000-0000-000000000004" },
    });
    assert_eq!(graph.patch(&path, change).await.status, 204);
    let shown = graph.get(&path).await.ok();
    assert_eq!(shown["displayName"], "Orders 2");
    assert_eq!(shown["publicClient"]["redirectUris"], json!(["http://localhost"]));
    assert_eq!(
        shown["web"]["redirectUris"],
        json!(["https://orders.example.org/cb"]),
        "what is absent stays"
    );
    for wrong in [
        json!({ "web": { "redirectUris": ["javascript:alert(1)"] } }),
        json!({ "signInAudience": "Everyone" }),
        json!({ "displayName": "" }),
        json!({ "authenticationStrength": { "id": "x" } }),
        json!({ "api": { "requestedAccessTokenVersion": 3 } }),
        json!({ "identifierUris": ["api://a", "api://b"] }),
    ] {
        let answer = graph.patch(&path, wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    assert_eq!(graph.get(&path).await.ok()["displayName"], "Orders 2", "a wrong change changes nothing");
    let found = graph.get(&format!("/v1.0/applications?$filter=appId%20eq%20'{id}'")).await.ok();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    let page = graph.get("/v1.0/applications?$top=1").await.ok();
    let next = page["@odata.nextLink"].as_str().unwrap().replace(crate::rig::URL, "");
    let second = graph.get(&next).await.ok();
    assert_ne!(page["value"][0]["id"], second["value"][0]["id"]);
    assert_eq!(graph.delete(&path).await.status, 204);
    refused(&graph.get(&path).await, 404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn sign_ins_are_found_by_what_is_known_of_them() {
    let rig = Rig::start().await;
    let mut browser = crate::browser::Browser::new(&rig);
    browser.password(&rig, "alice@example.org", "a wrong password").await.says(50_126);
    let graph = Graph::app(&rig, &["AuditLog.Read.All"]).await;
    let count = async |filter: &str| {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let page = graph.get(&format!("/v1.0/auditLogs/signIns?$filter={filter}")).await.ok();
        page["value"].as_array().unwrap().len()
    };
    assert_eq!(count("userPrincipalName eq 'alice@example.org' and status/errorCode ne 0").await, 1);
    assert_eq!(count("status/errorCode eq 0").await, 0);
    assert_eq!(count("userPrincipalName eq 'bob@example.org'").await, 0);
    assert_eq!(
        count(&format!("userId eq '{}' and createdDateTime ge 2020-01-01T00:00:00Z", rig.user.id)).await,
        1
    );
    assert_eq!(count("createdDateTime lt 2020-01-01T00:00:00Z").await, 0);
    for wrong in ["ipAddress%20eq%20'x'", "status/errorCode%20eq%2050126", "userId%20eq%20'x'"] {
        let answer = graph.get(&format!("/v1.0/auditLogs/signIns?$filter={wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    refused(&graph.get("/v1.0/auditLogs/other").await, 404, "BadRequest");
}
