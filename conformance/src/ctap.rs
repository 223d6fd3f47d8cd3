//! CTAP2 as the platform speaks it, made for this runner alone: requests as CBOR maps that a case may bend, PIN/UV auth
//! protocols, and a strict look at what an authenticator answers.

mod attestation;
mod authenticator_data;
mod cose;
mod info;
mod pin;
mod request;
mod status;
pub mod u2f;

pub use attestation::verify as verify_attestation;
pub use authenticator_data::{AuthenticatorData, flags};
pub use cose::{PublicKey, es256_coordinates};
pub use info::Info;
pub use pin::{Agreement, Protocol, pin_hash};
pub use request::{Command, Request, command, permission, subcommand};
pub use status::Status;

/// What an authenticator answered to a CTAP2 message.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The first byte.
    pub status: Status,
    /// What follows it, if anything does and it is CBOR.
    pub body: Option<crate::cbor::Decoded>,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Splits the status from the body.
    pub fn parse(bytes: Vec<u8>) -> Self {
        let (status, body) = bytes
            .split_first()
            .map_or((Status::OTHER, [].as_slice()), |(first, body)| (Status(*first), body));
        Self { status, body: crate::cbor::decode(body).ok(), bytes }
    }

    /// A member of the body.
    pub fn member(&self, key: impl Into<crate::cbor::Value>) -> Option<&crate::cbor::Value> {
        self.body.as_ref()?.value.at(key)
    }
}

/// SHA-256.
pub fn sha256(data: impl AsRef<[u8]>) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(data).into()
}
