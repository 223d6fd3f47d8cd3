//! Every way in which the protocol says no, and the one table to AADSTS code, OAuth error and HTTP status.

use super::primary::PrimaryRefusal;
use crate::devices::DeviceRefusal;
use crate::limits::Locked;
use crate::{keys, storage};

/// Why a request was not carried out. Its `Display` is the sentence after the AADSTS code.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's sentence says what it is")]
pub enum Refusal {
    // The request is not what the protocol says.
    #[error("The request body must contain the following parameter: '{0}'.")]
    Missing(&'static str),
    #[error("The parameter '{0}' is malformed or given twice.")]
    Malformed(&'static str),
    #[error("The request body is not a form.")]
    NotAForm,
    #[error("The grant type is not supported over this endpoint.")]
    GrantType,
    #[error("The response_type is not supported: only 'code' is.")]
    ResponseType,
    #[error("The response_mode is not supported: use 'query', 'fragment' or 'form_post'.")]
    ResponseMode,
    #[error("The provided value for the input parameter 'scope' is not valid: {0}.")]
    Scope(&'static str),
    #[error("The resource principal named '{0}' was not found in the tenant.")]
    Resource(String),
    #[error("Scopes of more than one resource were requested.")]
    ManyResources,
    #[error("Request objects are not supported: send each parameter by itself.")]
    RequestObject,
    #[error("The parameter 'request_uri' is not supported: send each parameter by itself.")]
    RequestUri,

    #[error("The pushed request was used before, is too old, or was never made by this application.")]
    PushedRequest,
    #[error("The application must push its authorization requests.")]
    PushRequired,

    // Tenants and applications.
    #[error("The tenant was not found. Check that the request uses the right tenant ID or domain.")]
    Tenant,
    #[error("No tenant-identifying information was found in the request.")]
    NoTenant,
    #[error("The application was not found in the directory. Check the client ID and the tenant.")]
    Application,
    #[error("The redirect URI specified in the request does not match those configured for the application.")]
    RedirectUri,
    #[error("The client secret provided is wrong or expired.")]
    Secret,
    #[error("The client assertion is not valid: {0}.")]
    Assertion(&'static str),
    #[error("The request must contain 'client_secret' or 'client_assertion'.")]
    NoProof,
    #[error("The client is public, so neither 'client_assertion' nor 'client_secret' should be presented.")]
    PublicClient,
    #[error("The application is not allowed to use this grant.")]
    GrantNotAllowed,
    #[error("The application is not assigned to a role for the resource, which requires one.")]
    NotAssigned,
    #[error("The user or administrator has not consented to use the application.")]
    Consent,

    // Grants.
    #[error("The provided authorization code is wrong, or was issued for another client or redirect URI.")]
    Code,
    #[error("The authorization code was already redeemed; what it gave is revoked.")]
    CodeReused,
    #[error("The authorization code has expired.")]
    CodeExpired,
    #[error("PKCE with the method S256 is required.")]
    PkceRequired,
    #[error("The code verifier is malformed.")]
    PkceMalformed,
    #[error("The code verifier does not match the code challenge of the authorization request.")]
    PkceMismatch,
    #[error("The provided refresh token is wrong, or was issued for another client.")]
    RefreshToken,
    #[error("The refresh token was used before; its whole family is revoked.")]
    RefreshReused,
    #[error("The refresh token has expired.")]
    RefreshExpired,
    #[error("The session was revoked. The user must sign in again.")]
    Revoked,
    #[error("The device code is wrong, or was used already.")]
    DeviceCode,
    #[error("The user assertion is not valid: {0}.")]
    UserAssertion(&'static str),
    #[error("The user assertion was made for another application than the one that presents it.")]
    AssertionAudience,
    #[error("The user has not answered yet.")]
    Pending,
    #[error("The user has not answered yet, and the device asks too often.")]
    SlowDown,
    #[error("The user denied the request.")]
    Denied,
    #[error("The device code has expired.")]
    DeviceExpired,

    // Users.
    #[error("The user name or password is wrong.")]
    WrongPassword,
    #[error("The account is locked: there were too many wrong sign-ins. Try again later.")]
    Locked,
    #[error("The user account is disabled.")]
    UserDisabled,
    #[error("The account or the application wants a second factor: sign in on a page.")]
    SecondFactor,
    #[error("A silent sign-in was requested, but no user is signed in.")]
    NoSession,
    #[error("The sign-in is not strong enough: the user must add another proof on a page.")]
    FurtherProof,
    #[error("The account needs another way to sign in, which the user adds on a page.")]
    Enrolment,
    #[error("The password must be changed, which the user does on a page.")]
    PasswordChange,

    #[error(
        "The sign-in is not strong enough for what is asked: the user must sign in again, with these claims."
    )]
    Interaction(String),
    #[error("The authentication context class that the request insists on cannot be had: only '1' can.")]
    Class,

    // Proofs of possession.
    #[error("The DPoP proof is not valid: {0}.")]
    Proof(&'static str),
    #[error(
        "The DPoP proof is too old or too new: it must carry the nonce of this answer's DPoP-Nonce header."
    )]
    ProofNonce(String),
    #[error("The application's tokens are bound to a key: the request must have a DPoP proof.")]
    ProofRequired,
    #[error("The DPoP proof is missing, or made with another key than the one that this grant is bound to.")]
    ProofKey,

    // Bearer tokens.
    #[error("The DPoP proof is not valid: {0}.")]
    AccessProof(&'static str),
    #[error(
        "The DPoP proof is too old or too new: it must carry the nonce of this answer's DPoP-Nonce header."
    )]
    AccessNonce(String),
    #[error("The access token does not allow this.")]
    InsufficientScope,
    #[error("The sign-in behind the access token was revoked: get a new one with these claims.")]
    InsufficientClaims(String),
    #[error("The access token is missing, wrong or expired.")]
    AccessToken,

    // Devices.
    #[error("{0}")]
    Device(DeviceRefusal),
    #[error("{0}")]
    Primary(PrimaryRefusal),

    // We could not.
    #[error("The service is busy. Try again in a moment.")]
    Busy,
    #[error("There were too many requests from your address. Try again in {}.", .0.wait())]
    TooMany(Locked),
    #[error("An error occurred in the service.")]
    Storage(storage::Error),
    #[error("An error occurred in the service.")]
    Keys(keys::KeyError),
    #[error("An error occurred in the service.")]
    NoSigningKey,
    #[error("An error occurred in the service.")]
    Encoding(serde_json::Error),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The AADSTS code.
    pub code: u32,
    /// The OAuth error (RFC 6749 §5.2, RFC 8628 §3.5, RFC 6750 §3.1).
    pub error: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The Entra-style suberror.
    pub suberror: Option<&'static str>,
}

impl Refusal {
    /// The table.
    #[must_use]
    pub fn row(&self) -> Row {
        let (code, error, status, suberror) = match self {
            Self::Missing(_) => (900_144, "invalid_request", 400, None),
            Self::Malformed(_) | Self::NotAForm | Self::PushRequired => {
                (90_014, "invalid_request", 400, None)
            }
            Self::GrantType => (70_003, "unsupported_grant_type", 400, None),
            Self::ResponseType => (70_005, "unsupported_response_type", 400, None),
            Self::ResponseMode => (70_007, "unsupported_response_mode", 400, None),
            Self::Scope(_) => (70_011, "invalid_scope", 400, None),
            Self::Resource(_) => (500_011, "invalid_resource", 400, None),
            Self::ManyResources => (28_000, "invalid_scope", 400, None),
            // OIDC Core §3.1.2.6.
            Self::RequestObject => (90_014, "request_not_supported", 400, None),
            Self::RequestUri => (90_014, "request_uri_not_supported", 400, None),
            Self::PushedRequest => (900_146, "invalid_request_uri", 400, None),
            Self::Tenant => (90_002, "invalid_request", 400, None),
            Self::NoTenant => (50_059, "invalid_request", 400, None),
            Self::Application => (700_016, "unauthorized_client", 400, None),
            Self::RedirectUri => (50_011, "invalid_request", 400, None),
            Self::Secret => (7_000_215, "invalid_client", 401, None),
            Self::Assertion(_) => (50_027, "invalid_client", 401, None),
            Self::NoProof => (7_000_218, "invalid_client", 401, None),
            Self::PublicClient => (700_025, "invalid_client", 401, None),
            Self::GrantNotAllowed => (700_030, "unauthorized_client", 400, None),
            Self::NotAssigned => (50_105, "invalid_grant", 400, None),
            Self::Consent => (65_001, "invalid_grant", 400, Some("consent_required")),
            Self::Code | Self::RefreshToken | Self::RefreshReused => {
                (70_000, "invalid_grant", 400, Some("bad_token"))
            }
            Self::CodeReused => (54_005, "invalid_grant", 400, Some("bad_token")),
            Self::CodeExpired => (70_008, "invalid_grant", 400, Some("token_expired")),
            Self::PkceRequired => (9_002_325, "invalid_request", 400, None),
            Self::PkceMalformed => (50_147, "invalid_grant", 400, None),
            Self::PkceMismatch => (501_481, "invalid_grant", 400, None),
            Self::RefreshExpired => (700_082, "invalid_grant", 400, Some("token_expired")),
            Self::Revoked => (50_173, "invalid_grant", 400, Some("bad_token")),
            Self::DeviceCode => (70_018, "bad_verification_code", 400, None),
            Self::Pending => (70_016, "authorization_pending", 400, None),
            Self::SlowDown => (70_016, "slow_down", 400, None),
            Self::Denied => (65_004, "authorization_declined", 400, None),
            Self::DeviceExpired => (70_019, "expired_token", 400, None),
            Self::WrongPassword => (50_126, "invalid_grant", 400, None),
            Self::Locked => (50_053, "invalid_grant", 400, None),
            Self::UserDisabled => (50_057, "invalid_grant", 400, None),
            Self::SecondFactor => (50_076, "invalid_grant", 400, Some("basic_action")),
            Self::Interaction(_) | Self::FurtherProof => {
                (50_076, "interaction_required", 400, Some("basic_action"))
            }
            Self::Class => (50_076, "unmet_authentication_requirements", 400, None),
            Self::UserAssertion(_) => (50_013, "invalid_grant", 400, Some("bad_token")),
            Self::AssertionAudience => (500_131, "invalid_grant", 400, Some("bad_token")),
            Self::Proof(_) | Self::ProofRequired => (50_027, "invalid_dpop_proof", 400, None),
            Self::ProofNonce(_) => (50_027, "use_dpop_nonce", 400, None),
            Self::ProofKey => (50_027, "invalid_grant", 400, Some("bad_token")),
            Self::AccessProof(_) => (50_027, "invalid_dpop_proof", 401, None),
            Self::AccessNonce(_) => (50_027, "use_dpop_nonce", 401, None),
            Self::InsufficientScope => (65_001, "insufficient_scope", 403, None),
            Self::InsufficientClaims(_) => (50_173, "insufficient_claims", 401, None),
            Self::NoSession => (50_058, "login_required", 400, None),
            Self::Enrolment => (50_079, "interaction_required", 400, Some("basic_action")),
            Self::PasswordChange => (50_055, "interaction_required", 400, Some("user_password_expired")),
            Self::AccessToken => (50_027, "invalid_token", 401, None),
            Self::Device(refusal) => (refusal.code().unwrap_or(90_033), "invalid_grant", 400, None),
            Self::Primary(refusal) => return refusal.row(),
            Self::Busy | Self::TooMany(_) => (90_055, "temporarily_unavailable", 429, None),
            Self::Storage(_) | Self::Keys(_) | Self::NoSigningKey | Self::Encoding(_) => {
                (90_033, "temporarily_unavailable", 503, None)
            }
        };
        Row { code, error, status, suberror }
    }

    /// After how many seconds the request may be sent again (RFC 9110 §10.2.3), if waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match (self, self.row().status) {
            (Self::TooMany(locked), _) => Some(locked.retry_after.as_secs().max(1)),
            (_, 429 | 503) => Some(5),
            _ => None,
        }
    }

    /// The claims challenge that comes with it, as JSON.
    #[must_use]
    pub fn claims(&self) -> Option<&str> {
        if let Self::Interaction(claims) | Self::InsufficientClaims(claims) = self {
            Some(claims)
        } else {
            None
        }
    }

    /// The nonce that the next proof of possession must carry.
    #[must_use]
    pub fn proof_nonce(&self) -> Option<&str> {
        if let Self::ProofNonce(nonce) | Self::AccessNonce(nonce) = self { Some(nonce) } else { None }
    }

    /// What is wrong with a proof, as a service says it that is called with a token (RFC 9449 §7.1, §9).
    pub(super) fn at_resource(self) -> Self {
        if let Self::Proof(why) = self {
            Self::AccessProof(why)
        } else if let Self::ProofNonce(nonce) = self {
            Self::AccessNonce(nonce)
        } else {
            self
        }
    }

    /// Tells the operator what the peer is not told.
    pub fn report(&self) {
        if self.row().status >= 500 {
            tracing::error!(error = ?self, "a request failed");
        }
    }
}

impl From<storage::Error> for Refusal {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<keys::KeyError> for Refusal {
    fn from(error: keys::KeyError) -> Self {
        Self::Keys(error)
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Encoding(error)
    }
}
