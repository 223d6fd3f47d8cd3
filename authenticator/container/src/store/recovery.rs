//! PIN reset protectors, and the rotation of the authentication key.

use rusqlite::{OptionalExtension, Transaction, params};

use super::pins::switch;
use super::{PinProtector, Store};
use crate::compartment::CompartmentId;
use crate::error::StorageError;
use crate::lookup::Tag;
use crate::tpm::SealedBlob;

/// A PIN reset protector as it lies in the database.
pub(crate) struct ResetProtector {
    /// The device's object.
    pub object: SealedBlob,
    /// Its sealed record.
    pub details: Vec<u8>,
}

/// Encrypts a record anew, `None` when it does not open.
pub(crate) type Reseal<'a> = &'a mut dyn FnMut(&Tag, &[u8]) -> Option<Vec<u8>>;

impl Store {
    pub fn reset_protector(&self, id: CompartmentId) -> Result<Option<ResetProtector>, StorageError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT sealed, details FROM protectors WHERE kind = 'pin reset' AND compartment = ?1",
                )?
                .query_row([id.0], |row| {
                    Ok(ResetProtector { object: SealedBlob(row.get(0)?), details: row.get(1)? })
                })
                .optional()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The version of the last protector that was made.
    pub fn protector_version(&self, id: CompartmentId) -> Result<u64, StorageError> {
        self.connection
            .query_row("SELECT protector_version FROM compartments WHERE id = ?1", [id.0], |row| {
                row.get(0).map(i64::cast_unsigned)
            })
            .map_err(|error| self.failed(&error))
    }

    /// Puts a protector in the place of the older one.
    pub fn put_reset_protector(
        &mut self,
        id: CompartmentId,
        version: u64,
        protector: &ResetProtector,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            drop_reset_protector(change, id)?;
            change.execute(
                "INSERT INTO protectors (kind, compartment, sealed, details) VALUES ('pin reset', ?1, ?2, ?3)",
                params![id.0, protector.object.0, protector.details],
            )?;
            change
                .execute(
                    "UPDATE compartments SET protector_version = ?2 WHERE id = ?1",
                    params![id.0, version.cast_signed()],
                )
                .map(drop)
        })
    }

    pub fn drop_reset_protector(&mut self, id: CompartmentId) -> Result<(), StorageError> {
        self.change(|change| drop_reset_protector(change, id))
    }

    /// The commit point of a PIN reset: every record is under the new authentication key, the new PIN's protector stands,
    /// and no other protector is left, because each holds the old key. A record that does not open stays what it is.
    pub fn rotate(
        &mut self,
        pin: &PinProtector,
        generation: u64,
        reseal: Reseal<'_>,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            reseal_all(
                change,
                "SELECT id_tag, sealed FROM user_keys WHERE class = 'verified'",
                "UPDATE user_keys SET sealed = ?2 WHERE id_tag = ?1",
                reseal,
            )?;
            reseal_all(
                change,
                "SELECT tag, sealed FROM compartment_records WHERE class = 'verified'",
                "UPDATE compartment_records SET sealed = ?2 WHERE tag = ?1",
                reseal,
            )?;
            reseal_all(
                change,
                "SELECT digest, sealed FROM templates",
                "UPDATE templates SET sealed = ?2 WHERE digest = ?1",
                reseal,
            )?;
            change.execute("DELETE FROM protectors WHERE kind <> 'pin'", [])?;
            switch(change, pin, generation)
        })
    }
}

fn reseal_all(
    change: &Transaction<'_>,
    select: &str,
    update: &str,
    reseal: Reseal<'_>,
) -> Result<(), rusqlite::Error> {
    let records: Vec<(Tag, Vec<u8>)> = change
        .prepare(select)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut update = change.prepare(update)?;
    for (tag, sealed) in records {
        if let Some(sealed) = reseal(&tag, &sealed) {
            update.execute(params![tag, sealed])?;
        }
    }
    Ok(())
}

fn drop_reset_protector(change: &Transaction<'_>, id: CompartmentId) -> Result<(), rusqlite::Error> {
    change.execute("DELETE FROM protectors WHERE kind = 'pin reset' AND compartment = ?1", [id.0]).map(drop)
}
