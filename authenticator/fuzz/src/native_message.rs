//! What a browser sends to the native host: frames of JSON, and a page's options within them.

use latchkey_client::Caller;
use latchkey_transports::native_messaging::{LONGEST, read, write};
use serde_json::Value;

use crate::page::{Ceremony, ceremony};

/// Any stream.
///
/// # Panics
/// When a message changes on its way, or the stream is read beyond its end.
pub fn check(data: &[u8]) {
    let mut stream = data;
    loop {
        let before = stream.len();
        let Ok(Some(message)) = read(&mut stream) else { return };
        assert!(before - stream.len() <= LONGEST + 4, "no more is taken than may be");
        carry(&message);
        take(&message);
    }
}

/// The same message goes the other way. Numbers with a fraction, which nobody sends, may lose their last digit.
fn carry(message: &Value) {
    if has_fraction(message) {
        return;
    }
    let mut written = Vec::new();
    if write(&mut written, message).is_ok() {
        let back = read(&mut written.as_slice()).expect("what was written can be read");
        assert_eq!(back.as_ref(), Some(message), "a message arrives as it was sent");
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Runs the ceremony that a message asks for. A page that says anything at all gets an answer or an exception.
fn take(message: &Value) {
    let kind = match message.get("kind").and_then(Value::as_str) {
        Some("create") => Ceremony::Create,
        Some("get") => Ceremony::Get,
        Some(_) | None => return,
    };
    let Some(origin) = message.get("origin").and_then(Value::as_str) else { return };
    let Some(options) = message.get("options") else { return };
    let cross_origin = message.get("crossOrigin").and_then(Value::as_bool).unwrap_or(false);
    match ceremony(kind, &options.to_string(), Caller { origin, cross_origin }) {
        Ok(answer) => assert!(answer.get("id").is_some_and(Value::is_string), "an answer names its passkey"),
        Err(exception) => assert!(!exception.name.as_str().is_empty(), "an exception has a name"),
    }
}
