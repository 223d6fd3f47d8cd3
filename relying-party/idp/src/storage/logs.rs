//! What happened: sign-ins, the chained audit log, and counters that survive a restart.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Error;
use super::database::{Pool, values};
use crate::clock::UnixTime;
use crate::domain::{ClientId, TenantId, UserId};

/// A sign-in, or a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Its name in our own pages: the correlation ID of the request.
    pub id: Uuid,
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
    /// Failed ones only.
    pub failed: bool,
    /// Earlier than this.
    pub before: Option<UnixTime>,
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
                "INSERT INTO sign_in_log (id, at, tenant, user_id, upn, client, address, agent, methods, error)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                values![
                    sign_in.id.to_string(),
                    sign_in.at,
                    sign_in.tenant,
                    sign_in.user,
                    sign_in.upn.as_str(),
                    sign_in.client,
                    sign_in.address.as_str(),
                    sign_in.agent.as_str(),
                    sign_in.methods.as_str(),
                    sign_in.error,
                ],
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
        let before = filter.before.unwrap_or(UnixTime::from_seconds(i64::MAX));
        let rows = self
            .0
            .rows(
                "SELECT id, at, tenant, user_id, upn, client, address, agent, methods, error FROM sign_in_log
                 WHERE tenant = $1 AND at < $2 AND (user_id = $3 OR $3 IS NULL) AND (error <> 0 OR $4 = 0)
                 ORDER BY at DESC, id LIMIT $5",
                values![tenant, before, filter.user, filter.failed, most],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SignIn {
                    id: row.parse(0)?,
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
            })
            .collect()
    }
}

impl Audit<'_> {
    /// Appends an entry. `chain` gives its hash, from its place, the hash before it (empty for the first) and the record.
    pub async fn append(
        &self,
        record: &str,
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
                "INSERT INTO audit (seq, at, record, hash) VALUES ($1, $2, $3, $4)",
                values![seq, now, record, hash.as_slice()],
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
        let sql = "SELECT seq, at, record, hash FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2";
        let rows = self.0.rows(sql, values![from, most]).await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    seq: row.int(0)?,
                    at: row.time(1)?,
                    record: row.text(2)?,
                    hash: row.blob(3)?,
                })
            })
            .collect()
    }
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
