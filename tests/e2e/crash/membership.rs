//! What must hold of an organisation's compartment after a kill: what is there is whole, and a repeat finishes.

use latchkey_tests::organisation::{compartments, open_session};
use serde_json::Value;

use super::operation::{NEW_PIN, OLD_PIN, Operation, passkeys};
use super::scene::Scene;

const USERS: [&str; 2] = ["first", "second"];

impl Scene<'_> {
    pub(super) fn prove_membership(&self, point: &str) {
        let operation = self.template.operation;
        // Until the PIN is next used there may be a protector for the service's older key.
        self.prove_whole(point, operation != Operation::Rotate);
        match operation {
            Operation::ResetPin => self.prove_reset(point),
            Operation::RearmPin => self.prove_rearmed(point),
            Operation::BeginAnew => self.prove_begun_anew(point),
            Operation::SetPin
            | Operation::ChangePin
            | Operation::Register
            | Operation::Delete
            | Operation::Join
            | Operation::ProvisionKey
            | Operation::RenewKey
            | Operation::EnableRecovery
            | Operation::Rotate
            | Operation::Leave => {
                self.signs(point, OLD_PIN, &USERS);
                self.attempt();
            }
        }
        self.prove_whole(point, true);
        if operation == Operation::Leave {
            return assert!(self.compartments(point).is_empty(), "{point}: it cannot leave");
        }
        let there = self.compartments(point);
        let [compartment] = there.as_slice() else { panic!("{point}: one compartment, not {there:?}") };
        assert!(compartment["facts"]["device"]["id"].is_string(), "{point}: the join cannot be finished");
        if operation != Operation::Join {
            assert!(compartment["key"].is_string(), "{point}: there is no enterprise key in use");
            assert_eq!(
                compartment["key_pending"], false,
                "{point}: the enterprise key cannot be taken into use"
            );
        }
        if matches!(operation, Operation::ProvisionKey | Operation::RenewKey) {
            self.prove_signing_in(point, OLD_PIN);
        }
        if operation == Operation::Rotate {
            assert_eq!(compartment["recovery"]["kid"], "k2", "{point}: the protector is for the older key");
        }
        if matches!(operation, Operation::EnableRecovery | Operation::Rotate) {
            self.prove_recoverable(point, compartment);
        }
    }

    /// Nothing is half there: a device has its certificate, an enterprise key in use is known to be registered, and a PIN
    /// reset protector is the wanted one where it `must_fit`.
    fn prove_whole(&self, point: &str, must_fit: bool) {
        for compartment in self.compartments(point) {
            let there = |value: &Value| !value.is_null();
            let (facts, recovery) = (&compartment["facts"], &compartment["recovery"]);
            assert_eq!(
                there(&compartment["key"]),
                there(&facts["key"]),
                "{point}: half registered: {compartment}"
            );
            assert!(
                there(&facts["device"]) || !there(&compartment["key"]),
                "{point}: a key without a device"
            );
            if must_fit && recovery["present"] == true {
                assert_eq!(recovery["fits"], true, "{point}: the protector is another one than is wanted");
            }
        }
    }

    fn prove_reset(&self, point: &str) {
        let (old, new) = (self.opens(OLD_PIN), self.opens(NEW_PIN));
        assert!(old != new, "{point}: exactly one PIN must work; old: {old}, new: {new}");
        if old {
            self.attempt();
        }
        self.signs(point, NEW_PIN, &USERS);
        assert!(!self.opens(OLD_PIN), "{point}: the old PIN works still");
        self.prove_signing_in(point, NEW_PIN);
        for compartment in self.compartments(point) {
            self.prove_recoverable(point, &compartment);
        }
    }

    /// All is there, or nothing; in the end there are another PIN and another enterprise key.
    fn prove_begun_anew(&self, point: &str) {
        let (old, new) = (self.opens(OLD_PIN), self.opens(NEW_PIN));
        let has_pin = !self.home.json(&["status"], "")["status"]["pin"].is_null();
        assert!(!(old && new), "{point}: two PINs work");
        assert_eq!(old || new, has_pin, "{point}: there is a PIN, and nobody knows it");
        if old {
            self.signs(point, OLD_PIN, &USERS);
        }
        self.attempt();
        let left = passkeys(&self.home, NEW_PIN);
        assert_eq!(left.map(|left| left.len()), Some(0), "{point}: it cannot be finished");
        assert!(!self.opens(OLD_PIN), "{point}: the old PIN works still");
        self.prove_signing_in(point, NEW_PIN);
    }

    fn prove_rearmed(&self, point: &str) {
        if !self.opens(OLD_PIN) {
            self.attempt();
        }
        self.signs(point, OLD_PIN, &USERS);
        let status = &self.home.json(&["container", "status"], "")["status"];
        assert_eq!(
            status["pin"]["tries_left"], status["pin"]["limit"],
            "{point}: the tries are not all there"
        );
        self.prove_signing_in(point, OLD_PIN);
    }

    /// The enterprise key signs.
    fn prove_signing_in(&self, point: &str, pin: &str) {
        open_session(&self.home, pin).unwrap_or_else(|error| panic!("{point}: no session: {error}"));
        for compartment in self.compartments(point) {
            let at = compartment["at"].as_str().unwrap_or_default();
            let signed = self.template.organisation.sign_in(&self.home, at);
            assert!(signed.is_ok(), "{point}: the enterprise key does not sign: {signed:?}");
        }
    }

    /// The PIN is forgotten once more, and reset.
    fn prove_recoverable(&self, point: &str, compartment: &Value) {
        const NEXT_PIN: &str = "next-pin-161803";
        assert_eq!(compartment["recovery"]["present"], true, "{point}: there is no protector");
        let at = compartment["at"].as_str().unwrap_or_default();
        let reset = self.template.organisation.reset_pin(&self.home, at, NEXT_PIN);
        assert!(reset.is_ok(), "{point}: the PIN cannot be reset: {reset:?}");
        assert!(!self.opens(NEW_PIN) && !self.opens(OLD_PIN), "{point}: an older PIN works still");
        self.signs(point, NEXT_PIN, &USERS);
    }

    fn compartments(&self, point: &str) -> Vec<Value> {
        compartments(&self.home).unwrap_or_else(|error| panic!("{point}: nobody can look: {error}"))
    }
}
