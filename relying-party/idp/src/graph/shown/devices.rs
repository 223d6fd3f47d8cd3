//! Devices and enterprise keys in JSON.

use serde_json::{Value, json};

use super::{joined, kind};
use crate::administration::DeviceDetails;
use crate::domain::{Device, EnterpriseKey};
use crate::graph::query::stamp;

/// A device, and the user name of its owner. Its object has no other ID than the one that its certificate has.
#[must_use]
pub fn device(device: &Device, owner: Option<&str>) -> Value {
    json!({
        "id": device.id,
        "deviceId": device.id,
        "displayName": device.name,
        "accountEnabled": device.enabled,
        "operatingSystem": device.system.kind,
        "operatingSystemVersion": device.system.version,
        "trustType": match device.system.join {
            crate::domain::JoinType::Joined => "AzureAd",
            crate::domain::JoinType::Registered => "Workplace",
        },
        "registrationDateTime": stamp(device.created_at),
        "approximateLastSignInDateTime": device.last_seen_at.map(stamp),
        "lastSeenDateTime": device.last_seen_at.map(stamp),
        "registeredOwnerId": device.owner,
        "registeredOwner": owner,
        "attestation": device.attestation,
    })
}

/// A device with the keys on it.
#[must_use]
pub fn device_details(details: &DeviceDetails) -> Value {
    let keys: Vec<_> = details
        .keys
        .iter()
        .map(|(key, user)| joined(enterprise_key(key), json!({ "userPrincipalName": user })))
        .collect();
    joined(device(&details.device, Some(&details.owner.upn)), json!({ "keys": keys }))
}

/// A key that a user signs in with on a device.
#[must_use]
pub fn enterprise_key(key: &EnterpriseKey) -> Value {
    json!({
        "@odata.type": kind("windowsHelloForBusiness"),
        "id": key.id,
        "deviceId": key.device,
        "createdDateTime": stamp(key.created_at),
        "lastUsedDateTime": key.last_used_at.map(stamp),
        // A key for which nobody showed two factors is the weaker one (MS-ADTS 2.2.20.5.3).
        "keyStrength": if key.multifactor { "normal" } else { "weak" },
        "attestation": key.attestation,
    })
}
