//! Each way in which a well-formed request can be wrong, with the status that it must get.

use latchkey_protocol::cbor::{self, Value};
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{Command, Malformed, Request, Status};

mod large_blobs;

pub const TYPE: Result<(), Status> = Err(Status::CBOR_UNEXPECTED_TYPE);
pub const MISSING: Result<(), Status> = Err(Status::MISSING_PARAMETER);
const LENGTH: Result<(), Status> = Err(Status::INVALID_LENGTH);
const PARAMETER: Result<(), Status> = Err(Status::INVALID_PARAMETER);
pub const FINE: Result<(), Status> = Ok(());

/// One step into a message.
#[derive(Clone, Copy)]
pub enum Step {
    Label(i64),
    Name(&'static str),
    First,
}
pub use Step::{First, Label as L, Name as N};

pub fn map<K: Into<Value>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

pub fn bytes(length: usize) -> Value {
    Value::Bytes(vec![7; length])
}

pub fn list(elements: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(elements.into_iter().collect())
}

/// `message` with the member at `path` set, or removed.
fn with(mut message: Value, path: &[Step], member: Option<Value>) -> Value {
    let Some((step, deeper)) = path.split_first() else {
        return member.expect("the whole message cannot be removed");
    };
    let key: Value = match *step {
        L(label) => label.into(),
        N(name) => name.into(),
        First => {
            let elements = message.as_array_mut().expect("a list");
            elements[0] = with(elements[0].clone(), deeper, member);
            return message;
        }
    };
    let entries = message.as_map_mut().expect("a map");
    let position = entries.iter().position(|(found, _)| *found == key);
    if deeper.is_empty() {
        if let Some(position) = position {
            entries.remove(position);
        }
        entries.extend(member.map(|member| (key, member)));
    } else {
        let entry = &mut entries[position.expect("a member on the way")].1;
        *entry = with(entry.clone(), deeper, member);
    }
    message
}

fn answer(command: Command, message: &Value) -> Result<(), Status> {
    let request = [vec![command.0], cbor::encode(message)].concat();
    Request::parse(&request).map(|_| ()).map_err(|malformed| malformed.status)
}

/// Where to change the message, what to put there (nothing removes the member), and the answer.
type Case<'a> = (&'a [Step], Option<Value>, Result<(), Status>);

pub fn check(command: Command, base: &Value, cases: &[Case<'_>]) {
    assert_eq!(answer(command, base), FINE, "{command}: the message that the cases change");
    for (number, (path, member, expected)) in cases.iter().enumerate() {
        let message = with(base.clone(), path, member.clone());
        assert_eq!(answer(command, &message), *expected, "{command}, case {number}: {message:?}");
    }
}

fn descriptor() -> Value {
    map([("id", bytes(32)), ("type", "public-key".into()), ("transports", list(["usb".into()]))])
}

fn key_agreement() -> Value {
    map([(1, 2.into()), (3, (-25).into()), (-1, 1.into()), (-2, bytes(32)), (-3, bytes(32))])
}

fn hmac_secret() -> Value {
    map([(1, key_agreement()), (2, bytes(32)), (3, bytes(16)), (4, 1.into())])
}

#[test]
fn make_credential() {
    let base = map([
        (1, bytes(32)),
        (2, map([("id", "example.org".into()), ("name", "Example".into())])),
        (3, map([("id", bytes(16)), ("name", "alice".into()), ("displayName", "Alice".into())])),
        (4, list([map([("alg", Value::from(-7)), ("type", "public-key".into())])])),
        (5, list([descriptor()])),
        (6, map([("credProtect", 3.into()), ("hmac-secret", true.into())])),
        (7, map([("rk", true.into()), ("uv", false.into())])),
        (8, bytes(16)),
        (9, 1.into()),
        (10, 1.into()),
        (11, list(["packed".into()])),
    ]);
    check(
        Command::MAKE_CREDENTIAL,
        &base,
        &[
            (&[], Some(list([])), TYPE),
            (&[], Some("text".into()), TYPE),
            (&[], Some(map::<i64>([])), MISSING),
            (&[L(1)], None, MISSING),
            (&[L(1)], Some("text".into()), TYPE),
            (&[L(1)], Some(bytes(31)), LENGTH),
            (&[L(1)], Some(bytes(33)), LENGTH),
            (&[L(2)], None, MISSING),
            (&[L(2)], Some(bytes(1)), TYPE),
            (&[L(2), N("id")], None, MISSING),
            (&[L(2), N("id")], Some(bytes(1)), TYPE),
            (&[L(2), N("name")], None, FINE),
            (&[L(2), N("name")], Some(1.into()), TYPE),
            (&[L(2), N("icon")], Some("https://example.org".into()), FINE),
            (&[L(2), N("icon")], Some(1.into()), TYPE),
            (&[L(2), N("unknown")], Some(1.into()), FINE),
            (&[L(3)], None, MISSING),
            (&[L(3)], Some(list([])), TYPE),
            (&[L(3), N("id")], None, MISSING),
            (&[L(3), N("id")], Some("text".into()), TYPE),
            (&[L(3), N("id")], Some(bytes(0)), FINE),
            (&[L(3), N("id")], Some(bytes(64)), FINE),
            (&[L(3), N("id")], Some(bytes(65)), LENGTH),
            (&[L(3), N("name")], Some(bytes(1)), TYPE),
            (&[L(3), N("displayName")], Some(bytes(1)), TYPE),
            (&[L(3), N("icon")], Some(bytes(1)), TYPE),
            (&[L(4)], None, MISSING),
            (&[L(4)], Some(map::<i64>([])), TYPE),
            (&[L(4)], Some(list([])), FINE),
            (&[L(4)], Some(list([1.into()])), TYPE),
            (&[L(4), First, N("type")], None, MISSING),
            (&[L(4), First, N("type")], Some(1.into()), TYPE),
            (&[L(4), First, N("type")], Some("unknown".into()), FINE),
            (&[L(4), First, N("alg")], None, MISSING),
            (&[L(4), First, N("alg")], Some("ES256".into()), TYPE),
            (&[L(4), First], Some(map([("type", "unknown".into())])), FINE),
            (&[L(5)], Some(map::<i64>([])), TYPE),
            (&[L(5)], Some(list([])), FINE),
            (&[L(5)], Some(list(["text".into()])), TYPE),
            (&[L(5), First, N("id")], None, MISSING),
            (&[L(5), First, N("id")], Some("text".into()), TYPE),
            (&[L(5), First, N("type")], None, MISSING),
            (&[L(5), First, N("type")], Some(bytes(1)), TYPE),
            (&[L(5), First, N("type")], Some("unknown".into()), FINE),
            (&[L(5), First, N("transports")], Some("usb".into()), TYPE),
            (&[L(5), First, N("transports")], Some(list([1.into()])), TYPE),
            (&[L(6)], Some(list([])), TYPE),
            (&[L(6), N("unknown")], Some(bytes(1)), FINE),
            (&[L(6), N("credProtect")], Some("text".into()), TYPE),
            (&[L(6), N("credProtect")], Some((-1).into()), TYPE),
            (&[L(6), N("credProtect")], Some(256.into()), PARAMETER),
            (&[L(6), N("credBlob")], Some(true.into()), TYPE),
            (&[L(6), N("hmac-secret")], Some(1.into()), TYPE),
            (&[L(6), N("hmac-secret-mc")], Some(true.into()), TYPE),
            (&[L(6), N("hmac-secret-mc")], Some(hmac_secret()), FINE),
            (&[L(6), N("largeBlobKey")], Some(1.into()), TYPE),
            (&[L(6), N("minPinLength")], Some(1.into()), TYPE),
            (&[L(6), N("pinComplexityPolicy")], Some(1.into()), TYPE),
            (&[L(6), N("thirdPartyPayment")], Some(1.into()), TYPE),
            (&[L(7)], Some(list([])), TYPE),
            (&[L(7), N("rk")], Some(1.into()), TYPE),
            (&[L(7), N("up")], Some("true".into()), TYPE),
            (&[L(7), N("uv")], Some(Value::Null), TYPE),
            (&[L(7), N("unknown")], Some(true.into()), FINE),
            (&[L(8)], Some("text".into()), TYPE),
            (&[L(8)], Some(bytes(0)), FINE),
            (&[L(9)], Some("text".into()), TYPE),
            (&[L(9)], Some((-1).into()), TYPE),
            (&[L(10)], Some(true.into()), TYPE),
            (&[L(11)], Some("packed".into()), TYPE),
            (&[L(11)], Some(list([1.into()])), TYPE),
            (&[L(12)], Some("unknown".into()), FINE),
            (&[N("unknown")], Some(1.into()), FINE),
        ],
    );
}

#[test]
fn get_assertion() {
    let base = map([
        (1, "example.org".into()),
        (2, bytes(32)),
        (3, list([descriptor()])),
        (4, map([("hmac-secret", hmac_secret())])),
        (5, map([("up", true.into())])),
        (6, bytes(32)),
        (7, 2.into()),
    ]);
    let secret = [L(4), N("hmac-secret")];
    let with_key = |path: &[Step], member: Option<Value>| {
        with(base.clone(), &[&secret, [L(1)].as_slice(), path].concat(), member)
    };
    check(
        Command::GET_ASSERTION,
        &base,
        &[
            (&[], Some(1.into()), TYPE),
            (&[L(1)], None, MISSING),
            (&[L(1)], Some(bytes(1)), TYPE),
            (&[L(2)], None, MISSING),
            (&[L(2)], Some("text".into()), TYPE),
            (&[L(2)], Some(bytes(16)), LENGTH),
            (&[L(3)], None, FINE),
            (&[L(3)], Some(list([])), FINE),
            (&[L(3)], Some(descriptor()), TYPE),
            (&[L(3), First, N("id")], None, MISSING),
            (&[L(3), First, N("type")], None, MISSING),
            (&[L(3), First, N("type")], Some(1.into()), TYPE),
            (&[L(4)], Some(list([])), TYPE),
            (&[L(4), N("credBlob")], Some(bytes(1)), TYPE),
            (&secret, Some(true.into()), TYPE),
            (&[L(4), N("hmac-secret"), L(1)], None, MISSING),
            (&[L(4), N("hmac-secret"), L(2)], None, MISSING),
            (&[L(4), N("hmac-secret"), L(3)], None, MISSING),
            (&[L(4), N("hmac-secret"), L(2)], Some("text".into()), TYPE),
            (&[L(4), N("hmac-secret"), L(3)], Some("text".into()), TYPE),
            (&[L(4), N("hmac-secret"), L(4)], Some("two".into()), TYPE),
            (&[L(4), N("hmac-secret"), L(4)], None, FINE),
            (&[L(5), N("rk")], Some(true.into()), FINE),
            (&[L(5), N("up")], Some(1.into()), TYPE),
            (&[L(6)], Some(1.into()), TYPE),
            (&[L(7)], Some(bytes(1)), TYPE),
        ],
    );
    for (path, member, expected) in [
        (vec![], Some(bytes(1)), TYPE),
        (vec![L(1)], None, MISSING),
        (vec![L(1)], Some(3.into()), PARAMETER),
        (vec![L(1)], Some("EC2".into()), TYPE),
        (vec![L(3)], None, MISSING),
        (vec![L(3)], Some((-7).into()), PARAMETER),
        (vec![L(-1)], None, MISSING),
        (vec![L(-1)], Some(2.into()), PARAMETER),
        (vec![L(-2)], None, MISSING),
        (vec![L(-2)], Some(bytes(31)), PARAMETER),
        (vec![L(-3)], Some(bytes(33)), PARAMETER),
        // Compressed points have a sign in place of y.
        (vec![L(-3)], Some(true.into()), TYPE),
        (vec![L(-4)], Some(bytes(32)), PARAMETER),
    ] {
        assert_eq!(answer(Command::GET_ASSERTION, &with_key(&path, member)), expected);
    }
}

#[test]
fn client_pin() {
    let base = map([
        (1, 2.into()),
        (2, 9.into()),
        (3, key_agreement()),
        (4, bytes(32)),
        (5, bytes(80)),
        (6, bytes(32)),
        (9, 3.into()),
        (10, "example.org".into()),
    ]);
    check(
        Command::CLIENT_PIN,
        &base,
        &[
            (&[L(1)], None, FINE),
            (&[L(1)], Some("two".into()), TYPE),
            (&[L(2)], None, MISSING),
            (&[L(2)], Some("nine".into()), TYPE),
            (&[L(2)], Some((-1).into()), TYPE),
            (&[L(2)], Some(0xFF.into()), FINE),
            (&[L(2)], Some(0x100.into()), Err(Status::INVALID_SUBCOMMAND)),
            (&[L(3)], Some(bytes(65)), TYPE),
            (&[L(4)], Some("text".into()), TYPE),
            (&[L(5)], Some("text".into()), TYPE),
            (&[L(6)], Some("text".into()), TYPE),
            (&[L(9)], Some("mc".into()), TYPE),
            (&[L(9)], Some(u64::MAX.into()), FINE),
            (&[L(10)], Some(bytes(1)), TYPE),
        ],
    );
}

#[test]
fn credential_management() {
    let base = map([
        (1, 7.into()),
        (2, map([(1, bytes(32)), (2, descriptor()), (3, map([("id", bytes(1))]))])),
        (3, 2.into()),
        (4, bytes(32)),
    ]);
    check(
        Command::CREDENTIAL_MANAGEMENT,
        &base,
        &[
            (&[L(1)], None, MISSING),
            (&[L(1)], Some("seven".into()), TYPE),
            (&[L(1)], Some(700.into()), Err(Status::INVALID_SUBCOMMAND)),
            (&[L(2)], None, FINE),
            (&[L(2)], Some(list([])), TYPE),
            (&[L(2), L(1)], Some(bytes(31)), LENGTH),
            (&[L(2), L(1)], Some("text".into()), TYPE),
            (&[L(2), L(2)], Some(bytes(32)), TYPE),
            (&[L(2), L(2), N("type")], None, MISSING),
            (&[L(2), L(3), N("id")], None, MISSING),
            (&[L(3)], Some("two".into()), TYPE),
            (&[L(4)], Some(2.into()), TYPE),
        ],
    );
}

#[test]
fn commands() {
    let status = |request: &[u8]| Request::parse(request).unwrap_err().status;
    assert_eq!(status(&[]), Status::INVALID_LENGTH);
    for command in [0x00, 0x03, 0x05, 0x0E, 0x3F, 0x42, 0xBF, 0xFF] {
        assert_eq!(status(&[command]), Status::INVALID_COMMAND, "{command:02x}");
    }
    for command in [Command::GET_INFO, Command::RESET, Command::GET_NEXT_ASSERTION, Command::SELECTION] {
        assert_eq!(Request::parse(&[command.0]).unwrap().command(), command);
        assert_eq!(status(&[command.0, 0xA0]), Status::INVALID_LENGTH, "{command}");
    }
    for command in [
        Command::MAKE_CREDENTIAL,
        Command::GET_ASSERTION,
        Command::CLIENT_PIN,
        Command::CREDENTIAL_MANAGEMENT,
        Command::CONFIG,
    ] {
        assert_eq!(status(&[command.0]), Status::MISSING_PARAMETER, "{command}");
        assert_eq!(status(&[command.0, 0xA1]), Status::INVALID_CBOR, "{command}");
    }
    assert_eq!(status(&[4; 7610]), Status::REQUEST_TOO_LARGE);
}

#[test]
fn public_keys() {
    let p256 = map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, bytes(32)), (-3, bytes(32))]);
    let rsa = map([(1, 3.into()), (3, (-257).into()), (-1, bytes(256)), (-2, bytes(3))]);
    let p384 = map([(1, 2.into()), (3, (-35).into()), (-1, 2.into()), (-2, bytes(48)), (-3, bytes(48))]);
    let ed25519 = map([(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, bytes(32))]);
    let ml_dsa = map([(1, 7.into()), (3, (-48).into()), (-1, bytes(1312))]);
    for (key, path, member, expected) in [
        (&p384, vec![], Some(p384.clone()), FINE),
        (&p384, vec![L(-1)], Some(1.into()), PARAMETER),
        (&p384, vec![L(-2)], Some(bytes(32)), PARAMETER),
        (&p384, vec![L(3)], Some((-7).into()), PARAMETER),
        (&ed25519, vec![], Some(ed25519.clone()), FINE),
        (&ed25519, vec![L(-1)], Some(7.into()), PARAMETER),
        (&ed25519, vec![L(-2)], Some(bytes(57)), PARAMETER),
        (&ed25519, vec![L(-3)], Some(bytes(32)), PARAMETER),
        (&ed25519, vec![L(1)], Some(2.into()), PARAMETER),
        (&ml_dsa, vec![], Some(ml_dsa.clone()), FINE),
        (&ml_dsa, vec![L(-1)], Some(bytes(1313)), PARAMETER),
        (&ml_dsa, vec![L(-1)], None, MISSING),
        (&ml_dsa, vec![L(-2)], Some(bytes(32)), PARAMETER),
        (&ml_dsa, vec![L(1)], Some(1.into()), PARAMETER),
        (&p256, vec![L(1)], None, MISSING),
        (&p256, vec![L(3)], None, MISSING),
        (&p256, vec![L(1)], Some(3.into()), PARAMETER),
        (&p256, vec![L(-1)], Some(2.into()), PARAMETER),
        (&p256, vec![L(-2)], Some(bytes(33)), PARAMETER),
        (&p256, vec![L(-3)], Some(false.into()), TYPE),
        (&p256, vec![L(-4)], Some(bytes(32)), PARAMETER),
        (&p256, vec![L(2)], Some(bytes(1)), PARAMETER),
        (&p256, vec![L(3)], Some((-8).into()), PARAMETER),
        (&p256, vec![L(3)], Some((-47).into()), FINE),
        (&rsa, vec![L(-1)], None, MISSING),
        (&rsa, vec![L(-2)], None, MISSING),
        (&rsa, vec![L(1)], Some(2.into()), PARAMETER),
        (&rsa, vec![L(-1)], Some(bytes(0)), PARAMETER),
        (&rsa, vec![L(-2)], Some(Value::Bytes(vec![0, 1, 0, 1])), PARAMETER),
        (&rsa, vec![L(-3)], Some(bytes(1)), PARAMETER),
        (&rsa, vec![], Some(list([])), TYPE),
    ] {
        let key = with(key.clone(), &path, member);
        let parsed = CoseKey::parse(&cbor::encode(&key));
        assert_eq!(parsed.map(|_| ()).map_err(|malformed| malformed.status), expected, "{key:?}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_never_what_was_sent() {
    let refused = Request::parse(&[0x02, 0xA1, 0x01, 0x43, b'P', b'I', b'N']).unwrap_err();
    assert_eq!(refused, Malformed::new(Status::CBOR_UNEXPECTED_TYPE, "rpId"));
    assert_eq!(refused.to_string(), "malformed message (CTAP2_ERR_CBOR_UNEXPECTED_TYPE (0x11)): rpId");
}
