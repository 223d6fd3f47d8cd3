//! Tokens: compact JWS (RFC 7515), and the claims that we put into them.

mod claims;
mod jws;

pub use claims::{ACR, AccessToken, IdToken, Subject, access_token, id_token, issuer, pairwise};
pub use jws::{Header, Jws, JwsError, PublicKey};

#[cfg(test)]
mod tests;
