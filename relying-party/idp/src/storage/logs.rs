//! What happened: sign-ins, the chained audit log, and counters that survive a restart.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Error;
use super::database::{Pool, Row, Value, values};
use super::directory::pattern;
use crate::clock::UnixTime;
use crate::domain::{ClientId, TenantId, UserId};

/// A sign-in, or a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Its name among the entries.
    pub id: Uuid,
    /// The request's, as the error page or the answer shows it.
    pub correlation: Uuid,
    /// When.
    pub at: UnixTime,
    /// The user's tenant, if the user is known.
    pub tenant: Option<TenantId>,
    /// The user, if known.
    pub user: Option<UserId>,
    /// The name that was typed.
    pub upn: String,
    /// The client.
    pub client: Option<ClientId>,
    /// The peer's address.
    pub address: String,
    /// Its `User-Agent`.
    pub agent: String,
    /// The methods that were used, as `amr` words with spaces between.
    pub methods: String,
    /// The AADSTS code; 0 is success.
    pub error: i64,
}

/// Which sign-ins to show.
#[derive(Clone, Debug, Default)]
pub struct SignInFilter {
    /// Of this user only.
    pub user: Option<UserId>,
    /// Of users in whose name this occurs; empty for any.
    pub name: String,
    /// For this client only.
    pub client: Option<ClientId>,
    /// Failed ones only.
    pub failed: bool,
    /// Successful ones only.
    pub succeeded: bool,
    /// With this correlation ID only.
    pub correlation: Option<Uuid>,
    /// Not earlier than this.
    pub from: Option<UnixTime>,
    /// Earlier than this.
    pub before: Option<UnixTime>,
}

/// Where a page of a log begins, counted from the newest entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogCursor<K> {
    /// With the newest.
    #[default]
    Newest,
    /// With the first that is older than this one.
    OlderThan(K),
    /// So that it ends with the last that is newer than this one.
    NewerThan(K),
}

impl<K> LogCursor<K> {
    /// Whether the page goes on to what is newer, and the entry beyond which it begins; `last` is beyond the newest.
    pub(super) fn beyond(self, last: K) -> (bool, K) {
        match self {
            Self::Newest => (false, last),
            Self::OlderThan(entry) => (false, entry),
            Self::NewerThan(entry) => (true, entry),
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: UnixTime,
    /// What happened: JSON.
    pub record: String,
    /// What the chain says about it and all before it.
    pub hash: Vec<u8>,
    /// Whose administrators see it. It is not hashed; the record's own tenant is.
    pub tenant: Option<TenantId>,
}

/// Who signed in, and who tried.
pub struct SignInLog<'a>(pub(super) &'a Pool);
/// What administrators did.
pub struct Audit<'a>(pub(super) &'a Pool);
/// Counters that survive a restart.
pub struct Limits<'a>(pub(super) &'a Pool);

impl SignInLog<'_> {
    /// Notes a sign-in.
    pub async fn add(&self, sign_in: &SignIn) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO sign_in_log (id, at, tenant, user_id, upn, client, address, agent, methods, error, correlation)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                &columns(sign_in),
            )
            .await
            .map(drop)
    }

    /// A tenant's sign-ins, the newest first.
    pub async fn page(
        &self,
        tenant: TenantId,
        filter: &SignInFilter,
        most: u32,
    ) -> Result<Vec<SignIn>, Error> {
        self.page_at(tenant, filter, LogCursor::Newest, most).await
    }

    /// A page of a tenant's sign-ins, the newest first. An entry is known by its time and its ID.
    pub async fn page_at(
        &self,
        tenant: TenantId,
        filter: &SignInFilter,
        cursor: LogCursor<(UnixTime, Uuid)>,
        most: u32,
    ) -> Result<Vec<SignIn>, Error> {
        macro_rules! sql {
            ($beyond:literal, $order:literal) => {
                concat!(
                    "SELECT id, at, tenant, user_id, upn, client, address, agent, methods, error, correlation
                     FROM sign_in_log
                     WHERE tenant = $1 AND at >= $2 AND at < $3 AND (user_id = $4 OR $4 IS NULL)
                       AND (client = $5 OR $5 IS NULL) AND (error <> 0 OR $6 = 0) AND (error = 0 OR $7 = 0)
                       AND (correlation = $8 OR $8 IS NULL) AND LOWER(upn) LIKE $9 ESCAPE '!'
                       AND ",
                    $beyond,
                    " ORDER BY ",
                    $order,
                    " LIMIT $12"
                )
            };
        }
        const OLDER: &str = sql!("(at < $10 OR (at = $10 AND id < $11))", "at DESC, id DESC");
        const NEWER: &str = sql!("(at > $10 OR (at = $10 AND id > $11))", "at, id");
        let last = UnixTime::from_seconds(i64::MAX);
        let (newer, (at, id)) = cursor.beyond((last, Uuid::max()));
        let correlation = filter.correlation.map(|id| id.to_string());
        let bounds = (filter.from.unwrap_or(UnixTime::from_seconds(i64::MIN)), filter.before.unwrap_or(last));
        let values = values![
            tenant,
            bounds.0,
            bounds.1,
            filter.user,
            filter.client,
            filter.failed,
            filter.succeeded,
            correlation.as_deref(),
            pattern(&filter.name),
            at,
            id.to_string(),
            most,
        ];
        let rows = self.0.rows(if newer { NEWER } else { OLDER }, values).await?;
        let mut found = rows.iter().map(sign_in).collect::<Result<Vec<_>, _>>()?;
        if newer {
            found.reverse();
        }
        Ok(found)
    }
}

impl Audit<'_> {
    /// Appends an entry. `chain` gives its hash, from its place, the hash before it (empty for the first) and the record.
    pub async fn append(
        &self,
        (tenant, record): (Option<TenantId>, &str),
        now: UnixTime,
        chain: impl Fn(i64, &[u8], &str) -> Vec<u8> + Send,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*b"auditlog")).await?;
        let last = transaction.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &[]).await?;
        let (seq, before) = match last {
            Some(row) => (row.int(0)? + 1, row.blob(1)?),
            None => (1, Vec::new()),
        };
        let hash = chain(seq, &before, record);
        transaction
            .write(
                "INSERT INTO audit (seq, at, record, hash, tenant) VALUES ($1, $2, $3, $4, $5)",
                values![seq, now, record, hash.as_slice(), tenant],
            )
            .await?;
        transaction.commit().await
    }

    /// The place of the newest entry; 0 when there is none.
    pub async fn newest(&self) -> Result<i64, Error> {
        let row = self.0.row("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1", &[]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// The entries from place `from` on, at most `most`.
    pub async fn entries(&self, from: i64, most: u32) -> Result<Vec<AuditEntry>, Error> {
        let sql = "SELECT seq, at, record, hash, tenant FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2";
        self.0.rows(sql, values![from, most]).await?.iter().map(entry).collect()
    }

    /// A page of a tenant's entries, the newest first.
    pub async fn page_at(
        &self,
        tenant: TenantId,
        cursor: LogCursor<i64>,
        most: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        const OLDER: &str = "SELECT seq, at, record, hash, tenant FROM audit WHERE tenant = $1 AND seq < $2
                             ORDER BY seq DESC LIMIT $3";
        const NEWER: &str = "SELECT seq, at, record, hash, tenant FROM audit WHERE tenant = $1 AND seq > $2
                             ORDER BY seq LIMIT $3";
        let (newer, seq) = cursor.beyond(i64::MAX);
        let rows = self.0.rows(if newer { NEWER } else { OLDER }, values![tenant, seq, most]).await?;
        let mut found = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        if newer {
            found.reverse();
        }
        Ok(found)
    }
}

fn sign_in(row: &Row) -> Result<SignIn, Error> {
    // Entries of before the column have none.
    let correlation = row.text(10)?.parse().unwrap_or(Uuid::nil());
    Ok(SignIn {
        id: row.parse(0)?,
        correlation,
        at: row.time(1)?,
        tenant: row.optional_parse(2)?,
        user: row.optional_parse(3)?,
        upn: row.text(4)?,
        client: row.optional_parse(5)?,
        address: row.text(6)?,
        agent: row.text(7)?,
        methods: row.text(8)?,
        error: row.int(9)?,
    })
}

/// `id, at, tenant, user_id, upn, client, address, agent, methods, error, correlation`.
pub(super) fn columns(sign_in: &SignIn) -> [Value; 11] {
    [
        sign_in.id.to_string().into(),
        sign_in.at.into(),
        sign_in.tenant.into(),
        sign_in.user.into(),
        sign_in.upn.as_str().into(),
        sign_in.client.into(),
        sign_in.address.as_str().into(),
        sign_in.agent.as_str().into(),
        sign_in.methods.as_str().into(),
        sign_in.error.into(),
        sign_in.correlation.to_string().into(),
    ]
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        seq: row.int(0)?,
        at: row.time(1)?,
        record: row.text(2)?,
        hash: row.blob(3)?,
        tenant: row.optional_parse(4)?,
    })
}

impl Limits<'_> {
    /// Changes a counter as `change` says, which sees its state (`None`: fresh) and gives the next state, the time at which
    /// that is as good as fresh, and an answer. Two changes of one counter wait for each other, also across processes.
    pub async fn update<S, T>(
        &self,
        bucket: &str,
        now: UnixTime,
        change: impl FnOnce(Option<S>) -> (S, UnixTime, T) + Send,
    ) -> Result<T, Error>
    where
        S: Serialize + DeserializeOwned + Send,
        T: Send,
    {
        let name = Sha256::digest(bucket.as_bytes());
        let mut transaction = self.0.begin().await?;
        transaction.lock(i64::from_be_bytes(*name.first_chunk().unwrap_or(&[0; 8]))).await?;
        let row = transaction
            .row("SELECT state FROM limits WHERE bucket = $1 AND expires_at > $2", values![bucket, now])
            .await?;
        let state = row.map(|row| row.json(0)).transpose()?;
        let (state, expires_at, answer) = change(state);
        let state = serde_json::to_string(&state).map_err(|_| Error::Damaged)?;
        transaction
            .write(
                "INSERT INTO limits (bucket, state, expires_at) VALUES ($1, $2, $3)
                 ON CONFLICT (bucket) DO UPDATE SET state = $2, expires_at = $3",
                values![bucket, state, expires_at],
            )
            .await?;
        transaction.commit().await?;
        Ok(answer)
    }

    /// The state of a counter.
    pub async fn state<S: DeserializeOwned>(&self, bucket: &str, now: UnixTime) -> Result<Option<S>, Error> {
        let sql = "SELECT state FROM limits WHERE bucket = $1 AND expires_at > $2";
        self.0.row(sql, values![bucket, now]).await?.map(|row| row.json(0)).transpose()
    }
}
