//! The parameters' presence and types, for each subcommand (CTAP 2.3 §6.5.5).

use crate::case::areas::shape::Step::Key;
use crate::case::areas::shape::{Kind, Row, Shape, row};
use crate::case::{Case, Need, State, Version};
use crate::ctap::{permission, subcommand};
use crate::session::{PIN, RP_ID, Session, padded};

pub(super) fn cases() -> Vec<Case> {
    [&ANY, &KEY_AGREEMENT, &SET_PIN, &CHANGE_PIN, &LEGACY_TOKEN, &TOKEN]
        .into_iter()
        .flat_map(Shape::cases)
        .collect()
}

const PROTOCOL: Row = row("pinUvAuthProtocol", &[Key(0x01)], Kind::Unsigned, true);
const KEY: Row = row("keyAgreement", &[Key(0x03)], Kind::Map, true);
const PARAM: Row = row("pinUvAuthParam", &[Key(0x04)], Kind::Bytes, true);
const NEW_PIN: Row = row("newPinEnc", &[Key(0x05)], Kind::Bytes, true);
const PIN_HASH: Row = row("pinHashEnc", &[Key(0x06)], Kind::Bytes, true);

static ANY: Shape = Shape {
    prefix: "client-pin",
    clause: "6.5.5",
    base: |_| Ok(Session::pin_request(subcommand::KEY_AGREEMENT).with(0x01, 1)),
    needs: &[],
    since: Version::V2_0,
    state: State::Ready,
    rows: &[row("subCommand", &[Key(0x02)], Kind::Unsigned, true)],
};

static KEY_AGREEMENT: Shape =
    Shape { prefix: "client-pin/key-agreement", clause: "6.5.5.4", rows: &[PROTOCOL], ..ANY };

static SET_PIN: Shape = Shape {
    prefix: "client-pin/set-pin",
    clause: "6.5.5.5",
    base: |session| session.set_pin_request(&padded(PIN)),
    state: State::Fresh,
    rows: &[PROTOCOL, KEY, PARAM, NEW_PIN],
    ..ANY
};

static CHANGE_PIN: Shape = Shape {
    prefix: "client-pin/change-pin",
    clause: "6.5.5.6",
    base: |session| {
        let protocol = session.protocol()?;
        session.change_pin_request(protocol, PIN, &padded(PIN))
    },
    rows: &[PROTOCOL, KEY, PARAM, NEW_PIN, PIN_HASH],
    ..ANY
};

static LEGACY_TOKEN: Shape = Shape {
    prefix: "client-pin/pin-token",
    clause: "6.5.5.7.1",
    base: |session| {
        let protocol = session.protocol()?;
        Ok(session.legacy_token_request(protocol, PIN)?.0)
    },
    rows: &[PROTOCOL, KEY, PIN_HASH],
    ..ANY
};

static TOKEN: Shape = Shape {
    prefix: "client-pin/token",
    clause: "6.5.5.7.2",
    base: |session| {
        let protocol = session.protocol()?;
        Ok(session.token_request(protocol, PIN, permission::MC, Some(RP_ID))?.0)
    },
    needs: &[Need::Option("pinUvAuthToken")],
    since: Version::V2_1,
    rows: &[
        PROTOCOL,
        KEY,
        PIN_HASH,
        row("permissions", &[Key(0x09)], Kind::Unsigned, true),
        row("rpId", &[Key(0x0A)], Kind::Text, false),
    ],
    ..ANY
};
