//! `authenticatorConfig`: arbitrary requests, and those that are wrong.

use latchkey_protocol::config::{Params, PinParams, Request, SubCommand};
use latchkey_protocol::{Command, Status};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::generators::{bytes as any_bytes, number, text};
use crate::malformed::{FINE, First, L, MISSING, TYPE, bytes, check, list, map};

/// Any request.
pub fn request() -> impl Strategy<Value = Request> {
    let rp_ids = of(vec(text(), 0..3));
    let pin = (number(), rp_ids, any::<Option<bool>>(), any::<Option<bool>>()).prop_map(
        |(new_min_pin_length, min_pin_length_rp_ids, force_change_pin, pin_complexity_policy)| PinParams {
            new_min_pin_length,
            min_pin_length_rp_ids,
            force_change_pin,
            pin_complexity_policy,
        },
    );
    let known = of(pin).prop_map(|pin| (SubCommand::SET_MIN_PIN_LENGTH, pin.map(Params::new)));
    let bare = any::<u8>().prop_map(|number| (SubCommand(number), None));
    (prop_oneof![known, bare], number(), of(any_bytes())).prop_map(
        |((subcommand, params), protocol, param)| Request {
            subcommand,
            params,
            protocol,
            pin_uv_auth_param: param,
        },
    )
}

#[test]
fn config() {
    let pin = map([(1, 8.into()), (2, list(["a.example".into()])), (3, true.into()), (4, true.into())]);
    let base = map([(1, 3.into()), (2, pin), (3, 2.into()), (4, bytes(32))]);
    check(
        Command::CONFIG,
        &base,
        &[
            (&[L(1)], None, MISSING),
            (&[L(1)], Some("three".into()), TYPE),
            (&[L(1)], Some(300.into()), Err(Status::INVALID_SUBCOMMAND)),
            (&[L(2)], None, FINE),
            (&[L(2)], Some(list([])), TYPE),
            (&[L(2), L(1)], Some("eight".into()), TYPE),
            (&[L(2), L(1)], Some((-8).into()), TYPE),
            (&[L(2), L(2)], Some("a.example".into()), TYPE),
            (&[L(2), L(2), First], Some(1.into()), TYPE),
            (&[L(2), L(3)], Some(1.into()), TYPE),
            (&[L(2), L(4)], Some(1.into()), TYPE),
            (&[L(2), L(9)], Some(1.into()), FINE),
            (&[L(3)], Some("two".into()), TYPE),
            (&[L(4)], Some(2.into()), TYPE),
        ],
    );
}
