//! Scopes as clients write them (RFC 6749 §3.3; the Entra-style forms of a resource's scopes).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest list that is read.
const LONGEST: usize = 4096;

/// The scope text is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the scope may only hold printable ASCII without quotes and backslashes, at most {LONGEST} characters"
)]
pub struct ScopeError;

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// One of OIDC's own: `openid`, `profile`, `email`, `offline_access`; `address` and `phone`, of which nothing is
    /// known here (OIDC Core §5.4).
    OpenId(&'a str),
    /// `{resource}/{name}`, or a bare name of the default resource. `.default` asks for all that was consented to.
    Resource {
        /// The resource's identifier, as written; `None` is the default resource.
        resource: Option<&'a str>,
        /// The name of the scope within the resource.
        name: &'a str,
    },
}

/// A list of scopes, in the client's order, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads a space-separated list.
    ///
    /// # Errors
    /// When a character is not allowed, or the list is too long.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let allowed = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if text.len() > LONGEST || !text.bytes().all(allowed) {
            return Err(ScopeError);
        }
        Ok(text.split(' ').filter(|word| !word.is_empty()).collect())
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name` is in the list.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope == name)
    }

    /// Whether each scope of `other` is in this list.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.has(scope))
    }

    /// The words as written.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Each scope, told apart.
    pub fn iter(&self) -> impl Iterator<Item = Scope<'_>> {
        self.words().map(|word| match word {
            "openid" | "profile" | "email" | "address" | "phone" | "offline_access" => Scope::OpenId(word),
            // `https://api.example//.default` is how a resource with a trailing slash is written.
            word => match word.rsplit_once('/') {
                Some((resource, name)) if !resource.is_empty() => {
                    Scope::Resource { resource: Some(resource), name }
                }
                Some((_, name)) => Scope::Resource { resource: None, name },
                None => Scope::Resource { resource: None, name: word },
            },
        })
    }

    /// This list and what `other` adds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.words().chain(other.words()).collect()
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(words: T) -> Self {
        let mut scopes = Self::default();
        for word in words {
            if !scopes.has(word) {
                scopes.0.push(word.to_owned());
            }
        }
        scopes
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
