//! OAuth 2.0 and OIDC, as Entra-style clients speak them. Nothing here knows HTTP beyond status numbers.

pub mod authorize;
mod client;
mod device;
mod discovery;
mod error;
mod fields;
mod hint;
mod issue;
mod resource;
mod token;
mod userinfo;

pub use client::ClientProof;
pub use device::authorize_device;
pub use discovery::{Metadata, instance_discovery, metadata, user_realm};
pub use error::{Refusal, Row};
pub use fields::Fields;
pub use issue::TokenAnswer;
pub(crate) use resource::{Requested, allowed, resolve};
pub use token::{Protocol, TokenRequest, token};
pub use userinfo::{revoke_sign_in_sessions, userinfo};
