//! CTAPHID (CTAP 2.3 §11.2).

use crate::case::Case;

mod channels;
mod framing;
mod waiting;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [framing::cases, channels::cases, waiting::cases].into_iter().flat_map(|part| part()).collect()
}
