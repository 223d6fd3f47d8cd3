//! The address that a request counts for: the one place where it is decided.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::provider::Provider;

/// The client's address: the peer's, or what a trusted proxy says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

impl FromRequestParts<Arc<Provider>> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, Infallible> {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let values = parts.headers.get_all(provider.network.forwarding.header());
        // A value that is no text vouches for nothing, like an empty one.
        let values: Vec<_> = values.iter().map(|value| value.to_str().unwrap_or_default()).collect();
        Ok(Self(provider.network.client(peer, values.into_iter())))
    }
}
