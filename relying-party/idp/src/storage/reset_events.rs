//! PIN resets that were released or refused, and what the user was told of them.

use uuid::Uuid;

use super::Error;
use super::database::{Pool, Row, values};
use super::{LogCursor, directory::pattern};
use crate::clock::UnixTime;
use crate::domain::{DeviceId, TenantId, UserId};

/// A PIN reset, or a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetEvent {
    /// Its name among the entries.
    pub id: Uuid,
    /// When.
    pub at: UnixTime,
    /// The tenant of whoever asked.
    pub tenant: TenantId,
    /// Whose PIN it was.
    pub user: Option<UserId>,
    /// On which device.
    pub device: Option<DeviceId>,
    /// What was asked for; empty: that was not known yet.
    pub purpose: String,
    /// How the envelope was protected; empty: that was not known yet.
    pub protocol: String,
    /// By which key.
    pub kid: String,
    /// `released`, or the code of the refusal.
    pub code: String,
    /// The peer's address.
    pub address: String,
    /// The request's name.
    pub trace: Uuid,
}

/// An event, with the names of whom and what it is about, as far as they are still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResetEvent {
    /// The event.
    pub event: ResetEvent,
    /// The user's name.
    pub upn: Option<String>,
    /// The device's name.
    pub device: Option<String>,
}

/// Which events to show.
#[derive(Clone, Debug, Default)]
pub struct ResetEventFilter {
    /// About users in whose name this occurs; empty for any.
    pub name: String,
    /// About this user only.
    pub user: Option<UserId>,
    /// About this device only.
    pub device: Option<DeviceId>,
    /// With this code only; empty for any.
    pub code: String,
    /// Refusals only.
    pub refused: bool,
    /// Releases only.
    pub released: bool,
}

/// PIN resets.
pub struct ResetEvents<'a>(pub(super) &'a Pool);

macro_rules! named {
    () => {
        "SELECT e.id, e.at, e.tenant, e.user_id, e.device, e.purpose, e.protocol, e.kid, e.code, e.address, e.trace,
                u.upn, d.name
         FROM reset_events e LEFT JOIN users u ON u.id = e.user_id LEFT JOIN devices d ON d.id = e.device "
    };
}

macro_rules! chosen {
    () => {
        "WHERE e.tenant = $1 AND ($2 = '%%' OR u.search LIKE $2 ESCAPE '!') AND ($3 = '' OR e.device = $3)
         AND ($4 = '' OR e.code = $4) AND ($5 = 0 OR e.code <> 'released') AND ($6 = 0 OR e.code = 'released')
         AND ($7 = '' OR e.user_id = $7) "
    };
}

impl ResetEvents<'_> {
    /// Notes an event.
    pub async fn add(&self, event: &ResetEvent) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO reset_events (id, at, tenant, user_id, device, purpose, protocol, kid, code, address, trace)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                values![
                    event.id.to_string(),
                    event.at,
                    event.tenant,
                    event.user,
                    event.device,
                    event.purpose.as_str(),
                    event.protocol.as_str(),
                    event.kid.as_str(),
                    event.code.as_str(),
                    event.address.as_str(),
                    event.trace.to_string(),
                ],
            )
            .await
            .map(drop)
    }

    /// A page of a tenant's events, newest first. The cursor names an entry by its time and ID.
    pub async fn page_at(
        &self,
        tenant: TenantId,
        filter: &ResetEventFilter,
        cursor: LogCursor<(UnixTime, Uuid)>,
        most: u32,
    ) -> Result<Vec<NamedResetEvent>, Error> {
        const OLDER: &str = concat!(
            named!(),
            chosen!(),
            "AND (e.at < $8 OR (e.at = $8 AND e.id < $9)) ORDER BY e.at DESC, e.id DESC LIMIT $10"
        );
        const NEWER: &str = concat!(
            named!(),
            chosen!(),
            "AND (e.at > $8 OR (e.at = $8 AND e.id > $9)) ORDER BY e.at, e.id LIMIT $10"
        );
        let (newer, (at, id)) = cursor.beyond((UnixTime::from_seconds(i64::MAX), Uuid::max()));
        let user = filter.user.map(|user| user.to_string()).unwrap_or_default();
        let device = filter.device.map(|device| device.to_string()).unwrap_or_default();
        let values = values![
            tenant,
            pattern(&filter.name),
            device,
            filter.code.as_str(),
            filter.refused,
            filter.released,
            user,
            at,
            id.to_string(),
            most
        ];
        let rows = self.0.rows(if newer { NEWER } else { OLDER }, values).await?;
        let mut events = rows.iter().map(named).collect::<Result<Vec<_>, Error>>()?;
        if newer {
            events.reverse();
        }
        Ok(events)
    }

    /// The releases for a user since `since`, newest first, at most `most`.
    pub async fn releases(
        &self,
        user: UserId,
        since: UnixTime,
        most: u32,
    ) -> Result<Vec<NamedResetEvent>, Error> {
        const SQL: &str = concat!(
            named!(),
            "WHERE e.user_id = $1 AND e.code = 'released' AND e.at >= $2 ORDER BY e.at DESC, e.id LIMIT $3"
        );
        self.0.rows(SQL, values![user, since, most]).await?.iter().map(named).collect()
    }

    /// When each key of the service last released something to the tenant, by the key's name.
    pub async fn last_by_key(&self, tenant: TenantId) -> Result<Vec<(String, UnixTime)>, Error> {
        let sql =
            "SELECT kid, MAX(at) FROM reset_events WHERE tenant = $1 AND code = 'released' GROUP BY kid";
        let rows = self.0.rows(sql, values![tenant]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.time(1)?))).collect()
    }

    /// The releases that the user was not told of yet, newest first, at most `most`.
    pub async fn untold(&self, user: UserId, most: u32) -> Result<Vec<NamedResetEvent>, Error> {
        const SQL: &str = concat!(
            named!(),
            "WHERE e.user_id = $1 AND e.code = 'released' AND e.seen_at IS NULL ORDER BY e.at DESC, e.id LIMIT $2"
        );
        self.0.rows(SQL, values![user, most]).await?.iter().map(named).collect()
    }

    /// The user was told of all releases up to `until`.
    pub async fn told(&self, user: UserId, until: UnixTime, now: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE reset_events SET seen_at = $3
                   WHERE user_id = $1 AND code = 'released' AND seen_at IS NULL AND at <= $2";
        self.0.write(sql, values![user, until, now]).await.map(drop)
    }
}

fn named(row: &Row) -> Result<NamedResetEvent, Error> {
    Ok(NamedResetEvent {
        event: ResetEvent {
            id: row.parse(0)?,
            at: row.time(1)?,
            tenant: row.parse(2)?,
            user: row.optional_parse(3)?,
            device: row.optional_parse(4)?,
            purpose: row.text(5)?,
            protocol: row.text(6)?,
            kid: row.text(7)?,
            code: row.text(8)?,
            address: row.text(9)?,
            trace: row.parse(10)?,
        },
        upn: row.optional_text(11)?,
        device: row.optional_text(12)?,
    })
}
