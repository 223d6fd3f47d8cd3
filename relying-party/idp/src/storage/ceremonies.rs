//! Registrations of passkeys under way: each challenge is answered once.

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{OpaqueHash, UserId};

/// A registration that was begun.
#[derive(Debug)]
pub struct PendingCeremony {
    /// Whose passkey it is to be.
    pub user: UserId,
    /// The hash of where it was begun, and may be finished.
    pub place: Vec<u8>,
    /// The WebAuthn library's state, JSON.
    pub record: String,
}

/// Registrations of passkeys under way.
pub struct Ceremonies<'a>(pub(super) &'a Pool);

impl Ceremonies<'_> {
    /// Remembers a registration in place of the user's earlier one at the same place.
    pub async fn begin(
        &self,
        challenge: &OpaqueHash,
        (user, place): (UserId, &OpaqueHash),
        record: &str,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction
            .write("DELETE FROM ceremonies WHERE user_id = $1 AND place = $2", values![user, place])
            .await?;
        transaction
            .write(
                "INSERT INTO ceremonies (challenge, user_id, place, record, expires_at) VALUES ($1, $2, $3, $4, $5)",
                values![challenge, user, place, record, expires_at],
            )
            .await?;
        transaction.commit().await
    }

    /// Takes the registration of this challenge; it is gone afterwards, whoever it was of.
    pub async fn take(
        &self,
        challenge: &OpaqueHash,
        now: UnixTime,
    ) -> Result<Option<PendingCeremony>, Error> {
        let row = self
            .0
            .take(
                "DELETE FROM ceremonies WHERE challenge = $1 RETURNING user_id, place, record, expires_at",
                values![challenge],
            )
            .await?;
        match row {
            Some(row) if row.time(3)? > now => {
                Ok(Some(PendingCeremony { user: row.parse(0)?, place: row.blob(1)?, record: row.text(2)? }))
            }
            Some(_) | None => Ok(None),
        }
    }
}
