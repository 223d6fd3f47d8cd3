//! Diagnostic notation (RFC 8949 §8), laid out for reading.

use std::fmt::Write;

use super::Value;

/// The item in diagnostic notation: short ones on one line, others indented.
pub fn diagnostic(value: &Value) -> String {
    let mut out = String::new();
    put(value, 0, &mut out);
    out
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _always = write!(text, "{byte:02x}");
        text
    })
}

fn put(value: &Value, depth: usize, out: &mut String) {
    let _always = match value {
        Value::Unsigned(number) => write!(out, "{number}"),
        Value::Negative(below) => write!(out, "-{}", u128::from(*below).saturating_add(1)),
        Value::Bytes(bytes) => write!(out, "h'{}'", hex(bytes)),
        Value::Text(text) => write!(out, "{text:?}"),
        Value::Tag(number, content) => {
            let _always = write!(out, "{number}(");
            put(content, depth, out);
            write!(out, ")")
        }
        Value::Bool(value) => write!(out, "{value}"),
        Value::Null => write!(out, "null"),
        Value::Simple(number) => write!(out, "simple({number})"),
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Raw(bytes) => write!(out, "raw'{}'", hex(bytes)),
        Value::Array(elements) => {
            let rows = elements.iter().map(|element| inner(element, depth)).collect::<Vec<_>>();
            write!(out, "{}", laid_out('[', &rows, ']', depth))
        }
        Value::Map(entries) => {
            let rows = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", inner(key, depth), inner(value, depth)))
                .collect::<Vec<_>>();
            write!(out, "{}", laid_out('{', &rows, '}', depth))
        }
    };
}

fn inner(value: &Value, depth: usize) -> String {
    let mut out = String::new();
    put(value, depth.saturating_add(1), &mut out);
    out
}

/// On one line where that stays short.
fn laid_out(open: char, rows: &[String], close: char, depth: usize) -> String {
    let flat = rows.join(", ");
    if flat.len() <= 60 && !flat.contains('\n') {
        return format!("{open}{flat}{close}");
    }
    let (pad, end) = ("  ".repeat(depth.saturating_add(1)), "  ".repeat(depth));
    format!("{open}\n{pad}{}\n{end}{close}", rows.join(&format!(",\n{pad}")))
}
