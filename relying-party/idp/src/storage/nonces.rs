//! Strings that are good for one use: nonces that we made, and identifiers of others that must not come twice.

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::OpaqueHash;

/// What a single-use string is for. One of another purpose is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The nonce that a broker signs (`srv_challenge`).
    Broker,
    /// The `jti` of a client assertion (RFC 7523 §3).
    ClientAssertion,
    /// The `jti` of a proof of possession (RFC 9449 §11.1).
    Proof,
    /// A nonce of the device registration service.
    DeviceRegistration,
    /// A challenge of a passkey ceremony.
    Ceremony,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::ClientAssertion => "client-assertion",
            Self::Proof => "dpop",
            Self::DeviceRegistration => "device-registration",
            Self::Ceremony => "ceremony",
        }
    }
}

/// Single-use strings.
pub struct Nonces<'a>(pub(super) &'a Pool);

impl Nonces<'_> {
    /// Remembers a nonce that we made.
    pub async fn issue(
        &self,
        nonce: &OpaqueHash,
        purpose: Purpose,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO nonces (hash, purpose, expires_at) VALUES ($1, $2, $3)",
                values![nonce, purpose.word(), expires_at],
            )
            .await
            .map(drop)
    }

    /// Takes a nonce that we made. Whether it was there, unexpired.
    pub async fn take(&self, nonce: &OpaqueHash, purpose: Purpose, now: UnixTime) -> Result<bool, Error> {
        let row = self
            .0
            .take(
                "DELETE FROM nonces WHERE hash = $1 AND purpose = $2 RETURNING expires_at",
                values![nonce, purpose.word()],
            )
            .await?;
        Ok(match row {
            Some(row) => row.time(0)? > now,
            None => false,
        })
    }

    /// Remembers an identifier that someone else made, until it could not be presented anyway. Whether it is the first time.
    pub async fn first_time(
        &self,
        identifier: &OpaqueHash,
        purpose: Purpose,
        expires_at: UnixTime,
    ) -> Result<bool, Error> {
        let new = self
            .0
            .write(
                "INSERT INTO seen (hash, purpose, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                values![identifier, purpose.word(), expires_at],
            )
            .await?;
        Ok(new > 0)
    }
}
