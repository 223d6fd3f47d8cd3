//! The parameters' presence and types (CTAP 2.3 §6.1.1).

use crate::case::areas::shape::Step::{First, Key, Name};
use crate::case::areas::shape::{Kind, Row, Shape, row};
use crate::case::{Case, Need, State, Stop, Version};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::Request;
use crate::session::Session;

pub(super) fn cases() -> Vec<Case> {
    PARAMETERS.cases().into_iter().chain(LISTS.cases()).collect()
}

static PARAMETERS: Shape = Shape {
    prefix: "make-credential",
    clause: "6.1.1",
    base: |session| session.make(1),
    needs: &[],
    since: Version::V2_0,
    state: State::Ready,
    rows: &[
        row("clientDataHash", &[Key(0x01)], Kind::Bytes, true),
        row("rp", &[Key(0x02)], Kind::Map, true),
        row("rp.id", &[Key(0x02), Name("id")], Kind::Text, true),
        row("rp.name", &[Key(0x02), Name("name")], Kind::Text, false),
        row("user", &[Key(0x03)], Kind::Map, true),
        row("user.id", &[Key(0x03), Name("id")], Kind::Bytes, true),
        row("user.name", &[Key(0x03), Name("name")], Kind::Text, false),
        row("user.displayName", &[Key(0x03), Name("displayName")], Kind::Text, false),
        row("pubKeyCredParams", &[Key(0x04)], Kind::Array, true),
        row("pubKeyCredParams.entry", &[Key(0x04), First], Kind::Map, false),
        row("pubKeyCredParams.type", &[Key(0x04), First, Name("type")], Kind::Text, true),
        row("pubKeyCredParams.alg", &[Key(0x04), First, Name("alg")], Kind::Integer, true),
        row("excludeList", &[Key(0x05)], Kind::Array, false),
        row("extensions", &[Key(0x06)], Kind::Map, false),
        row("options", &[Key(0x07)], Kind::Map, false),
        row("pinUvAuthParam", &[Key(0x08)], Kind::Bytes, false),
        row("pinUvAuthProtocol", &[Key(0x09)], Kind::Unsigned, false),
        Row {
            needs: &[Need::Known("ep")],
            since: Version::V2_1,
            ..row("enterpriseAttestation", &[Key(0x0A)], Kind::Unsigned, false)
        },
        Row { since: Version::V2_2, ..row("attestationFormatsPreference", &[Key(0x0B)], Kind::Array, false) },
    ],
};

/// What is inside the parameters that a platform may leave out.
static LISTS: Shape = Shape {
    prefix: "make-credential",
    clause: "6.1.1",
    base: with_lists,
    needs: &[],
    since: Version::V2_0,
    state: State::Ready,
    rows: &[
        row("excludeList.entry", &[Key(0x05), First], Kind::Map, false),
        row("excludeList.type", &[Key(0x05), First, Name("type")], Kind::Text, true),
        row("excludeList.id", &[Key(0x05), First, Name("id")], Kind::Bytes, true),
        row("options.rk", &[Key(0x07), Name("rk")], Kind::Bool, false),
        row("options.uv", &[Key(0x07), Name("uv")], Kind::Bool, false),
        row("options.up", &[Key(0x07), Name("up")], Kind::Bool, false),
        Row {
            since: Version::V2_2,
            ..row("attestationFormatsPreference.entry", &[Key(0x0B), First], Kind::Text, false)
        },
    ],
};

fn with_lists(session: &mut Session) -> Result<Request, Stop> {
    let nobody = cbor_map! { "id" => [9_u8; 32], "type" => "public-key" };
    let request = session.make(1)?.with(0x05, vec![nobody]).with(0x07, cbor_map! { "rk" => false });
    // Authenticators of before CTAP 2.2 know no preference.
    let knows_preference = Version::of(session.info()) >= Version::V2_2;
    Ok(if knows_preference { request.with(0x0B, vec![Value::from("packed")]) } else { request })
}
