//! Passkeys: public keys and what the account page shows of them.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row as _, SqliteExecutor};
use uuid::Uuid;
use webauthn_rs::prelude::Passkey;

use super::{Error, unless_unique};
use crate::clock::UnixTime;
use crate::names::PasskeyName;

/// A passkey that a verified registration brought.
#[derive(Debug)]
pub(crate) struct NewPasskey {
    pub(crate) passkey: Passkey,
    pub(crate) name: PasskeyName,
    pub(crate) aaguid: [u8; 16],
    pub(crate) signature_count: u32,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
}

/// A passkey of an account.
#[derive(Clone, Debug)]
pub(crate) struct StoredPasskey {
    pub(crate) id: i64,
    pub(crate) user: Uuid,
    pub(crate) passkey: Passkey,
    pub(crate) name: String,
    pub(crate) aaguid: [u8; 16],
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) created: UnixTime,
    pub(crate) last_used: Option<UnixTime>,
    pub(crate) counter_went_back: bool,
}

/// What a verified sign-in says about the passkey that made it.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) passkey: Passkey,
    pub(crate) signature_count: u32,
    pub(crate) backed_up: bool,
}

/// The answer to deleting a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    Deleted,
    NoSuchPasskey,
    /// Without it nobody could sign in to the account.
    OnlyOne,
}

pub(crate) struct Passkeys<'a>(pub(super) &'a SqlitePool);

impl Passkeys<'_> {
    /// All passkeys of a user, oldest first.
    pub(crate) async fn of(&self, user: Uuid) -> Result<Vec<StoredPasskey>, Error> {
        let rows = sqlx::query("SELECT * FROM passkeys WHERE user_id = ? ORDER BY id")
            .bind(user)
            .fetch_all(self.0)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The passkey with that credential ID.
    pub(crate) async fn find(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, Error> {
        let row = sqlx::query("SELECT * FROM passkeys WHERE credential_id = ?")
            .bind(credential_id)
            .fetch_optional(self.0)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds a passkey to an account.
    pub(crate) async fn add(&self, user: Uuid, passkey: &NewPasskey, now: UnixTime) -> Result<(), Error> {
        insert(self.0, user, passkey, now).await
    }

    /// Records a use. `false` when the signature counter did not go up, also if another sign-in was faster
    /// (WebAuthn L3 §7.2 step 22); both zero means that the authenticator does not count.
    pub(crate) async fn record_use(&self, id: i64, used: &Use, now: UnixTime) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE passkeys SET record = ?1, signature_count = ?2, backed_up = ?3, last_used_at = ?4
             WHERE id = ?5 AND (signature_count < ?2 OR (signature_count = 0 AND ?2 = 0))",
        )
        .bind(serde_json::to_string(&used.passkey)?)
        .bind(used.signature_count)
        .bind(used.backed_up)
        .bind(now.seconds())
        .bind(id)
        .execute(self.0)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Marks a passkey of which a copy may exist.
    pub(crate) async fn mark_counter_went_back(&self, id: i64, now: UnixTime) -> Result<(), Error> {
        sqlx::query("UPDATE passkeys SET counter_went_back_at = ? WHERE id = ?")
            .bind(now.seconds())
            .bind(id)
            .execute(self.0)
            .await?;
        Ok(())
    }

    /// Renames a passkey of `user`; `false` if there is none.
    pub(crate) async fn rename(&self, user: Uuid, id: i64, name: &PasskeyName) -> Result<bool, Error> {
        let done = sqlx::query("UPDATE passkeys SET name = ? WHERE id = ? AND user_id = ?")
            .bind(name.as_str())
            .bind(id)
            .bind(user)
            .execute(self.0)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes a passkey of `user`, never the only one: one statement counts and deletes, so two deletions at
    /// once cannot empty the account.
    pub(crate) async fn delete(&self, user: Uuid, id: i64) -> Result<Deletion, Error> {
        let done = sqlx::query(
            "DELETE FROM passkeys WHERE id = ?1 AND user_id = ?2
             AND (SELECT count(*) FROM passkeys WHERE user_id = ?2) > 1",
        )
        .bind(id)
        .bind(user)
        .execute(self.0)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(Deletion::Deleted);
        }
        let left = sqlx::query("SELECT 1 FROM passkeys WHERE id = ? AND user_id = ?")
            .bind(id)
            .bind(user)
            .fetch_optional(self.0)
            .await?;
        Ok(if left.is_some() { Deletion::OnlyOne } else { Deletion::NoSuchPasskey })
    }
}

pub(super) async fn insert(
    executor: impl SqliteExecutor<'_>,
    user: Uuid,
    new: &NewPasskey,
    now: UnixTime,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO passkeys (user_id, credential_id, record, name, aaguid, signature_count, backup_eligible,
                               backed_up, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(user)
    .bind(new.passkey.cred_id().as_slice())
    .bind(serde_json::to_string(&new.passkey)?)
    .bind(new.name.as_str())
    .bind(new.aaguid.as_slice())
    .bind(new.signature_count)
    .bind(new.backup_eligible)
    .bind(new.backed_up)
    .bind(now.seconds())
    .execute(executor)
    .await
    .map_err(|error| unless_unique(error, Error::PasskeyExists))?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<StoredPasskey, Error> {
    let aaguid: Vec<u8> = row.try_get("aaguid")?;
    let last_used: Option<i64> = row.try_get("last_used_at")?;
    let counter_went_back: Option<i64> = row.try_get("counter_went_back_at")?;
    Ok(StoredPasskey {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        passkey: serde_json::from_str(row.try_get("record")?)?,
        name: row.try_get("name")?,
        aaguid: aaguid.try_into().unwrap_or([0; 16]),
        backup_eligible: row.try_get("backup_eligible")?,
        backed_up: row.try_get("backed_up")?,
        created: UnixTime::from_seconds(row.try_get("created_at")?),
        last_used: last_used.map(UnixTime::from_seconds),
        counter_went_back: counter_went_back.is_some(),
    })
}
