//! Attestation objects: whatever is accepted is written again byte for byte, and so is the authenticator data in it.

use latchkey_protocol::attestation::AttestationObject;
use latchkey_protocol::cbor::{self, Value};

use crate::authenticator_data;

/// Any bytes.
///
/// # Panics
/// When what was read is not what would be written.
pub fn check(data: &[u8]) {
    let Ok(read) = AttestationObject::parse(data) else { return };
    let written = read.encode();
    assert_eq!(AttestationObject::parse(&written).as_ref(), Ok(&read), "it stays what it is");
    if cbor::decode(data).is_ok_and(|value| !names_no_algorithm(&value)) {
        assert_eq!(written, data, "an attestation object is written as it was read: {read:?}");
    }
    authenticator_data::check(&read.auth_data);
}

/// Whether there is a number beyond 64 bits, sign included. As an algorithm it is none, and is read as another that is none.
fn names_no_algorithm(value: &Value) -> bool {
    if let Some(number) = value.as_integer() {
        return i64::try_from(number).is_err();
    }
    let elements = value.as_array().into_iter().flatten();
    let members = value.as_map().into_iter().flatten().map(|(_, member)| member);
    elements.chain(members).any(names_no_algorithm)
}
