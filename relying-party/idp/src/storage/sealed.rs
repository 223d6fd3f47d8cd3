//! Everything in the database that is sealed, so that it can be sealed again under another key.

use super::Error;
use super::database::{Pool, values};

/// A table with a sealed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedTable {
    /// Private parts of signing keys, by `kid`.
    SigningKeys,
    /// Long-lived keys of other kinds, by name.
    ServiceKeys,
    /// Seeds of authenticator apps, by their GUIDs.
    Totp,
    /// Live keys of the PIN reset service, by `kid`.
    ResetKeys,
    /// Session keys of primary refresh tokens, by their GUIDs.
    PrimaryTokens,
}

/// Something sealed, and where it is.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// The table.
    pub table: SealedTable,
    /// The row's primary key.
    pub key: String,
    /// The sealed text.
    pub sealed: Vec<u8>,
}

/// Everything that is sealed. What lives for minutes only (ceremonies) is left out.
pub struct Sealed<'a>(pub(super) &'a Pool);

impl SealedTable {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SigningKeys, Self::ServiceKeys, Self::Totp, Self::ResetKeys, Self::PrimaryTokens];
}

impl Sealed<'_> {
    /// All rows of a table.
    pub async fn rows(&self, table: SealedTable) -> Result<Vec<SealedRow>, Error> {
        let sql = match table {
            SealedTable::SigningKeys => "SELECT kid, sealed FROM signing_keys",
            SealedTable::ServiceKeys => "SELECT name, sealed FROM service_keys",
            SealedTable::Totp => "SELECT id, sealed FROM totp",
            SealedTable::ResetKeys => "SELECT kid, sealed FROM reset_keys WHERE retired_at IS NULL",
            SealedTable::PrimaryTokens => "SELECT id, sealed FROM primary_tokens",
        };
        let rows = self.0.rows(sql, &[]).await?;
        rows.iter().map(|row| Ok(SealedRow { table, key: row.text(0)?, sealed: row.blob(1)? })).collect()
    }

    /// Puts `again` in the place of what the row had when it was read. Whether it still had that.
    pub async fn replace(&self, row: &SealedRow, again: &[u8]) -> Result<bool, Error> {
        let sql = match row.table {
            SealedTable::SigningKeys => "UPDATE signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2",
            SealedTable::ServiceKeys => "UPDATE service_keys SET sealed = $3 WHERE name = $1 AND sealed = $2",
            SealedTable::Totp => "UPDATE totp SET sealed = $3 WHERE id = $1 AND sealed = $2",
            SealedTable::ResetKeys => "UPDATE reset_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2",
            SealedTable::PrimaryTokens => {
                "UPDATE primary_tokens SET sealed = $3 WHERE id = $1 AND sealed = $2"
            }
        };
        let changed = self.0.write(sql, values![row.key.as_str(), row.sealed.as_slice(), again]).await?;
        Ok(changed > 0)
    }
}
