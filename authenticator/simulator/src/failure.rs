//! Why the simulator cannot go on.

use std::fmt;

/// What is wrong and what to do, for the person who started it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// In words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the operating system refused.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Self(format!("{what}: {error}"))
    }

    /// The engine's thread is gone.
    pub fn engine_ended() -> Self {
        Self::new("the engine ended by an internal error; start the simulator again")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
