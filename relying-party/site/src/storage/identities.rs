//! Accounts at an identity provider: requests on their way to it, and who came back.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use uuid::Uuid;

use super::{Error, SessionId, SessionToken, Taken, sessions};
use crate::clock::UnixTime;
use crate::identity_provider::{Proven, Sealed};

/// How long a visitor may stay at the provider: a first sign-in there may enrol a second factor and a passkey.
const LIFETIME: Duration = Duration::from_mins(30);
/// A session cannot pile up more requests than this; the oldest go first.
const MOST_PER_SESSION: i64 = 8;

pub(crate) struct Identities<'a>(pub(super) &'a SqlitePool);

impl Identities<'_> {
    /// Remembers what a request was made with until its answer comes.
    pub(crate) async fn ask(
        &self,
        state: &str,
        session: &SessionId,
        sealed: &Sealed,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        sqlx::query(
            "INSERT INTO identity_requests (state_hash, session, nonce, verifier, expires_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(Sha256::digest(state).as_slice())
        .bind(session.as_bytes())
        .bind(&sealed.nonce)
        .bind(&sealed.verifier)
        .bind(now.plus(LIFETIME).seconds())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM identity_requests WHERE session = ?1 AND state_hash NOT IN (
                 SELECT state_hash FROM identity_requests WHERE session = ?1
                 ORDER BY expires_at DESC, rowid DESC LIMIT ?2)",
        )
        .bind(session.as_bytes())
        .bind(MOST_PER_SESSION)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a request: one statement deletes and returns it, so an answer serves once, and in its own session only.
    pub(crate) async fn take(
        &self,
        state: &str,
        session: &SessionId,
        now: UnixTime,
    ) -> Result<Taken<Sealed>, Error> {
        let row = sqlx::query(
            "DELETE FROM identity_requests WHERE state_hash = ? AND session = ?
             RETURNING nonce, verifier, expires_at",
        )
        .bind(Sha256::digest(state).as_slice())
        .bind(session.as_bytes())
        .fetch_optional(self.0)
        .await?;
        let Some(row) = row else { return Ok(Taken::Unknown) };
        if UnixTime::from_seconds(row.try_get(2)?) <= now {
            return Ok(Taken::Expired);
        }
        Ok(Taken::Ready(Sealed { nonce: row.try_get(0)?, verifier: row.try_get(1)? }))
    }

    /// Signs an identity in, all or nothing. `new_id` is for one that was never here; issuer and subject decide.
    pub(crate) async fn sign_in(
        &self,
        new_id: Uuid,
        proven: &Proven,
        old: &SessionId,
        new: &SessionToken,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        let row = sqlx::query(
            "INSERT INTO identities (id, issuer, subject, name, user_name, created_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (issuer, subject) DO UPDATE SET name = excluded.name, user_name = excluded.user_name
             RETURNING id",
        )
        .bind(new_id)
        .bind(&proven.issuer)
        .bind(&proven.subject)
        .bind(&proven.name)
        .bind(proven.user_name.as_deref())
        .bind(now.seconds())
        .fetch_one(&mut *transaction)
        .await?;
        let identity: Uuid = row.try_get(0)?;
        sessions::rotate(&mut transaction, old, None, new, now).await?;
        sqlx::query(
            "INSERT INTO identity_sign_ins (session, identity, provider_session, id_token, authenticated_at)
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(new.id().as_bytes())
        .bind(identity)
        .bind(proven.session.as_deref())
        .bind(&proven.id_token)
        .bind(now.seconds())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends the sessions that belong to one session at the provider. Returns how many there were.
    pub(crate) async fn end_provider_session(
        &self,
        issuer: &str,
        provider_session: &str,
    ) -> Result<u64, Error> {
        let ended = sqlx::query(
            "DELETE FROM sessions WHERE token_hash IN (
                 SELECT identity_sign_ins.session FROM identity_sign_ins
                 JOIN identities ON identities.id = identity_sign_ins.identity
                 WHERE identities.issuer = ? AND identity_sign_ins.provider_session = ?)",
        )
        .bind(issuer)
        .bind(provider_session)
        .execute(self.0)
        .await?;
        Ok(ended.rows_affected())
    }
}
