//! Passkeys that are provisioned for somebody, and those that a user adds through an application.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Graph, refused};
use crate::authenticator::{Authenticator, Statement};
use crate::browser::{Browser, Passkey};
use crate::rig::{Rig, URL};
use crate::sign_in::finish;

fn authenticator(id: u8) -> Authenticator {
    let mut made = Authenticator::new("id.example.org", URL, id);
    made.flags = 0x1d;
    made
}

/// What an API client sends: only what idp-wire §1.8 names.
fn posted(made: &Authenticator, options: &Value, name: &str) -> Value {
    let answer = made.register(&options["publicKey"], Statement::None);
    json!({
        "displayName": name,
        "publicKeyCredential": {
            "id": answer["id"],
            "response": {
                "clientDataJSON": answer["response"]["clientDataJSON"],
                "attestationObject": answer["response"]["attestationObject"],
            },
            "clientExtensionResults": {},
        },
    })
}

#[tokio::test]
async fn a_passkey_that_was_provisioned_on_behalf_signs_in() {
    let rig = Rig::start().await;
    let graph = Graph::app(&rig, &["UserAuthenticationMethod.ReadWrite.All"]).await;
    let made_by = [authenticator(1), authenticator(2)];
    for (version, authenticator) in ["beta", "v1.0"].into_iter().zip(&made_by) {
        let base = format!("/{version}/users/{}/authentication/fido2Methods", rig.user.id);
        let options = graph.get(&format!("{base}/creationOptions(challengeTimeoutInMinutes=10)")).await.ok();
        assert!(options["challengeTimeoutDateTime"].is_string());
        assert_eq!(options["publicKey"]["rp"]["id"], "id.example.org");
        assert_eq!(options["publicKey"]["timeout"], 600_000);
        // The challenge lives as long as was asked, longer than one of a page.
        rig.wait(Duration::from_mins(9));
        let made = graph.post(&base, posted(authenticator, &options, "Key of the help desk")).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.body["displayName"], "Key of the help desk");
        assert_eq!(made.body["attestationLevel"], "notAttested");
        let shown = graph.get(&format!("{base}/{}", made.body["id"].as_str().unwrap())).await.ok();
        assert_eq!(shown["aaGuid"], made.body["aaGuid"]);
    }
    let [first, _] = made_by;
    let mut passkey = Passkey::of(first, rig.user.id.guid());
    passkey.flags = 0x1d;
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    finish(&rig, &mut browser, &page).await;

    let base = format!("/v1.0/users/{}/authentication/fido2Methods", rig.user.id);
    let all = graph.get(&base).await.ok();
    let ids: Vec<_> = all["value"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(graph.delete(&format!("{base}/{}", ids[0].as_str().unwrap())).await.status, 204);
    assert_eq!(graph.get(&base).await.ok()["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn options_are_of_one_user_one_caller_and_once() {
    let rig = Rig::start().await;
    let bob = rig.another_user("bob@example.org").await;
    let graph = Graph::app(&rig, &["UserAuthenticationMethod.ReadWrite.All"]).await;
    let base = |user: latchkey_idp::domain::UserId| format!("/beta/users/{user}/authentication/fido2Methods");
    let options =
        async |graph: &Graph<'_>| graph.get(&format!("{}/creationOptions", base(rig.user.id))).await.ok();
    // For another user than the options were made for.
    let asked = options(&graph).await;
    let answer = graph.post(&base(bob.id), posted(&authenticator(1), &asked, "x")).await;
    refused(&answer, 400, "Request_BadRequest");
    // By another caller.
    let asked = options(&graph).await;
    let administrator = Graph::administrator(&rig, "UserAuthenticationMethod.ReadWrite.All").await;
    let answer = administrator.post(&base(rig.user.id), posted(&authenticator(2), &asked, "x")).await;
    refused(&answer, 400, "Request_BadRequest");
    // Twice.
    let asked = options(&administrator).await;
    let body = posted(&authenticator(3), &asked, "x");
    assert_eq!(administrator.post(&base(rig.user.id), body.clone()).await.status, 201);
    refused(&administrator.post(&base(rig.user.id), body).await, 400, "Request_BadRequest");
    // Too late.
    let asked = options(&administrator).await;
    rig.wait(Duration::from_mins(6));
    let answer = administrator.post(&base(rig.user.id), posted(&authenticator(4), &asked, "x")).await;
    refused(&answer, 400, "Request_BadRequest");
    for wrong in [json!({}), json!({ "publicKeyCredential": {} }), json!({ "publicKeyCredential": "x" })] {
        refused(&administrator.post(&base(rig.user.id), wrong).await, 400, "Request_BadRequest");
    }
    let deep = format!("{{\"publicKeyCredential\":{}{}}}", "[".repeat(9_000), "]".repeat(9_000));
    let path = base(rig.user.id);
    let request = axum::http::Request::post(path.as_str())
        .header("authorization", format!("Bearer {}", administrator.token))
        .body(axum::body::Body::from(deep))
        .unwrap();
    refused(&rig.send(request).await, 400, "Request_BadRequest");
}

#[tokio::test]
async fn a_user_adds_a_passkey_with_a_fresh_sign_in_only() {
    let rig = Rig::start().await;
    let base = "/beta/me/authentication/fido2Methods";
    let reader = Graph::alice(&rig, "UserAuthenticationMethod.Read").await;
    assert_eq!(reader.get(base).await.ok()["value"], json!([]));
    let refusal = reader.get(&format!("{base}/creationOptions")).await;
    refused(&refusal, 403, "Authorization_RequestDenied");
    let graph = Graph::alice(&rig, "UserAuthenticationMethod.ReadWrite").await;
    let options = graph.get(&format!("{base}/creationOptions")).await.ok();
    let made = graph.post(base, posted(&authenticator(1), &options, "Mine")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let options = graph.get(&format!("{base}/creationOptions(challengeTimeoutInMinutes=60)")).await.ok();
    // The token is still good, but the proof behind it is not.
    rig.wait(Duration::from_mins(11));
    graph.get(base).await.ok();
    let late = graph.post(base, posted(&authenticator(2), &options, "Thief's")).await;
    refused(&late, 403, "Authentication_MFARequired");
    let late = graph.get(&format!("{base}/creationOptions")).await;
    refused(&late, 403, "Authentication_MFARequired");
    assert_eq!(graph.get(base).await.ok()["value"].as_array().unwrap().len(), 1);
}
