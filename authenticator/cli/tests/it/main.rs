//! The real program, from outside.
#![allow(clippy::disallowed_methods, reason = "these tests wait for real programs in real time")]

#[cfg(test)]
mod biometric;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod control;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod pin_rules;
#[cfg(test)]
mod prompt;
#[cfg(test)]
mod status;
#[cfg(test)]
mod swtpm;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod world;
