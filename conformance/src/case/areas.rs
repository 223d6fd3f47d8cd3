//! The cases, area by area.

use super::Case;

mod client_pin;
mod encoding;
mod get_assertion;
mod get_info;
mod hid;
mod make_credential;
mod shape;

/// Every case, in the order in which they are played.
pub fn all() -> Vec<Case> {
    [
        get_info::cases,
        hid::cases,
        make_credential::cases,
        get_assertion::cases,
        client_pin::cases,
        encoding::cases,
    ]
    .into_iter()
    .flat_map(|area| area())
    .collect()
}

#[cfg(test)]
mod tests;
