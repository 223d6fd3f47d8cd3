//! Devices: their registration, their certificates, and what they sign.
//!
//! A device registers with a key pair of its own and gets a certificate of our device CA for it. Whatever it signs later is
//! read by [`signed`], which is the one place that decides whether a device may still be believed.

mod asker;
mod attestation;
mod authority;
mod discover;
mod endorsement;
mod join;
mod key;
mod policy;
mod refusal;
mod refused;
mod requests;
mod service;
mod signed;
pub mod tpm;
mod usable;

pub use attestation::AttestationFault;
pub use authority::{Authorities, Authority, AuthorityError, IssuedFor, TpmIdentity};
pub use discover::discover;
pub use endorsement::{EndorsementRoots, RootsError};
pub use refusal::DeviceRefusal;
pub use refused::{RegistrationRefusal, RegistrationRow};
pub use requests::nonce;
pub use service::{Call, challenge, nonce_answer, policy, register, register_key, remove};
pub use signed::{Signed, signed};
pub(crate) use usable::usable;
