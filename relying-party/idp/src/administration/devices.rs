//! Devices, and the keys that users have on them.

use std::fmt;

use super::{Administrator, Refused, Slice};
use crate::domain::{Device, DeviceId, EnterpriseKey, EnterpriseKeyId, User, UserId};
use crate::storage::{DeviceCursor, DeviceSummary};

/// A device, its owner, and the keys on it with the user names of theirs.
#[derive(Clone, Debug)]
pub struct DeviceDetails {
    /// The device.
    pub device: Device,
    /// Who registered it.
    pub owner: User,
    /// The keys on it, the oldest first.
    pub keys: Vec<(EnterpriseKey, String)>,
}

impl Administrator<'_> {
    /// A page of the devices in whose names, or in whose owners' names, `text` occurs, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn devices(
        &self,
        text: &str,
        after: &DeviceCursor,
        most: u32,
    ) -> Result<Slice<DeviceSummary>, Refused> {
        let devices = self.provider.database.devices();
        let rows = devices.search((self.tenant, text), after, most.saturating_add(1)).await?;
        let from =
            if after.name.is_empty() { super::slice::From::Start } else { super::slice::From::Forward };
        Ok(Slice::cut(rows, most, from))
    }

    /// A device with its owner and keys.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn device(&self, id: DeviceId) -> Result<DeviceDetails, Refused> {
        let database = &self.provider.database;
        let device = database.devices().find(id).await?.filter(|device| device.tenant == self.tenant);
        let device = device.ok_or(Refused::NotFound("device"))?;
        let owner = self.find_user(device.owner).await?;
        let mut keys = Vec::new();
        for key in database.enterprise_keys().of_device(id).await? {
            let user = database.users().find(key.user).await?;
            keys.push((key, user.map(|user| user.upn).unwrap_or_default()));
        }
        Ok(DeviceDetails { device, owner, keys })
    }

    /// The devices that a user registered, and the keys that they have, on whichever device.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn devices_of(&self, user: UserId) -> Result<(Vec<Device>, Vec<EnterpriseKey>), Refused> {
        self.find_user(user).await?;
        let database = &self.provider.database;
        Ok((database.devices().of_owner(user).await?, database.enterprise_keys().of_user(user).await?))
    }

    /// Lets a device be used, or no longer: its keys sign nobody in, and what was given on it is revoked.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn set_device_enabled(&self, id: DeviceId, enabled: bool) -> Result<(), Refused> {
        let devices = self.provider.database.devices();
        if !devices.set_enabled((self.tenant, id), enabled, self.now()).await? {
            return Err(Refused::NotFound("device"));
        }
        let action = if enabled { "device.enabled" } else { "device.disabled" };
        self.record(action, id, []).await
    }

    /// Removes a device. Its keys go with it, and what was given on it is revoked.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn delete_device(&self, id: DeviceId) -> Result<(), Refused> {
        let DeviceDetails { device, keys, .. } = self.device(id).await?;
        self.provider.database.devices().remove((self.tenant, id), self.now()).await?;
        let keys = listed(keys.iter().map(|(key, _)| key.id));
        self.record("device.deleted", id, [("name", device.name), ("keys", keys)]).await
    }

    /// Removes a key of a user. What it signed in to lives on until it is renewed.
    ///
    /// # Errors
    /// When there is no such user or key.
    pub async fn remove_enterprise_key(&self, user: UserId, key: EnterpriseKeyId) -> Result<(), Refused> {
        self.find_user(user).await?;
        let removed = self.provider.database.enterprise_keys().remove(user, key).await?;
        let device = removed.ok_or(Refused::NotFound("key"))?;
        let detail = [("key", key.to_string()), ("device", device.to_string())];
        self.record("enterprise_key.removed", user, detail).await
    }
}

fn listed<T: fmt::Display>(all: impl Iterator<Item = T>) -> String {
    all.map(|one| one.to_string()).collect::<Vec<_>>().join(" ")
}
