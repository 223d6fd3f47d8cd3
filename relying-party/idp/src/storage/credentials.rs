//! What users sign in with, beside passwords: passkeys, TOTP seeds, Temporary Access Passes.

use uuid::Uuid;

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::domain::UserId;

/// A passkey that is to be stored.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// Its name in our own pages and API.
    pub id: Uuid,
    /// The user.
    pub user: UserId,
    /// The credential ID (WebAuthn L3 §4).
    pub credential_id: Vec<u8>,
    /// The WebAuthn library's record, JSON.
    pub record: String,
    /// What the user calls it.
    pub name: String,
    /// The authenticator's model.
    pub aaguid: Uuid,
    /// What the verification of its attestation said.
    pub attestation: String,
    /// The signature counter.
    pub signature_count: u32,
    /// Whether it may be copied between devices; never changes (WebAuthn L3 §6.1.3).
    pub backup_eligible: bool,
    /// Whether it is copied now.
    pub backed_up: bool,
}

/// A stored passkey.
#[derive(Clone, Debug)]
pub struct StoredPasskey {
    /// As it was stored, with what its uses changed.
    pub passkey: NewPasskey,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When it last signed in.
    pub last_used_at: Option<UnixTime>,
    /// When its signature counter went back: a copy of it may exist.
    pub suspected_at: Option<UnixTime>,
}

/// The columns of a [`StoredPasskey`].
macro_rules! passkey_columns {
    () => {
        "id, user_id, credential_id, record, name, aaguid, attestation, signature_count, backup_eligible, \
         backed_up, created_at, last_used_at, suspected_at"
    };
}

/// A stored TOTP seed.
#[derive(Clone, Debug)]
pub struct StoredTotp {
    /// Its name in our own pages and API.
    pub id: Uuid,
    /// The user.
    pub user: UserId,
    /// What the user calls the app.
    pub name: String,
    /// The sealed seed.
    pub sealed: Vec<u8>,
    /// The last time step that was accepted.
    pub last_step: i64,
    /// When it was enrolled.
    pub created_at: UnixTime,
    /// When it was last used.
    pub last_used_at: Option<UnixTime>,
}

/// What became of a TOTP code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpUse {
    /// Its step is the newest so far, and is used up.
    Accepted,
    /// This step or a later one was used before (RFC 6238 §5.2).
    Replayed,
}

/// A stored Temporary Access Pass.
#[derive(Clone, Debug)]
pub struct StoredPass {
    /// Its name in our own pages and API.
    pub id: Uuid,
    /// The user.
    pub user: UserId,
    /// What it is verified with.
    pub verifier: String,
    /// Whether it is good for one use.
    pub once: bool,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was first used.
    pub used_at: Option<UnixTime>,
}

/// Passkeys.
pub struct Passkeys<'a>(pub(super) &'a Pool);
/// TOTP seeds.
pub struct Totps<'a>(pub(super) &'a Pool);
/// Temporary Access Passes.
pub struct Passes<'a>(pub(super) &'a Pool);

impl Passkeys<'_> {
    /// Stores a passkey; [`Error::Taken`] if its credential ID is registered, by whomever.
    pub async fn add(&self, new: &NewPasskey, now: UnixTime) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO passkeys (id, user_id, credential_id, record, name, aaguid, attestation, signature_count,
                                       backup_eligible, backed_up, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                values![
                    new.id.to_string(),
                    new.user,
                    new.credential_id.as_slice(),
                    new.record.as_str(),
                    new.name.as_str(),
                    new.aaguid.to_string(),
                    new.attestation.as_str(),
                    new.signature_count,
                    new.backup_eligible,
                    new.backed_up,
                    now,
                ],
            )
            .await
            .map(drop)
    }

    /// The passkey with this credential ID.
    pub async fn by_credential_id(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, Error> {
        const SQL: &str = concat!("SELECT ", passkey_columns!(), " FROM passkeys WHERE credential_id = $1");
        self.0.row(SQL, values![credential_id]).await?.map(|row| passkey(&row)).transpose()
    }

    /// A user's passkeys, the oldest first.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<StoredPasskey>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            passkey_columns!(),
            " FROM passkeys WHERE user_id = $1 ORDER BY created_at, id"
        );
        self.0.rows(SQL, values![user]).await?.iter().map(passkey).collect()
    }

    /// Notes a sign-in: the record and the counter that it left. The counter must have grown, unless both are zero
    /// (WebAuthn L3 §7.2 step 22). Whether it had. `backed_up` is what the authenticator says now.
    pub async fn used(
        &self,
        id: Uuid,
        record: &str,
        (count, backed_up): (u32, bool),
        now: UnixTime,
    ) -> Result<bool, Error> {
        let grown = self
            .0
            .write(
                "UPDATE passkeys SET record = $2, signature_count = $3, last_used_at = $4, backed_up = $5
                 WHERE id = $1 AND (signature_count < $3 OR (signature_count = 0 AND $3 = 0))",
                values![id.to_string(), record, count, now, backed_up],
            )
            .await?;
        Ok(grown > 0)
    }

    /// Notes that a passkey's signature counter went back.
    pub async fn suspect(&self, id: Uuid, now: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE passkeys SET suspected_at = $2 WHERE id = $1";
        self.0.write(sql, values![id.to_string(), now]).await.map(drop)
    }

    /// Renames a user's passkey. Whether there was one.
    pub async fn rename(&self, user: UserId, id: Uuid, name: &str) -> Result<bool, Error> {
        let sql = "UPDATE passkeys SET name = $3 WHERE user_id = $1 AND id = $2";
        Ok(self.0.write(sql, values![user, id.to_string(), name]).await? > 0)
    }

    /// Removes a user's passkey. Whether there was one.
    pub async fn remove(&self, user: UserId, id: Uuid) -> Result<bool, Error> {
        let sql = "DELETE FROM passkeys WHERE user_id = $1 AND id = $2";
        Ok(self.0.write(sql, values![user, id.to_string()]).await? > 0)
    }
}

impl Totps<'_> {
    /// Stores a seed. The step of the code that proved the enrolment is used up.
    pub async fn add(&self, totp: &StoredTotp) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO totp (id, user_id, name, sealed, last_step, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
                values![
                    totp.id.to_string(),
                    totp.user,
                    totp.name.as_str(),
                    totp.sealed.as_slice(),
                    totp.last_step,
                    totp.created_at,
                ],
            )
            .await
            .map(drop)
    }

    /// A user's seeds, the oldest first.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<StoredTotp>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT id, user_id, name, sealed, last_step, created_at, last_used_at FROM totp
                 WHERE user_id = $1 ORDER BY created_at, id",
                values![user],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredTotp {
                    id: row.parse(0)?,
                    user: row.parse(1)?,
                    name: row.text(2)?,
                    sealed: row.blob(3)?,
                    last_step: row.int(4)?,
                    created_at: row.time(5)?,
                    last_used_at: row.optional_time(6)?,
                })
            })
            .collect()
    }

    /// Uses the time step of a correct code up: of two at once one is accepted.
    pub async fn use_step(&self, id: Uuid, step: i64, now: UnixTime) -> Result<TotpUse, Error> {
        let sql = "UPDATE totp SET last_step = $2, last_used_at = $3 WHERE id = $1 AND last_step < $2";
        let accepted = self.0.write(sql, values![id.to_string(), step, now]).await? > 0;
        Ok(if accepted { TotpUse::Accepted } else { TotpUse::Replayed })
    }

    /// Removes a user's seed. Whether there was one.
    pub async fn remove(&self, user: UserId, id: Uuid) -> Result<bool, Error> {
        let sql = "DELETE FROM totp WHERE user_id = $1 AND id = $2";
        Ok(self.0.write(sql, values![user, id.to_string()]).await? > 0)
    }
}

impl Passes<'_> {
    /// Stores a pass in place of the user's earlier ones.
    pub async fn add(&self, pass: &StoredPass) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        transaction.write("DELETE FROM passes WHERE user_id = $1", values![pass.user]).await?;
        transaction
            .write(
                "INSERT INTO passes (id, user_id, verifier, once, starts_at, expires_at, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                values![
                    pass.id.to_string(),
                    pass.user,
                    pass.verifier.as_str(),
                    pass.once,
                    pass.starts_at,
                    pass.expires_at,
                    pass.created_at,
                ],
            )
            .await?;
        transaction.commit().await
    }

    /// The user's pass.
    pub async fn of_user(&self, user: UserId) -> Result<Option<StoredPass>, Error> {
        let sql = "SELECT id, user_id, verifier, once, starts_at, expires_at, created_at, used_at FROM passes
                   WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1";
        let Some(row) = self.0.row(sql, values![user]).await? else { return Ok(None) };
        Ok(Some(StoredPass {
            id: row.parse(0)?,
            user: row.parse(1)?,
            verifier: row.text(2)?,
            once: row.flag(3)?,
            starts_at: row.time(4)?,
            expires_at: row.time(5)?,
            created_at: row.time(6)?,
            used_at: row.optional_time(7)?,
        }))
    }

    /// Uses a pass whose secret was right: within its time, and a one-time pass once. Whether it may be used.
    pub async fn use_up(&self, id: Uuid, now: UnixTime) -> Result<bool, Error> {
        let sql = "UPDATE passes SET used_at = $2 WHERE id = $1 AND (once = 0 OR used_at IS NULL)
                   AND starts_at <= $2 AND expires_at > $2";
        Ok(self.0.write(sql, values![id.to_string(), now]).await? > 0)
    }

    /// Removes a user's pass. Whether there was one.
    pub async fn remove(&self, user: UserId) -> Result<bool, Error> {
        Ok(self.0.write("DELETE FROM passes WHERE user_id = $1", values![user]).await? > 0)
    }
}

fn passkey(row: &Row) -> Result<StoredPasskey, Error> {
    Ok(StoredPasskey {
        passkey: NewPasskey {
            id: row.parse(0)?,
            user: row.parse(1)?,
            credential_id: row.blob(2)?,
            record: row.text(3)?,
            name: row.text(4)?,
            aaguid: row.parse(5)?,
            attestation: row.text(6)?,
            signature_count: u32::try_from(row.int(7)?).map_err(|_| Error::Damaged)?,
            backup_eligible: row.flag(8)?,
            backed_up: row.flag(9)?,
        },
        created_at: row.time(10)?,
        last_used_at: row.optional_time(11)?,
        suspected_at: row.optional_time(12)?,
    })
}
