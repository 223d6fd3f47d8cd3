//! Attestation objects: whatever is accepted is written again byte for byte, and so is the authenticator data in it.

use latchkey_protocol::attestation::AttestationObject;

use crate::authenticator_data;

/// Any bytes.
///
/// # Panics
/// When what was read is not what would be written.
pub fn check(data: &[u8]) {
    if let Ok(read) = AttestationObject::parse(data) {
        assert_eq!(read.encode(), data, "an attestation object is written as it was read: {read:?}");
        authenticator_data::check(&read.auth_data);
    }
}
