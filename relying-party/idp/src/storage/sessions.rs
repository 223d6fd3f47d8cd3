//! Browser sessions with the provider.

use super::Error;
use super::database::{Gathered, Pool, Row, Value, values};
use super::users::{USER_COLUMNS, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{Authentication, OpaqueHash, SessionId, User, UserId};

/// A browser in which a user is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// The `sid` of its tokens.
    pub id: SessionId,
    /// How the user signed in.
    pub authentication: Authentication,
    /// Whether it outlives the browser ("stay signed in").
    pub persistent: bool,
    /// The address that it was begun from.
    pub address: String,
    /// The browser's `User-Agent`.
    pub agent: String,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last used.
    pub seen_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// Browser sessions.
pub struct Sessions<'a>(pub(super) &'a Pool);

impl Sessions<'_> {
    /// Begins a session, known by its cookie's hash.
    pub async fn begin(&self, cookie: &OpaqueHash, session: &BrowserSession) -> Result<(), Error> {
        self.0.write(INSERT, &columns(cookie, session)?).await.map(drop)
    }

    /// The session of this cookie and its user, if it still stands: neither over nor ended, its user enabled, its
    /// device, if it proved one, too, and the sign-in not revoked.
    pub async fn find(
        &self,
        cookie: &OpaqueHash,
        now: UnixTime,
    ) -> Result<Option<(BrowserSession, User)>, Error> {
        let Some(row) = self.0.gathered(&FIND, values![cookie, now]).await? else { return Ok(None) };
        let (session, user) = (session(&row, 1 + USER_COLUMNS)?, user(&row, 1)?);
        Ok((session.authentication.at >= user.sessions_valid_from).then_some((session, user)))
    }

    /// Notes a new proof (a second factor, a fresh password) and that the session was used.
    pub async fn renew(
        &self,
        id: SessionId,
        authentication: &Authentication,
        now: UnixTime,
    ) -> Result<(), Error> {
        let record = serde_json::to_string(authentication).map_err(|_| Error::Damaged)?;
        self.0
            .write("UPDATE sessions SET record = $2, seen_at = $3 WHERE id = $1", values![id, record, now])
            .await
            .map(drop)
    }

    /// Ends a session.
    pub async fn end(&self, id: SessionId, now: UnixTime) -> Result<(), Error> {
        self.0
            .write("UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", values![id, now])
            .await
            .map(drop)
    }

    /// Ends each session of a user.
    pub async fn end_all(&self, user: UserId, now: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL";
        self.0.write(sql, values![user, now]).await.map(drop)
    }

    /// The names of the applications that got something in each of a user's sessions.
    pub async fn applications(&self, user: UserId) -> Result<Vec<(SessionId, String)>, Error> {
        let sql = "SELECT DISTINCT g.session, a.name FROM grants g JOIN apps a ON a.id = g.client
                   WHERE g.user_id = $1 AND g.session IS NOT NULL AND g.revoked_at IS NULL ORDER BY a.name";
        let rows = self.0.rows(sql, values![user]).await?;
        rows.iter().map(|row| Ok((row.parse(0)?, row.text(1)?))).collect()
    }

    /// A user's standing sessions, newest first.
    pub async fn of_user(&self, user: UserId, now: UnixTime) -> Result<Vec<BrowserSession>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT id, record, persistent, address, agent, created_at, seen_at, expires_at FROM sessions
                 WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC",
                values![user, now],
            )
            .await?;
        rows.iter().map(|row| session(row, 0)).collect()
    }
}

pub(super) const INSERT: &str =
    "INSERT INTO sessions (id, hash, user_id, record, persistent, address, agent, created_at, seen_at, expires_at, device)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(super) fn columns(cookie: &OpaqueHash, session: &BrowserSession) -> Result<[Value; 11], Error> {
    let record = serde_json::to_string(&session.authentication).map_err(|_| Error::Damaged)?;
    Ok([
        session.id.into(),
        cookie.into(),
        session.authentication.user.into(),
        record.into(),
        session.persistent.into(),
        session.address.as_str().into(),
        session.agent.as_str().into(),
        session.created_at.into(),
        session.seen_at.into(),
        session.expires_at.into(),
        session.authentication.device.into(),
    ])
}

/// Sessions that are neither over nor ended, with their users; users and devices are enabled.
static FIND: Gathered = Gathered {
    name: "find session",
    by_writer: false,
    sqlite: concat!(
        "WITH asked AS (SELECT key AS n, unhex(value ->> 0) AS hash, value ->> 1 AS now FROM json_each($1))
         SELECT json_group_array(json_array(a.n, ",
        user_columns!(),
        ", s.id, s.record, s.persistent, s.address, s.agent, s.created_at, s.seen_at, s.expires_at))
         FROM asked a CROSS JOIN sessions s ON s.hash = a.hash JOIN users u ON u.id = s.user_id
         WHERE s.ended_at IS NULL AND s.expires_at > a.now AND u.enabled = 1
           AND (s.device IS NULL OR EXISTS (SELECT 1 FROM devices d WHERE d.id = s.device AND d.enabled = 1))"
    ),
    postgres: concat!(
        "WITH asked AS (
            SELECT n - 1 AS n, decode(e ->> 0, 'hex') AS hash, (e ->> 1)::bigint AS now
            FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
         ) SELECT a.n, found.* FROM asked a CROSS JOIN LATERAL (SELECT ",
        user_columns!(),
        ", s.id, s.record, s.persistent, s.address, s.agent, s.created_at, s.seen_at, s.expires_at
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.hash = a.hash AND s.ended_at IS NULL AND s.expires_at > a.now AND u.enabled = 1
           AND (s.device IS NULL OR EXISTS (SELECT 1 FROM devices d WHERE d.id = s.device AND d.enabled = 1))
         LIMIT 1) found"
    ),
};

fn session(row: &Row, at: usize) -> Result<BrowserSession, Error> {
    Ok(BrowserSession {
        id: row.parse(at)?,
        authentication: row.json(at + 1)?,
        persistent: row.flag(at + 2)?,
        address: row.text(at + 3)?,
        agent: row.text(at + 4)?,
        created_at: row.time(at + 5)?,
        seen_at: row.time(at + 6)?,
        expires_at: row.time(at + 7)?,
    })
}
