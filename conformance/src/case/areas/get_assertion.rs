//! authenticatorGetAssertion and authenticatorGetNextAssertion (CTAP 2.3 §6.2 and §6.3).

use crate::case::Case;

mod next;
mod parameters;
mod response;
mod structure;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [structure::cases, parameters::cases, response::cases, next::cases]
        .into_iter()
        .flat_map(|part| part())
        .collect()
}
