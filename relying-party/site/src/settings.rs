//! What an operator decides, checked once.

mod identity_provider;

use url::{Host, Url};

pub use identity_provider::IdentityProviderSettings;

use crate::limits::Limits;

/// The site's identity: its origin and RP ID.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The origin exactly as browsers write it into client data: `scheme://host[:port]`.
    pub(crate) origin: String,
    /// The same as a URL, for `webauthn-rs`.
    pub(crate) origin_url: Url,
    /// The RP ID (WebAuthn L3 §5.1.2): the origin's host, or a domain above it.
    pub(crate) rp_id: String,
    /// The identity provider whose users may sign in too.
    pub identity_provider: Option<IdentityProviderSettings>,
    /// Whether the server API of the conformance suites is served too. It has neither rate limits nor CSRF tokens.
    pub conformance: bool,
    /// How much one address and one user name may ask for.
    pub limits: Limits,
}

/// Why the settings cannot work. Each text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The origin is not a URL.
    #[error("--origin {0:?} is not a URL: write it like https://example.org or http://localhost:8080")]
    NotAUrl(String),
    /// The origin has more than scheme, host and port.
    #[error("--origin {0:?} must end after the host and port: no path, query, user or fragment")]
    NotAnOrigin(String),
    /// Browsers offer passkeys in secure contexts only.
    #[error("--origin {0:?} must use https: browsers allow passkeys over http for localhost only")]
    Insecure(String),
    /// The host is an address.
    #[error(
        "--origin {0:?} must name a host, not an IP address: a passkey belongs to a domain (try localhost)"
    )]
    Address(String),
    /// The RP ID does not belong to the origin.
    #[error("--rp-id {rp_id:?} must be the host of --origin ({host:?}) or a domain above it")]
    RpId {
        /// The RP ID that was given.
        rp_id: String,
        /// The host of the origin.
        host: String,
    },
    /// The issuer cannot be asked, or not safely.
    #[error(
        "--idp-issuer {0:?} must be an https URL without query or fragment, such as \
         https://id.example.org/TENANT/v2.0 (http is for localhost only)"
    )]
    Issuer(String),
    /// The CA of the identity provider.
    #[error(
        "--idp-ca holds no certificate that can be read: it must be PEM, like the ca.pem of the identity provider"
    )]
    Ca,
}

impl Settings {
    /// Checks an origin and an RP ID (its host, when `rp_id` is `None`).
    ///
    /// # Errors
    /// When browsers would refuse every ceremony of such a site.
    pub fn new(origin: &str, rp_id: Option<&str>) -> Result<Self, SettingsError> {
        let url = Url::parse(origin).map_err(|_| SettingsError::NotAUrl(origin.to_owned()))?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(SettingsError::NotAnOrigin(origin.to_owned()));
        }
        let host = match url.host() {
            Some(Host::Domain(host)) => host.to_owned(),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(SettingsError::Address(origin.to_owned())),
            None => return Err(SettingsError::NotAUrl(origin.to_owned())),
        };
        let local = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(SettingsError::Insecure(origin.to_owned()));
        }
        let rp_id = rp_id.unwrap_or(&host).to_owned();
        let belongs = rp_id == host
            || (rp_id.contains('.') && host.strip_suffix(&rp_id).is_some_and(|rest| rest.ends_with('.')));
        if !belongs {
            return Err(SettingsError::RpId { rp_id, host });
        }
        let serialized = url.origin().ascii_serialization();
        Ok(Self {
            origin: serialized,
            origin_url: url,
            rp_id,
            identity_provider: None,
            conformance: false,
            limits: Limits::default(),
        })
    }

    /// The origin, as browsers write it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the site is served over https, so that cookies can be `Secure`.
    pub(crate) fn secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

#[cfg(test)]
mod tests;
