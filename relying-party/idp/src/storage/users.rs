//! Users and their passwords' hashes.

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::domain::{TenantId, User, UserId};

/// The columns of a [`User`], of the table alias `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.tenant, u.upn, u.display_name, u.given_name, u.family_name, u.email, u.enabled, u.administrator, \
         u.sessions_valid_from, u.created_at"
    };
}
pub(super) use user_columns;
/// How many they are.
pub(super) const USER_COLUMNS: usize = 11;

/// A user who is to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user; `enabled` and the times as they are to be.
    pub user: User,
    /// The password's hash, a PHC string.
    pub password: Option<String>,
}

/// Users.
pub struct Users<'a>(pub(super) &'a Pool);

impl Users<'_> {
    /// Makes a user; [`Error::Taken`] if another has this UPN.
    pub async fn create(&self, new: &NewUser) -> Result<(), Error> {
        let user = &new.user;
        self.0
            .write(
                "INSERT INTO users (id, tenant, upn, upn_key, display_name, given_name, family_name, email, enabled,
                                    administrator, password, password_changed_at, sessions_valid_from, created_at, search)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                values![
                    user.id,
                    user.tenant,
                    user.upn.as_str(),
                    key(&user.upn),
                    user.display_name.as_str(),
                    user.given_name.as_deref(),
                    user.family_name.as_deref(),
                    user.email.as_deref(),
                    user.enabled,
                    user.administrator,
                    new.password.as_deref(),
                    new.password.as_ref().map(|_| user.created_at),
                    user.sessions_valid_from,
                    user.created_at,
                    search_text(user),
                ],
            )
            .await
            .map(drop)
    }

    /// The user with this object ID.
    pub async fn find(&self, id: UserId) -> Result<Option<User>, Error> {
        const SQL: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
        self.0.row(SQL, values![id]).await?.map(|row| user(&row, 0)).transpose()
    }

    /// The user with this UPN in any tenant, and the password's hash.
    pub async fn by_upn(&self, upn: &str) -> Result<Option<(User, Option<String>)>, Error> {
        const SQL: &str =
            concat!("SELECT ", user_columns!(), ", u.password FROM users u WHERE u.upn_key = $1");
        let row = self.0.row(SQL, values![key(upn)]).await?;
        row.map(|row| Ok((user(&row, 0)?, row.optional_text(USER_COLUMNS)?))).transpose()
    }

    /// A page of a tenant's users whose UPN comes after `after`, by UPN.
    pub async fn page(&self, tenant: TenantId, after: &str, most: u32) -> Result<Vec<User>, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.tenant = $1 AND u.upn_key > $2 ORDER BY u.upn_key LIMIT $3"
        );
        let rows = self.0.rows(SQL, values![tenant, key(after), most]).await?;
        rows.iter().map(|row| user(row, 0)).collect()
    }

    /// Sets a password; every earlier sign-in ends.
    pub async fn set_password(&self, id: UserId, hash: &str, now: UnixTime) -> Result<(), Error> {
        self.0
            .write(
                "UPDATE users SET password = $2, password_changed_at = $3, sessions_valid_from = $3,
                                  password_must_change = 0 WHERE id = $1",
                values![id, hash, now],
            )
            .await
            .map(drop)
    }

    /// Replaces a hash by one of the same password with other costs.
    pub async fn rehash_password(&self, id: UserId, old: &str, new: &str) -> Result<(), Error> {
        self.0
            .write("UPDATE users SET password = $3 WHERE id = $1 AND password = $2", values![id, old, new])
            .await
            .map(drop)
    }

    /// Lets a user sign in, or no longer. Who is disabled has no valid sign-in either.
    pub async fn set_enabled(&self, id: UserId, enabled: bool, now: UnixTime) -> Result<(), Error> {
        self.0
            .write(
                "UPDATE users SET enabled = $2, sessions_valid_from = $3 WHERE id = $1",
                values![id, enabled, now],
            )
            .await
            .map(drop)
    }

    /// Ends every sign-in so far (`revokeSignInSessions`).
    pub async fn revoke_sessions(&self, id: UserId, now: UnixTime) -> Result<(), Error> {
        self.0
            .write("UPDATE users SET sessions_valid_from = $2 WHERE id = $1", values![id, now])
            .await
            .map(drop)
    }
}

/// How UPNs are compared.
pub(super) fn key(upn: &str) -> String {
    upn.trim().to_lowercase()
}

/// What users are searched by.
pub(super) fn search_text(user: &User) -> String {
    format!("{} {}", key(&user.upn), user.display_name.to_lowercase())
}

/// Reads a [`User`] from `row`, whose columns begin at `at`.
pub(super) fn user(row: &Row, at: usize) -> Result<User, Error> {
    Ok(User {
        id: row.parse(at)?,
        tenant: row.parse(at + 1)?,
        upn: row.text(at + 2)?,
        display_name: row.text(at + 3)?,
        given_name: row.optional_text(at + 4)?,
        family_name: row.optional_text(at + 5)?,
        email: row.optional_text(at + 6)?,
        enabled: row.flag(at + 7)?,
        administrator: row.flag(at + 8)?,
        sessions_valid_from: row.time(at + 9)?,
        created_at: row.time(at + 10)?,
    })
}
