//! A device of an organisation: it joins, gets an enterprise key, signs in, and its user forgets the PIN. The real provider,
//! daemon and commands, an emulated TPM, and the provider's pages over HTTP.

mod at_the_terminal;
mod commands;
mod helpdesk;
mod in_the_middle;
mod interruption;
mod journey;
mod organisations;
mod refused;
mod resets;
mod service;
mod sessions;

pub use latchkey_tests::office;
