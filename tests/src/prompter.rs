//! Answers the daemon's prompts in place of a person.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Reads one request, notes it, and answers: first from the queue, else with the person's PIN or approval.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
read -r request
printf '%s\n' "$request" >> "$here/asked"
if [ -s "$here/queue" ]; then
    answer=$(head -n 1 "$here/queue")
    sed -i 1d "$here/queue"
else
    case $request in
        *'"want":"approval"'*) answer='{"approve":true}' ;;
        *'"want":"choice"'*) answer='{"choice":0}' ;;
        *) answer=$(cat "$here/pin") ;;
    esac
fi
case $answer in
    hold) exec sleep 600 ;;
    *) printf '%s\n' "$answer" ;;
esac
"#;

/// A person at the prompt, played by a script in a folder of its own.
#[derive(Debug)]
pub struct Prompter {
    folder: PathBuf,
}

impl Prompter {
    /// A person who knows `pin` and approves what is asked.
    #[must_use]
    pub fn new(folder: &Path, pin: &str) -> Self {
        fs::create_dir_all(folder).expect("the prompter's folder can be made");
        let prompter = Self { folder: folder.to_owned() };
        fs::write(prompter.program(), SCRIPT).expect("the prompter's script can be written");
        fs::set_permissions(prompter.program(), fs::Permissions::from_mode(0o755))
            .expect("it can be made executable");
        prompter.knows(pin);
        prompter
    }

    /// The program for `--prompt command:PROGRAM`.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.join("answer")
    }

    /// From now on the person types this PIN.
    pub fn knows(&self, pin: &str) {
        fs::write(self.folder.join("pin"), serde_json::json!({ "pin": pin }).to_string())
            .expect("the PIN can be noted");
    }

    /// Answers the next prompt with this line: a JSON answer, or `hold` to leave it open.
    pub fn next(&self, answer: &str) {
        let queue = self.folder.join("queue");
        let before = fs::read_to_string(&queue).unwrap_or_default();
        fs::write(queue, format!("{before}{answer}\n")).expect("the answer can be queued");
    }

    /// Types this PIN, right or wrong, at the next prompt only.
    pub fn next_pin(&self, pin: &str) {
        self.next(&serde_json::json!({ "pin": pin }).to_string());
    }

    /// What the daemon has asked so far, and forgets it.
    #[must_use]
    pub fn asked(&self) -> Vec<Value> {
        let asked = self.folder.join("asked");
        let lines = fs::read_to_string(&asked).unwrap_or_default();
        let _none = fs::remove_file(asked);
        lines.lines().map(|line| serde_json::from_str(line).expect("a prompt request is JSON")).collect()
    }
}
