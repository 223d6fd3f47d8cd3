//! Every way in which the site says no, and the one table from refusal to HTTP status, code and sentence.

use std::time::Duration;

use axum::http::StatusCode;
use webauthn_rs::prelude::WebauthnError;

use crate::identity_provider::IdentityError;
use crate::limits::Exhausted;
use crate::names::NameError;
use crate::response::Unacceptable;
use crate::storage;

/// Which check of a response failed, as a stable code.
#[derive(Debug)]
pub(crate) struct Reason(String);

impl Reason {
    /// The credential that is used is not one of those that may be.
    pub(crate) fn other_credential() -> Self {
        Self("credential-not-accepted".to_owned())
    }
}

impl From<&WebauthnError> for Reason {
    /// The name that `webauthn-rs` has for it, in kebab case: `AttestationStatementSigInvalid` is
    /// `attestation-statement-sig-invalid`.
    fn from(error: &WebauthnError) -> Self {
        let name = format!("{error:?}");
        let mut signs = name.chars().take_while(char::is_ascii_alphanumeric).peekable();
        let mut code = String::new();
        let mut after_small = false;
        while let Some(sign) = signs.next() {
            // A word begins after a small letter, and with the last capital of several.
            let before_small = signs.peek().is_some_and(char::is_ascii_lowercase);
            if sign.is_ascii_uppercase() && !code.is_empty() && (after_small || before_small) {
                code.push('-');
            }
            after_small = sign.is_ascii_lowercase();
            code.push(sign.to_ascii_lowercase());
        }
        Self(code)
    }
}

/// Why a request was not carried out. Its `Display` is the sentence that the visitor reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    // The peer asked for something that it may not have, or in the wrong form.
    #[error("There is no such page.")]
    NotFound,
    #[error("This page cannot be used that way.")]
    MethodNotAllowed,
    #[error("The request could not be read.")]
    Malformed,
    #[error("The request is too large.")]
    TooLarge,
    #[error("Too many tries. Wait {} and try again.", seconds(*.0))]
    RateLimited(Duration),
    #[error("The request came from another website, or this site is open at another address than {0}.")]
    ForeignOrigin(String),
    #[error("This page is out of date. Reload it and try again.")]
    StalePage,
    #[error("Sign in first.")]
    SignInFirst,
    #[error("You signed in a while ago. Confirm that it is you, then try again.")]
    ConfirmFirst,
    // What was typed.
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("This user name is taken. Choose another one, or sign in if it is yours.")]
    NameTaken,
    // A ceremony.
    #[error("{0}")]
    Response(#[from] Unacceptable),
    #[error("This request was already used, or this page did not make it. Try again.")]
    ChallengeUnknown,
    #[error("This took too long, so the request expired. Try again.")]
    ChallengeExpired,
    #[error("The passkey could not be registered: the answer does not fit what this site asked for.")]
    RegistrationRefused(Reason),
    #[error("This passkey is not accepted here. It may have been deleted from the account.")]
    PasskeyNotAccepted(Reason),
    #[error(
        "This passkey answered with an old counter, so a copy of it may exist. It was refused and marked on the \
         account page."
    )]
    CounterWentBack,
    #[error("This passkey is already registered.")]
    PasskeyExists,
    // The account page.
    #[error("This account has as many passkeys as it can have. Delete one first.")]
    TooManyPasskeys,
    #[error("This passkey is not on your account any more.")]
    NoSuchPasskey,
    #[error("This is the only passkey of the account: without it nobody can sign in. Add another one first.")]
    LastPasskey,
    // The identity provider.
    #[error("This account is kept by Latchkey ID, so its passkeys are looked after there.")]
    KeptElsewhere,
    #[error("This answer was already used, or this browser did not ask for it. Start the sign-in again.")]
    IdentityAnswerUnknown,
    #[error(
        "You did not sign in at Latchkey ID, or may not use this site with that account. Try again, or use a passkey."
    )]
    IdentityDeclined,
    #[error(
        "The answer came from another identity provider than the one that was asked. Nobody was signed in; start again."
    )]
    IdentityMixUp,
    #[error("Latchkey ID cannot be reached right now. Try again in a moment, or sign in with a passkey.")]
    IdentityUnreachable(String),
    #[error(
        "Latchkey ID refused this site's request. Try again; if it happens again, tell the people who run this site."
    )]
    IdentityRefused(String),
    #[error(
        "The answer of Latchkey ID could not be verified, so nobody was signed in. Start the sign-in again."
    )]
    IdentityNotProven(String),
    // The operator has to look.
    #[error("Something went wrong on our side. Try again in a moment.")]
    Storage(#[source] storage::Error),
    #[error("Something went wrong on our side. Try again in a moment.")]
    Internal(&'static str),
}

impl Refusal {
    /// The total table: HTTP status and the stable code that scripts and tests read.
    pub(crate) fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate-limited"),
            Self::ForeignOrigin(_) => (StatusCode::FORBIDDEN, "foreign-origin"),
            Self::StalePage => (StatusCode::FORBIDDEN, "stale-page"),
            Self::SignInFirst => (StatusCode::UNAUTHORIZED, "sign-in-first"),
            Self::ConfirmFirst => (StatusCode::FORBIDDEN, "confirm-first"),
            Self::Name(_) => (StatusCode::UNPROCESSABLE_ENTITY, "name"),
            Self::NameTaken => (StatusCode::CONFLICT, "name-taken"),
            Self::Response(reason) => (StatusCode::BAD_REQUEST, response_code(*reason)),
            Self::ChallengeUnknown => (StatusCode::BAD_REQUEST, "challenge-unknown"),
            Self::ChallengeExpired => (StatusCode::BAD_REQUEST, "challenge-expired"),
            Self::RegistrationRefused(_) => (StatusCode::BAD_REQUEST, "registration-refused"),
            Self::PasskeyNotAccepted(_) => (StatusCode::FORBIDDEN, "passkey-not-accepted"),
            Self::CounterWentBack => (StatusCode::FORBIDDEN, "counter-went-back"),
            Self::PasskeyExists => (StatusCode::CONFLICT, "passkey-exists"),
            Self::TooManyPasskeys => (StatusCode::CONFLICT, "too-many-passkeys"),
            Self::NoSuchPasskey => (StatusCode::NOT_FOUND, "no-such-passkey"),
            Self::LastPasskey => (StatusCode::CONFLICT, "last-passkey"),
            Self::KeptElsewhere => (StatusCode::CONFLICT, "kept-elsewhere"),
            Self::IdentityAnswerUnknown => (StatusCode::BAD_REQUEST, "identity-answer-unknown"),
            Self::IdentityDeclined => (StatusCode::FORBIDDEN, "identity-declined"),
            Self::IdentityMixUp => (StatusCode::BAD_REQUEST, "identity-mix-up"),
            Self::IdentityUnreachable(_) => (StatusCode::BAD_GATEWAY, "identity-unreachable"),
            Self::IdentityRefused(_) => (StatusCode::BAD_GATEWAY, "identity-refused"),
            Self::IdentityNotProven(_) => (StatusCode::FORBIDDEN, "identity-not-proven"),
            Self::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "storage"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// What goes to the log, for the refusals that the operator must act on.
    pub(crate) fn report(&self) {
        if let Self::Storage(error) = self {
            tracing::error!(%error, "the database refused");
        } else if let Self::Internal(what) = self {
            tracing::error!(what, "an internal step failed");
        } else if let Self::IdentityUnreachable(what)
        | Self::IdentityRefused(what)
        | Self::IdentityNotProven(what) = self
        {
            tracing::warn!(what, "a sign-in at the identity provider failed");
        }
    }

    /// Why exactly a response was refused. Visitors do not hear it: of an unknown passkey and of a wrong signature the
    /// site says the same.
    pub(crate) fn reason(&self) -> Option<&str> {
        if let Self::RegistrationRefused(Reason(reason)) | Self::PasskeyNotAccepted(Reason(reason)) = self {
            Some(reason)
        } else {
            None
        }
    }

    /// For `Retry-After`, whole seconds and at least one.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        if let Self::RateLimited(wait) = self { Some(whole_seconds(*wait)) } else { None }
    }
}

fn response_code(reason: Unacceptable) -> &'static str {
    match reason {
        Unacceptable::Malformed => "response-malformed",
        Unacceptable::IdMismatch => "id-mismatch",
        Unacceptable::WrongType => "wrong-type",
        Unacceptable::WrongOrigin => "wrong-origin",
        Unacceptable::CrossOrigin => "cross-origin",
        Unacceptable::WrongRpId => "wrong-rp-id",
        Unacceptable::UserNotPresent => "user-not-present",
        Unacceptable::UserNotVerified => "user-not-verified",
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

fn seconds(wait: Duration) -> String {
    match whole_seconds(wait) {
        1 => "a second".to_owned(),
        more => format!("{more} seconds"),
    }
}

impl From<Exhausted> for Refusal {
    fn from(exhausted: Exhausted) -> Self {
        Self::RateLimited(exhausted.retry_after)
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Unreachable(what) => Self::IdentityUnreachable(what),
            IdentityError::MixUp => Self::IdentityMixUp,
            IdentityError::Declined => Self::IdentityDeclined,
            IdentityError::Refused(what) => Self::IdentityRefused(what),
            IdentityError::NotProven(what) => Self::IdentityNotProven(what),
        }
    }
}

impl From<storage::Error> for Refusal {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::NameTaken => Self::NameTaken,
            storage::Error::PasskeyExists => Self::PasskeyExists,
            storage::Error::Database(_) | storage::Error::Record(_) => Self::Storage(error),
        }
    }
}
