//! Users.

use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use uuid::Uuid;

use super::{Error, NewPasskey, SessionId, SessionToken, passkeys, sessions, unless_unique};
use crate::clock::UnixTime;
use crate::names::{NameKey, UserName};

pub(crate) struct Users<'a>(pub(super) &'a SqlitePool);

impl Users<'_> {
    /// The user of that name.
    pub(crate) async fn find(&self, name: &NameKey) -> Result<Option<Uuid>, Error> {
        let row = sqlx::query("SELECT id FROM users WHERE name_key = ?")
            .bind(name.as_str())
            .fetch_optional(self.0)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Makes a user with a first passkey and signs it in, all or nothing.
    pub(crate) async fn register(
        &self,
        user: Uuid,
        name: &UserName,
        passkey: &NewPasskey,
        old_session: &SessionId,
        new_session: &SessionToken,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut transaction = self.0.begin().await?;
        sqlx::query("INSERT INTO users (id, name, name_key, created_at) VALUES (?, ?, ?, ?)")
            .bind(user)
            .bind(name.as_str())
            .bind(name.key().as_str())
            .bind(now.seconds())
            .execute(&mut *transaction)
            .await
            .map_err(|error| unless_unique(error, Error::NameTaken))?;
        passkeys::insert(&mut *transaction, user, passkey, now).await?;
        sessions::rotate(&mut transaction, old_session, Some(user), new_session, now).await?;
        transaction.commit().await?;
        Ok(())
    }
}
