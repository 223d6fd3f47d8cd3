//! Challenges: each can be taken once, by the session and for the ceremony that it was made for, within its time.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use uuid::Uuid;

use super::{Error, SessionId};
use crate::clock::UnixTime;

/// How long a user has to answer.
const LIFETIME: Duration = Duration::from_mins(5);
/// A session cannot pile up more unanswered challenges than this; the oldest go first.
const MOST_PER_SESSION: i64 = 16;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// A new user's first passkey.
    Register,
    /// A further passkey of the signed-in user.
    Add,
    SignIn,
}

impl Ceremony {
    fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Add => "add",
            Self::SignIn => "sign-in",
        }
    }
}

/// A ceremony that waits for the browser's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The only user who may answer; `None`: whoever holds a passkey.
    pub(crate) user: Option<Uuid>,
    /// The name that a new user chose.
    pub(crate) user_name: Option<String>,
    /// `webauthn-rs`'s state, JSON.
    pub(crate) state: String,
}

/// The answer to taking something that serves once.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    Ready(T),
    Expired,
    /// Never made, made for something else, or used already.
    Unknown,
}

pub(crate) struct Challenges<'a>(pub(super) &'a SqlitePool);

impl Challenges<'_> {
    /// Remembers a challenge until it is taken or expires.
    pub(crate) async fn issue(
        &self,
        challenge: &[u8],
        session: &SessionId,
        ceremony: Ceremony,
        pending: &Pending,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        sqlx::query(
            "INSERT INTO challenges (challenge_hash, session, ceremony, user_id, user_name, state, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(Sha256::digest(challenge).as_slice())
        .bind(session.as_bytes())
        .bind(ceremony.word())
        .bind(pending.user)
        .bind(pending.user_name.as_deref())
        .bind(&pending.state)
        .bind(now.plus(LIFETIME).seconds())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM challenges WHERE session = ?1 AND challenge_hash NOT IN (
                 SELECT challenge_hash FROM challenges WHERE session = ?1
                 ORDER BY expires_at DESC, rowid DESC LIMIT ?2)",
        )
        .bind(session.as_bytes())
        .bind(MOST_PER_SESSION)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a challenge: one statement deletes and returns it, so of two answers at once one finds nothing.
    pub(crate) async fn take(
        &self,
        challenge: &[u8],
        session: &SessionId,
        ceremony: Ceremony,
        now: UnixTime,
    ) -> Result<Taken<Pending>, Error> {
        let row = sqlx::query(
            "DELETE FROM challenges WHERE challenge_hash = ? AND session = ? AND ceremony = ?
             RETURNING user_id, user_name, state, expires_at",
        )
        .bind(Sha256::digest(challenge).as_slice())
        .bind(session.as_bytes())
        .bind(ceremony.word())
        .fetch_optional(self.0)
        .await?;
        let Some(row) = row else { return Ok(Taken::Unknown) };
        if UnixTime::from_seconds(row.try_get(3)?) <= now {
            return Ok(Taken::Expired);
        }
        Ok(Taken::Ready(Pending {
            user: row.try_get(0)?,
            user_name: row.try_get(1)?,
            state: row.try_get(2)?,
        }))
    }
}
