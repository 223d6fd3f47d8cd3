//! The opened payload of a passkey's record. Its seal keeps others out; what is tested is that no payload, of an
//! older version or damaged before it was sealed, does harm, and that what is read is kept.

use latchkey_container::fuzzing::record_again;

/// Any payload.
///
/// # Panics
/// When a record changes by being read and written.
pub fn check(data: &[u8]) {
    if let Some(written) = record_again(data) {
        let again = record_again(&written).expect("what was written can be read");
        assert_eq!(*again, *written, "a record stays what it is");
    }
}
