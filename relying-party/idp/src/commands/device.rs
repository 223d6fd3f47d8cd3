//! `latchkey-idp device`.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::Administrator;
use latchkey_idp::domain::{DeviceId, EnterpriseKeyId};
use latchkey_idp::graph::shown;
use latchkey_idp::storage::DeviceCursor;

use super::print::Printer;
use super::say;
use super::user::{Named, find};

/// Devices that are read from the database at once.
const ROWS: u32 = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    /// The registered devices
    List {
        /// A part of the device's name, or of its owner's
        #[arg(default_value = "")]
        search: String,
    },
    /// A device and the keys on it
    Show {
        /// Its ID, as `device list` prints it
        device: DeviceId,
    },
    /// Let a device be used again
    Enable {
        /// Its ID
        device: DeviceId,
    },
    /// Let a device be used no longer: what was given on it is revoked
    Disable {
        /// Its ID
        device: DeviceId,
    },
    /// Remove a device with the keys on it
    Delete {
        /// Its ID
        device: DeviceId,
    },
    /// The keys that a user signs in with on devices
    Keys(Named),
    /// Remove a user's key
    RemoveKey {
        #[command(flatten)]
        user: Named,
        /// Its ID, as `device keys` prints it
        key: EnterpriseKeyId,
    },
}

pub(super) async fn run(
    operator: &Administrator<'_>,
    printer: &Printer,
    verb: &DeviceVerb,
) -> Result<(), Box<dyn Error>> {
    match verb {
        DeviceVerb::List { search } => list(operator, printer, search).await?,
        DeviceVerb::Show { device } => {
            printer.one(&shown::device_details(&operator.device(*device).await.map_err(say)?));
        }
        DeviceVerb::Enable { device } => {
            operator.set_device_enabled(*device, true).await.map_err(say)?;
            printer.done("Enabled.");
        }
        DeviceVerb::Disable { device } => {
            operator.set_device_enabled(*device, false).await.map_err(say)?;
            printer.done("Disabled.");
        }
        DeviceVerb::Delete { device } => {
            operator.delete_device(*device).await.map_err(say)?;
            printer.done("Deleted, with the keys on it.");
        }
        DeviceVerb::Keys(named) => {
            let user = find(operator, named).await?;
            let (_, keys) = operator.devices_of(user.id).await.map_err(say)?;
            let rows: Vec<_> = keys.iter().map(shown::enterprise_key).collect();
            printer.list(&rows, &["id", "deviceId", "keyStrength", "createdDateTime", "lastUsedDateTime"]);
        }
        DeviceVerb::RemoveKey { user, key } => {
            let user = find(operator, user).await?;
            operator.remove_enterprise_key(user.id, *key).await.map_err(say)?;
            printer.done("Removed.");
        }
    }
    Ok(())
}

async fn list(operator: &Administrator<'_>, printer: &Printer, search: &str) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    let mut after = DeviceCursor::default();
    loop {
        let page = operator.devices(search, &after, ROWS).await.map_err(say)?;
        rows.extend(page.rows.iter().map(|summary| shown::device(&summary.device, Some(&summary.owner))));
        match page.rows.last().filter(|_| page.after) {
            Some(last) => after = DeviceCursor::behind(&last.device),
            None => break,
        }
    }
    printer.list(
        &rows,
        &["id", "displayName", "accountEnabled", "registeredOwner", "attestation", "lastSeenDateTime"],
    );
    Ok(())
}
