//! Devices: the list, and one device with the keys on it.

use askama::Template;

use super::{AdminFrame, Pager};
use crate::domain::DeviceAttestation;
use crate::pages::When;

/// The devices of a tenant. GET with `q`.
#[derive(Debug, Template)]
#[template(path = "admin/devices.html")]
pub struct DevicesPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What was searched for.
    pub query: String,
    /// The devices that fit.
    pub devices: Vec<DeviceRow>,
    /// The page after.
    pub pager: Pager,
}

/// A device of the list.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Its ID.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The user name of its owner.
    pub owner: String,
    /// What it says it runs.
    pub system: String,
    /// What is known about where its keys are.
    pub attestation: DeviceAttestation,
    /// How many enterprise keys are on it.
    pub keys: i64,
    /// When it last proved possession of its key.
    pub last_seen: Option<When>,
    /// Whether it may be used.
    pub enabled: bool,
}

/// One device. POSTs, all below `…/devices/{id}`: `/enable`, `/disable`, `/delete`; `/keys/{key}/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/device.html")]
pub struct DevicePage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Which it is.
    pub device: DeviceRow,
    /// The ID of its owner.
    pub owner_id: String,
    /// How it belongs to the tenant.
    pub join: &'static str,
    /// When it was registered.
    pub registered: When,
    /// The SHA-256 of its TPM's endorsement key, hexadecimal.
    pub endorsement: Option<String>,
    /// The keys on it.
    pub keys: Vec<DeviceKeyRow>,
}

/// An enterprise key on a device.
#[derive(Clone, Debug)]
pub struct DeviceKeyRow {
    /// Its ID.
    pub id: String,
    /// The user name of whose it is.
    pub user: String,
    /// The object ID of whose it is.
    pub user_id: String,
    /// What is known about where it is.
    pub attestation: DeviceAttestation,
    /// When it was registered.
    pub created: When,
    /// When it last signed in.
    pub last_used: Option<When>,
}

impl DevicePage {
    fn url(&self) -> String {
        format!("{}/devices/{}", self.frame.base(), self.device.id)
    }
}
