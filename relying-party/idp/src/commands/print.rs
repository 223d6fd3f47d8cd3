//! Answers as JSON for programs, or as lines for people. Both are made from the same values.

use serde_json::Value;

/// How answers look.
pub(super) struct Printer {
    json: bool,
}

impl Printer {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads them.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// A list; people see these members of its objects (`status/errorCode` is a member of a member).
    pub(super) fn list(&self, rows: &[Value], columns: &[&str]) {
        if self.json {
            println!("{:#}", Value::from(rows.to_vec()));
            return;
        }
        let cells = |row: &Value| columns.iter().map(|name| cell(row, name)).collect::<Vec<_>>();
        let heads = columns.iter().map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()).collect();
        let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns.len()).map(width).collect();
        for line in &lines {
            let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
        }
    }

    /// One object.
    pub(super) fn one(&self, object: &Value) {
        if self.json {
            println!("{object:#}");
            return;
        }
        for (name, value) in object.as_object().into_iter().flatten() {
            match value {
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    println!("{name}:");
                    for item in items {
                        println!("  {}", text(item));
                    }
                }
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => println!("{name}: {}", text(value)),
            }
        }
    }

    /// Something was done. Programs see an object anyway.
    pub(super) fn done(&self, sentence: &str) {
        if self.json {
            println!("{:#}", serde_json::json!({ "done": true }));
        } else {
            println!("{sentence}");
        }
    }
}

fn cell(row: &Value, name: &str) -> String {
    text(name.split('/').fold(row, |value, member| value.get(member).unwrap_or(&Value::Null)))
}

/// On one line; names that people chose must not steer the terminal.
fn text(value: &Value) -> String {
    let line = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(self::text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let pairs = members.iter().filter(|(_, value)| !value.is_null());
            pairs.map(|(name, value)| format!("{name}={}", self::text(value))).collect::<Vec<_>>().join("  ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
