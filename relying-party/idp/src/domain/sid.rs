//! Security identifiers, by which devices know users and groups.

use uuid::Uuid;

/// The security identifier of a directory object: `S-1-12-1-` and its GUID as four numbers.
#[must_use]
pub fn security_identifier(guid: Uuid) -> String {
    let number = |at: usize| {
        let bytes = guid.to_bytes_le();
        let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        u32::from_le_bytes(four)
    };
    format!("S-1-12-1-{}-{}-{}-{}", number(0), number(4), number(8), number(12))
}
