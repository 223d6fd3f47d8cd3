//! U2F over `CTAPHID_MSG` (FIDO U2F Raw Message Formats 1.2, CTAP 2.3 §7).

use crate::case::{Case, Need, State, Stop, ensure};
use crate::ctap::u2f::Reply;

mod authenticate;
mod messages;
mod register;

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    [messages::cases, register::cases, authenticate::cases]
        .into_iter()
        .flat_map(|part| part())
        .map(|case| case.needs(Need::Version("U2F_V2")).state(State::Ready))
        .collect()
}

/// Fails unless the status word is one of these.
fn wants(reply: &Reply, wanted: &[u16]) -> Result<(), Stop> {
    let words: Vec<String> = wanted.iter().map(|status| format!("0x{status:04x}")).collect();
    ensure(
        wanted.contains(&reply.status),
        format!("SW 0x{:04x}", reply.status),
        format!("SW {}", words.join(" or ")),
    )
}
