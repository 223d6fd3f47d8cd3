//! authenticatorMakeCredential (CTAP 2.3 §6.1).

use crate::case::Case;

mod options;
mod parameters;
mod response;
mod structure;

pub(super) use options::broken_tags;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [structure::cases, parameters::cases, options::cases, response::cases]
        .into_iter()
        .flat_map(|part| part())
        .collect()
}
