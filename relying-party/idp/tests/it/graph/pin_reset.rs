//! PIN resets: who may, what happened, and the cases of the helpdesk.

use latchkey_idp::pin_reset::Purpose;
use serde_json::{Value, json};

use super::{Graph, refused};
use crate::administration::person;
use crate::pin_reset::scene::{Scene, last_entry};

const RULES: &str = "/v1.0/pinReset/rules";
const CASES: &str = "/v1.0/pinReset/cases";
const EVENTS: &str = "/v1.0/auditLogs/pinResets";

#[tokio::test]
async fn rules_are_decided_and_events_are_found() {
    let mut scene = Scene::hpke().await;
    let mut resets = Vec::new();
    for _ in 0..3 {
        resets.push(scene.reset().await);
    }
    let (rig, alice) = (&scene.rig, scene.rig.user.id);
    let other = Graph::app(rig, &["Group.Read.All"]).await;
    for path in [RULES, EVENTS, CASES] {
        refused(&other.get(path).await, 403, "Authorization_RequestDenied");
    }
    let reader = Graph::app(rig, &["Policy.Read.All", "AuditLog.Read.All"]).await;
    let forbid = json!({ "userId": alice, "rule": "forbid" });
    refused(&reader.post(RULES, forbid.clone()).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(rig, &["Policy.ReadWrite.DeviceConfiguration", "Group.ReadWrite.All"]).await;
    assert_eq!(writer.post(RULES, forbid).await.status, 204);
    assert_eq!(reader.get(RULES).await.ok()["value"][0]["rule"], "forbid");
    let answer = scene.send(&resets.pop().unwrap()).await;
    scene.refused(&answer, 403, "user_forbidden").await;
    let own = format!("{RULES}/{alice}");
    refused(&reader.delete(&own).await, 403, "Authorization_RequestDenied");
    assert_eq!(writer.delete(&own).await.status, 204);
    refused(&writer.delete(&own).await, 404, "Request_ResourceNotFound");
    let reset = resets.pop().unwrap();
    scene.opened(&reset, scene.send(&reset).await);

    // The same for a group.
    let group = writer.post("/v1.0/groups", json!({ "displayName": "Sales" })).await;
    let id = group.body["id"].as_str().unwrap();
    let member = json!({ "@odata.id": format!("https://id.example.org/v1.0/users/{alice}") });
    assert_eq!(writer.post(&format!("/v1.0/groups/{id}/members/$ref"), member).await.status, 204);
    assert_eq!(writer.post(RULES, json!({ "groupId": id, "rule": "forbid" })).await.status, 204);
    let answer = scene.send(&resets.pop().unwrap()).await;
    scene.refused(&answer, 403, "user_forbidden").await;
    assert_eq!(writer.delete(&format!("{RULES}/{id}")).await.status, 204);
    for wrong in [
        json!({ "rule": "forbid" }),
        json!({ "userId": alice, "groupId": id, "rule": "allow" }),
        json!({ "userId": alice, "rule": "perhaps" }),
    ] {
        refused(&writer.post(RULES, wrong).await, 400, "Request_BadRequest");
    }
    refused(
        &writer.post(RULES, json!({ "groupId": "Sales", "rule": "allow" })).await,
        404,
        "Request_ResourceNotFound",
    );

    let count = async |query: &str| {
        let found = reader.get(&format!("{EVENTS}{query}")).await.ok();
        found["value"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?$filter=result%20eq%20'released'").await, 1);
    assert_eq!(count("?$filter=result%20ne%20'released'").await, 2);
    assert_eq!(count("?$filter=result%20eq%20'mfa_stale'").await, 0);
    assert_eq!(
        count(&format!("?$filter=userId%20eq%20'{alice}'%20and%20deviceId%20eq%20'{}'", scene.device.id))
            .await,
        3
    );
    assert_eq!(count("?$search=alice").await, 3);
    assert_eq!(count("?$search=nobody").await, 0);
    let page = reader.get(&format!("{EVENTS}?$top=2")).await.ok();
    let next = page["@odata.nextLink"].as_str().unwrap().strip_prefix("https://id.example.org").unwrap();
    assert_eq!(reader.get(next).await.ok()["value"].as_array().unwrap().len(), 1);
    refused(
        &reader.get(&format!("{EVENTS}?$filter=purpose%20eq%20'x'")).await,
        400,
        "Request_UnsupportedQuery",
    );
}

#[tokio::test]
async fn two_persons_give_tries_back_and_no_application_does() {
    const SCOPE: &str = "UserAuthenticationMethod.ReadWrite.All";
    let mut scene = Scene::hpke().await;
    let rig = &scene.rig;
    let (ada, bea) = (
        person(rig, rig.tenant, "ada@example.org", true).await,
        person(rig, rig.tenant, "bea@example.org", true).await,
    );
    let one = Graph::of(rig, &ada, SCOPE).await;
    let two = Graph::of(rig, &bea, SCOPE).await;
    let new = json!({ "userId": rig.user.id, "deviceId": scene.device.id, "reason": "Called back" });

    // Whoever holds an application's secret could be both.
    let app = Graph::app(rig, &[SCOPE]).await;
    refused(&app.post(CASES, new.clone()).await, 403, "Authorization_NotPerson");
    assert_eq!(last_entry(rig).await["action"], "helpdesk.opening_refused");
    let made = one.post(CASES, new.clone()).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("open")), "{}", made.body);
    let path = format!("{CASES}/{}", made.body["id"].as_str().unwrap());
    let approve = format!("{path}/approve");
    refused(&app.post(&approve, json!({})).await, 403, "Authorization_NotPerson");
    refused(&one.post(&approve, json!({})).await, 403, "Authorization_OwnCase");
    let entry = last_entry(rig).await;
    assert_eq!(
        (&entry["action"], &entry["detail"]["code"]),
        (&json!("helpdesk.approval_refused"), &json!("own_case"))
    );
    let reader = Graph::app(rig, &["UserAuthenticationMethod.Read.All"]).await;
    assert_eq!(reader.get(&path).await.ok()["openedBy"], json!(ada.id));

    let code = two.post(&approve, json!({})).await.ok()["value"].as_str().unwrap().to_owned();
    refused(&two.post(&approve, json!({})).await, 404, "Request_ResourceNotFound");
    let shown = reader.get(CASES).await.ok();
    assert_eq!(shown["value"][0]["status"], "approved", "{shown}");
    assert!(!shown.to_string().contains(&code), "its code is told once");
    let declined = one.post(CASES, new.clone()).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(two.post(&format!("{CASES}/{declined}/decline"), json!({})).await.status, 204);
    refused(
        &two.post(&format!("{CASES}/{declined}/approve"), json!({})).await,
        404,
        "Request_ResourceNotFound",
    );
    for (name, wrong, status) in [
        ("deviceId", json!("Desktop"), 404),
        ("userId", json!("nobody@example.org"), 404),
        ("reason", json!(""), 400),
    ] {
        let mut spoilt: Value = new.clone();
        spoilt[name] = wrong;
        assert_eq!(one.post(CASES, spoilt).await.status, status, "{name}");
    }
    refused(
        &Graph::app(rig, &["Device.ReadWrite.All"]).await.get("/v1.0/pinReset/nothing").await,
        404,
        "BadRequest",
    );

    let reset = scene.reset_with(&format!("Helpdesk {code}"), Purpose::Administer).await;
    let answer = scene.send(&reset).await;
    assert_eq!(scene.opened(&reset, answer), scene.protector.secrets[1], "not the one that recovers");
}
