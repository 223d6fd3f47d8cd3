//! Proofs of users, checked against what is stored, counted and logged.

use std::net::IpAddr;

use uuid::Uuid;

use super::guesses::{Guess, is_familiar, password_name};
use crate::domain::{ClientId, TenantId, User, UserId};
use crate::oauth::Refusal;
use crate::password::{Password, PasswordHash, Verdict};
use crate::provider::Provider;
use crate::storage::{self, SignIn};

/// A user name and a password that somebody sent.
#[derive(Clone, Copy)]
pub struct PasswordAttempt<'a> {
    /// The tenant whose user it must be.
    pub tenant: TenantId,
    /// What was typed as the name.
    pub upn: &'a str,
    /// What was typed as the password.
    pub password: &'a str,
    /// The client for which it is.
    pub client: ClientId,
    /// From where.
    pub address: IpAddr,
    /// With which program.
    pub agent: &'a str,
    /// By which support finds the request.
    pub correlation: Uuid,
}

/// Why it is not believed.
#[derive(Debug, thiserror::Error)]
pub enum WrongPassword {
    /// Name or password are wrong. Which of them is not said.
    #[error("the user name or password is wrong")]
    Wrong,
    /// Too many were wrong before this one, which was not looked at.
    #[error("there were too many wrong tries")]
    Locked,
    /// It is right, but the user may not sign in. Only who knows the password hears it.
    #[error("the account is disabled")]
    Disabled,
    /// Too many people sign in at the same time.
    #[error("too many people are signing in")]
    Busy,
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl WrongPassword {
    /// The AADSTS code of the sign-in log.
    const fn code(&self) -> i64 {
        match self {
            Self::Wrong => 50_126,
            Self::Locked => 50_053,
            Self::Disabled => 50_057,
            Self::Busy => 90_055,
            Self::Storage(_) => 90_033,
        }
    }

    /// What a program is told.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Wrong => Refusal::WrongPassword,
            Self::Locked => Refusal::Locked,
            Self::Disabled => Refusal::UserDisabled,
            Self::Busy => Refusal::Busy,
            Self::Storage(error) => Refusal::Storage(error),
        }
    }
}

/// The user whose name and password these are.
///
/// # Errors
/// When they are wrong, too many were wrong before, or it cannot be found out now.
pub async fn check_password(
    provider: &Provider,
    attempt: &PasswordAttempt<'_>,
) -> Result<User, WrongPassword> {
    let found = provider.database.users().by_upn(attempt.upn).await?;
    let found = found.filter(|(user, _)| user.tenant == attempt.tenant);
    let known = found.as_ref().map(|(user, _)| user.id);
    let checked = check(provider, attempt, found).await;
    let error = checked.as_ref().map_or_else(WrongPassword::code, |_| 0);
    log(provider, attempt, known, error).await?;
    checked
}

async fn check(
    provider: &Provider,
    attempt: &PasswordAttempt<'_>,
    found: Option<(User, Option<String>)>,
) -> Result<User, WrongPassword> {
    let familiar = match &found {
        Some((user, _)) => is_familiar(provider, user.id, attempt.address).await?,
        None => false,
    };
    let name = password_name(attempt.tenant, attempt.upn);
    let guess = Guess::count(provider, (attempt.tenant, &name), attempt.address, familiar).await?;
    let guess = guess.ok_or(WrongPassword::Locked)?;
    let password = Password::parse(attempt.password).map_err(|_| WrongPassword::Wrong)?;
    let (user, stored) = found.unzip();
    let stored = stored.flatten();
    let hash = stored.as_deref().and_then(|stored| stored.parse::<PasswordHash>().ok());
    let Ok(pending) = provider.passwords.verify(password, hash) else {
        guess.withdraw(provider).await?;
        return Err(WrongPassword::Busy);
    };
    let rehash = match (pending.await.map_err(|_| WrongPassword::Busy)?, &user) {
        (Verdict::Correct { rehash }, Some(_)) => rehash,
        (Verdict::Correct { .. } | Verdict::Wrong, _) => return Err(WrongPassword::Wrong),
    };
    let user = user.ok_or(WrongPassword::Wrong)?;
    guess.right(provider).await?;
    if !user.enabled {
        return Err(WrongPassword::Disabled);
    }
    if let (true, Some(old)) = (rehash, stored) {
        strengthen(provider, &user, attempt.password, &old).await?;
    }
    Ok(user)
}

/// Stores the hash that passwords have today. When the pool is busy, the next sign-in does it.
async fn strengthen(
    provider: &Provider,
    user: &User,
    password: &str,
    old: &str,
) -> Result<(), WrongPassword> {
    let Ok(password) = Password::parse(password) else { return Ok(()) };
    let Ok(pending) = provider.draw(|rng| provider.passwords.hash(password, rng)) else { return Ok(()) };
    if let Ok(hash) = pending.await {
        provider.database.users().rehash_password(user.id, old, &hash.to_string()).await?;
    }
    Ok(())
}

async fn log(
    provider: &Provider,
    attempt: &PasswordAttempt<'_>,
    user: Option<UserId>,
    error: i64,
) -> Result<(), WrongPassword> {
    let bounded = |text: &str| text.chars().take(256).collect();
    let sign_in = SignIn {
        id: provider.guid(),
        correlation: attempt.correlation,
        at: provider.now(),
        tenant: Some(attempt.tenant),
        user,
        // A name that is nobody's may be a password in the wrong field.
        upn: user.map(|_| bounded(attempt.upn)).unwrap_or_default(),
        client: Some(attempt.client),
        address: attempt.address.to_string(),
        agent: bounded(attempt.agent),
        methods: "pwd".to_owned(),
        error,
    };
    Ok(provider.database.sign_in_log().add(&sign_in).await?)
}
