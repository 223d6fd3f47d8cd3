//! Authenticator data, as a client reads it: whatever is accepted is written again byte for byte, because a signature
//! is over these bytes.

use latchkey_protocol::authenticator_data::AuthenticatorData;

/// Any bytes.
///
/// # Panics
/// When what was read is not what would be written.
pub fn check(data: &[u8]) {
    if let Ok(read) = AuthenticatorData::parse(data) {
        assert_eq!(read.encode(), data, "authenticator data is written as it was read: {read:?}");
    }
}
