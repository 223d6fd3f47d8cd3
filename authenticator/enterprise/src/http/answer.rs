//! What a provider answered: a document, or why not.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::HttpError;
use crate::secret::Secret;

/// The longest text of the provider's that is shown.
const LONGEST_TEXT: usize = 600;

/// An answer whose body, which may hold secrets, is wiped when it goes.
pub struct HttpAnswer {
    status: u16,
    body: Zeroizing<Vec<u8>>,
}

/// A provider's refusal, in the words of OAuth (RFC 6749 §5.2), device registration or key provisioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// The stable word, such as `invalid_grant`; empty where the provider gave none.
    pub error: String,
    /// The provider's text for people.
    pub description: String,
    /// By which an administrator finds the request in the log.
    pub trace_id: Option<String>,
}

impl HttpAnswer {
    pub(super) const fn new(status: u16, body: Zeroizing<Vec<u8>>) -> Self {
        Self { status, body }
    }

    /// HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The document of a success.
    ///
    /// # Errors
    /// The refusal; or the document is not what was expected. Says where, never what: it may hold a secret.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal().into());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            HttpError::Answer(format!("{:?} error at line {line}, column {column}", error.classify()))
        })
    }

    /// The text of a success that is no document of this layer's.
    ///
    /// # Errors
    /// The refusal; or it is no text.
    pub fn text(&self) -> Result<Secret, HttpError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal().into());
        }
        let text =
            std::str::from_utf8(&self.body).map_err(|_| HttpError::Answer("it is no text".to_owned()))?;
        Ok(Secret::new(Zeroizing::new(text.to_owned())))
    }

    /// The answer as a refusal.
    #[must_use]
    pub fn refusal(&self) -> Refused {
        let said: Map<String, Value> = serde_json::from_slice(&self.body).unwrap_or_default();
        let first = |names: [&str; 3]| {
            let texts = names.iter().filter_map(|name| said.get(*name).and_then(Value::as_str));
            texts.map(printable).find(|text| !text.is_empty())
        };
        Refused {
            status: self.status,
            error: first(ERROR).unwrap_or_default(),
            description: first(DESCRIPTION).unwrap_or_default(),
            trace_id: first(TRACE),
        }
    }
}

/// How the services of a provider name the parts of a refusal: OAuth, key provisioning, device registration. Some answers
/// name a part twice.
const ERROR: [&str; 3] = ["error", "code", "ErrorType"];
const DESCRIPTION: [&str; 3] = ["error_description", "message", "Message"];
const TRACE: [&str; 3] = ["trace_id", "clientrequestid", "TraceId"];

/// Text of a peer for a terminal: no control characters, not endless.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.error.is_empty() { "no reason given" } else { &self.error };
        write!(f, "the identity provider refuses ({}, {what})", self.status)?;
        if !self.description.is_empty() {
            write!(f, ": {}", self.description)?;
        }
        match &self.trace_id {
            Some(id) if !self.description.contains(id.as_str()) => write!(f, " (trace ID {id})"),
            Some(_) | None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAnswer({}, {} bytes, redacted)", self.status, self.body.len())
    }
}
