//! Why a primary token is not given, or not believed.

use super::super::error::{Refusal, Row};
use crate::tokens::JwsError;

/// Its `Display` is the sentence after the AADSTS code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrimaryRefusal {
    /// What should be a signed request is none, or not what it must be.
    #[error("The request is not valid: {0}.")]
    Request(JwsError),
    /// It is signed in another way than this place takes.
    #[error("The request must be signed with RS256 by the device or with HS256 under its session key.")]
    Algorithm,
    /// The nonce was never given, was used, or is too old.
    #[error("The nonce is missing, was used, or is older than five minutes: get a new one and sign again.")]
    Nonce,
    /// The two nonces differ, and the tenant wants them to be one.
    #[error("The assertion must have the nonce of the request around it.")]
    OtherNonce,
    /// A program that may not ask for primary tokens.
    #[error("The application may not ask for primary refresh tokens.")]
    Client,
    /// The refresh token is of an application that is no broker.
    #[error("The refresh token was not issued to a broker.")]
    NotOfBroker,
    /// The refresh token was given on another device.
    #[error("The refresh token was issued on another device.")]
    OtherDevice,
    /// The user is of another tenant than the device.
    #[error("The device is registered in another tenant than the user's.")]
    OtherTenant,
    /// There is no such user.
    #[error("The tenant of the device has no such user.")]
    User,
    /// There is no such enterprise key.
    #[error("The key that signed the assertion is not registered. Register the device's key again.")]
    KeyNotFound,
    /// The key is registered on another device: whoever presents the assertion took it from there.
    #[error("The key that signed the assertion belongs to another device than the one that presents it.")]
    KeyOfOtherDevice,
    /// The assertion names another user than the key's.
    #[error("The assertion's issuer is not the user to whom the key belongs.")]
    Issuer,
    /// The assertion is for someone else.
    #[error("The assertion is for another audience.")]
    Audience,
    /// The key did not sign the assertion.
    #[error("The assertion's signature is wrong.")]
    KeySignature,
    /// The assertion's time is not now.
    #[error("The assertion is not within its valid time range: check the device's clock.")]
    Time,
    /// The session key cannot be sealed to the device.
    #[error("The device has no transport key that can be used. Register the device again.")]
    TransportKey,
    /// We never made it, or it is long gone.
    #[error("The primary refresh token is not known. Sign in on the device again.")]
    Token,
    /// It was not used for too long, or was replaced.
    #[error("The primary refresh token has expired or was replaced. Sign in on the device again.")]
    Expired,
    /// Whoever presents the token has not its session key.
    #[error("The message is not signed with the session key of the token that it presents.")]
    SessionKey,
    /// The tenant wants a derivation that the message was not made with.
    #[error("The tenant requires kdf_ver 2: update the broker on the device.")]
    Derivation,
}

impl PrimaryRefusal {
    pub(in crate::oauth) const fn row(self) -> Row {
        let (code, error, suberror) = match self {
            Self::Request(_) | Self::Algorithm | Self::Derivation | Self::SessionKey => {
                (50_027, "invalid_request", None)
            }
            Self::Nonce | Self::OtherNonce => (16_000, "invalid_grant", Some("basic_action")),
            Self::Client => (700_030, "unauthorized_client", None),
            Self::NotOfBroker | Self::OtherDevice | Self::Token => {
                (70_000, "invalid_grant", Some("bad_token"))
            }
            Self::OtherTenant | Self::KeyOfOtherDevice => (50_155, "invalid_grant", None),
            Self::User => (50_034, "invalid_grant", None),
            Self::KeyNotFound => (130_004, "invalid_grant", None),
            Self::Issuer | Self::KeySignature => (130_005, "invalid_grant", None),
            Self::Audience => (500_131, "invalid_grant", None),
            Self::Time => (500_133, "invalid_grant", None),
            Self::TransportKey => (130_006, "invalid_grant", None),
            Self::Expired => (700_082, "invalid_grant", Some("token_expired")),
        };
        Row { code, error, status: 400, suberror }
    }

    /// A stable word for logs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Request(_) => "malformed_request",
            Self::Algorithm => "wrong_algorithm",
            Self::Nonce => "nonce_not_valid",
            Self::OtherNonce => "nonces_differ",
            Self::Client => "client_not_allowed",
            Self::NotOfBroker => "refresh_token_not_of_broker",
            Self::OtherDevice => "refresh_token_of_other_device",
            Self::OtherTenant => "user_of_other_tenant",
            Self::User => "user_not_found",
            Self::KeyNotFound => "key_not_found",
            Self::KeyOfOtherDevice => "key_of_other_device",
            Self::Issuer => "wrong_issuer",
            Self::Audience => "wrong_audience",
            Self::KeySignature => "wrong_key_signature",
            Self::Time => "outside_time_range",
            Self::TransportKey => "no_transport_key",
            Self::Token => "token_unknown",
            Self::Expired => "token_expired",
            Self::SessionKey => "wrong_session_key",
            Self::Derivation => "old_derivation",
        }
    }
}

impl From<PrimaryRefusal> for Refusal {
    fn from(refusal: PrimaryRefusal) -> Self {
        Self::Primary(refusal)
    }
}
