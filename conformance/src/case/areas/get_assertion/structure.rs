//! The parameters' presence and types (CTAP 2.3 §6.2.1).

use crate::case::areas::shape::Step::{First, Key, Name};
use crate::case::areas::shape::{Kind, Shape, row};
use crate::case::{Case, State, Version};
use crate::cbor_map;

pub(super) fn cases() -> Vec<Case> {
    PARAMETERS.cases()
}

static PARAMETERS: Shape = Shape {
    prefix: "get-assertion",
    clause: "6.2.1",
    base: |session| Ok(session.assert()?.with(0x05, cbor_map! { "up" => true })),
    needs: &[],
    since: Version::V2_0,
    state: State::Ready,
    rows: &[
        row("rpId", &[Key(0x01)], Kind::Text, true),
        row("clientDataHash", &[Key(0x02)], Kind::Bytes, true),
        row("allowList", &[Key(0x03)], Kind::Array, false),
        row("allowList.entry", &[Key(0x03), First], Kind::Map, false),
        row("allowList.type", &[Key(0x03), First, Name("type")], Kind::Text, true),
        row("allowList.id", &[Key(0x03), First, Name("id")], Kind::Bytes, true),
        row("extensions", &[Key(0x04)], Kind::Map, false),
        row("options", &[Key(0x05)], Kind::Map, false),
        row("options.up", &[Key(0x05), Name("up")], Kind::Bool, false),
        row("options.uv", &[Key(0x05), Name("uv")], Kind::Bool, false),
        row("pinUvAuthParam", &[Key(0x06)], Kind::Bytes, false),
        row("pinUvAuthProtocol", &[Key(0x07)], Kind::Unsigned, false),
    ],
};
