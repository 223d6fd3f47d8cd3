//! What a case says when it does not pass.

use crate::ctap::{Answer, Status};
use crate::{hook, target};

/// What was found, beside what the rule wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the authenticator did.
    pub found: String,
    /// What it must do.
    pub wanted: String,
}

/// Why a case ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The authenticator breaks the rule.
    Failed(Failure),
    /// The rule does not apply after all: what says so.
    NotApplicable(String),
    /// The case could not be played: the authenticator is gone, or a hook failed.
    Broken(String),
}

impl Stop {
    /// The authenticator breaks the rule.
    pub fn failed(found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self::Failed(Failure { found: found.into(), wanted: wanted.into() })
    }
}

impl From<target::Error> for Stop {
    fn from(error: target::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<hook::Error> for Stop {
    fn from(error: hook::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Fails unless something holds.
///
/// # Errors
/// [`Stop::Failed`] with both sentences.
pub fn ensure(holds: bool, found: impl Into<String>, wanted: impl Into<String>) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::failed(found, wanted)) }
}

/// Fails unless the status is this one.
///
/// # Errors
/// [`Stop::Failed`] with both statuses.
pub fn status(answer: &Answer, wanted: Status) -> Result<(), Stop> {
    refused(answer, &[wanted])
}

/// Fails unless the status is one of these.
///
/// # Errors
/// [`Stop::Failed`] with all statuses.
pub fn refused(answer: &Answer, wanted: &[Status]) -> Result<(), Stop> {
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    ensure(
        wanted.contains(&answer.status),
        format!("the answer is {}", answer.status),
        format!("the answer {}", names.join(" or ")),
    )
}

/// Takes what must be there.
///
/// # Errors
/// [`Stop::Failed`] naming it.
pub fn present<T>(found: Option<T>, what: &str) -> Result<T, Stop> {
    found.ok_or_else(|| {
        Stop::failed(format!("{what} is missing, or of another type"), format!("{what} in the answer"))
    })
}
