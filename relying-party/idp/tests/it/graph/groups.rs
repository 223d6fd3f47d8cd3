//! Groups.

use serde_json::json;
use uuid::Uuid;

use super::{Graph, neighbour, refused};
use crate::administration::actions;
use crate::rig::Rig;

#[tokio::test]
async fn groups_are_made_filled_and_deleted() {
    let rig = Rig::start().await;
    let alice = rig.user.id;
    let reader = Graph::app(&rig, &["Group.Read.All"]).await;
    let new = json!({ "displayName": "Sales", "mailEnabled": false, "securityEnabled": true });
    refused(&reader.post("/v1.0/groups", new.clone()).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(&rig, &["Group.ReadWrite.All"]).await;
    let from = rig.provider.newest_audit_entry().await.unwrap() + 1;
    let made = writer.post("/v1.0/groups", new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/v1.0/groups/{}", made.body["id"].as_str().unwrap());
    refused(&writer.post("/v1.0/groups", new).await, 409, "ObjectConflict");
    refused(&writer.post("/v1.0/groups", json!({})).await, 400, "Request_BadRequest");
    let mail = json!({ "displayName": "Post", "mailEnabled": true });
    refused(&writer.post("/v1.0/groups", mail).await, 400, "Request_BadRequest");

    let reference = |id: &dyn std::fmt::Display| json!({ "@odata.id": format!("https://id.example.org/v1.0/directoryObjects/{id}") });
    let members = format!("{path}/members");
    let add = format!("{members}/$ref");
    refused(&reader.post(&add, reference(&alice)).await, 403, "Authorization_RequestDenied");
    assert_eq!(writer.post(&add, reference(&alice)).await.status, 204);
    assert_eq!(writer.post(&add, reference(&alice)).await.status, 204, "twice is once");
    refused(&writer.post(&add, reference(&Uuid::nil())).await, 404, "Request_ResourceNotFound");
    refused(&writer.post(&add, json!({ "@odata.id": "alice" })).await, 400, "Request_BadRequest");
    let other = neighbour(&rig).await;
    refused(&writer.post(&add, reference(&other.id)).await, 404, "Request_ResourceNotFound");
    let listed = reader.get(&members).await.ok();
    assert_eq!(listed["value"][0]["userPrincipalName"], "alice@example.org", "{listed}");
    assert_eq!(reader.get(&path).await.ok()["members"], 1);
    let found = reader.get("/v1.0/groups?$filter=displayName%20eq%20'sales'&$count=true").await.ok();
    assert_eq!(found["@odata.count"], 1, "{found}");
    let found = reader.get("/v1.0/groups?$search=%22displayName:board%22").await.ok();
    assert_eq!(found["value"], json!([]));

    refused(&reader.delete(&format!("{members}/{alice}/$ref")).await, 403, "Authorization_RequestDenied");
    assert_eq!(writer.delete(&format!("{members}/{alice}/$ref")).await.status, 204);
    assert_eq!(reader.get(&members).await.ok()["value"], json!([]));
    refused(&reader.delete(&path).await, 403, "Authorization_RequestDenied");
    assert_eq!(writer.delete(&path).await.status, 204);
    refused(&writer.get(&path).await, 404, "Request_ResourceNotFound");
    refused(&writer.delete("/v1.0/groups/Sales").await, 404, "Request_ResourceNotFound");
    assert_eq!(
        actions(&rig, from).await,
        ["group.created", "group.member_added", "group.member_removed", "group.deleted"]
    );
}
