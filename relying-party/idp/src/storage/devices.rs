//! Registered devices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Pool, Row, Transaction, values};
use super::directory::pattern;
use super::grants::REVOKE_OF_DEVICE;
use crate::clock::UnixTime;
use crate::domain::{Device, DeviceAttestation, DeviceId, DeviceSystem, DeviceTpm, Rsa1, TenantId, UserId};

/// Registered devices.
pub struct Devices<'a>(pub(super) &'a Pool);

/// A device that is to be registered.
#[derive(Clone, Copy, Debug)]
pub struct NewDevice<'a> {
    /// The device. If there is one with this ID already, it was registered with the same key before.
    pub device: &'a Device,
    /// SHA-256 of the public key in its certificate.
    pub device_key: &'a [u8; 32],
    /// Whether a device of the same name without a TPM, of the same owner, goes.
    pub reuses_name: bool,
    /// The most devices that its owner may have.
    pub quota: u32,
}

/// What became of a device that was to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is registered; these of its owner's went, because they were this device.
    Registered(Vec<DeviceId>),
    /// Its owner has as many devices as they may.
    Quota,
    /// Its key is registered already, for another user or in the same moment.
    Taken,
}

/// A device as the list shows it.
#[derive(Clone, Debug)]
pub struct DeviceSummary {
    /// The device.
    pub device: Device,
    /// The user name of its owner.
    pub owner: String,
    /// How many enterprise keys are on it.
    pub keys: i64,
}

/// Where a page of devices begins: after this name and ID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceCursor {
    /// The name, lower case.
    pub name: String,
    /// The ID.
    pub id: String,
}

impl DeviceCursor {
    /// The place after a device.
    #[must_use]
    pub fn behind(device: &Device) -> Self {
        Self { name: device.name.to_lowercase(), id: device.id.to_string() }
    }
}

/// What SQL does not look into.
#[derive(Serialize, Deserialize)]
struct Record {
    system: DeviceSystem,
    transport_key: String,
    attestation: DeviceAttestation,
    #[serde(default)]
    attestation_key: Option<String>,
}

macro_rules! device_columns {
    () => {
        "d.id, d.tenant, d.owner, d.name, d.endorsement, d.certificate, d.record, d.enabled, d.created_at, d.last_seen_at"
    };
}
/// How many they are.
const COLUMNS: usize = 10;

impl Devices<'_> {
    /// The device with this ID.
    pub async fn find(&self, id: DeviceId) -> Result<Option<Device>, Error> {
        const SQL: &str = concat!("SELECT ", device_columns!(), " FROM devices d WHERE d.id = $1");
        self.0.row(SQL, values![id]).await?.map(|row| device(&row)).transpose()
    }

    /// The device of this owner that has this key.
    pub async fn with_key(&self, owner: UserId, device_key: &[u8; 32]) -> Result<Option<Device>, Error> {
        const SQL: &str =
            concat!("SELECT ", device_columns!(), " FROM devices d WHERE d.owner = $1 AND d.device_key = $2");
        self.0.row(SQL, values![owner, device_key.as_slice()]).await?.map(|row| device(&row)).transpose()
    }

    /// Registers a device, all at once: what was registered for the same TPM of the same owner goes, with its keys and
    /// grants.
    pub async fn place(&self, new: &NewDevice<'_>, now: UnixTime) -> Result<Placed, Error> {
        let NewDevice { device, device_key, .. } = *new;
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"devices ")).await?;
        let replaced = replace(&mut transaction, new, now).await?;
        let sql = "SELECT COUNT(*) FROM devices WHERE owner = $1 AND id <> $2";
        let count = transaction.row(sql, values![device.owner, device.id]).await?.ok_or(Error::Damaged)?;
        if count.int(0)? >= i64::from(new.quota) {
            return Ok(Placed::Quota);
        }
        let endorsement = device.tpm.as_ref().map(|tpm| tpm.endorsement.as_slice());
        let stored = transaction
            .write(
                "INSERT INTO devices (id, tenant, owner, name, search, device_key, endorsement, certificate, record, enabled,
                                      created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (id) DO UPDATE SET name = $4, search = $5, endorsement = $7, certificate = $8, record = $9",
                values![
                    device.id,
                    device.tenant,
                    device.owner,
                    device.name.as_str(),
                    device.name.to_lowercase(),
                    device_key.as_slice(),
                    endorsement,
                    device.certificate.as_slice(),
                    record(device)?,
                    device.enabled,
                    device.created_at,
                ],
            )
            .await;
        match stored {
            Err(Error::Taken) => return Ok(Placed::Taken),
            stored => drop(stored?),
        }
        transaction.commit().await?;
        Ok(Placed::Registered(replaced))
    }

    /// Notes that a device proved possession of its key.
    pub async fn seen(&self, id: DeviceId, now: UnixTime) -> Result<(), Error> {
        self.0.write("UPDATE devices SET last_seen_at = $2 WHERE id = $1", values![id, now]).await.map(drop)
    }

    /// Lets a device be used, or no longer; what was given on it is revoked. Whether the tenant has it.
    pub async fn set_enabled(
        &self,
        (tenant, id): (TenantId, DeviceId),
        enabled: bool,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        let sql = "UPDATE devices SET enabled = $3 WHERE tenant = $1 AND id = $2";
        let changed = transaction.write(sql, values![tenant, id, enabled]).await? > 0;
        if changed && !enabled {
            transaction.write(REVOKE_OF_DEVICE, values![id, now]).await?;
        }
        transaction.commit().await?;
        Ok(changed)
    }

    /// Removes a device with its keys; what was given on it is revoked. Whether the tenant had it.
    pub async fn remove(&self, (tenant, id): (TenantId, DeviceId), now: UnixTime) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        let sql = "DELETE FROM devices WHERE tenant = $1 AND id = $2";
        let removed = transaction.write(sql, values![tenant, id]).await? > 0;
        if removed {
            transaction.write(REVOKE_OF_DEVICE, values![id, now]).await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// The devices that a user registered, the oldest first.
    pub async fn of_owner(&self, owner: UserId) -> Result<Vec<Device>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            device_columns!(),
            " FROM devices d WHERE d.owner = $1 ORDER BY d.created_at, d.id"
        );
        self.0.rows(SQL, values![owner]).await?.iter().map(device).collect()
    }

    /// A page of a tenant's devices in whose names `text` occurs, by name.
    pub async fn search(
        &self,
        (tenant, text): (TenantId, &str),
        after: &DeviceCursor,
        most: u32,
    ) -> Result<Vec<DeviceSummary>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            device_columns!(),
            ", u.upn, (SELECT COUNT(*) FROM enterprise_keys k WHERE k.device = d.id)
             FROM devices d JOIN users u ON u.id = d.owner
             WHERE d.tenant = $1 AND (d.search LIKE $2 ESCAPE '!' OR u.search LIKE $2 ESCAPE '!')
               AND (d.search > $3 OR (d.search = $3 AND d.id > $4)) ORDER BY d.search, d.id LIMIT $5"
        );
        let values = values![tenant, pattern(text), after.name.as_str(), after.id.as_str(), most];
        let rows = self.0.rows(SQL, values).await?;
        rows.iter()
            .map(|row| {
                Ok(DeviceSummary {
                    device: device(row)?,
                    owner: row.text(COLUMNS)?,
                    keys: row.int(COLUMNS + 1)?,
                })
            })
            .collect()
    }

    /// How many devices a tenant has.
    pub async fn count(&self, tenant: TenantId) -> Result<i64, Error> {
        let row = self.0.row("SELECT COUNT(*) FROM devices WHERE tenant = $1", values![tenant]).await?;
        row.ok_or(Error::Damaged)?.int(0)
    }
}

/// Removes what was registered for the same device before.
async fn replace(
    transaction: &mut Transaction,
    new: &NewDevice<'_>,
    now: UnixTime,
) -> Result<Vec<DeviceId>, Error> {
    let device = new.device;
    let endorsement = device.tpm.as_ref().map(|tpm| tpm.endorsement.as_slice());
    let name = (new.reuses_name && endorsement.is_none()).then(|| device.name.to_lowercase());
    let mut replaced = Vec::new();
    let sql = "DELETE FROM devices WHERE id = (
                   SELECT id FROM devices WHERE owner = $1 AND id <> $2
                       AND (endorsement = $3 OR (endorsement IS NULL AND search = $4)) LIMIT 1)
               RETURNING id";
    let values = values![device.owner, device.id, endorsement, name.as_deref()];
    while let Some(row) = transaction.row(sql, values).await? {
        let id: DeviceId = row.parse(0)?;
        transaction.write(REVOKE_OF_DEVICE, values![id, now]).await?;
        replaced.push(id);
    }
    Ok(replaced)
}

fn record(device: &Device) -> Result<String, Error> {
    let record = Record {
        system: device.system.clone(),
        transport_key: STANDARD.encode(device.transport_key.bytes()),
        attestation: device.attestation,
        attestation_key: device.tpm.as_ref().map(|tpm| STANDARD.encode(&tpm.attestation_key)),
    };
    serde_json::to_string(&record).map_err(|_| Error::Damaged)
}

/// Reads a [`Device`] from the first columns of a row.
fn device(row: &Row) -> Result<Device, Error> {
    let record: Record = row.json(6)?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| Error::Damaged);
    let endorsement = row.optional_blob(4)?.map(<[u8; 32]>::try_from).transpose();
    let tpm = match (endorsement.map_err(|_| Error::Damaged)?, record.attestation_key) {
        (Some(endorsement), Some(key)) => Some(DeviceTpm { endorsement, attestation_key: bytes(&key)? }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(Error::Damaged),
    };
    Ok(Device {
        id: row.parse(0)?,
        tenant: row.parse(1)?,
        owner: row.parse(2)?,
        name: row.text(3)?,
        system: record.system,
        certificate: row.blob(5)?,
        transport_key: Rsa1::parse(&bytes(&record.transport_key)?).ok_or(Error::Damaged)?,
        attestation: record.attestation,
        tpm,
        enabled: row.flag(7)?,
        created_at: row.time(8)?,
        last_seen_at: row.optional_time(9)?,
    })
}
