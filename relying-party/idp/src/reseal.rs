//! Seals everything again under the first of the keys, so that an older one can be given up or a key can move to another
//! place. It can be broken off and begun again at any time: each row is opened, sealed and replaced for itself.

use rand_core::CryptoRng;
use uuid::Uuid;

use crate::secrets::{OpenError, Place, Purpose, SealingKeys};
use crate::storage::{self, Database, SealedRow, SealedTable};

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Secrets that are sealed under the first key now and were not before.
    pub changed: u64,
    /// Secrets that were sealed under it already.
    pub unchanged: u64,
}

/// Why a secret cannot be sealed again.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// None of the keys opens it. Nothing else was changed by it.
    #[error("{table:?} {key}: {error}")]
    Sealed {
        /// The table.
        table: SealedTable,
        /// The row.
        key: String,
        /// What is wrong.
        error: OpenError,
    },
}

/// Seals everything under the first of `keys`.
///
/// # Errors
/// When a row cannot be opened or stored. Those before it are done.
pub async fn reseal(
    database: &Database,
    keys: &SealingKeys,
    rng: &mut (dyn CryptoRng + Send),
) -> Result<Resealed, ResealError> {
    let mut done = Resealed::default();
    for table in SealedTable::ALL {
        for row in database.sealed().rows(table).await? {
            if !keys.is_outdated(&row.sealed) {
                done.unchanged += 1;
                continue;
            }
            let failed = |error| ResealError::Sealed { table, key: row.key.clone(), error };
            let (purpose, name) = place(&row);
            let place = Place { purpose, row: &name };
            let text = keys.open(place, &row.sealed).map_err(failed)?;
            let again = keys.seal(place, &text, rng);
            // False: the row is gone, or another process was faster with the same.
            let _ = database.sealed().replace(&row, &again).await?;
            done.changed += 1;
        }
    }
    Ok(done)
}

/// What a row was sealed for.
fn place(row: &SealedRow) -> (Purpose, Vec<u8>) {
    let text = row.key.as_bytes().to_vec();
    match (row.table, row.key.as_str()) {
        (SealedTable::SigningKeys, _) => (Purpose::SigningKey, text),
        (SealedTable::ServiceKeys, "pairwise") => (Purpose::PairwiseKey, text),
        (SealedTable::ServiceKeys, "audit") => (Purpose::AuditKey, text),
        (SealedTable::ServiceKeys | SealedTable::ResetKeys, _) => (Purpose::ServiceKey, text),
        (SealedTable::Totp, id) => (Purpose::TotpSecret, guid(id, text)),
        (SealedTable::PrimaryTokens, id) => (Purpose::SessionKey, guid(id, text)),
    }
}

/// The bytes of a row's GUID.
fn guid(id: &str, text: Vec<u8>) -> Vec<u8> {
    Uuid::try_parse(id).map_or(text, |id| id.as_bytes().to_vec())
}
