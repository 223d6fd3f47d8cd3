//! The WebAuthn client: options JSON and a caller's origin go in, CTAP requests go to an authenticator, response JSON
//! comes out (WebAuthn Level 3 §5.1, CTAP 2.3 §6).
//!
//! What the client decides: whether this origin may use this RP ID, what the relying party asked for and may know,
//! which CTAP requests carry it, and which `DOMException` an answer becomes. What it does not know: which
//! authenticator answers, how the bytes travel, what the user is shown.

mod authentication;
mod authenticator;
mod base64url;
mod caller;
mod client_data;
mod exception;
mod large_blob;
mod options;
mod pin_uv;
mod prf;
mod registration;
mod session;
mod spki;

pub use authenticator::{Account, Attachment, Authenticator, Chooser, TransactError};
pub use caller::Caller;
pub use exception::{DomException, ErrorName};

use latchkey_protocol::{Request, get_info};
use rand_core::CryptoRng;
use serde::Serialize;

/// `navigator.credentials.create()`: makes a passkey (WebAuthn Level 3 §5.1.3).
///
/// `options_json` is a `PublicKeyCredentialCreationOptionsJSON`, the result a `RegistrationResponseJSON`.
///
/// # Errors
///
/// The `DOMException` that the page shall see.
pub fn create(
    options_json: &str,
    caller: Caller<'_>,
    authenticator: &mut dyn Authenticator,
    rng: &mut dyn CryptoRng,
) -> Result<String, DomException> {
    json(&registration::run(options_json, caller, authenticator, rng)?)
}

/// `navigator.credentials.get()`: signs in with a passkey (WebAuthn Level 3 §5.1.4).
///
/// `options_json` is a `PublicKeyCredentialRequestOptionsJSON`, the result an `AuthenticationResponseJSON`.
///
/// # Errors
///
/// The `DOMException` that the page shall see.
pub fn request(
    options_json: &str,
    caller: Caller<'_>,
    authenticator: &mut dyn Authenticator,
    chooser: &mut dyn Chooser,
    rng: &mut dyn CryptoRng,
) -> Result<String, DomException> {
    json(&authentication::run(options_json, caller, authenticator, chooser, rng)?)
}

/// `PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()` (WebAuthn Level 3 §5.1.6): false as well when
/// the authenticator is out of reach or has no PIN yet.
pub fn is_uvpaa(authenticator: &mut dyn Authenticator) -> bool {
    authenticator.attachment() == Attachment::Platform
        && authenticator
            .transact(&Request::GetInfo.encode())
            .is_ok_and(|response| get_info::Response::parse(&response).is_ok_and(|info| info.option("uv")))
}

fn json(response: &impl Serialize) -> Result<String, DomException> {
    serde_json::to_string(response).map_err(|error| DomException::unknown(error.to_string()))
}
