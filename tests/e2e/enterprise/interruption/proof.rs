//! What must hold after an accident.

use serde_json::{Value, json};

use super::flow::{Failed, Flow};
use crate::enterprise::office::{FIRST_PIN, NEXT_PIN, Office};

/// The PIN after yet another reset.
const LAST_PIN: &str = "615093";

/// What there was.
pub struct Before<'a> {
    pub passkey: &'a Option<String>,
    pub registration: &'a Value,
}

impl Flow {
    /// Proves that a PIN works and no passkey is lost, has the user try again if it is not done, and proves that it is then.
    pub fn prove(self, office: &mut Office, point: &str, before: &Before<'_>, done: &Result<Value, Failed>) {
        self.prove_usable(office, point, before, done.is_ok());
        if !self.is_finished(office, before) {
            assert!(done.is_err(), "{point}: it said that it was done: {done:?}");
            let again = self.retry(office);
            assert!(again.is_ok(), "{point}: it cannot be finished: {again:?}\n{}", office.log());
        }
        self.prove_finished(office, point, before);
    }

    /// Before anybody tries again: one PIN, and the passkey with it, unless all was to be deleted.
    fn prove_usable(self, office: &mut Office, point: &str, before: &Before<'_>, done: bool) {
        let (first, next) = (office.opens(FIRST_PIN), office.opens(NEXT_PIN));
        match self {
            // It may have no PIN yet.
            Self::Provision => assert!(!next && (first || !done), "{point}"),
            Self::Join | Self::EnableReset | Self::Rotate => {
                assert!(first && !next, "{point}: the PIN is lost");
            }
            Self::Reset | Self::DestructiveReset => {
                assert!(first != next, "{point}: exactly one PIN must work; old: {first}, new: {next}");
                assert!(next || !done, "{point}: it said that it was done");
            }
        }
        if self == Self::Reset || first {
            office.prompter.knows(if first { FIRST_PIN } else { NEXT_PIN });
            assert_eq!(office.passkey(), *before.passkey, "{point}: the passkey is lost");
        }
    }

    fn is_finished(self, office: &mut Office, before: &Before<'_>) -> bool {
        let now = office.registration();
        match self {
            Self::Join | Self::Provision => now["key"]["kid"].is_string(),
            Self::EnableReset => is_recoverable(&now),
            Self::Reset => office.opens(NEXT_PIN),
            Self::DestructiveReset => {
                now["key"]["kid"].is_string() && now["key"] != before.registration["key"]
            }
            Self::Rotate => now["recovery"]["kid"] != before.registration["recovery"]["kid"],
        }
    }

    fn prove_finished(self, office: &mut Office, point: &str, before: &Before<'_>) {
        let of_reset = matches!(self, Self::Reset | Self::DestructiveReset);
        let pin = if of_reset { NEXT_PIN } else { FIRST_PIN };
        office.prompter.knows(pin);
        let kept = if self == Self::DestructiveReset { &None } else { before.passkey };
        assert_eq!(office.passkey(), *kept, "{point}: passkeys");
        // Both keys sign, and the provider knows them and no others.
        let _signed_in = office.sign_in(pin);
        let tables = ["devices", "enterprise_keys"];
        assert_eq!(tables.map(|table| office.at_provider(table)), [1, 1], "{point}: half-registered");
        let now = office.registration();
        assert!(is_recoverable(&now), "{point}: no reset is possible: {now}");
        match self {
            Self::EnableReset | Self::Reset | Self::Rotate => {
                assert_eq!(now["key"], before.registration["key"], "{point}: another enterprise key");
            }
            Self::Join | Self::Provision | Self::DestructiveReset => {}
        }
        if matches!(self, Self::EnableReset | Self::Rotate) {
            assert_eq!(office.reset_pin(&[], LAST_PIN)["pin"], json!("reset"), "{point}");
            office.prompter.knows(LAST_PIN);
            assert_eq!(office.passkey(), *before.passkey, "{point}: passkeys after a reset");
        }
    }
}

/// Whether there is the PIN reset protector that is wanted.
fn is_recoverable(registration: &Value) -> bool {
    ["wanted", "present", "fits"].iter().all(|what| registration["recovery"][what] == true)
}
