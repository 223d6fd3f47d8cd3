//! Devices: their registration, their certificates, and what they sign.
//!
//! A device registers with a key pair of its own and gets a certificate of our device CA for it. Whatever it signs later is
//! read by [`signed`], which is the one place that decides whether a device may still be believed.

mod authority;
mod refusal;
mod signed;
mod usable;

pub use authority::{Authorities, Authority, AuthorityError, IssuedFor};
pub use refusal::DeviceRefusal;
pub use signed::{Signed, signed};
pub(crate) use usable::usable;
