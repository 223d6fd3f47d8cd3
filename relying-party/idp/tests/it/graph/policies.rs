//! Policies.

use serde_json::json;
use uuid::Uuid;

use super::{Graph, refused};
use crate::rig::Rig;

const FIDO2: &str = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";

#[tokio::test]
async fn the_accepted_models_are_a_policy() {
    let rig = Rig::start().await;
    let graph = Graph::app(&rig, &["Policy.ReadWrite.AuthenticationMethod"]).await;
    assert_eq!(graph.get(FIDO2).await.ok()["keyRestrictions"]["isEnforced"], false);
    let model = Uuid::from_u128(0x11);
    let listed = json!({
        "keyRestrictions": { "isEnforced": true, "enforcementType": "allow", "aaGuids": [model] },
    });
    assert_eq!(graph.patch(FIDO2, listed).await.status, 204);
    let shown = graph.get(FIDO2).await.ok();
    assert_eq!(shown["keyRestrictions"]["aaGuids"], json!([model]));
    assert_eq!(shown["isAttestationEnforced"], true, "a list is worth nothing without attestation");
    for wrong in [
        json!({ "keyRestrictions": { "isEnforced": true, "enforcementType": "block", "aaGuids": [model] } }),
        json!({ "keyRestrictions": { "isEnforced": true, "aaGuids": [] } }),
        json!({ "keyRestrictions": { "isEnforced": true, "aaGuids": ["x"] } }),
        json!({ "keyRestrictions": {} }),
    ] {
        let answer = graph.patch(FIDO2, wrong.clone()).await;
        refused(&answer, 400, "Request_BadRequest");
    }
    let tenant = rig.database.tenants().find(rig.tenant).await.unwrap().unwrap();
    assert_eq!(tenant.policy.passkeys.aaguids.unwrap().into_iter().collect::<Vec<_>>(), [model]);
    assert_eq!(graph.patch(FIDO2, json!({ "keyRestrictions": { "isEnforced": false } })).await.status, 204);
    assert_eq!(graph.get(FIDO2).await.ok()["isAttestationEnforced"], false);
}

#[tokio::test]
async fn strengths_are_read_and_one_is_the_least() {
    let rig = Rig::start().await;
    let reader = Graph::app(&rig, &["Policy.Read.All"]).await;
    let all = reader.get("/v1.0/policies/authenticationStrengthPolicies").await.ok();
    assert_eq!(all["value"].as_array().unwrap().len(), 3);
    let id = "00000000-0000-0000-0000-000000000004";
    let one = reader.get(&format!("/v1.0/policies/authenticationStrengthPolicies/{id}")).await.ok();
    assert_eq!(one["allowedCombinations"], json!(["fido2"]));
    let least = json!({ "authenticationStrength": { "id": id } });
    let path = "/v1.0/policies/authenticationMethodsPolicy";
    refused(&reader.patch(path, least.clone()).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(&rig, &["Policy.ReadWrite.AuthenticationMethod"]).await;
    assert_eq!(writer.patch(path, least).await.status, 204);
    assert_eq!(writer.get(path).await.ok()["authenticationStrength"]["id"], id);
    assert_eq!(writer.patch(path, json!({ "authenticationStrength": null })).await.status, 204);
    let wrong = json!({ "authenticationStrength": { "id": "x" } });
    refused(&writer.patch(path, wrong).await, 404, "Request_ResourceNotFound");
}
