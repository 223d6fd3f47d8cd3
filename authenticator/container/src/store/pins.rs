//! The PIN protector with its administrative key, and the indices of ours that are not in use.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, ToSql, Transaction, params};

use super::Store;
use super::settings::{forget_settings, forget_settings_of_this_pin};
use crate::error::StorageError;
use crate::item::{Item, Stage};
use crate::time::UnixTime;
use crate::tpm::{AdminKeyBlob, PinIndex, PinSlot, SealedBlob};

/// What the PIN opens.
pub(crate) struct PinProtector {
    pub slot: PinSlot,
    pub salt: [u8; 32],
    pub sealed: SealedBlob,
    pub admin: SealedAdmin,
    /// When it was set, where that is known.
    pub since: Option<UnixTime>,
    /// The sealed record of its form and of earlier PINs.
    pub record: Option<Vec<u8>>,
}

/// The administrative key and, sealed, what authorises its use.
#[derive(Clone)]
pub(crate) struct SealedAdmin {
    pub key: AdminKeyBlob,
    pub auth: Vec<u8>,
}

/// A slot that may hold an index of ours that no protector uses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AbandonedSlot {
    pub slot: PinSlot,
    pub admin: AdminKeyBlob,
}

impl PinProtector {
    pub const fn index(&self) -> PinIndex<'_> {
        PinIndex { slot: self.slot, admin: &self.admin.key }
    }
}

impl AbandonedSlot {
    pub const fn index(&self) -> PinIndex<'_> {
        PinIndex { slot: self.slot, admin: &self.admin }
    }
}

impl Store {
    pub fn pin(&self) -> Result<Option<PinProtector>, StorageError> {
        self.connection
            .query_row(
                "SELECT slot, salt, sealed, admin_key, admin_auth, since, details
                 FROM protectors, container WHERE kind = 'pin'",
                [],
                |row| {
                    Ok(PinProtector {
                        slot: row.get::<_, Slot>(0)?.0,
                        salt: row.get(1)?,
                        sealed: SealedBlob(row.get(2)?),
                        admin: SealedAdmin { key: AdminKeyBlob(row.get(3)?), auth: row.get(4)? },
                        since: row.get::<_, Option<i64>>(5)?.map(|since| UnixTime(since.cast_unsigned())),
                        record: row.get(6)?,
                    })
                },
            )
            .optional()
            .map_err(|error| self.failed(&error))
    }

    pub fn abandoned_slots(&self) -> Result<Vec<AbandonedSlot>, StorageError> {
        let read = || -> rusqlite::Result<Vec<AbandonedSlot>> {
            self.connection
                .prepare_cached("SELECT slot, admin_key FROM abandoned_slots")?
                .query_map([], |row| {
                    Ok(AbandonedSlot { slot: row.get::<_, Slot>(0)?.0, admin: AdminKeyBlob(row.get(1)?) })
                })?
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Written before an index is defined: until a PIN moves there, it is one to clear away.
    pub fn abandon_slot(&mut self, index: PinIndex<'_>) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute(
                    "INSERT OR IGNORE INTO abandoned_slots (slot, admin_key) VALUES (?1, ?2)",
                    params![Slot(index.slot), index.admin.0],
                )
                .map(drop)
        })
    }

    /// Written after an index was undefined.
    pub fn forget_slot(&mut self, index: PinIndex<'_>) -> Result<(), StorageError> {
        self.change(|change| forget(change, index))
    }

    /// The commit point of every change of PIN: the new protector stands, the slot of the old one is abandoned.
    pub fn switch_pin(&mut self, pin: &PinProtector, generation: u64) -> Result<(), StorageError> {
        self.change(|change| switch(change, pin, generation))
    }

    /// Writes down what the rules for PINs want to be known of the one that there is.
    pub fn note_pin(&mut self, since: UnixTime, record: &[u8]) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute(
                    "UPDATE protectors SET since = ?1, details = ?2 WHERE kind = 'pin'",
                    params![since.0.cast_signed(), record],
                )
                .map(drop)
        })
    }

    /// The commit point of a reset: no PIN, no user key, no settings, and of the compartments only what opens without a gesture.
    pub fn clear(&mut self, generation: u64) -> Result<(), StorageError> {
        self.change(|change| {
            abandon_current(change)?;
            forget_settings(change)?;
            change.execute("DELETE FROM protectors", [])?;
            change.execute("DELETE FROM user_keys", [])?;
            change.execute("DELETE FROM templates", [])?;
            change.execute("DELETE FROM large_blobs", [])?;
            change.execute("DELETE FROM installation_key", [])?;
            change.execute(
                "DELETE FROM compartment_records WHERE class = 'verified' OR kind IN (?1, ?2)",
                [Stage::Pending, Stage::Active].map(|stage| Item::EnterprisePublic(stage).kind()),
            )?;
            change
                .execute(
                    "UPDATE container SET admin_key = NULL, admin_auth = NULL, generation = ?1",
                    params![generation.cast_signed()],
                )
                .map(drop)
        })
    }
}

/// Makes `pin` the PIN; what is set for the old one ends with it.
pub(super) fn switch(
    change: &Transaction<'_>,
    pin: &PinProtector,
    generation: u64,
) -> Result<(), rusqlite::Error> {
    abandon_current(change)?;
    forget_settings_of_this_pin(change)?;
    change.execute(
        "INSERT INTO protectors (kind, slot, salt, sealed, since, details) VALUES ('pin', ?1, ?2, ?3, ?4, ?5)",
        params![
            Slot(pin.slot),
            pin.salt,
            pin.sealed.0,
            pin.since.map(|since| since.0.cast_signed()),
            pin.record
        ],
    )?;
    forget(change, pin.index())?;
    change
        .execute(
            "UPDATE container SET admin_key = ?1, admin_auth = ?2, generation = ?3",
            params![pin.admin.key.0, pin.admin.auth, generation.cast_signed()],
        )
        .map(drop)
}

fn forget(change: &Transaction<'_>, index: PinIndex<'_>) -> Result<(), rusqlite::Error> {
    change
        .execute(
            "DELETE FROM abandoned_slots WHERE slot = ?1 AND admin_key = ?2",
            params![Slot(index.slot), index.admin.0],
        )
        .map(drop)
}

/// Takes the PIN protector away and leaves its index to be cleared.
fn abandon_current(change: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    change.execute(
        "INSERT OR IGNORE INTO abandoned_slots (slot, admin_key)
         SELECT slot, admin_key FROM protectors, container WHERE kind = 'pin'",
        [],
    )?;
    change.execute("DELETE FROM protectors WHERE kind = 'pin'", []).map(drop)
}

/// A slot as the database writes it.
struct Slot(PinSlot);

impl ToSql for Slot {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(match self.0 {
            PinSlot::A => 0_i64,
            PinSlot::B => 1_i64,
        }))
    }
}

impl FromSql for Slot {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self(PinSlot::A)),
            1 => Ok(Self(PinSlot::B)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
