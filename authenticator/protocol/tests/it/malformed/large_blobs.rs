//! `authenticatorLargeBlobs`.

use latchkey_protocol::Command;

use super::{FINE, L, TYPE, bytes, check, map};

#[test]
fn each_member_has_its_type() {
    let read = map([(1, 17.into()), (3, 0.into())]);
    check(
        Command::LARGE_BLOBS,
        &read,
        &[
            // Which members belong together is the engine's to say.
            (&[L(3)], None, FINE),
            (&[L(1)], None, FINE),
            (&[L(1)], Some((-1).into()), TYPE),
            (&[L(1)], Some(bytes(3)), TYPE),
            (&[L(2)], Some(bytes(3)), FINE),
            (&[L(2)], Some("text".into()), TYPE),
            (&[L(3)], Some(false.into()), TYPE),
            (&[L(4)], Some(bytes(3)), TYPE),
            (&[L(4)], Some(u64::MAX.into()), FINE),
            (&[L(5)], Some(3.into()), TYPE),
            (&[L(6)], Some("two".into()), TYPE),
        ],
    );
}
