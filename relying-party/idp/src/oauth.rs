//! OAuth 2.0 and OIDC, as Entra-style clients speak them. Nothing here knows HTTP beyond status numbers.

pub mod authorize;
pub mod bearer;
mod claims;
mod client;
mod device;
mod discovery;
mod dpop;
mod error;
mod fields;
mod hint;
mod issue;
mod par;
mod primary;
mod resource;
mod token;
mod userinfo;

pub use claims::ClaimsRequest;
pub use client::ClientProof;
pub use device::authorize_device;
pub use discovery::{Metadata, instance_discovery, metadata, user_realm};
pub(crate) use dpop::ALGORITHMS;
pub use error::{Refusal, Row};
pub use fields::Fields;
pub(crate) use hint::IdTokenHint;
pub use issue::TokenAnswer;
pub(crate) use par::pulled;
pub use par::push;
pub(crate) use primary::{Known, Peer, issue_nonce, present, take_nonce};
pub use primary::{PrimaryRefusal, user_of_sid};
pub(crate) use resource::{Requested, allowed, resolve};
pub use token::{Protocol, TokenReply, TokenRequest, token};
pub use userinfo::userinfo;
