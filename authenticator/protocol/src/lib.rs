//! CTAP2 messages, authenticator data, attestation objects and COSE keys: data only.
//!
//! Every message goes both ways: the authenticator parses requests and encodes responses, the client encodes
//! requests and parses responses. Nothing here computes with a key, reads a clock or knows who is calling.
//!
//! A request is the command byte followed by CBOR, a response is the status byte followed by CBOR; `parse` and
//! `encode` always speak of the whole message, with that first byte.

pub mod attestation;
pub mod authenticator_data;
pub mod bio_enrollment;
pub mod cbor;
pub mod client_pin;
pub mod config;
pub mod cose;
pub mod credential_management;
pub mod entity;
pub mod extensions;
pub mod get_assertion;
pub mod get_info;
pub mod large_blobs;
pub mod make_credential;

mod command;
mod error;
mod request;
mod response;
mod status;
mod subcommand_params;

pub use command::Command;
pub use cose::Algorithm;
pub use entity::{CredentialDescriptor, CredentialParameter, Options, RpEntity, UserEntity};
pub use error::{Malformed, ResponseError};
pub use request::Request;
pub use response::parse_empty as parse_empty_response;
pub use status::Status;
pub use subcommand_params::SubCommandParams;

/// The longest message of this product, first byte included: what CTAPHID can carry in one initialization
/// packet and 128 continuation packets (CTAP 2.3 §11.2.4), and what getInfo's `maxMsgSize` says.
pub const MAX_MESSAGE: usize = 7609;
