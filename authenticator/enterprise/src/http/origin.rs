//! The origin of an identity provider, as a person types it.

use std::fmt;

use url::{Host, Url};

/// Scheme, host and port: `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

/// The text names no provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("{0:?} is no address of an identity provider: write it like https://id.example.org")]
    NotAUrl(String),
    /// More than an origin.
    #[error("{0:?} has more than scheme, host and port: write it like https://id.example.org")]
    More(String),
    /// Not https.
    #[error("{0:?} must begin with https (http is for this machine only)")]
    Insecure(String),
}

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// When it is none, or not safe to send a password to.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let not_a_url = || OriginError::NotAUrl(text.to_owned());
        let url = Url::parse(text.trim()).map_err(|_| not_a_url())?;
        let host = url.host().ok_or_else(not_a_url)?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&host)) {
            return Err(OriginError::Insecure(text.to_owned()));
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::More(text.to_owned()));
        }
        Ok(Self(url))
    }

    /// As a URL, with the path `/`.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// An address of this origin; `path` begins with a slash and may bring a query.
    #[must_use]
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// Whether all requests must be https.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(super) fn is_this_machine(&self) -> bool {
        self.0.host().is_some_and(|host| is_loopback(&host))
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}
