//! People and applications of an identity provider, put there by the example program `people`.

use std::process::Command;

use serde::Deserialize;

use crate::idp::IdpPlace;
use crate::programs;

/// Where the applications' codes are sent; nobody listens there.
pub const REDIRECT: &str = "http://127.0.0.1:9/cb";

/// Who is there.
#[derive(Clone, Debug, Deserialize)]
pub struct Population {
    /// Applications with RS256 tokens, then ones with ES256 tokens.
    pub applications: [Applications; 2],
    /// People.
    pub people: People,
}

/// A website with its API, and a program on a device.
#[derive(Clone, Debug, Deserialize)]
pub struct Applications {
    /// The website's client ID.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The API's App ID URI; its scope is `Read`.
    pub api: String,
    /// The program's client ID.
    pub program: String,
}

/// People with one password.
#[derive(Clone, Debug, Deserialize)]
pub struct People {
    /// The password of each.
    pub password: String,
    /// Those who have nothing else.
    pub all: Vec<Person>,
    /// One who has an authenticator app besides.
    pub app: AppHolder,
    /// One who has a Temporary Access Pass besides, good once.
    pub pass: PassHolder,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub struct Person {
    /// The object ID.
    pub id: String,
    /// The user name.
    pub name: String,
}

/// Who has an authenticator app.
#[derive(Clone, Debug, Deserialize)]
pub struct AppHolder {
    /// The user name.
    pub name: String,
    /// What the app scanned: `otpauth://totp/…`.
    pub link: String,
}

/// Who has a Temporary Access Pass.
#[derive(Clone, Debug, Deserialize)]
pub struct PassHolder {
    /// The user name.
    pub name: String,
    /// The pass.
    pub code: String,
}

/// Puts applications and so many people into a provider.
///
/// # Panics
/// When it cannot; the message has what the program said.
#[must_use]
pub fn settle(place: &IdpPlace, people: usize) -> Population {
    let mut command = Command::new(programs::example("people"));
    command.args(["--public-url", &place.url, "--database", place.database(), "--tenant", &place.tenant]);
    command.arg("--key-file").arg(place.key_file()).args(["--redirect-uri", REDIRECT]);
    let output = command.args(["--people", &people.to_string()]).output().expect("the example starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the provider was not settled: {error}");
    serde_json::from_slice(&output.stdout).expect("it prints who is there")
}
