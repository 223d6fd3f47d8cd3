//! Tokens: compact JWS (RFC 7515), and the claims that we put into them.

mod claims;
mod jws;
mod sealed_answer;
mod session_key;

pub use claims::{ACR, AccessToken, IdToken, Subject, access_token, id_token, issuer, pairwise};
pub use jws::{Header, Jws, JwsError, PublicKey};
pub use sealed_answer::{AnswerCipher, seal_answer};
pub use session_key::{Derivation, DerivedKey, SealError, SessionKey};

#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
