//! The way to the identity provider: no redirects (they would lead requests elsewhere), bounded in time and size, secrets
//! wiped.

mod answer;
mod origin;

pub(crate) use answer::printable;
pub use answer::{HttpAnswer, Refused};
pub use origin::{Origin, OriginError};

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder};
use serde::Serialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(30);
/// The largest answer that is read: metadata, policies, certificates are a few KiB.
const LARGEST: usize = 512 * 1024;

/// A client of one identity provider, whose origin it never leaves.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    origin: Origin,
}

/// Why there is no answer, or none that helps. Carries no URL's query, since that may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or a connection that broke.
    #[error(
        "{host} cannot be reached ({problem}): check the network, the provider's address and its CA (--ca FILE)"
    )]
    Unreachable {
        /// The provider's host.
        host: String,
        /// What the transport says.
        problem: String,
    },
    /// The certificates given are none.
    #[error("the CA file holds no usable PEM certificate: ask the provider's administrator for its CA")]
    Ca,
    /// A document of the provider names an endpoint of somebody else.
    #[error("the identity provider at {ours} names an address at {theirs}: tell its administrator")]
    Elsewhere {
        /// The provider's origin.
        ours: String,
        /// The origin that it named.
        theirs: String,
    },
    /// The answer is not what the protocol says.
    #[error("the identity provider's answer cannot be used ({0}): tell its administrator")]
    Answer(String),
    /// The provider says no.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Http {
    /// A client of the provider at `origin`. `ca`: PEM certificates of the only CAs that count; `None`: the system's.
    ///
    /// # Errors
    /// When `ca` holds no certificate.
    pub fn new(origin: Origin, ca: Option<&[u8]>) -> Result<Self, HttpError> {
        // reqwest takes the provider of the process. Whoever installed one before keeps it.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .https_only(origin.secure())
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")));
        if origin.is_this_machine() {
            builder = builder.no_proxy();
        }
        // Names below localhost are this machine, which not every resolver knows (RFC 6761 §6.3). Port 0: the URL's.
        if let Some(host) = origin.url().host_str().filter(|host| host.ends_with(".localhost")) {
            builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        if let Some(ca) = ca {
            let certificates = Certificate::from_pem_bundle(ca).map_err(|_| HttpError::Ca)?;
            if certificates.is_empty() {
                return Err(HttpError::Ca);
            }
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().map_err(|_| HttpError::Ca)?;
        Ok(Self { client, origin })
    }

    /// The provider.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// An address of the provider from a document of its own, which must not lead anywhere else.
    ///
    /// # Errors
    /// When it is no URL or of another origin.
    pub fn own(&self, address: &str) -> Result<Url, HttpError> {
        let url = Url::parse(address).map_err(|_| HttpError::Answer(format!("{address:?} is no URL")))?;
        if url.origin() != self.origin.url().origin() {
            let [ours, theirs] = [self.origin.url(), &url].map(|url| url.origin().ascii_serialization());
            return Err(HttpError::Elsewhere { ours, theirs });
        }
        Ok(url)
    }

    /// Gets a document.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &Url, bearer: Option<&str>) -> Result<HttpAnswer, HttpError> {
        self.send(self.client.get(self.own(url.as_str())?), bearer).await
    }

    /// Posts a form. The body, which may hold secrets, is wiped here; the transport's copies are its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_form(&self, url: &Url, fields: &[(&str, &str)]) -> Result<HttpAnswer, HttpError> {
        let body = Zeroizing::new(Serializer::new(String::new()).extend_pairs(fields).finish());
        let request = self.client.post(self.own(url.as_str())?);
        let typed = request.header("Content-Type", "application/x-www-form-urlencoded");
        self.send(typed.body(body.as_str().to_owned()), None).await
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_json(
        &self,
        url: &Url,
        bearer: Option<&str>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<HttpAnswer, HttpError> {
        let request = self.client.post(self.own(url.as_str())?);
        self.send_json(request, bearer, body).await
    }

    /// Posts JSON with a credential that is no bearer token; `scheme` says what it is (RFC 9110 §11.4).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_json_as(
        &self,
        url: &Url,
        scheme: &str,
        credential: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<HttpAnswer, HttpError> {
        let request = self.client.post(self.own(url.as_str())?);
        let value = Zeroizing::new(format!("{scheme} {credential}"));
        self.send_json(request.header("Authorization", value.as_str()), None, body).await
    }

    /// Deletes what `url` names; the body says who asks.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn delete_json(
        &self,
        url: &Url,
        body: &(impl Serialize + ?Sized),
    ) -> Result<HttpAnswer, HttpError> {
        let request = self.client.delete(self.own(url.as_str())?);
        self.send_json(request, None, body).await
    }

    async fn send_json(
        &self,
        request: RequestBuilder,
        bearer: Option<&str>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<HttpAnswer, HttpError> {
        let body = serde_json::to_vec(body).map(Zeroizing::new);
        let body = body.map_err(|error| HttpError::Answer(error.to_string()))?;
        let request = request.header("Content-Type", "application/json");
        self.send(request.body(body.to_vec()), bearer).await
    }

    async fn send(&self, request: RequestBuilder, bearer: Option<&str>) -> Result<HttpAnswer, HttpError> {
        let request = request.header("Accept", "application/json");
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let mut answer = request.send().await.map_err(|error| self.unreachable(error))?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(HttpError::Answer(format!("it is larger than {LARGEST} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpAnswer::new(answer.status().as_u16(), body))
    }

    /// The innermost cause says what is wrong: refused, no such host, unknown issuer.
    fn unreachable(&self, error: reqwest::Error) -> HttpError {
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        HttpError::Unreachable { host: self.origin.to_string(), problem: cause.to_string() }
    }
}

#[cfg(test)]
mod tests;
