//! The keys that users sign in with on their devices: one of each user on each device.

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::domain::{DeviceId, EnterpriseKey, EnterpriseKeyId, Rsa1, UserId};

/// The keys that users sign in with on their devices.
pub struct EnterpriseKeys<'a>(pub(super) &'a Pool);

/// What became of a key that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlaced {
    /// It is the user's first on this device.
    Added,
    /// It took the place of an older one.
    Replaced(EnterpriseKeyId),
    /// It was there already, under this name.
    Known(EnterpriseKeyId),
    /// Another user or device has it.
    Taken,
}

macro_rules! key_columns {
    () => {
        "id, material, tenant, user_id, device, multifactor, attestation, created_at, last_used_at"
    };
}

impl EnterpriseKeys<'_> {
    /// Stores a key in place of the one that its user has on its device.
    pub async fn place(&self, key: &EnterpriseKey) -> Result<KeyPlaced, Error> {
        let key_id = key.key.key_id();
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"ent-keys")).await?;
        let sql = "SELECT id, user_id, device FROM enterprise_keys WHERE key_id = $1";
        if let Some(row) = transaction.row(sql, values![key_id.as_slice()]).await? {
            let (user, device): (UserId, DeviceId) = (row.parse(1)?, row.parse(2)?);
            let same = (user, device) == (key.user, key.device);
            return Ok(if same { KeyPlaced::Known(row.parse(0)?) } else { KeyPlaced::Taken });
        }
        let sql = "DELETE FROM enterprise_keys WHERE user_id = $1 AND device = $2 RETURNING id";
        let older = transaction.row(sql, values![key.user, key.device]).await?;
        let older = older.map(|row| row.parse(0)).transpose()?;
        transaction
            .write(
                "INSERT INTO enterprise_keys (id, key_id, material, tenant, user_id, device, multifactor, attestation,
                                              created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                values![
                    key.id,
                    key_id.as_slice(),
                    key.key.bytes(),
                    key.tenant,
                    key.user,
                    key.device,
                    key.multifactor,
                    key.attestation.word(),
                    key.created_at,
                ],
            )
            .await?;
        transaction.commit().await?;
        Ok(older.map_or(KeyPlaced::Added, KeyPlaced::Replaced))
    }

    /// The key of this name in assertions: SHA-256 of its blob.
    pub async fn find(&self, key_id: &[u8; 32]) -> Result<Option<EnterpriseKey>, Error> {
        const SQL: &str = concat!("SELECT ", key_columns!(), " FROM enterprise_keys WHERE key_id = $1");
        self.0.row(SQL, values![key_id.as_slice()]).await?.map(|row| key(&row)).transpose()
    }

    /// A user's keys, the oldest first.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<EnterpriseKey>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            key_columns!(),
            " FROM enterprise_keys WHERE user_id = $1 ORDER BY created_at, id"
        );
        self.0.rows(SQL, values![user]).await?.iter().map(key).collect()
    }

    /// The keys on a device, the oldest first.
    pub async fn of_device(&self, device: DeviceId) -> Result<Vec<EnterpriseKey>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            key_columns!(),
            " FROM enterprise_keys WHERE device = $1 ORDER BY created_at, id"
        );
        self.0.rows(SQL, values![device]).await?.iter().map(key).collect()
    }

    /// Notes a sign-in.
    pub async fn used(&self, id: EnterpriseKeyId, now: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE enterprise_keys SET last_used_at = $2 WHERE id = $1";
        self.0.write(sql, values![id, now]).await.map(drop)
    }

    /// Removes a user's key. Which device it was of.
    pub async fn remove(&self, user: UserId, id: EnterpriseKeyId) -> Result<Option<DeviceId>, Error> {
        let sql = "DELETE FROM enterprise_keys WHERE user_id = $1 AND id = $2 RETURNING device";
        self.0.take(sql, values![user, id]).await?.map(|row| row.parse(0)).transpose()
    }
}

fn key(row: &Row) -> Result<EnterpriseKey, Error> {
    Ok(EnterpriseKey {
        id: row.parse(0)?,
        key: Rsa1::parse(&row.blob(1)?).ok_or(Error::Damaged)?,
        tenant: row.parse(2)?,
        user: row.parse(3)?,
        device: row.parse(4)?,
        multifactor: row.flag(5)?,
        attestation: row.parse(6)?,
        created_at: row.time(7)?,
        last_used_at: row.optional_time(8)?,
    })
}
