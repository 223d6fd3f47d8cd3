//! The PIN reset service: helps a device to open its container again when the PIN was forgotten, without ever storing a secret
//! of a user.
//!
//! Read top-down: [`given`] is what devices ask for beforehand, [`release`] the reset itself with all its checks in order,
//! [`rules`] who may. [`keys`] are the service's own keys, used through the port in [`place`] and certified by an [`anchor`].
//! [`hpke`] and [`blind`] are the two protocols, [`envelope`] what devices keep.

mod admission;
mod anchor;
pub mod blind;
pub(crate) mod code;
mod envelope;
mod events;
pub mod given;
pub mod hpke;
pub mod keys;
mod limit;
pub mod place;
pub mod point;
pub mod refusal;
pub mod release;
pub mod rules;

pub use envelope::{ContainerId, Envelope, Owner, Protocol, Purpose};
pub use events::RELEASED;
pub use given::{Told, told};

use crate::storage;
use crate::tls::TlsError;

/// The name under which clients ask for tokens to the service (idp-wire 1.11).
pub const RESOURCE: &str = "https://cred.microsoft.com";
/// What such a token lets its bearer do.
pub const SCOPE: &str = "user_impersonation";

/// Why the service cannot do what it is for. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A stored key is sealed under another key.
    #[error("a key of the PIN reset service cannot be opened: {0}")]
    Sealed(#[from] crate::secrets::OpenError),
    /// The anchor.
    #[error("the PIN reset anchor cannot be used: {0}")]
    Anchor(#[from] TlsError),
    /// Where the keys are.
    #[error(transparent)]
    Place(#[from] place::PlaceError),
    /// A stored key is none.
    #[error("a stored key of the PIN reset service is damaged: restore the database from a backup")]
    Damaged,
    /// No live key has this name.
    #[error("there is no live key of this name: see `latchkey-idp pin-reset keys list`")]
    NoSuchKey,
    /// Devices are still given this key.
    #[error(
        "devices are given this key: rotate the keys first, and retire it when devices have wrapped again"
    )]
    CurrentKey,
}
