//! The daemon's control socket, spoken to without the `latchkey` program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::daemon::Home;

/// Sends one request, and returns the answer; the text of what went wrong otherwise.
///
/// # Errors
/// When no daemon answers, or it refuses.
pub fn ask(home: &Home, request: &Value) -> Result<Value, String> {
    let answer = exchange(home, request).map_err(|error| error.to_string())?;
    match answer.get("error") {
        Some(refused) => Err(refused["message"].as_str().unwrap_or_default().to_owned()),
        None => Ok(answer),
    }
}

fn exchange(home: &Home, request: &Value) -> std::io::Result<Value> {
    let mut stream = UnixStream::connect(home.runtime.join("control.sock"))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
