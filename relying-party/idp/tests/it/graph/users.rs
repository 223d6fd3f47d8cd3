//! Users and what they sign in with.

use serde_json::json;

use super::{Graph, refused};
use crate::rig::Rig;

#[tokio::test]
async fn a_user_is_made_read_changed_and_deleted() {
    let rig = Rig::start().await;
    let graph = Graph::app(&rig, &["User.ReadWrite.All", "AuditLog.Read.All"]).await;
    let new = json!({
        "accountEnabled": true,
        "displayName": "Bob",
        "userPrincipalName": "Bob@example.org",
        "mailNickname": "bob",
        "surname": "Builder",
        "passwordProfile": { "password": "a long enough password", "forceChangePasswordNextSignIn": false },
    });
    let made = graph.post("/v1.0/users", new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(made.body["@odata.context"].as_str().unwrap().ends_with("/v1.0/$metadata#users/$entity"));
    refused(&graph.post("/v1.0/users", new).await, 409, "ObjectConflict");
    for (wrong, name) in [
        (json!({ "displayName": "C", "userPrincipalName": "c@other.example" }), "another domain"),
        (json!({ "userPrincipalName": "c@example.org" }), "no name"),
        (json!({ "displayName": "C" }), "no user name"),
        (json!([]), "no object"),
        (
            json!({ "displayName": "C", "userPrincipalName": "c@example.org", "passwordProfile": { "password": "x" } }),
            "a short password",
        ),
    ] {
        let answer = graph.post("/v1.0/users", wrong).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
    }
    let all = graph.get("/v1.0/users?$count=true").await.ok();
    assert_eq!(all["@odata.count"], 2, "nobody was made by a wrong request: {all}");

    // By ID or user name, in whichever case; only what is asked for.
    let path = format!("/v1.0/users/{id}");
    assert_eq!(graph.get(&path).await.ok()["surname"], "Builder");
    let some = graph.get("/v1.0/users/BOB%40example.org?$select=displayName").await.ok();
    assert_eq!((&some["displayName"], &some["mail"]), (&json!("Bob"), &serde_json::Value::Null));
    assert!(some.get("userPrincipalName").is_none());

    let changed =
        graph.patch(&path, json!({ "displayName": "Robert", "surname": null, "accountEnabled": false }));
    assert_eq!(changed.await.status, 204);
    let user = graph.get(&path).await.ok();
    assert_eq!(
        (&user["displayName"], &user["surname"], &user["accountEnabled"]),
        (&json!("Robert"), &serde_json::Value::Null, &json!(false))
    );
    let renamed = graph.patch(&path, json!({ "userPrincipalName": "x@example.org" })).await;
    refused(&renamed, 400, "Request_BadRequest");
    assert_eq!(graph.post(&format!("{path}/revokeSignInSessions"), json!(null)).await.ok()["value"], true);
    assert_eq!(graph.delete(&path).await.status, 204);
    refused(&graph.get(&path).await, 404, "Request_ResourceNotFound");

    // Each change has the application as its actor, and no password is in the log.
    let log = graph.get("/v1.0/auditLogs/directoryAudits").await.ok();
    let text = log.to_string();
    for action in ["user.created", "user.password_set", "user.renamed", "user.disabled", "user.deleted"] {
        assert!(text.contains(action), "{action}: {text}");
    }
    assert!(text.contains(&format!("app:{}", rig.web)) && !text.contains("long enough"), "{text}");
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let rig = Rig::start().await;
    for name in ["bob", "carol", "dave", "erin"] {
        rig.another_user(&format!("{name}@example.org")).await;
    }
    let graph = Graph::app(&rig, &["User.Read.All"]).await;
    let mut names = Vec::new();
    let mut next = Some("/v1.0/users?$top=2&$select=userPrincipalName".to_owned());
    while let Some(path) = next.take() {
        let page = graph.get(&path).await.ok();
        let rows = page["value"].as_array().unwrap();
        assert!(rows.len() <= 2);
        names.extend(rows.iter().map(|row| row["userPrincipalName"].as_str().unwrap().to_owned()));
        next = page["@odata.nextLink"].as_str().map(|link| link.replace(crate::rig::URL, ""));
    }
    let all = ["alice", "bob", "carol", "dave", "erin"].map(|name| format!("{name}@example.org"));
    assert_eq!(names, all);
    let found = graph.get("/v1.0/users?$search=%22userPrincipalName:car%22").await.ok();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    let found = graph.get("/v1.0/users?$filter=userPrincipalName%20eq%20'DAVE@example.org'").await.ok();
    assert_eq!(found["value"][0]["userPrincipalName"], "dave@example.org");
    for wrong in
        ["$filter=mail%20eq%20'x'", "$filter=id%20ne%20'x'", "$skiptoken=%FF", "$orderby=id", "$filter='"]
    {
        let answer = graph.get(&format!("/v1.0/users?{wrong}")).await;
        refused(&answer, 400, "Request_UnsupportedQuery");
    }
    // Text in a filter is text, whatever it would mean elsewhere.
    let odd = "/v1.0/users?$filter=userPrincipalName%20eq%20'x''%20OR%201=1--'";
    assert_eq!(graph.get(odd).await.ok()["value"], json!([]));
}

#[tokio::test]
async fn passes_and_passwords_are_given_and_taken() {
    let rig = Rig::start().await;
    let graph = Graph::app(&rig, &["UserAuthenticationMethod.ReadWrite.All"]).await;
    let base = format!("/v1.0/users/{}/authentication", rig.user.id);
    let methods = graph.get(&format!("{base}/methods")).await.ok();
    let kinds: Vec<_> =
        methods["value"].as_array().unwrap().iter().map(|m| m["@odata.type"].clone()).collect();
    assert_eq!(kinds, ["#microsoft.graph.passwordAuthenticationMethod"]);

    let passes = format!("{base}/temporaryAccessPassMethods");
    let made = graph.post(&passes, json!({ "lifetimeInMinutes": 60, "isUsableOnce": true })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.body["temporaryAccessPass"].as_str().unwrap().len() >= 8);
    let id = made.body["id"].as_str().unwrap();
    let shown = graph.get(&format!("{passes}/{id}")).await.ok();
    assert_eq!((&shown["isUsable"], shown.get("temporaryAccessPass")), (&json!(true), None), "shown once");
    refused(&graph.post(&passes, json!({ "lifetimeInMinutes": 100_000 })).await, 400, "Request_BadRequest");
    // Under another kind it is not there, so it is not removed by mistake.
    let wrong = graph.delete(&format!("{base}/fido2Methods/{id}")).await;
    refused(&wrong, 404, "Request_ResourceNotFound");
    assert_eq!(graph.delete(&format!("{passes}/{id}")).await.status, 204);
    assert_eq!(graph.get(&passes).await.ok()["value"], json!([]));

    let password = "28c10230-6103-485e-b985-444c60001490";
    let wrong = graph.delete(&format!("{base}/passwordMethods/{password}")).await;
    refused(&wrong, 404, "Request_ResourceNotFound");
    let reset =
        graph.post(&format!("{base}/passwordMethods/{password}/resetPassword"), json!(null)).await.ok();
    assert!(reset["newPassword"].as_str().unwrap().len() >= 12, "{reset}");
}

#[tokio::test]
async fn an_application_does_not_become_an_administrator() {
    let rig = Rig::start().await;
    let boss = rig.another_user("boss@example.org").await;
    rig.database.users().promote(boss.id).await.unwrap();
    let other = rig.another_user("second@example.org").await;
    rig.database.users().promote(other.id).await.unwrap();
    let roles = ["User.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"];
    let graph = Graph::app(&rig, &roles).await;
    let base = format!("/v1.0/users/{}", boss.id);
    let reset =
        format!("{base}/authentication/passwordMethods/28c10230-6103-485e-b985-444c60001490/resetPassword");
    let takes = [
        ("PATCH", base.clone(), json!({ "passwordProfile": { "password": "a long enough password" } })),
        ("PATCH", base.clone(), json!({ "accountEnabled": false })),
        ("DELETE", base.clone(), json!(null)),
        ("POST", format!("{base}/authentication/temporaryAccessPassMethods"), json!({})),
        ("GET", format!("{base}/authentication/fido2Methods/creationOptions"), json!(null)),
        ("POST", format!("{base}/authentication/fido2Methods"), json!({})),
        ("POST", reset, json!({})),
    ];
    for (method, path, body) in &takes {
        refused(&graph.call(method, path, body).await, 403, "Authorization_RequestDenied");
    }
    // An ordinary user may be changed, and with the role for it an administrator too.
    let alice = format!("/v1.0/users/{}/authentication/temporaryAccessPassMethods", rig.user.id);
    assert_eq!(graph.post(&alice, json!({})).await.status, 201);
    let graph = Graph::app(&rig, &["RoleManagement.ReadWrite.Directory"]).await;
    let (method, path, body) = &takes[3];
    assert_eq!(graph.call(method, path, body).await.status, 201);
}
