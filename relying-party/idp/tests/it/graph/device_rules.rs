//! The rules for devices.

use latchkey_idp::domain::{CharacterRule, Registrars, RequiredAttestation};
use serde_json::json;

use super::{Graph, refused};
use crate::rig::Rig;

const RULES: &str = "/v1.0/policies/deviceRegistrationPolicy";

#[tokio::test]
async fn the_rules_for_devices_are_read_and_changed() {
    let rig = Rig::start().await;
    let reader = Graph::app(&rig, &["Policy.Read.All"]).await;
    let shown = reader.get(RULES).await.ok();
    assert_eq!(shown["userDeviceQuota"], 20, "{shown}");
    assert_eq!(shown["multiFactorAuthConfiguration"], "required");
    assert_eq!(
        shown["azureADJoin"]["allowedToJoin"]["@odata.type"],
        "#microsoft.graph.allDeviceRegistrationMembership"
    );
    assert_eq!(shown["pinReset"], json!({ "isEnabled": false, "protocol": "hpke-p256" }));
    let change = json!({
        "userDeviceQuota": 3,
        "multiFactorAuthConfiguration": "notRequired",
        "azureADJoin": { "allowedToJoin": { "@odata.type": "#microsoft.graph.noDeviceRegistrationMembership" } },
        "requiredAttestation": "trusted",
        "windowsHelloForBusiness": {
            "securityDeviceRequired": true,
            "webSignInHosts": ["signin.example.net"],
            "pin": { "minimum": 8, "special": "forbidden" },
        },
        "pinReset": { "isEnabled": true, "protocol": "blind-p256" },
        "primaryRefreshTokens": { "keyDerivationV2Required": true, "equalNonceRequired": true },
    });
    refused(&reader.patch(RULES, change.clone()).await, 403, "Authorization_RequestDenied");
    let methods = Graph::app(&rig, &["Policy.ReadWrite.AuthenticationMethod"]).await;
    refused(&methods.patch(RULES, change.clone()).await, 403, "Authorization_RequestDenied");
    let writer = Graph::app(&rig, &["Policy.ReadWrite.DeviceConfiguration"]).await;
    assert_eq!(writer.patch(RULES, change).await.status, 204);
    let policy = rig.database.tenants().find(rig.tenant).await.unwrap().unwrap().policy;
    let devices = &policy.devices;
    assert_eq!((devices.quota, devices.multifactor, devices.version), (3, false, 2));
    assert_eq!(
        (devices.registration, devices.attestation),
        (Registrars::Nobody, RequiredAttestation::Trusted)
    );
    assert!(devices.hello.requires_tpm && devices.hello.enabled, "what is absent stays");
    assert_eq!((devices.hello.pin.minimum, devices.hello.pin.special), (8, CharacterRule::Forbidden));
    assert!(policy.enable_pin_recovery && policy.require_kdf_v2 && policy.require_equal_nonce);
    assert_eq!(policy.pin_recovery_protocol.name(), "blind-p256");

    for wrong in [
        json!({ "userDeviceQuota": 0 }),
        json!({ "multiFactorAuthConfiguration": "sometimes" }),
        json!({ "azureADJoin": { "allowedToJoin": { "@odata.type": "#x" } } }),
        json!({ "windowsHelloForBusiness": { "pin": { "minimum": 3 } } }),
        json!({ "windowsHelloForBusiness": { "webSignInHosts": ["https://signin.example.net"] } }),
        json!({ "pinReset": { "protocol": "rot13" } }),
    ] {
        refused(&writer.patch(RULES, wrong).await, 400, "Request_BadRequest");
    }
    assert_eq!(reader.get(RULES).await.ok()["version"], 2, "nothing of that was stored");
}
