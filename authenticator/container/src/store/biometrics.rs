//! Persistent biometric protectors, the records of templates, and the count of failed matches.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::biometric::{Biometric, TemplateDigest};
use crate::error::StorageError;
use crate::tpm::SealedBlob;

impl Store {
    /// The protectors that outlived the last program.
    pub fn biometric_protector(&self, kind: Biometric) -> Result<Option<SealedBlob>, StorageError> {
        self.connection
            .query_row("SELECT sealed FROM protectors WHERE kind = ?1", [kind.name()], |row| {
                row.get(0).map(SealedBlob)
            })
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// Puts a protector in the place of the older one.
    pub fn put_biometric_protector(
        &mut self,
        kind: Biometric,
        object: &SealedBlob,
    ) -> Result<(), StorageError> {
        self.change(|change| {
            change.execute("DELETE FROM protectors WHERE kind = ?1", [kind.name()])?;
            change
                .execute(
                    "INSERT INTO protectors (kind, sealed) VALUES (?1, ?2)",
                    params![kind.name(), object.0],
                )
                .map(drop)
        })
    }

    pub fn drop_biometric_protector(&mut self, kind: Biometric) -> Result<(), StorageError> {
        self.change(|change| {
            change.execute("DELETE FROM protectors WHERE kind = ?1", [kind.name()]).map(drop)
        })
    }

    /// Writes the record of a template.
    pub fn put_template(
        &mut self,
        template: &TemplateDigest,
        kind: Biometric,
        sealed: &[u8],
    ) -> Result<(), StorageError> {
        self.change(|change| {
            change
                .execute(
                    "INSERT OR REPLACE INTO templates (digest, kind, sealed) VALUES (?1, ?2, ?3)",
                    params![template.0, kind.name(), sealed],
                )
                .map(drop)
        })
    }

    /// The sealed record of a template.
    pub fn template(
        &self,
        template: &TemplateDigest,
        kind: Biometric,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.connection
            .query_row(
                "SELECT sealed FROM templates WHERE digest = ?1 AND kind = ?2",
                params![template.0, kind.name()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// How many templates a gesture has.
    pub fn templates(&self, kind: Biometric) -> Result<u32, StorageError> {
        self.connection
            .query_row("SELECT count(*) FROM templates WHERE kind = ?1", [kind.name()], |row| row.get(0))
            .map_err(|error| self.failed(&error))
    }

    /// Removes the record of a template; whether there was one.
    pub fn drop_template(&mut self, template: &TemplateDigest) -> Result<bool, StorageError> {
        self.change(|change| change.execute("DELETE FROM templates WHERE digest = ?1", [template.0]))
            .map(|rows| rows == 1)
    }

    /// Removes the records of all templates of a gesture.
    pub fn drop_templates(&mut self, kind: Biometric) -> Result<(), StorageError> {
        self.change(|change| change.execute("DELETE FROM templates WHERE kind = ?1", [kind.name()]).map(drop))
    }

    pub fn failed_matches(&self) -> Result<u8, StorageError> {
        self.connection
            .query_row("SELECT failed_matches FROM container", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))
    }

    pub fn set_failed_matches(&mut self, count: u8) -> Result<(), StorageError> {
        self.change(|change| change.execute("UPDATE container SET failed_matches = ?1", [count]).map(drop))
    }
}
