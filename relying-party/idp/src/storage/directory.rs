//! What administrators see of users and change about them.

use uuid::Uuid;

use super::Error;
use super::database::{Gathered, Row, Transaction, values};
use super::users::{USER_COLUMNS, Users, key, search_text, user, user_columns};
use crate::clock::UnixTime;
use crate::domain::{TenantId, User, UserId};

/// A user as the list shows them.
#[derive(Clone, Debug)]
pub struct UserSummary {
    /// The user.
    pub user: User,
    /// What they can sign in with.
    pub methods: MethodCounts,
    /// When they last did.
    pub last_sign_in: Option<UnixTime>,
}

/// How many methods of each kind a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodCounts {
    /// Passkeys.
    pub passkeys: i64,
    /// Authenticator apps.
    pub apps: i64,
    /// Whether there is a password.
    pub password: bool,
    /// Whether there is a Temporary Access Pass that still works.
    pub pass: bool,
}

/// What a sign-in must know of an account at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether there are passkeys.
    pub passkeys: bool,
    /// Whether there are authenticator apps.
    pub apps: bool,
    /// Whether there is a password that must be changed.
    pub given_password: bool,
}

/// How far methods reach: the last administrator must not fall to a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    OneFactor,
    TwoFactors,
}

impl MethodCounts {
    fn reach(self) -> Reach {
        if self.passkeys > 0 || (self.password && self.apps > 0) {
            Reach::TwoFactors
        } else if self.password || self.pass {
            Reach::OneFactor
        } else {
            Reach::Nothing
        }
    }
}

/// Where a page of users begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserCursor {
    /// At the beginning.
    #[default]
    Start,
    /// With the first user name after this one.
    After(String),
    /// So that it ends with the last user name before this one.
    Before(String),
}

/// What must leave a tenant at least one administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The user may no longer sign in.
    Disable,
    /// The user is no administrator any more.
    Demote,
    /// The user goes, with all that is theirs.
    Delete,
}

/// What became of a method that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodRemoval {
    /// It is gone.
    Removed(MethodKind),
    /// The user has no such method.
    Missing,
    /// It is what the tenant's last administrator signs in with.
    LastOfAdministrator,
}

/// The kinds of methods that can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// A passkey.
    Passkey,
    /// An authenticator app.
    App,
    /// A Temporary Access Pass.
    Pass,
}

macro_rules! summary_columns {
    () => {
        concat!(
            user_columns!(),
            ", (SELECT COUNT(*) FROM passkeys p WHERE p.user_id = u.id),
               (SELECT COUNT(*) FROM totp t WHERE t.user_id = u.id),
               CAST(CASE WHEN u.password IS NULL THEN 0 ELSE 1 END AS BIGINT),
               (SELECT COUNT(*) FROM passes a WHERE a.user_id = u.id AND a.expires_at > $1
                                                AND (a.once = 0 OR a.used_at IS NULL)),
               (SELECT MAX(l.at) FROM sign_in_log l WHERE l.user_id = u.id AND l.error = 0)"
        )
    };
}

impl Users<'_> {
    /// A page of a tenant's users in whose names `text` occurs, by user name.
    pub async fn search(
        &self,
        (tenant, text): (TenantId, &str),
        cursor: &UserCursor,
        most: u32,
        now: UnixTime,
    ) -> Result<Vec<UserSummary>, Error> {
        const AFTER: &str = concat!(
            "SELECT ",
            summary_columns!(),
            " FROM users u WHERE u.tenant = $2 AND u.search LIKE $3 ESCAPE '!' AND u.upn_key > $4
              ORDER BY u.upn_key LIMIT $5"
        );
        const BEFORE: &str = concat!(
            "SELECT ",
            summary_columns!(),
            " FROM users u WHERE u.tenant = $2 AND u.search LIKE $3 ESCAPE '!' AND u.upn_key < $4
              ORDER BY u.upn_key DESC LIMIT $5"
        );
        let (sql, from) = match cursor {
            UserCursor::Start => (AFTER, ""),
            UserCursor::After(name) => (AFTER, name.as_str()),
            UserCursor::Before(name) => (BEFORE, name.as_str()),
        };
        let rows = self.0.rows(sql, values![now, tenant, pattern(text), key(from), most]).await?;
        let mut found = rows.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
        if matches!(cursor, UserCursor::Before(_)) {
            found.reverse();
        }
        Ok(found)
    }

    /// How many of a tenant's users have `text` in their names.
    pub async fn count(&self, tenant: TenantId, text: &str) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM users WHERE tenant = $1 AND search LIKE $2 ESCAPE '!'";
        let row = self.0.row(sql, values![tenant, pattern(text)]).await?.ok_or(Error::Damaged)?;
        u64::try_from(row.int(0)?).map_err(|_| Error::Damaged)
    }

    /// One user as the list shows them.
    pub async fn summary(&self, id: UserId, now: UnixTime) -> Result<Option<UserSummary>, Error> {
        const SQL: &str = concat!("SELECT ", summary_columns!(), " FROM users u WHERE u.id = $2");
        self.0.row(SQL, values![now, id]).await?.map(|row| summary(&row)).transpose()
    }

    /// Changes the names of a user.
    pub async fn rename(&self, user: &User) -> Result<(), Error> {
        self.0
            .write(
                "UPDATE users SET display_name = $2, given_name = $3, family_name = $4, email = $5, search = $6
                 WHERE id = $1",
                values![
                    user.id,
                    user.display_name.as_str(),
                    user.given_name.as_deref(),
                    user.family_name.as_deref(),
                    user.email.as_deref(),
                    search_text(user),
                ],
            )
            .await
            .map(drop)
    }

    /// Lets a user look after the tenant.
    pub async fn promote(&self, id: UserId) -> Result<(), Error> {
        self.0.write("UPDATE users SET administrator = 1 WHERE id = $1", values![id]).await.map(drop)
    }

    /// Takes a user out of service; not the last enabled administrator of a tenant. Whether it was done.
    pub async fn take_out(&self, id: UserId, how: Removal, now: UnixTime) -> Result<bool, Error> {
        let mut transaction = self.0.begin().await?;
        if is_last_administrator(&mut transaction, id).await? {
            return Ok(false);
        }
        let change = match how {
            Removal::Disable => "UPDATE users SET enabled = 0, sessions_valid_from = $2 WHERE id = $1",
            Removal::Demote => "UPDATE users SET administrator = 0, sessions_valid_from = $2 WHERE id = $1",
            Removal::Delete => return delete(transaction, id).await,
        };
        transaction.write(change, values![id, now]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Removes a method of a user, unless the last administrator could no longer sign in as strongly as before.
    pub async fn remove_method(&self, user: UserId, id: Uuid, now: UnixTime) -> Result<MethodRemoval, Error> {
        const SQL: &str = concat!("SELECT ", summary_columns!(), " FROM users u WHERE u.id = $2");
        let mut transaction = self.0.begin().await?;
        let last = is_last_administrator(&mut transaction, user).await?;
        let before = match transaction.row(SQL, values![now, user]).await? {
            Some(row) => summary(&row)?.methods,
            None => return Ok(MethodRemoval::Missing),
        };
        for (kind, sql) in [
            (MethodKind::Passkey, "DELETE FROM passkeys WHERE user_id = $1 AND id = $2"),
            (MethodKind::App, "DELETE FROM totp WHERE user_id = $1 AND id = $2"),
            (MethodKind::Pass, "DELETE FROM passes WHERE user_id = $1 AND id = $2"),
        ] {
            if transaction.write(sql, values![user, id.to_string()]).await? == 0 {
                continue;
            }
            let after = transaction.row(SQL, values![now, user]).await?.ok_or(Error::Damaged)?;
            if last && summary(&after)?.methods.reach() < before.reach() {
                return Ok(MethodRemoval::LastOfAdministrator);
            }
            transaction.commit().await?;
            return Ok(MethodRemoval::Removed(kind));
        }
        Ok(MethodRemoval::Missing)
    }

    /// Sets a password that is good for one sign-in, at which another one is chosen. Every earlier sign-in ends.
    pub async fn set_temporary_password(&self, id: UserId, hash: &str, now: UnixTime) -> Result<(), Error> {
        self.0
            .write(
                "UPDATE users SET password = $2, password_changed_at = $3, sessions_valid_from = $3,
                                  password_must_change = 1 WHERE id = $1",
                values![id, hash, now],
            )
            .await
            .map(drop)
    }

    /// When the password was set, and whether it must be changed; `None` if there is none.
    pub async fn password_state(&self, id: UserId) -> Result<Option<(UnixTime, bool)>, Error> {
        let sql = "SELECT COALESCE(password_changed_at, created_at), password_must_change FROM users
                   WHERE id = $1 AND password IS NOT NULL";
        self.0.row(sql, values![id]).await?.map(|row| Ok((row.time(0)?, row.flag(1)?))).transpose()
    }

    /// What an account holds; nothing where there is none.
    pub async fn held(&self, id: UserId) -> Result<Held, Error> {
        let row = self.0.gathered(&HELD, values![id]).await?.ok_or(Error::Damaged)?;
        Ok(Held { passkeys: row.flag(1)?, apps: row.flag(2)?, given_password: row.flag(3)? })
    }

    /// Makes each link worthless that a user was invited with.
    pub async fn withdraw_invitations(&self, id: UserId) -> Result<(), Error> {
        self.0.write("DELETE FROM invitations WHERE user_id = $1", values![id]).await.map(drop)
    }
}

macro_rules! held {
    () => {
        "a.n, (SELECT COUNT(*) FROM passkeys WHERE user_id = a.id),
                (SELECT COUNT(*) FROM totp WHERE user_id = a.id),
                (SELECT COUNT(*) FROM users WHERE id = a.id AND password IS NOT NULL AND password_must_change <> 0)"
    };
}

/// Whether users have passkeys, authenticator apps, and a password that must be changed.
static HELD: Gathered = Gathered {
    name: "held by an account",
    by_writer: false,
    sqlite: concat!(
        "WITH asked AS (SELECT key AS n, value ->> 0 AS id FROM json_each($1)) SELECT json_group_array(json_array(",
        held!(),
        ")) FROM asked a"
    ),
    postgres: concat!(
        "WITH asked AS (
            SELECT n - 1 AS n, e ->> 0 AS id FROM json_array_elements($1::json) WITH ORDINALITY AS j (e, n)
         ) SELECT ",
        held!(),
        " FROM asked a"
    ),
};

async fn delete(mut transaction: Transaction, id: UserId) -> Result<bool, Error> {
    for sql in [
        // The first two name the user as text, so nothing else deletes them.
        "DELETE FROM consents WHERE user_id = $1",
        "DELETE FROM assignments WHERE principal = $1",
        "DELETE FROM users WHERE id = $1",
    ] {
        transaction.write(sql, values![id]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Whether nobody else who is enabled looks after the tenant. Other transactions that ask the same wait until this one ends.
async fn is_last_administrator(transaction: &mut Transaction, id: UserId) -> Result<bool, Error> {
    transaction.lock(i64::from_be_bytes(*b"lastadmn")).await?;
    let row = transaction
        .row(
            "SELECT u.id FROM users u WHERE u.id = $1 AND u.enabled = 1 AND u.administrator = 1 AND NOT EXISTS
                 (SELECT o.id FROM users o
                  WHERE o.tenant = u.tenant AND o.id <> u.id AND o.enabled = 1 AND o.administrator = 1)",
            values![id],
        )
        .await?;
    Ok(row.is_some())
}

/// What `LIKE … ESCAPE '!'` finds the text with, wherever it stands.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.trim().to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn summary(row: &Row) -> Result<UserSummary, Error> {
    Ok(UserSummary {
        user: user(row, 0)?,
        methods: MethodCounts {
            passkeys: row.int(USER_COLUMNS)?,
            apps: row.int(USER_COLUMNS + 1)?,
            password: row.flag(USER_COLUMNS + 2)?,
            pass: row.flag(USER_COLUMNS + 3)?,
        },
        last_sign_in: row.optional_time(USER_COLUMNS + 4)?,
    })
}
