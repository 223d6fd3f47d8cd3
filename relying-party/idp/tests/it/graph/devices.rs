//! Devices and enterprise keys.

use latchkey_idp::domain::{DeviceId, Rsa1};
use serde_json::json;

use super::{Graph, refused};
use crate::devices::machine::Machine;
use crate::rig::Rig;

/// A registered device with a key of the rig's user on it: the IDs of both.
async fn device(rig: &Rig) -> (String, String) {
    let token = rig.drs_token(rig.fresh()).await;
    let mut machine = Machine::software("Laptop");
    machine.join(rig, &token).await;
    let key = Rsa1::new(&[1, 0, 1], &[0x81; 256]).unwrap();
    (machine.id.clone(), machine.register_key(rig, &token, &key).await)
}

#[tokio::test]
async fn devices_are_listed_disabled_and_deleted() {
    let rig = Rig::start().await;
    let (id, key) = device(&rig).await;
    let reader = Graph::app(&rig, &["Device.Read.All"]).await;
    let list = reader.get("/v1.0/devices?$search=%22displayName:lap%22").await.ok();
    assert_eq!(list["value"][0]["registeredOwner"], "alice@example.org", "{list}");
    let path = format!("/v1.0/devices/{id}");
    let one = reader.get(&path).await.ok();
    assert_eq!((&one["deviceId"], &one["keys"][0]["id"]), (&json!(id), &json!(key)));
    assert_eq!((&one["attestation"], &one["trustType"]), (&json!("none"), &json!("AzureAd")));
    let disable = json!({ "accountEnabled": false });
    refused(&reader.patch(&path, disable.clone()).await, 403, "Authorization_RequestDenied");
    refused(&reader.delete(&path).await, 403, "Authorization_RequestDenied");
    refused(&Graph::alice(&rig, "User.Read").await.get(&path).await, 403, "Authorization_RequestDenied");

    let writer = Graph::app(&rig, &["Device.ReadWrite.All"]).await;
    assert_eq!(writer.patch(&path, disable).await.status, 204);
    assert_eq!(writer.get(&path).await.ok()["accountEnabled"], false);
    refused(&writer.patch(&path, json!({})).await, 400, "Request_BadRequest");
    assert_eq!(writer.delete(&path).await.status, 204);
    refused(&writer.delete(&path).await, 404, "Request_ResourceNotFound");
    assert!(rig.database.enterprise_keys().of_user(rig.user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn enterprise_keys_are_methods_of_their_user() {
    let rig = Rig::start().await;
    let (device, key) = device(&rig).await;
    let base = format!("/v1.0/users/{}/authentication/windowsHelloForBusinessMethods", rig.user.id);
    let reader = Graph::app(&rig, &["UserAuthenticationMethod.Read.All"]).await;
    let list = reader.get(&base).await.ok();
    assert_eq!(
        list["value"][0]["@odata.type"],
        "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod"
    );
    assert_eq!(list["value"][0]["deviceId"], device);
    let path = format!("{base}/{key}");
    assert_eq!(reader.get(&path).await.ok()["keyStrength"], "normal");
    refused(&reader.delete(&path).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(&rig, &["UserAuthenticationMethod.ReadWrite.All"]).await;
    assert_eq!(writer.delete(&path).await.status, 204);
    refused(&writer.get(&path).await, 404, "Request_ResourceNotFound");
    let id: DeviceId = device.parse().unwrap();
    assert!(rig.database.devices().find(id).await.unwrap().is_some(), "the device stays");
}
