//! How a forgotten PIN can be reset: with every passkey kept, by beginning anew, both, or nobody knows.

use std::fmt;

use latchkey_container::UnixTime;
use serde::Serialize;

/// `CanReset`, in the words of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CanReset {
    /// Only by deleting everything.
    DestructiveOnly,
    /// Only by keeping everything.
    NonDestructiveOnly,
    /// Either way.
    DestructiveAndNonDestructive,
    /// It cannot be told, or neither.
    Unknown,
}

/// `CanReset`, and why it is no more than that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The value.
    pub can: CanReset,
    /// One sentence for each way that is closed.
    pub reasons: Vec<String>,
}

/// What the verdict depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a condition of its own")]
pub struct ResetFacts {
    /// Whether the policy wants a PIN reset protector.
    pub enabled: bool,
    /// Whether the tenant has a PIN reset service, and lets this user use it.
    pub service: Option<bool>,
    /// Whether the container has a PIN reset protector.
    pub protector: bool,
    /// Until when the service's key that protects it is good, as its certificate says.
    pub key_until: Option<UnixTime>,
    /// Whether an enterprise key may be provisioned anew.
    pub may_provision: bool,
}

/// Judges. `facts`: what is known, or why it is not.
#[must_use]
pub fn can_reset(facts: Result<ResetFacts, String>, now: UnixTime) -> Verdict {
    let facts = match facts {
        Ok(facts) => facts,
        Err(reason) => return Verdict { can: CanReset::Unknown, reasons: vec![reason] },
    };
    let keeping = keeping(&facts, now);
    let anew = if facts.may_provision {
        Ok(())
    } else {
        Err("the policy would not provision a new enterprise key after a destructive reset")
    };
    let can = match (keeping, anew) {
        (Ok(()), Ok(())) => CanReset::DestructiveAndNonDestructive,
        (Ok(()), Err(_)) => CanReset::NonDestructiveOnly,
        (Err(_), Ok(())) => CanReset::DestructiveOnly,
        (Err(_), Err(_)) => CanReset::Unknown,
    };
    let reasons = [keeping.err(), anew.err()].into_iter().flatten().map(str::to_owned).collect();
    Verdict { can, reasons }
}

/// Whether a reset can keep everything; else what is missing first.
fn keeping(facts: &ResetFacts, now: UnixTime) -> Result<(), &'static str> {
    if !facts.enabled {
        return Err("the policy does not enable PIN recovery (EnablePinRecovery)");
    }
    match facts.service {
        None => return Err("the tenant has no PIN reset service"),
        Some(false) => return Err("the tenant does not let you use its PIN reset service"),
        Some(true) => {}
    }
    if !facts.protector {
        return Err(
            "the container has no PIN reset protector yet: run `latchkey device refresh`, then open the container with your PIN once",
        );
    }
    if facts.key_until.is_some_and(|until| until <= now) {
        return Err(
            "the PIN reset service's key has expired: run `latchkey device refresh`, then open the container with your PIN once",
        );
    }
    Ok(())
}

impl fmt::Display for CanReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
