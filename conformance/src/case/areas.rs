//! The cases, area by area.

use super::Case;

mod bio_enrollment;
mod client_pin;
mod config;
mod credential_management;
mod encoding;
mod extensions;
mod get_assertion;
mod get_info;
mod hid;
mod large_blobs;
mod make_credential;
mod reset;
mod selection;
mod shape;
mod u2f;

/// Every case, in the order in which they are played.
pub fn all() -> Vec<Case> {
    [
        get_info::cases,
        hid::cases,
        encoding::cases,
        make_credential::cases,
        get_assertion::cases,
        client_pin::cases,
        extensions::cases,
        credential_management::cases,
        large_blobs::cases,
        config::cases,
        bio_enrollment::cases,
        selection::cases,
        u2f::cases,
        reset::cases,
    ]
    .into_iter()
    .flat_map(|area| area())
    .collect()
}

#[cfg(test)]
mod tests;
