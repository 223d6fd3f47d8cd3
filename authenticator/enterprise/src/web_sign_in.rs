//! A person signs in at the identity provider's pages, and the device gets one access token for one service.
//!
//! Two ways: a browser on this machine, with an authorization code (RFC 6749 §4.1), PKCE (RFC 7636) and a loopback
//! redirect (RFC 8252 §7.3); or any browser anywhere, with a code that is typed there (RFC 8628). What the pages ask is the
//! provider's business; what comes back is checked: state, issuer (RFC 9207), nonce, audience.

mod allowed;
mod authorization_code;
mod browser;
mod device_code;
mod loopback;
mod metadata;
mod token;

pub use allowed::{AllowedUrls, AllowedUrlsError, BLOCKED_TITLE, Blocked};
pub use browser::BrowserError;
pub use metadata::tenant_of;
pub use token::{Person, SignedIn};

use std::time::Duration;

use rand_core::CryptoRng;
use url::Url;
use uuid::Uuid;

use crate::http::{Http, HttpError};
use metadata::Metadata;

/// For which service the token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Registering this device and its keys.
    DeviceRegistration,
    /// Having a forgotten PIN reset.
    PinReset,
}

/// What to sign in for.
#[derive(Debug, Clone, Copy)]
pub struct SignInRequest<'a> {
    /// The service.
    pub purpose: Purpose,
    /// The tenant whose user shall sign in; `None`: whoever signs in says which.
    pub tenant: Option<Uuid>,
    /// Who will probably sign in.
    pub login_hint: Option<&'a str>,
    /// Where pages may be besides the provider itself.
    pub allowed: &'a AllowedUrls,
}

/// In which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// This machine's, which is opened.
    Browser,
    /// This machine's, which the person opens at an address that is told.
    PrintedUrl,
    /// Any other one, with a code.
    DeviceCode,
}

/// What the person is told meanwhile.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// The browser was opened.
    Opened,
    /// This page is to be opened in a browser of this machine.
    Open(&'a Url),
    /// This page is to be opened in any browser, and the code typed there.
    Code {
        /// The page.
        page: &'a Url,
        /// The code.
        code: &'a str,
        /// How long it is good.
        lifetime: Duration,
    },
}

/// Why nobody signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The way to the provider.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The page is not one of the provider's.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The browser does not open.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// No port of this machine can be listened on.
    #[error("the browser's answer cannot be waited for on this machine ({0}): sign in with --device-code")]
    Listen(#[source] std::io::Error),
    /// The provider's page said no.
    #[error("the sign-in was not completed ({error}): {description}")]
    Declined {
        /// The word, such as `access_denied`.
        error: String,
        /// The provider's text.
        description: String,
    },
    /// The answer is not of the provider that was asked.
    #[error(
        "the answer to the sign-in comes from {0:?}, not from the provider that was asked; nothing was taken from it"
    )]
    OtherIssuer(String),
    /// The ID token is not the answer to this sign-in.
    #[error("the provider's ID token is not for this sign-in ({0}): tell its administrator")]
    IdToken(&'static str),
    /// Nobody answered.
    #[error("nobody signed in in time: try again")]
    TooLate,
}

/// How long a person may take at the pages.
const PATIENCE: Duration = Duration::from_mins(10);

/// Lets a person sign in. `told` hears at once what the person must know; the future ends when they have signed in.
///
/// # Errors
/// When nobody did, or the answer must not be believed.
pub async fn sign_in(
    http: &Http,
    request: &SignInRequest<'_>,
    way: Way,
    rng: &mut dyn CryptoRng,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<SignedIn, SignInError> {
    let metadata = Metadata::of(http, request.tenant).await?;
    match way {
        Way::DeviceCode => device_code::sign_in(http, request, &metadata, told).await,
        Way::Browser | Way::PrintedUrl => {
            authorization_code::sign_in(http, request, &metadata, way, rng, told).await
        }
    }
}

impl Purpose {
    /// The application that asks, which each tenant knows.
    #[must_use]
    pub const fn client_id(self) -> &'static str {
        match self {
            // The broker of Linux devices.
            Self::DeviceRegistration => "b743a22d-6705-4147-8670-d92fa515ee2b",
            // The client of the PIN reset service.
            Self::PinReset => "9115dd05-fad5-4f9c-acc7-305d08b1b04e",
        }
    }

    /// The service that the token is for.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::DeviceRegistration => "urn:ms-drs:enterpriseregistration.windows.net",
            Self::PinReset => "https://cred.microsoft.com",
        }
    }

    /// A registration is followed by others; a PIN reset is for once.
    const fn scope(self) -> &'static str {
        match self {
            Self::DeviceRegistration => "openid profile offline_access",
            Self::PinReset => "openid profile",
        }
    }
}

#[cfg(test)]
mod tests;
