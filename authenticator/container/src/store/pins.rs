//! The PIN protector, the administrative key, and the slots that are ours but not in use.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, ToSql, Transaction, params};

use super::Store;
use crate::error::StorageError;
use crate::tpm::{AdminKeyBlob, PinSlot, SealedBlob};

/// What the PIN opens.
pub(crate) struct PinProtector {
    pub slot: PinSlot,
    pub salt: [u8; 32],
    pub sealed: SealedBlob,
}

/// The administrative key and, sealed, what authorises its use.
pub(crate) struct SealedAdmin {
    pub key: AdminKeyBlob,
    pub auth: Vec<u8>,
}

impl Store {
    pub fn pin(&self) -> Result<Option<PinProtector>, StorageError> {
        self.connection
            .query_row("SELECT slot, salt, sealed FROM protectors WHERE kind = 'pin'", [], |row| {
                Ok(PinProtector {
                    slot: row.get::<_, Slot>(0)?.0,
                    salt: row.get(1)?,
                    sealed: SealedBlob(row.get(2)?),
                })
            })
            .optional()
            .map_err(|error| self.failed(&error))
    }

    pub fn admin(&self) -> Result<Option<SealedAdmin>, StorageError> {
        self.connection
            .query_row("SELECT admin_key, admin_auth FROM container WHERE admin_key IS NOT NULL", [], |row| {
                Ok(SealedAdmin { key: AdminKeyBlob(row.get(0)?), auth: row.get(1)? })
            })
            .optional()
            .map_err(|error| self.failed(&error))
    }

    pub fn abandoned_slots(&self) -> Result<Vec<PinSlot>, StorageError> {
        let read = || -> rusqlite::Result<Vec<PinSlot>> {
            self.connection
                .prepare_cached("SELECT slot FROM abandoned_slots")?
                .query_map([], |row| Ok(row.get::<_, Slot>(0)?.0))?
                .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Written before a slot is defined: until a PIN moves there, the slot is one to clear away.
    pub fn abandon_slot(&mut self, slot: PinSlot) -> Result<(), StorageError> {
        self.change(|change| abandon(change, slot))
    }

    /// Written after a slot was undefined, or when it turned out never to have been ours.
    pub fn forget_slot(&mut self, slot: PinSlot) -> Result<(), StorageError> {
        self.change(|change| forget(change, slot))
    }

    /// The commit point of every change of PIN: the new protector stands, the slot of the old one is abandoned.
    pub fn switch_pin(
        &mut self,
        pin: &PinProtector,
        admin: &SealedAdmin,
        generation: u64,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            abandon_current(change)?;
            change.execute(
                "INSERT INTO protectors (kind, slot, salt, sealed) VALUES ('pin', ?1, ?2, ?3)",
                params![Slot(pin.slot), pin.salt, pin.sealed.0],
            )?;
            forget(change, pin.slot)?;
            change
                .execute(
                    "UPDATE container SET admin_key = ?1, admin_auth = ?2, generation = ?3",
                    params![admin.key.0, admin.auth, generation.cast_signed()],
                )
                .map(drop)
        })
    }

    /// The commit point of a reset: no PIN and no user key.
    pub fn clear(&mut self, generation: u64) -> Result<(), StorageError> {
        self.change(|change| {
            abandon_current(change)?;
            change.execute("DELETE FROM protectors", [])?;
            change.execute("DELETE FROM user_keys", [])?;
            change
                .execute(
                    "UPDATE container SET admin_key = NULL, admin_auth = NULL, generation = ?1",
                    params![generation.cast_signed()],
                )
                .map(drop)
        })
    }
}

fn abandon(change: &Transaction<'_>, slot: PinSlot) -> Result<(), rusqlite::Error> {
    change.execute("INSERT OR IGNORE INTO abandoned_slots (slot) VALUES (?1)", [Slot(slot)]).map(drop)
}

fn forget(change: &Transaction<'_>, slot: PinSlot) -> Result<(), rusqlite::Error> {
    change.execute("DELETE FROM abandoned_slots WHERE slot = ?1", [Slot(slot)]).map(drop)
}

/// Takes the PIN protector away and leaves its slot to be cleared.
fn abandon_current(change: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    change.execute(
        "INSERT OR IGNORE INTO abandoned_slots (slot) SELECT slot FROM protectors WHERE kind = 'pin'",
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
