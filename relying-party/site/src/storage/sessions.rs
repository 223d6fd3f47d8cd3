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
    pub(crate) signed_in: Option<SignedIn>,
}

/// Who has signed in to a session.
#[derive(Clone, Debug)]
pub(crate) enum SignedIn {
    /// A user of this site, by passkey.
    User(SignedInUser),
    /// An account at the identity provider.
    Identity(SignedInIdentity),
}

impl SignedIn {
    /// What the page calls them.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User(user) => &user.name,
            Self::Identity(identity) => &identity.name,
        }
    }
}

/// The user of a session.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) authenticated_at: UnixTime,
}

/// The identity of a session.
#[derive(Clone, Debug)]
pub(crate) struct SignedInIdentity {
    pub(crate) name: String,
    pub(crate) user_name: Option<String>,
    pub(crate) issuer: String,
    /// The hint for a sign-out at the provider.
    pub(crate) id_token: String,
    pub(crate) authenticated_at: UnixTime,
}

pub(crate) struct Sessions<'a>(pub(super) &'a SqlitePool);

impl Sessions<'_> {
    /// The live session of a token.
    pub(crate) async fn find(&self, token: &SessionToken, now: UnixTime) -> Result<Option<Session>, Error> {
        let id = token.id();
        let row = sqlx::query(
            "SELECT users.id, users.name, sessions.authenticated_at,
                    identities.name, identities.user_name, identities.issuer,
                    identity_sign_ins.id_token, identity_sign_ins.authenticated_at
             FROM sessions
             LEFT JOIN users ON users.id = sessions.user_id
             LEFT JOIN identity_sign_ins ON identity_sign_ins.session = sessions.token_hash
             LEFT JOIN identities ON identities.id = identity_sign_ins.identity
             WHERE sessions.token_hash = ? AND sessions.expires_at > ?",
        )
        .bind(id.as_bytes())
        .bind(now.seconds())
        .fetch_optional(self.0)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let signed_in = match (row.try_get::<Option<Uuid>, _>(0)?, row.try_get::<Option<String>, _>(3)?) {
            (Some(user_id), _) => Some(SignedIn::User(SignedInUser {
                id: user_id,
                name: row.try_get(1)?,
                authenticated_at: UnixTime::from_seconds(row.try_get(2)?),
            })),
            (None, Some(name)) => Some(SignedIn::Identity(SignedInIdentity {
                name,
                user_name: row.try_get(4)?,
                issuer: row.try_get(5)?,
                id_token: row.try_get(6)?,
                authenticated_at: UnixTime::from_seconds(row.try_get(7)?),
            })),
            (None, None) => None,
        };
        Ok(Some(Session { id, signed_in }))
    }

    /// Starts the session of a visitor.
    pub(crate) async fn start(&self, token: &SessionToken, now: UnixTime) -> Result<Session, Error> {
        let id = token.id();
        sqlx::query("INSERT INTO sessions (token_hash, expires_at) VALUES (?, ?)")
            .bind(id.as_bytes())
            .bind(now.plus(VISITOR_LIFETIME).seconds())
            .execute(self.0)
            .await?;
        Ok(Session { id, signed_in: None })
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
        rotate(&mut transaction, old, Some(user), new, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a session; its challenges go with it.
    pub(crate) async fn end(&self, id: &SessionId) -> Result<(), Error> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = ?").bind(id.as_bytes()).execute(self.0).await?;
        Ok(())
    }
}

/// A token that was known before the sign-in must not be worth more after it (session fixation). `user` is `None` for
/// an identity of the provider, which has a row of its own.
pub(super) async fn rotate(
    transaction: &mut Transaction<'_, Sqlite>,
    old: &SessionId,
    user: Option<Uuid>,
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
    .bind(user.map(|_| now.seconds()))
    .bind(now.plus(SIGNED_IN_LIFETIME).seconds())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
