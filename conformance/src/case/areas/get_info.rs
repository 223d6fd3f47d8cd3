//! authenticatorGetInfo (CTAP 2.3 §6.4): what an authenticator says of itself must be of the right type and fit together.

use crate::case::Case;

mod consistency;
mod members;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    members::cases().into_iter().chain(consistency::cases()).collect()
}
