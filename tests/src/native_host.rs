//! The native-messaging host, driven as the browser drives it, but without a browser.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::daemon::Home;

/// A running `latchkey browser host`.
#[derive(Debug)]
pub struct NativeHost {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    asked: u64,
}

impl NativeHost {
    /// Starts the host.
    #[must_use]
    pub fn start(home: &Home) -> Self {
        let mut command = home.latchkey();
        command.args(["browser", "host"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the native-messaging host starts");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        Self { child, input, output, asked: 0 }
    }

    /// Registers a passkey for `user` at `origin`; returns the response or the error `{name, message}`.
    ///
    /// # Errors
    /// What the host answered in place of a response.
    pub fn create(&mut self, origin: &str, user: &str) -> Result<Value, Value> {
        self.ask("create", json!({ "origin": origin, "options": creation_options(origin, user) }))
    }

    /// Signs in at `origin` with any passkey there is.
    ///
    /// # Errors
    /// What the host answered in place of a response.
    pub fn get(&mut self, origin: &str) -> Result<Value, Value> {
        self.ask("get", json!({ "origin": origin, "options": {
            "challenge": CHALLENGE, "rpId": "localhost", "userVerification": "required", "timeout": 30_000,
        }}))
    }

    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// The `error` member of the answer, or `null` when the host ended instead of answering.
    pub fn ask(&mut self, kind: &str, mut request: Value) -> Result<Value, Value> {
        self.asked += 1;
        request["id"] = self.asked.into();
        request["kind"] = kind.into();
        let answer = self.exchange(&request).unwrap_or_else(|_ended| json!({ "error": null }));
        match answer.get("ok") {
            Some(ok) => Ok(ok.clone()),
            None => Err(answer.get("error").cloned().unwrap_or(Value::Null)),
        }
    }

    /// Sends a request without waiting for an answer.
    pub fn send(&mut self, request: &Value) {
        let text = request.to_string();
        let length = u32::try_from(text.len()).expect("a request is short");
        let _ended =
            self.input.write_all(&length.to_ne_bytes()).and_then(|()| self.input.write_all(text.as_bytes()));
        let _ended = self.input.flush();
    }

    fn exchange(&mut self, request: &Value) -> std::io::Result<Value> {
        self.send(request);
        let mut length = [0; 4];
        self.output.read_exact(&mut length)?;
        let mut text = vec![0; u32::from_ne_bytes(length) as usize];
        self.output.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text).expect("the host answers JSON"))
    }
}

impl Drop for NativeHost {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// 32 bytes, base64url: what they are does not matter here, because nobody verifies the answers of these tests.
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn creation_options(origin: &str, user: &str) -> Value {
    let host = origin.split("://").last().and_then(|rest| rest.split(':').next());
    let handle: String =
        user.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '-' }).collect();
    json!({
        "rp": { "id": host, "name": "Test" },
        "user": { "id": format!("{handle:A<16}"), "name": user, "displayName": user },
        "challenge": CHALLENGE,
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "residentKey": "required", "userVerification": "required" },
        "timeout": 30_000,
        "attestation": "direct",
    })
}
