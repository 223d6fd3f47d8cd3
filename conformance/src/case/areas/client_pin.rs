//! authenticatorClientPIN (CTAP 2.3 §6.5).

use crate::case::{Case, Need};

mod agreement;
mod pins;
mod retries;
mod structure;
mod tokens;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [agreement::cases, structure::cases, pins::cases, retries::cases, tokens::cases]
        .into_iter()
        .flat_map(|part| part())
        .map(|case| case.needs(Need::Known("clientPin")))
        .collect()
}
