//! Who sends a request, and what its headers say about it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

use super::answer::Trace;
use super::peer::Peer;
use crate::domain::Authority;
use crate::oauth::bearer::Sent;
use crate::oauth::{Fields, Protocol, Refusal, TokenRequest};
use crate::provider::Provider;

/// A request without its body.
pub(super) struct Message {
    pub(super) headers: HeaderMap,
    method: Method,
    path: String,
    pub(super) peer: Peer,
}

impl FromRequestParts<Arc<Provider>> for Message {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, Infallible> {
        Ok(Self {
            peer: Peer::from_request_parts(parts, provider).await?,
            headers: parts.headers.clone(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
        })
    }
}

impl Message {
    /// How it presents tokens and proofs. Of two `Authorization` headers a proxy may have looked at the other one, so then
    /// there is none. A header that is no text stands for one that cannot be right.
    pub(super) fn sent(&self) -> Sent<'_> {
        let mut authorizations = self.headers.get_all(AUTHORIZATION).iter();
        let only = authorizations.next().filter(|_| authorizations.next().is_none());
        let proofs = self.headers.get_all("dpop").iter();
        Sent {
            method: self.method.as_str(),
            path: &self.path,
            authorization: only.and_then(|value| value.to_str().ok()),
            proofs: proofs.map(|value| value.to_str().unwrap_or_default()).collect(),
        }
    }

    /// The request of a client to an endpoint of a tenant.
    pub(super) fn client_request(
        &self,
        (tenant, trace): (&str, Trace),
        protocol: Protocol,
        body: &[u8],
    ) -> Result<TokenRequest<'_>, Refusal> {
        Ok(TokenRequest {
            authority: Authority::parse(tenant),
            protocol,
            fields: Fields::parse(body)?,
            sent: self.sent(),
            address: self.peer.0,
            agent: self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
            correlation: trace.correlation(),
        })
    }
}
