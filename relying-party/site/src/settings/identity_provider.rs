//! The identity provider whose users may sign in, as the operator names it.

use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use url::{Host, Url};

use super::SettingsError;

/// An identity provider: its issuer URL, and how this site is registered there.
#[derive(Clone, Debug)]
pub struct IdentityProviderSettings {
    /// The issuer, exactly as its tokens name it.
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: ClientId,
    pub(crate) client_secret: Option<ClientSecret>,
    /// PEM certificates of the only CAs that its certificate may come from; `None`: those that the system trusts.
    pub(crate) ca: Option<Vec<u8>>,
}

impl IdentityProviderSettings {
    /// Checks an issuer. `client_secret` is what the provider gave out; space around it is removed. `ca` is PEM.
    ///
    /// # Errors
    /// When the issuer is no https URL (plain http is for this machine), or has a query or fragment (OIDC Discovery
    /// 1.0 §3).
    pub fn new(
        issuer: &str,
        client_id: &str,
        client_secret: Option<&str>,
        ca: Option<Vec<u8>>,
    ) -> Result<Self, SettingsError> {
        let wrong = || SettingsError::Issuer(issuer.to_owned());
        let url = Url::parse(issuer).map_err(|_| wrong())?;
        let local = match url.host() {
            Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(wrong()),
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && local);
        if !secure || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            issuer: IssuerUrl::new(issuer.to_owned()).map_err(|_| wrong())?,
            client_id: ClientId::new(client_id.to_owned()),
            client_secret: client_secret.map(|secret| ClientSecret::new(secret.trim().to_owned())),
            ca,
        })
    }

    /// The origin of the provider's pages: where forms may lead, and who may frame the sign-out.
    pub(crate) fn origin(&self) -> String {
        self.issuer.url().origin().ascii_serialization()
    }

    /// Whether all requests to it must be https.
    pub(crate) fn secure(&self) -> bool {
        self.issuer.url().scheme() == "https"
    }
}
