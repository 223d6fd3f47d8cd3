//! Why a passkey is not registered.

use webauthn_rs::prelude::WebauthnError;

use crate::attestation::{AnchorsError, AttestationRefused};
use crate::storage;

/// Each sentence is for the person who registers, except where an operator must act.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyRefused {
    /// The provider's address is none that browsers make passkeys for.
    #[error("Passkeys do not work at this address. Ask your administrator.")]
    NoRelyingParty,
    /// As many as one account may have.
    #[error("You have as many passkeys as an account can hold. Remove one that you no longer use first.")]
    TooMany,
    /// No model could be proved.
    #[error(
        "Your organisation accepts only passkeys whose maker it can verify, and no maker is set up yet. Ask your administrator."
    )]
    Anchors(#[from] AnchorsError),
    /// Another user's or another place's ceremony, an old one, or one that was answered before.
    #[error("This registration took too long, or was not begun here. Try again.")]
    Ceremony,
    /// The answer is not one, or names two passkeys, another site, another kind of request.
    #[error("The browser's answer cannot be used: {0}. Reload the page and try again.")]
    Answer(&'static str),
    /// Nobody was verified.
    #[error("Your device did not check that it is you. Use your PIN, fingerprint or face, and try again.")]
    NotVerified,
    /// It would not be found without its name.
    #[error("This authenticator has no room for a passkey that signs you in by itself. Use another one.")]
    NotDiscoverable,
    /// The signature, the key or the statement is wrong.
    #[error("The passkey could not be verified. Try again, or use another authenticator.")]
    Invalid(WebauthnError),
    /// The tenant's policy.
    #[error("{}", sentence(.0))]
    Policy(#[from] AttestationRefused),
    /// The credential ID is registered, by whomever.
    #[error("This passkey is registered already.")]
    Duplicate,
    /// Too long, or not text.
    #[error("A name has at most 64 characters, and no line breaks.")]
    Name,
    /// The WebAuthn library could not begin.
    #[error("Passkeys cannot be registered now. Try again in a moment.")]
    Library(WebauthnError),
    /// The database.
    #[error("Passkeys cannot be registered now. Try again in a moment.")]
    Storage(#[from] storage::Error),
}

/// An error's words as a sentence.
pub(crate) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
