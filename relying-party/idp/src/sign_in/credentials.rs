//! Codes of authenticator apps and Temporary Access Passes: how they are enrolled, and how they are checked.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::flow::Flow;
use super::guesses::Guess;
use super::problem::{Failed, Problem, Stop};
use crate::access_pass::{OptionsError, PassCode, PassOptions, PassTerms};
use crate::domain::{User, UserId};
use crate::oauth::Refusal;
use crate::passkeys::sentence;
use crate::password::{Password, PasswordError, PasswordHash, Verdict};
use crate::provider::Provider;
use crate::secrets::{Place, Purpose};
use crate::storage::{self, StoredPass, StoredTotp, TotpUse};
use crate::totp::{Algorithm, Answer, TimeStep, TotpSecret};

/// The fewest characters of a new password.
pub(super) const SHORTEST: usize = 8;

/// Why a method was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The pass cannot be like that.
    #[error(transparent)]
    Pass(#[from] OptionsError),
    /// Too much to hash.
    #[error("the service is busy: try again in a moment")]
    Busy,
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// Sets a user's password; every earlier sign-in ends.
///
/// # Errors
/// When it is too short, or cannot be hashed or stored now.
pub async fn set_password(provider: &Provider, user: UserId, password: &str) -> Result<(), EnrolError> {
    let hash = hashed(provider, Password::parse_new(password, SHORTEST)?).await?;
    Ok(provider.database.users().set_password(user, &hash, provider.now()).await?)
}

pub(crate) async fn hashed(provider: &Provider, password: Password) -> Result<String, EnrolError> {
    let pending = provider.draw(|rng| provider.passwords.hash(password, rng));
    let hash = pending.map_err(|_| EnrolError::Busy)?.await.map_err(|_| EnrolError::Busy)?;
    Ok(hash.to_string())
}

/// Sets another password than the user has. Every session and every grant of theirs ends.
pub(super) async fn change_password(provider: &Provider, user: &User, new: &str) -> Result<(), Failed> {
    let told = |error: PasswordError| Failed::Told(sentence(&error));
    let typed = Password::parse(new).map_err(told)?;
    let found = provider.database.users().by_upn(&user.upn).await?;
    let stored = found.and_then(|(_, stored)| stored?.parse::<PasswordHash>().ok());
    let pending = provider.passwords.verify(typed, stored).map_err(|_| Problem::Busy)?;
    match pending.await.map_err(|_| Problem::Busy)? {
        Verdict::Correct { .. } => return Err(Problem::SamePassword.into()),
        Verdict::Wrong => {}
    }
    set_password(provider, user.id, new).await.map_err(|error| match error {
        EnrolError::Password(error) => told(error),
        EnrolError::Busy | EnrolError::Pass(_) => Problem::Busy.into(),
        EnrolError::Storage(error) => error.into(),
    })?;
    // What began within this very second would outlive the time that the password is valid from.
    let now = provider.now();
    provider.database.sessions().end_all(user.id, now).await?;
    provider.database.grants().revoke_of_user(user.id, None, now).await?;
    Ok(())
}

/// Stores an authenticator app's secret. `proved` is the step of the code that showed that the app has it.
///
/// # Errors
/// When it cannot be stored.
pub async fn add_totp(
    provider: &Provider,
    user: UserId,
    name: &str,
    secret: &TotpSecret,
    proved: Option<TimeStep>,
) -> Result<(), storage::Error> {
    let id = provider.guid();
    let sealed = seal_totp(provider, id, secret);
    let last_step = proved.and_then(|step| i64::try_from(step.number()).ok()).unwrap_or(0);
    let created_at = provider.now();
    let name = name.to_owned();
    let totp = StoredTotp { id, user, name, sealed, last_step, created_at, last_used_at: None };
    provider.database.totp().add(&totp).await
}

/// The secret under the provider's key, for the row with this ID.
pub(super) fn seal_totp(provider: &Provider, id: Uuid, secret: &TotpSecret) -> Vec<u8> {
    let mut text = Zeroizing::new(secret.algorithm().name().as_bytes().to_vec());
    text.push(b':');
    text.extend_from_slice(secret.expose());
    let place = Place { purpose: Purpose::TotpSecret, row: id.as_bytes() };
    provider.draw(|rng| provider.sealing.seal(place, &text, rng))
}

/// The secret of this row.
pub(super) fn open_totp(provider: &Provider, id: Uuid, sealed: &[u8]) -> Option<TotpSecret> {
    let place = Place { purpose: Purpose::TotpSecret, row: id.as_bytes() };
    let text = match provider.sealing.open(place, sealed) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, %id, "a TOTP secret cannot be opened");
            return None;
        }
    };
    let colon = text.iter().position(|byte| *byte == b':')?;
    let (name, secret) = text.split_at_checked(colon)?;
    let algorithm = Algorithm::from_name(std::str::from_utf8(name).ok()?)?;
    TotpSecret::from_bytes(algorithm, Zeroizing::new(secret.get(1..)?.to_vec()))
}

/// Makes a Temporary Access Pass in place of an earlier one.
///
/// # Errors
/// When the options cannot be granted, or it cannot be hashed or stored now.
pub async fn issue_pass(
    provider: &Provider,
    user: UserId,
    options: &PassOptions,
) -> Result<PassCode, EnrolError> {
    let now = provider.now();
    let terms = PassTerms::new(options, now)?;
    let code = provider.draw(|rng| PassCode::random(options, rng))?;
    let verifier = hashed(provider, code.to_password()?).await?;
    let pass = StoredPass {
        id: provider.guid(),
        user,
        verifier,
        once: terms.once,
        starts_at: terms.from,
        expires_at: terms.until,
        created_at: now,
        used_at: None,
    };
    provider.database.passes().add(&pass).await?;
    Ok(code)
}

/// Checks the code that a user typed, whose password was right before.
pub(super) async fn check_code(flow: &Flow<'_>, user: &User, typed: &str) -> Result<(), Failed> {
    let provider = flow.provider;
    let address = flow.browser.address;
    let guess = Guess::count(provider, (user.tenant, &format!("code {}", user.upn)), address, false).await?;
    let guess = guess.ok_or(Problem::Locked)?;
    let mut problem = Problem::Code;
    for stored in provider.database.totp().of_user(user.id).await? {
        let Some(secret) = open_totp(provider, stored.id, &stored.sealed) else { continue };
        let last = u64::try_from(stored.last_step).ok().map(TimeStep::new);
        match secret.verify(typed, last, provider.now()) {
            Answer::Accepted(step) => match use_step(provider, stored.id, step).await? {
                TotpUse::Accepted => return Ok(guess.right(provider).await?),
                TotpUse::Replayed => problem = Problem::CodeUsed,
            },
            Answer::Replayed => problem = Problem::CodeUsed,
            Answer::Wrong => {}
        }
    }
    Err(problem.into())
}

async fn use_step(provider: &Provider, id: Uuid, step: TimeStep) -> Result<TotpUse, storage::Error> {
    let step = i64::try_from(step.number()).map_err(|_| storage::Error::Damaged)?;
    provider.database.totp().use_step(id, step, provider.now()).await
}

/// Checks the pass that somebody typed. Nobody's pass takes as long as somebody's.
pub(super) async fn check_pass(flow: &Flow<'_>, typed: &str) -> Result<User, Failed> {
    let provider = flow.provider;
    let name = flow.state.user_name.as_deref().unwrap_or_default();
    let tenant = flow.tenant_of_name().await?;
    let guess =
        Guess::count(provider, (tenant, &format!("pass {}", name.trim())), flow.browser.address, false)
            .await?;
    let guess = guess.ok_or(Problem::Locked)?;
    let user = flow.named().await?;
    let stored = match &user {
        Some(user) => provider.database.passes().of_user(user.id).await?,
        None => None,
    };
    let verifier = stored.as_ref().and_then(|stored| stored.verifier.parse::<PasswordHash>().ok());
    let typed = PassCode::typed(typed).map_err(|_| Problem::Pass)?;
    let pending = provider.passwords.verify(typed, verifier).map_err(|_| Problem::Busy)?;
    let correct = match pending.await.map_err(|_| Stop::Page(Refusal::Busy))? {
        Verdict::Correct { .. } => true,
        Verdict::Wrong => false,
    };
    let (Some(user), Some(stored), true) = (user, stored, correct) else { return Err(Problem::Pass.into()) };
    if !user.enabled {
        return Err(Problem::Disabled.into());
    }
    if !provider.database.passes().use_up(stored.id, provider.now()).await? {
        return Err(Problem::Pass.into());
    }
    guess.right(provider).await?;
    Ok(user)
}
