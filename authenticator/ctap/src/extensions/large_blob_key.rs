//! The largeBlobKey extension (CTAP 2.3 §12.3): the key that a platform encrypts a passkey's large blob with. It stands
//! in a member of the response, beside the authenticator data: relying parties do not see it.

use latchkey_container::Passkey;

use crate::status::Failure;

/// Whether a registration asks for a key. "No" cannot be asked for, and only a discoverable passkey has one.
pub(crate) fn registering(input: Option<bool>, discoverable: bool) -> Result<bool, Failure> {
    match (input, discoverable) {
        (None, _) => Ok(false),
        (Some(true), true) => Ok(true),
        (Some(true), false) | (Some(false), _) => Err(Failure::InvalidOption),
    }
}

/// Whether an assertion asks for the key.
pub(crate) const fn asserting(input: Option<bool>) -> Result<bool, Failure> {
    match input {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(Failure::InvalidOption),
    }
}

/// The response's member: a new passkey has a key if the registration asked for it.
pub(crate) fn of(passkey: &Passkey) -> Option<Vec<u8>> {
    passkey.large_blob_key().map(|key| key.expose().to_vec())
}
