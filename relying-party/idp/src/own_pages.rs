//! The provider's own pages, for people who sign in to the provider itself.

mod home;

pub use home::home;
