//! Sessions: a visitor has one from the first page on; signing in always makes a new one.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqlitePool;
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::Error;
use crate::clock::UnixTime;

/// How long a visitor's session lasts before a sign-in, and after one.
const VISITOR_LIFETIME: Duration = Duration::from_hours(2);
const SIGNED_IN_LIFETIME: Duration = Duration::from_hours(12);

/// The secret in the cookie: 32 random bytes. The database has only its hash.
pub(crate) struct SessionToken(String);

impl SessionToken {
    pub(crate) fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a cookie's value; anything but 32 encoded bytes is no token.
    pub(crate) fn from_cookie(value: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        (bytes.len() == 32).then(|| Self(value.to_owned()))
    }

    pub(crate) fn id(&self) -> SessionId {
        SessionId(Sha256::digest(self.0.as_bytes()).into())
    }

    /// For the cookie, and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// The hash by which a session is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionId([u8; 32]);

impl SessionId {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A live session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: Option<SignedInUser>,
}

/// The user of a session.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) authenticated_at: UnixTime,
}

pub(crate) struct Sessions<'a>(pub(super) &'a SqlitePool);

impl Sessions<'_> {
    /// The live session of a token.
    pub(crate) async fn find(&self, token: &SessionToken, now: UnixTime) -> Result<Option<Session>, Error> {
        let id = token.id();
        let row = sqlx::query(
            "SELECT users.id, users.name, sessions.authenticated_at FROM sessions
             LEFT JOIN users ON users.id = sessions.user_id
             WHERE sessions.token_hash = ? AND sessions.expires_at > ?",
        )
        .bind(id.as_bytes())
        .bind(now.seconds())
        .fetch_optional(self.0)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user_id: Option<Uuid> = row.try_get(0)?;
        let user = match user_id {
            None => None,
            Some(user_id) => Some(SignedInUser {
                id: user_id,
                name: row.try_get(1)?,
                authenticated_at: UnixTime::from_seconds(row.try_get(2)?),
            }),
        };
        Ok(Some(Session { id, user }))
    }

    /// Starts the session of a visitor.
    pub(crate) async fn start(&self, token: &SessionToken, now: UnixTime) -> Result<Session, Error> {
        let id = token.id();
        sqlx::query("INSERT INTO sessions (token_hash, expires_at) VALUES (?, ?)")
            .bind(id.as_bytes())
            .bind(now.plus(VISITOR_LIFETIME).seconds())
            .execute(self.0)
            .await?;
        Ok(Session { id, user: None })
    }

    /// Replaces a session by one in which `user` has just signed in.
    pub(crate) async fn rotate(
        &self,
        old: &SessionId,
        user: Uuid,
        new: &SessionToken,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        rotate(&mut transaction, old, user, new, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a session; its challenges go with it.
    pub(crate) async fn end(&self, id: &SessionId) -> Result<(), Error> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = ?").bind(id.as_bytes()).execute(self.0).await?;
        Ok(())
    }
}

/// A token that was known before the sign-in must not be worth more after it (session fixation).
pub(super) async fn rotate(
    transaction: &mut Transaction<'_, Sqlite>,
    old: &SessionId,
    user: Uuid,
    new: &SessionToken,
    now: UnixTime,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE token_hash = ?")
        .bind(old.as_bytes())
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO sessions (token_hash, user_id, authenticated_at, expires_at) VALUES (?, ?, ?, ?)",
    )
    .bind(new.id().as_bytes())
    .bind(user)
    .bind(now.seconds())
    .bind(now.plus(SIGNED_IN_LIFETIME).seconds())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
