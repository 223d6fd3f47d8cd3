//! Whose request it is, when proxies stand between, and whose requests are not counted.
//!
//! Anybody can write a forwarding header. It is believed only from a peer that the operator trusts, and only as far back as
//! trusted hops wrote it: read from its end, the first address that is not a trusted proxy's is the client's.

use std::net::IpAddr;

use ipnet::IpNet;

/// What an operator says about the network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Proxies whose forwarding header is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header that they write. The other one is never read: it would be the client's own.
    pub forwarding: Forwarding,
    /// Addresses whose requests are not counted against a rate.
    pub unlimited: Vec<IpNet>,
}

/// How a proxy says for whom it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarding {
    /// `X-Forwarded-For`: addresses with commas between, each proxy adds the one that it sees.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Forwarding {
    /// The header's name, in lower case.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The address that one element of the header names.
    fn address(self, element: &str) -> Option<IpAddr> {
        let node = match self {
            Self::XForwardedFor => element.trim(),
            Self::Forwarded => {
                let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                named.next()?.1.trim().trim_matches('"')
            }
        };
        address(node)
    }
}

impl Network {
    /// The client's address: the peer's own, or, if the peer is a trusted proxy, what the header says about it.
    /// `header` has the header's values in the order in which they came.
    #[must_use]
    pub fn client<'a>(&self, peer: IpAddr, header: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut known = peer.to_canonical();
        let mut hops = header.rev().flat_map(|value| value.rsplit(','));
        while self.trusts(known) {
            // An element that is no address (`unknown`, a made-up name) ends what is known: the hop that wrote it is the
            // last address that somebody trusted vouches for.
            let Some(before) = hops.next().and_then(|hop| self.forwarding.address(hop)) else { break };
            known = before.to_canonical();
        }
        known
    }

    /// Whether requests of this address are not counted.
    #[must_use]
    pub fn is_unlimited(&self, address: IpAddr) -> bool {
        self.unlimited.iter().any(|net| net.contains(&address))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80` (RFC 7239 §6).
fn address(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse() {
        return Some(address);
    }
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split_once(']').and_then(|(address, _)| address.parse().ok());
    }
    node.rsplit_once(':').and_then(|(address, _)| address.parse().ok())
}

#[cfg(test)]
mod tests;
