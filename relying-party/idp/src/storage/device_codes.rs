//! Device codes (RFC 8628): a device polls with one, and a person answers with the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{Authentication, ClientId, OpaqueHash, Scopes, TenantId};

/// How often a device may ask.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// What a device asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// The client that runs on it.
    pub client: ClientId,
    /// The tenant whose users may answer; `None`: any.
    pub tenant: Option<TenantId>,
    /// What it wants.
    pub scopes: Scopes,
    /// The resource of a v1.0 request, as written.
    pub resource: Option<String>,
    /// From which address it asked, so that a person can tell the own device from another one (RFC 8628 §5.4).
    #[serde(default)]
    pub address: String,
    /// When it asked.
    #[serde(default)]
    pub asked_at: Option<UnixTime>,
    /// Whether it wants proof fresh enough to register a key.
    #[serde(default)]
    pub fresh_mfa: bool,
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Yes: this sign-in is for the device.
    Approved(Authentication),
    /// No.
    Denied,
}

/// What a device that asks is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Poll {
    /// Answered: this is the only time that it is told.
    Answered(Box<DeviceRequest>, Approval),
    /// Nobody answered yet.
    Pending,
    /// Nobody answered yet, and it asks too often.
    TooSoon,
    /// Nobody answered in time.
    Expired,
    /// We never made it for this client, or it was answered already.
    Unknown,
}

/// Device codes.
pub struct DeviceCodes<'a>(pub(super) &'a Pool);

impl DeviceCodes<'_> {
    /// Stores a pair of codes; [`Error::Taken`] if the user code is in use.
    pub async fn issue(
        &self,
        (device_code, user_code): (&OpaqueHash, &OpaqueHash),
        request: &DeviceRequest,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(request).map_err(|_| Error::Damaged)?;
        self.0
            .write(
                "INSERT INTO device_codes (hash, user_code_hash, client, record, polled_at, expires_at)
                 VALUES ($1, $2, $3, $4, 0, $5)",
                values![device_code, user_code, request.client, record, expires_at],
            )
            .await
            .map(drop)
    }

    /// The request that waits under this user code.
    pub async fn waiting(
        &self,
        user_code: &OpaqueHash,
        now: UnixTime,
    ) -> Result<Option<DeviceRequest>, Error> {
        let row = self
            .0
            .row(
                "SELECT record FROM device_codes WHERE user_code_hash = $1 AND answer IS NULL AND expires_at > $2",
                values![user_code, now],
            )
            .await?;
        row.map(|row| row.json(0)).transpose()
    }

    /// Answers for the device, once. Whether there was a request to answer.
    pub async fn answer(
        &self,
        user_code: &OpaqueHash,
        approval: &Approval,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let answer = serde_json::to_string(approval).map_err(|_| Error::Damaged)?;
        let answered = self
            .0
            .write(
                "UPDATE device_codes SET answer = $2 WHERE user_code_hash = $1 AND answer IS NULL AND expires_at > $3",
                values![user_code, answer, now],
            )
            .await?;
        Ok(answered > 0)
    }

    /// A device asks. An answer is handed out once, by deleting it.
    pub async fn poll(&self, code: &OpaqueHash, client: ClientId, now: UnixTime) -> Result<Poll, Error> {
        let answered = self
            .0
            .take(
                "DELETE FROM device_codes WHERE hash = $1 AND client = $2 AND answer IS NOT NULL AND expires_at > $3
                 RETURNING record, answer",
                values![code, client, now],
            )
            .await?;
        if let Some(row) = answered {
            return Ok(Poll::Answered(Box::new(row.json(0)?), row.json(1)?));
        }
        let row = self
            .0
            .row(
                "SELECT polled_at, expires_at FROM device_codes WHERE hash = $1 AND client = $2",
                values![code, client],
            )
            .await?;
        let Some(row) = row else { return Ok(Poll::Unknown) };
        if row.time(1)? <= now {
            return Ok(Poll::Expired);
        }
        let too_soon = now < row.time(0)?.plus(INTERVAL.saturating_sub(Duration::from_secs(1)));
        self.0.write("UPDATE device_codes SET polled_at = $2 WHERE hash = $1", values![code, now]).await?;
        Ok(if too_soon { Poll::TooSoon } else { Poll::Pending })
    }
}
