//! The fields of a form or a query, each at most once (RFC 6749 §3.1, §3.2).

use std::fmt;

use url::form_urlencoded;
use zeroize::Zeroizing;

use super::error::Refusal;

/// More fields than any client sends.
const MOST: usize = 64;

/// Decoded fields. Some are secrets, so they are neither shown nor left in memory.
pub struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// Reads a form. The content type does not matter: one broker posts without any.
    ///
    /// # Errors
    /// When there are too many fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let fields: Vec<_> = form_urlencoded::parse(bytes)
            .take(MOST + 1)
            .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
            .collect();
        if fields.len() > MOST {
            return Err(Refusal::NotAForm);
        }
        Ok(Self(fields))
    }

    /// The field, if it is there and not empty: an empty one counts as left out (RFC 6749 §3.1).
    ///
    /// # Errors
    /// When it is there twice.
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| value.as_str());
        if found.next().is_some() {
            return Err(Refusal::Malformed(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Each value of a field that may be there several times, as boxes of a form are.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All fields but those with these names.
    pub(super) fn without(&self, names: &[&str]) -> impl Iterator<Item = (String, String)> {
        let others = self.0.iter().filter(move |(name, _)| !names.contains(&name.as_str()));
        others.map(|(name, value)| (name.clone(), value.as_str().to_owned()))
    }

    /// The field, which must be there.
    ///
    /// # Errors
    /// When it is missing or there twice.
    pub fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.optional(name)?.ok_or(Refusal::Missing(name))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
