//! The crate through its public door: signing in at the real identity provider, and the keyring over a real container, where
//! the provider is played, because what is refused there comes from one that lies.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken expectation ends the test with the sentence that names it"
)]

#[cfg(test)]
mod joining;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod recovering;
#[cfg(test)]
mod tokens;
mod web_sign_in;
