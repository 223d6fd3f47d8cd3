//! What an operator decides, checked once.

use url::{Host, Url};

/// The provider's address and the relying party that its passkeys belong to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at the end: the start of each issuer and endpoint.
    public_url: String,
    /// The RP ID of passkeys (WebAuthn L3 §5.1.2).
    rp_id: String,
    /// The origins that ceremonies may come from, as browsers write them.
    origins: Vec<Url>,
    host: String,
    /// Where the PIN reset service is, when it is a process of its own.
    pin_reset_url: Option<String>,
}

/// Why the settings cannot work. Each text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The public URL is not one.
    #[error("--public-url {0:?} must be scheme, host and port only, like https://id.example.org")]
    PublicUrl(String),
    /// Only loopback may go without TLS.
    #[error("--public-url {0:?} must use https: http is for localhost only")]
    Insecure(String),
    /// The RP ID does not belong to the host.
    #[error("--rp-id {rp_id:?} must be the host of --public-url ({host:?}) or a domain above it")]
    RpId {
        /// The RP ID that was given.
        rp_id: String,
        /// The host of the public URL.
        host: String,
    },
    /// The address of the PIN reset service is none.
    #[error(
        "--pin-reset-url {0:?} must be https, host and port only, like https://reset.example.org; http is for localhost only"
    )]
    PinResetUrl(String),
    /// An origin is not one.
    #[error("--origin {0:?} must be an origin, like https://login.example.org")]
    Origin(String),
}

impl Settings {
    /// Checks the public URL, the RP ID (the URL's host, when it is `None`) and further origins.
    ///
    /// # Errors
    /// When browsers or clients would refuse such a provider.
    pub fn new(public_url: &str, rp_id: Option<&str>, origins: &[String]) -> Result<Self, SettingsError> {
        let url = bare(public_url).ok_or_else(|| SettingsError::PublicUrl(public_url.to_owned()))?;
        let host = match url.host() {
            Some(Host::Domain(host)) => host.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(SettingsError::PublicUrl(public_url.to_owned())),
        };
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(SettingsError::Insecure(public_url.to_owned()));
        }
        let rp_id = rp_id.unwrap_or(&host).to_owned();
        let belongs = rp_id == host
            || (rp_id.contains('.') && host.strip_suffix(&rp_id).is_some_and(|rest| rest.ends_with('.')));
        // A further origin may be what makes another RP ID right: brokers expect the one of the service they were made for.
        if !belongs && origins.is_empty() {
            return Err(SettingsError::RpId { rp_id, host });
        }
        let serialized = url.origin().ascii_serialization();
        let mut all = vec![url];
        for origin in origins {
            all.push(bare(origin).ok_or_else(|| SettingsError::Origin(origin.clone()))?);
        }
        Ok(Self { public_url: serialized, rp_id, origins: all, host, pin_reset_url: None })
    }

    /// With the PIN reset service at another address than the provider's.
    ///
    /// # Errors
    /// When devices would refuse it.
    pub fn with_pin_reset_at(mut self, url: &str) -> Result<Self, SettingsError> {
        let parsed = bare(url).filter(|bare| bare.scheme() == "https" || is_loopback(bare));
        let parsed = parsed.ok_or_else(|| SettingsError::PinResetUrl(url.to_owned()))?;
        self.pin_reset_url = Some(parsed.origin().ascii_serialization());
        Ok(self)
    }

    /// Where devices find the PIN reset service: `https://host[:port]`.
    #[must_use]
    pub fn pin_reset_url(&self) -> &str {
        self.pin_reset_url.as_deref().unwrap_or(&self.public_url)
    }

    /// Whether the PIN reset service is a process of its own, at another address.
    #[must_use]
    pub fn pin_reset_is_elsewhere(&self) -> bool {
        self.pin_reset_url() != self.public_url
    }

    /// `https://host[:port]`.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The host alone, with its port if it has one: how clients name the cloud.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.public_url.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The RP ID of passkeys.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }

    /// The origins that ceremonies may come from; the first is our own.
    #[must_use]
    pub fn origins(&self) -> &[Url] {
        &self.origins
    }

    /// Whether browsers come over https, so that cookies can be `Secure`.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https:")
    }
}

/// Whether the host is this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A URL that has nothing after host and port.
fn bare(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = matches!(url.scheme(), "https" | "http")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then_some(url)
}

#[cfg(test)]
mod tests;
