//! What users sign in with, beside what they add themselves.

use std::time::Duration;

use uuid::Uuid;

use super::{Administrator, Refused};
use crate::access_pass::{PassCode, PassOptions};
use crate::clock::UnixTime;
use crate::domain::{User, UserId};
use crate::password::Password;
use crate::provider::Provider;
use crate::sign_in::{self, EnrolError};
use crate::storage::{MethodKind, MethodRemoval, StoredPass, StoredPasskey, StoredTotp};

/// A temporary password: like a pass, and long enough that it cannot be guessed.
const PASSWORD_LENGTH: usize = 16;
const SHORTEST_PASSWORD: usize = 8;

/// What a user can sign in with.
#[derive(Clone, Debug)]
pub struct Methods {
    /// Passkeys, the oldest first.
    pub passkeys: Vec<StoredPasskey>,
    /// When the password was set and whether it must be changed, if there is one.
    pub password: Option<(UnixTime, bool)>,
    /// Authenticator apps, the oldest first.
    pub apps: Vec<StoredTotp>,
    /// The Temporary Access Pass, if one still works.
    pub pass: Option<StoredPass>,
    /// Until when wrong passwords have locked the account for places that it does not know.
    pub locked_until: Option<UnixTime>,
}

/// A pass, for the administrator's eyes, once.
#[derive(Debug)]
pub struct IssuedPass {
    /// The code.
    pub code: PassCode,
    /// The pass as it is stored.
    pub pass: StoredPass,
}

impl Methods {
    /// What this user can sign in with. Whoever asks has found the user where they may.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(provider: &Provider, user: &User) -> Result<Self, Refused> {
        let (database, now) = (&provider.database, provider.now());
        let pass = database.passes().of_user(user.id).await?;
        Ok(Self {
            passkeys: database.passkeys().of_user(user.id).await?,
            password: database.users().password_state(user.id).await?,
            apps: database.totp().of_user(user.id).await?,
            pass: pass.filter(|pass| pass.expires_at > now && !(pass.once && pass.used_at.is_some())),
            locked_until: sign_in::password_locked_until(provider, user).await?,
        })
    }
}

/// Whether this can be a user's password.
///
/// # Errors
/// When it is too short or too long.
pub fn check_password(password: &str) -> Result<(), Refused> {
    new_password(password).map(drop)
}

fn new_password(password: &str) -> Result<Password, Refused> {
    Ok(Password::parse_new(password, SHORTEST_PASSWORD).map_err(EnrolError::from)?)
}

impl Administrator<'_> {
    /// Gives a user this password; `once`: it is good for one sign-in, at which another one is chosen. Every earlier sign-in
    /// ends.
    ///
    /// # Errors
    /// When there is no such user, it cannot be a password, or it cannot be hashed now.
    pub async fn set_password(&self, id: UserId, password: &str, once: bool) -> Result<(), Refused> {
        self.find_user(id).await?;
        let hash = sign_in::hashed(self.provider, new_password(password)?).await?;
        let users = self.provider.database.users();
        if once {
            users.set_temporary_password(id, &hash, self.now()).await?;
        } else {
            users.set_password(id, &hash, self.now()).await?;
        }
        self.end_sign_ins(id).await?;
        self.record("user.password_set", id, [("once", once.to_string())]).await
    }

    /// What a user can sign in with.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn methods(&self, id: UserId) -> Result<Methods, Refused> {
        Methods::of(self.provider, &self.find_user(id).await?).await
    }

    /// Removes a passkey, an authenticator app or a pass of a user.
    ///
    /// # Errors
    /// When there is no such user or method, or the only administrator signs in with it.
    pub async fn remove_method(&self, id: UserId, method: Uuid) -> Result<MethodKind, Refused> {
        self.find_user(id).await?;
        let kind = match self.provider.database.users().remove_method(id, method, self.now()).await? {
            MethodRemoval::Removed(kind) => kind,
            MethodRemoval::Missing => return Err(Refused::NotFound("method")),
            MethodRemoval::LastOfAdministrator => return Err(Refused::LastMethod),
        };
        let action = match kind {
            MethodKind::Passkey => "passkey.removed",
            MethodKind::App => "totp.removed",
            MethodKind::Pass => "pass.removed",
        };
        self.record(action, id, [("method", method.to_string())]).await?;
        Ok(kind)
    }

    /// Makes a Temporary Access Pass in place of an earlier one.
    ///
    /// # Errors
    /// When there is no such user, the pass would live longer than the tenant allows, or it cannot be hashed now.
    pub async fn issue_pass(&self, id: UserId, options: &PassOptions) -> Result<IssuedPass, Refused> {
        self.find_user(id).await?;
        let most = self.tenant().await?.policy.pass_max_minutes;
        if options.lifetime > Duration::from_mins(most.into()) {
            return Err(Refused::Invalid(format!("A pass lasts at most {most} minutes in this tenant.")));
        }
        let code = sign_in::issue_pass(self.provider, id, options).await?;
        let pass = self.provider.database.passes().of_user(id).await?.ok_or(Refused::NotFound("pass"))?;
        let detail = [("until", pass.expires_at.to_text()), ("once", pass.once.to_string())];
        self.record("pass.issued", id, detail).await?;
        Ok(IssuedPass { code, pass })
    }

    /// Gives a user a password that is good for one sign-in, at which another one is chosen. Every earlier sign-in ends.
    ///
    /// # Errors
    /// When there is no such user, or it cannot be hashed now.
    pub async fn reset_password(&self, id: UserId) -> Result<PassCode, Refused> {
        self.find_user(id).await?;
        let options = PassOptions { length: PASSWORD_LENGTH, ..PassOptions::default() };
        let code = self.provider.draw(|rng| PassCode::random(&options, rng))?;
        let password = code.to_password().map_err(sign_in::EnrolError::from)?;
        let hash = sign_in::hashed(self.provider, password).await?;
        self.provider.database.users().set_temporary_password(id, &hash, self.now()).await?;
        self.end_sign_ins(id).await?;
        self.record("user.password_reset", id, []).await?;
        Ok(code)
    }
}
