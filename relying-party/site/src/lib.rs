//! The demo relying-party website: register with a passkey, sign in with it, look after it; or sign in at an identity
//! provider.
//!
//! Read top-down: [`Site`] is what a program opens, [`router`] is its HTTP surface, `ceremonies` are the rules of
//! WebAuthn as this site applies them, `storage` is what it remembers.

mod aaguid;
mod ceremonies;
mod clock;
mod identity_provider;
mod keys;
mod limits;
mod names;
mod pages;
mod refusal;
mod response;
mod settings;
mod site;
mod storage;
mod web;

pub use clock::{Clock, UnixTime};
pub use limits::{Limits, Rate};
pub use settings::{IdentityProviderSettings, Settings, SettingsError};
pub use site::{Entropy, OpenError, Site};
pub use web::router;
