//! Whether what was given on a device is still worth something.

use super::DeviceRefusal;
use crate::domain::DeviceId;
use crate::provider::Provider;

/// Refuses what was given on a device that is gone or disabled. What was given on none is not refused.
///
/// # Errors
/// With the reason, or when the database does not answer.
pub(crate) async fn usable(provider: &Provider, device: Option<DeviceId>) -> Result<(), DeviceRefusal> {
    let Some(device) = device else { return Ok(()) };
    match provider.database.devices().find(device).await? {
        Some(device) if device.enabled => Ok(()),
        Some(device) => Err(DeviceRefusal::disabled(&device)),
        None => Err(DeviceRefusal::Unknown),
    }
}
