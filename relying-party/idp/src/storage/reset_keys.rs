//! Keys of the PIN reset service at rest: the private half sealed, whatever place it is used in.

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::pin_reset::Protocol;

/// A key of the PIN reset service as it is stored.
#[derive(Clone, Debug)]
pub struct StoredResetKey {
    /// Its name in envelopes.
    pub kid: String,
    /// What it is used for.
    pub protocol: Protocol,
    /// The name of the place where its private half is used.
    pub place: String,
    /// The public half: what is encrypted to, or what points are verified with. SEC 1, uncompressed.
    pub public: Vec<u8>,
    /// What its place finds the private half by, sealed; empty once it is retired.
    pub sealed: Vec<u8>,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub created_at: UnixTime,
    /// Until when devices may take it.
    pub expires_at: UnixTime,
    /// Since when it is no longer used.
    pub retired_at: Option<UnixTime>,
}

/// Keys of the PIN reset service.
pub struct ResetKeys<'a>(pub(super) &'a Pool);

macro_rules! columns {
    () => {
        "SELECT kid, protocol, place, public, sealed, certificate, created_at, expires_at, retired_at FROM reset_keys "
    };
}

impl ResetKeys<'_> {
    /// All of them, the newest first.
    pub async fn all(&self) -> Result<Vec<StoredResetKey>, Error> {
        const SQL: &str = concat!(columns!(), "ORDER BY created_at DESC, kid");
        self.0.rows(SQL, &[]).await?.iter().map(key).collect()
    }

    /// The key of this name, retired or not.
    pub async fn find(&self, kid: &str) -> Result<Option<StoredResetKey>, Error> {
        const SQL: &str = concat!(columns!(), "WHERE kid = $1");
        self.0.row(SQL, values![kid]).await?.as_ref().map(key).transpose()
    }

    /// The newest key of a protocol: the one that devices are given.
    pub async fn current(&self, protocol: Protocol) -> Result<Option<StoredResetKey>, Error> {
        const SQL: &str = concat!(
            columns!(),
            "WHERE protocol = $1 AND retired_at IS NULL ORDER BY created_at DESC, kid LIMIT 1"
        );
        self.0.row(SQL, values![protocol.name()]).await?.as_ref().map(key).transpose()
    }

    /// Stores a key that devices are given from now on. Does nothing if another process was faster: if `known` is not the
    /// newest key of the protocol any more. Whether it was stored.
    pub async fn add(&self, new: &StoredResetKey, known: Option<&str>) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"resetkey")).await?;
        let newest = "SELECT kid FROM reset_keys WHERE protocol = $1 AND retired_at IS NULL
                      ORDER BY created_at DESC, kid LIMIT 1";
        let newest = transaction.row(newest, values![new.protocol.name()]).await?;
        if newest.map(|row| row.text(0)).transpose()?.as_deref() != known {
            return Ok(false);
        }
        transaction
            .write(
                "INSERT INTO reset_keys (kid, protocol, place, public, sealed, certificate, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                values![
                    new.kid.as_str(),
                    new.protocol.name(),
                    new.place.as_str(),
                    new.public.as_slice(),
                    new.sealed.as_slice(),
                    new.certificate.as_slice(),
                    new.created_at,
                    new.expires_at
                ],
            )
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Forgets the private half of a key for good. Whether there was one.
    pub async fn retire(&self, kid: &str, now: UnixTime) -> Result<bool, Error> {
        let nothing: &[u8] = &[];
        let sql = "UPDATE reset_keys SET sealed = $2, retired_at = $3 WHERE kid = $1 AND retired_at IS NULL";
        Ok(self.0.write(sql, values![kid, nothing, now]).await? > 0)
    }
}

fn key(row: &Row) -> Result<StoredResetKey, Error> {
    Ok(StoredResetKey {
        kid: row.text(0)?,
        protocol: row.parse(1)?,
        place: row.text(2)?,
        public: row.blob(3)?,
        sealed: row.blob(4)?,
        certificate: row.blob(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        retired_at: row.optional_time(8)?,
    })
}
