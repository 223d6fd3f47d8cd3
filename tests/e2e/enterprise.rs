//! A device of an organisation: it joins, gets an enterprise key, signs in, and its user forgets the PIN. The real provider,
//! daemon and commands, an emulated TPM, and the provider's pages over HTTP.

mod at_the_terminal;
mod helpdesk;
mod in_the_middle;
mod interruption;
mod journey;
pub mod office;
mod organisations;
mod refused;
mod resets;
mod service;
mod sessions;
