//! What a device does at an identity provider: it registers, provisions an enterprise key, signs in with it, and has a
//! forgotten PIN reset without losing a passkey.
//!
//! One library for the two ends of the daemon's control socket: the `latchkey` command talks to the provider and relays,
//! the daemon builds and signs every payload over the container.

pub mod flows;
pub mod http;
pub mod keyring;
pub mod policy;
mod secret;
pub mod status;
pub mod web_sign_in;
pub mod wire;

pub use secret::Secret;
