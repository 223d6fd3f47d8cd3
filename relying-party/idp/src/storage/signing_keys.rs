//! Signing keys at rest: the public part as clients see it, the private part sealed.

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::SigningAlgorithm;

/// A signing key as it is stored.
#[derive(Clone, Debug)]
pub struct StoredSigningKey {
    /// Its name in token headers.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The JWK that clients see.
    pub public: String,
    /// The sealed PKCS #8.
    pub sealed: Vec<u8>,
    /// When it begins to sign. Until then it is only published, so that clients know it before they need it.
    pub signs_from: UnixTime,
    /// When it is no longer published; `None` while nothing replaces it.
    pub gone_at: Option<UnixTime>,
}

/// Signing keys.
pub struct SigningKeys<'a>(pub(super) &'a Pool);

impl SigningKeys<'_> {
    /// The sealed long-lived key of this name: `proposed` at the first start, the same ever after.
    pub async fn service_key(&self, name: &str, proposed: &[u8]) -> Result<Vec<u8>, Error> {
        self.0
            .write(
                "INSERT INTO service_keys (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                values![name, proposed],
            )
            .await?;
        self.stored_service_key(name).await?.ok_or(Error::Damaged)
    }

    /// The sealed long-lived key of this name, if it was made.
    pub async fn stored_service_key(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = self.0.row("SELECT sealed FROM service_keys WHERE name = $1", values![name]).await?;
        row.map(|row| row.blob(0)).transpose()
    }

    /// All that are not gone, the oldest first.
    pub async fn all(&self, now: UnixTime) -> Result<Vec<StoredSigningKey>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT kid, algorithm, public, sealed, signs_from, gone_at FROM signing_keys
                 WHERE gone_at IS NULL OR gone_at > $1 ORDER BY signs_from, kid",
                values![now],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredSigningKey {
                    kid: row.text(0)?,
                    algorithm: match row.text(1)?.as_str() {
                        "RS256" => SigningAlgorithm::Rs256,
                        "ES256" => SigningAlgorithm::Es256,
                        _ => return Err(Error::Damaged),
                    },
                    public: row.text(2)?,
                    sealed: row.blob(3)?,
                    signs_from: row.time(4)?,
                    gone_at: row.optional_time(5)?,
                })
            })
            .collect()
    }

    /// Stores a key that replaces those of its algorithm, which go at `others_gone_at`. Does nothing if another process was
    /// faster: if there is a key that begins to sign after `unless_after`. Whether it was stored.
    pub async fn replace(
        &self,
        new: &StoredSigningKey,
        unless_after: UnixTime,
        others_gone_at: UnixTime,
    ) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"signkeys")).await?;
        let newer = transaction
            .row(
                "SELECT 1 FROM signing_keys WHERE algorithm = $1 AND signs_from > $2 AND gone_at IS NULL",
                values![new.algorithm.name(), unless_after],
            )
            .await?;
        if newer.is_some() {
            return Ok(false);
        }
        transaction
            .write(
                "UPDATE signing_keys SET gone_at = $2 WHERE algorithm = $1 AND gone_at IS NULL",
                values![new.algorithm.name(), others_gone_at],
            )
            .await?;
        transaction
            .write(
                "INSERT INTO signing_keys (kid, algorithm, public, sealed, signs_from) VALUES ($1, $2, $3, $4, $5)",
                values![
                    new.kid.as_str(),
                    new.algorithm.name(),
                    new.public.as_str(),
                    new.sealed.as_slice(),
                    new.signs_from
                ],
            )
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}
