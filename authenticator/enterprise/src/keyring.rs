//! The daemon's side: what the container does for an identity provider, one request at a time.
//!
//! Everything that a key signs is built here, around a nonce of the provider. There is no request that signs what somebody
//! else made, so whoever reaches the control socket gets no assertion for another place or time.

mod execute;
mod facts;
mod joining;
mod message;
mod provisioning;
mod recovering;
mod session;
mod tokens;
mod vouching;

use latchkey_container::Error as ContainerError;

use crate::wire::WireError;

pub use execute::{Rules, execute};
pub use facts::{Device, Facts, Provider, PrtAttempt, PrtTimes, RegisteredKey, User};
pub use message::{AccessToken, Answer, CompartmentName, RecoveryView, Request, View};
pub use session::{Handed, HandedToken, Session};
pub use vouching::{PasskeyRules, Vouching};

/// The way to the container: over the daemon's control socket, or in this process.
pub trait Keyring {
    /// Carries `request` out.
    ///
    /// # Errors
    /// [`Refusal`].
    fn call(&mut self, request: Request) -> Result<Answer, Refusal>;
}

/// Why the container's side did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No gesture has opened the container for this.
    #[error("this needs your PIN first: run `latchkey signin`")]
    Locked,
    /// The device is joined to no provider, or not to the one named.
    #[error("this device is not registered there: join it with `latchkey device join --idp URL`")]
    NotJoined,
    /// A second join at the same tenant.
    #[error("this device is registered at this tenant already: `latchkey device leave` undoes it")]
    AlreadyJoined,
    /// There is no enterprise key yet.
    #[error("there is no enterprise key yet: run `latchkey device provision`")]
    NotProvisioned,
    /// There is no primary refresh token, or it is over.
    #[error("you are not signed in at the identity provider: run `latchkey signin`")]
    NotSignedIn,
    /// The certificate is not for this device's key, or for somebody else.
    #[error("the provider's certificate is not for this device ({0}); nothing was registered here")]
    ForeignCertificate(&'static str),
    /// The PIN reset service is not part of the policy.
    #[error("the tenant's policy names no PIN reset service: ask its administrator")]
    NoResetService,
    /// A policy with another anchor than the pinned one.
    #[error(
        "the policy names another anchor for the PIN reset service than the one that this device knows, so it was not taken: if your administrator says that it was replaced, leave with `latchkey device leave` and join again"
    )]
    OtherAnchor,
    /// An answer without its question.
    #[error("no PIN reset is under way: begin it with `latchkey pin reset`")]
    NoRecovery,
    /// The facts of a compartment do not say what they should.
    #[error("what is stored about the identity provider cannot be read: leave it and join again")]
    Facts,
    /// What the provider sent.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// What the container says.
    #[error(transparent)]
    Container(ContainerError),
    /// What the other end of the control socket says.
    #[error(transparent)]
    Relayed(Box<dyn std::error::Error + Send + Sync>),
    /// The other end of the control socket answered another question.
    #[error("the daemon answered something else: is it another version of this program? restart it")]
    Answer,
}

impl From<ContainerError> for Refusal {
    fn from(error: ContainerError) -> Self {
        if error == ContainerError::Stale {
            Self::Locked
        } else if error == ContainerError::NoEnterpriseKey {
            Self::NotProvisioned
        } else if error == ContainerError::UnknownCompartment {
            Self::NotJoined
        } else {
            Self::Container(error)
        }
    }
}
