//! The way to the provider: no redirects (they would lead requests elsewhere), bounded in time and size.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use crate::settings::{IdentityProviderSettings, SettingsError};

const CONNECT: Duration = Duration::from_secs(4);
const WHOLE: Duration = Duration::from_secs(8);
/// The largest answer that is read. Metadata and key sets are a few KiB.
const LARGEST: usize = 256 * 1024;

/// An HTTP client as the `openidconnect` crate takes it.
pub(super) struct Transport(Client);

/// Why there is no answer. Carries no URL, since a URL may carry secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("the answer cannot be built: {0}")]
    Answer(#[from] http::Error),
}

impl Transport {
    pub(super) fn new(settings: &IdentityProviderSettings) -> Result<Self, SettingsError> {
        // reqwest takes the provider of the process. Whoever installed one before keeps it.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .https_only(settings.secure())
            .no_proxy();
        // Names below localhost are this machine, which not every resolver knows (RFC 6761 §6.3). Port 0: the URL's.
        if let Some(host) = settings.issuer.url().host_str().filter(|host| host.ends_with(".localhost")) {
            builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        if let Some(ca) = &settings.ca {
            let certificates = Certificate::from_pem_bundle(ca).map_err(|_| SettingsError::Ca)?;
            if certificates.is_empty() {
                return Err(SettingsError::Ca);
            }
            builder = builder.tls_certs_only(certificates);
        }
        builder.build().map(Self).map_err(|_| SettingsError::Ca)
    }

    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.try_into().map_err(reqwest::Error::without_url)?;
        let mut answer = self.0.execute(request).await.map_err(reqwest::Error::without_url)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}
