//! Frames of native messaging, good and bad.

use latchkey_transports::native_messaging::{Error, LONGEST, read, write};
use serde_json::json;

fn frame(length: u32, text: &[u8]) -> Vec<u8> {
    [&length.to_ne_bytes(), text].concat()
}

#[test]
fn a_message_goes_out_and_comes_back() {
    let messages = [json!({"id": 1, "kind": "isUvpaa"}), json!("ü"), json!(null)];
    let mut stream = Vec::new();
    for message in &messages {
        write(&mut stream, message).unwrap();
    }
    assert_eq!(&stream[..4], &25_u32.to_ne_bytes());
    let mut from = &stream[..];
    for message in &messages {
        assert_eq!(read(&mut from).unwrap().as_ref(), Some(message));
    }
    assert_eq!(read(&mut from).unwrap(), None, "the browser closed the stream");
}

#[test]
fn the_limit_is_exact() {
    let fits = json!("x".repeat(LONGEST - 2));
    let mut stream = Vec::new();
    write(&mut stream, &fits).unwrap();
    assert_eq!(read(&mut &stream[..]).unwrap(), Some(fits));
    let mut nothing = Vec::new();
    assert!(matches!(write(&mut nothing, &json!("x".repeat(LONGEST - 1))), Err(Error::TooLong(1_048_577))));
    assert!(nothing.is_empty(), "refused before anything is written");
}

/// Whether it is the error that is due.
type Verdict = fn(&Error) -> bool;

#[test]
fn bad_frames_are_refused() {
    let rows: [(&str, Vec<u8>, Verdict); 8] = [
        ("one byte too long", frame(1_048_577, b"{}"), |error| matches!(error, Error::TooLong(1_048_577))),
        ("64 MiB claimed", frame(64 << 20, b"{}"), |error| matches!(error, Error::TooLong(_))),
        ("4 GiB claimed", frame(u32::MAX, b"{}"), |error| matches!(error, Error::TooLong(_))),
        ("half a length", vec![2, 0], |error| matches!(error, Error::Io(_))),
        ("half a message", frame(10, b"{\"id\""), |error| matches!(error, Error::Io(_))),
        ("no JSON", frame(4, b"nope"), |error| matches!(error, Error::NotJson(_))),
        ("no UTF-8", frame(4, b"\"\xFF\xFE\""), |error| matches!(error, Error::NotJson(_))),
        ("empty", frame(0, b""), |error| matches!(error, Error::NotJson(_))),
    ];
    for (name, bytes, expected) in rows {
        let error = read(&mut &bytes[..]).expect_err(name);
        assert!(expected(&error), "{name}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let text = "[".repeat(100_000);
    let bytes = frame(100_000, text.as_bytes());
    assert!(matches!(read(&mut &bytes[..]), Err(Error::NotJson(_))));
}
