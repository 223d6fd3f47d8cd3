//! A user's devices and keys, on the user's page.

use axum::extract::Path;
use axum::response::Response;

use super::changes::Done;
use super::devices::{change_device, device_id, device_row};
use super::gate::Seat;
use super::users::{self, user_id};
use crate::administration::{Administrator, Refused};
use crate::domain::{Device, DeviceId, EnterpriseKey, EnterpriseKeyId, UserId};
use crate::pages::When;
use crate::pages::admin::{DeviceRow, UserKeyRow};

/// What is done about a device of the user: the last segment of the path says what.
pub(super) async fn change(
    seat: Seat,
    Path((_, user, device, change)): Path<(String, String, String, String)>,
) -> Response {
    let changed = async {
        let device = device_id(&device)?;
        let (devices, _) = seat.administrator()?.devices_of(user_id(&user)?).await?;
        if !devices.iter().any(|known| known.id == device) {
            return Err(Refused::NotFound("device of the user"));
        }
        change_device(&seat, device, &change).await
    };
    users::done(&seat, &user, changed.await).await
}

/// Removes a key of the user.
pub(super) async fn remove_key(seat: Seat, Path((_, user, key)): Path<(String, String, String)>) -> Response {
    let removed = async {
        let key: EnterpriseKeyId = key.parse().map_err(|_| Refused::NotFound("key"))?;
        seat.administrator()?.remove_enterprise_key(user_id(&user)?, key).await.map(|()| Done::Removed)
    };
    users::done(&seat, &user, removed.await).await
}

/// The devices that a user of this name registered, and the keys that the user has, on whichever device.
pub(super) async fn rows(
    administrator: &Administrator<'_>,
    user: UserId,
    upn: &str,
) -> Result<(Vec<DeviceRow>, Vec<UserKeyRow>), Refused> {
    let (devices, held) = administrator.devices_of(user).await?;
    let mut keys = Vec::new();
    for key in held {
        let device = match devices.iter().find(|device| device.id == key.device) {
            Some(own) => own.clone(),
            None => administrator.device(key.device).await?.device,
        };
        keys.push(key_row(&key, device));
    }
    let mut rows = Vec::new();
    for device in devices {
        let count = count(administrator, device.id).await?;
        rows.push(device_row(&device, upn.to_owned(), count));
    }
    Ok((rows, keys))
}

/// The keys on a device, also those of others.
async fn count(administrator: &Administrator<'_>, device: DeviceId) -> Result<i64, Refused> {
    let keys = administrator.device(device).await?.keys;
    Ok(i64::try_from(keys.len()).unwrap_or(i64::MAX))
}

fn key_row(key: &EnterpriseKey, device: Device) -> UserKeyRow {
    UserKeyRow {
        id: key.id.to_string(),
        device_id: device.id.to_string(),
        device: device.name,
        enabled: device.enabled,
        attestation: key.attestation,
        created: When::at(key.created_at),
        last_used: key.last_used_at.map(When::at),
    }
}
