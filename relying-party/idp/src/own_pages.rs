//! The provider's own pages, for people who sign in to the provider itself.

mod home;
mod security;

pub use home::home;
pub use security::{Change, change, security};
