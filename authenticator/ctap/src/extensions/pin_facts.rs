//! minPinLength (CTAP 2.3 §12.5) and pinComplexityPolicy (§12.6): what PINs are held to, for the relying parties that a
//! management program has named, and for nobody else.

use ciborium::Value;
use latchkey_container::Container;
use latchkey_protocol::extensions::RegistrationExtensions;

/// Both outputs of one registration.
#[derive(Default)]
pub(super) struct PinFacts {
    pub(super) minimum_length: Option<Value>,
    pub(super) complexity_policy: Option<Value>,
}

impl PinFacts {
    /// What the relying party asks for and may know.
    pub(super) fn asked(inputs: &RegistrationExtensions, rp_id: &str, container: &Container) -> Self {
        if !container.settings().pin_facts_for.iter().any(|named| named == rp_id) {
            return Self::default();
        }
        Self {
            minimum_length: (inputs.min_pin_length == Some(true))
                .then(|| u64::from(container.minimum_pin_length()).into()),
            complexity_policy: (inputs.pin_complexity_policy == Some(true))
                .then(|| container.holds_pins_to_more_than_a_length().into()),
        }
    }
}
