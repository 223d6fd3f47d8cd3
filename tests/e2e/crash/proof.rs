//! What must hold after a kill, whatever its point.

use std::collections::BTreeSet;

use latchkey_tests::daemon::Home;
use latchkey_tests::native_host::NativeHost;

use super::operation::{NEW_PIN, OLD_PIN, ORIGIN, Operation, passkeys};
use super::scene::Scene;

impl Scene<'_> {
    /// Proves that exactly one PIN works, that every passkey is there and signs, and that the operation can be finished.
    pub fn prove(&self, point: &str) {
        match self.template.operation {
            Operation::SetPin => self.prove_first_pin(point),
            Operation::ChangePin => self.prove_changed_pin(point),
            Operation::Register => self.prove_users(point, &["first", "second"], "third"),
            Operation::Delete => self.prove_users(point, &["first"], "second"),
            Operation::Join
            | Operation::ProvisionKey
            | Operation::RenewKey
            | Operation::EnableRecovery
            | Operation::ResetPin
            | Operation::RearmPin
            | Operation::Rotate
            | Operation::BeginAnew
            | Operation::Leave => self.prove_membership(point),
        }
    }

    fn prove_first_pin(&self, point: &str) {
        if !self.opens(NEW_PIN) {
            self.attempt();
        }
        assert!(self.opens(NEW_PIN), "{point}: the PIN cannot be set any more");
        self.prompter.knows(NEW_PIN);
        let made = NativeHost::start(&self.home).create(ORIGIN, "first");
        assert!(made.is_ok(), "{point}: the container takes no passkey: {made:?}");
    }

    fn prove_changed_pin(&self, point: &str) {
        let (old, new) = (self.opens(OLD_PIN), self.opens(NEW_PIN));
        assert!(old != new, "{point}: exactly one PIN must work; old: {old}, new: {new}");
        if old {
            self.attempt();
        }
        assert!(self.opens(NEW_PIN), "{point}: the change cannot be finished");
        self.signs(point, NEW_PIN, &["first", "second"]);
    }

    /// `certain` users have their passkeys; `uncertain` has one or none.
    fn prove_users(&self, point: &str, certain: &[&str], uncertain: &str) {
        let users = self.signs(point, OLD_PIN, certain);
        let others: Vec<&String> = users.iter().filter(|user| !certain.contains(&user.as_str())).collect();
        assert!(others.is_empty() || others == [uncertain], "{point}: passkeys from nowhere: {others:?}");
        self.attempt();
        let finished: BTreeSet<String> = users_of(&self.home, OLD_PIN).unwrap_or_default();
        let wanted = self.template.operation == Operation::Register;
        assert_eq!(finished.contains(uncertain), wanted, "{point}: the operation cannot be finished");
    }

    /// Every certain passkey is there, and one signs.
    pub(super) fn signs(&self, point: &str, pin: &str, certain: &[&str]) -> BTreeSet<String> {
        let users = users_of(&self.home, pin)
            .unwrap_or_else(|| panic!("{point}: the PIN does not open the container"));
        for user in certain {
            assert!(users.contains(*user), "{point}: the passkey of {user} is lost; there are {users:?}");
        }
        self.prompter.knows(pin);
        let signed = NativeHost::start(&self.home).get(ORIGIN);
        assert!(signed.is_ok(), "{point}: no passkey signs: {signed:?}");
        users
    }

    pub(super) fn opens(&self, pin: &str) -> bool {
        passkeys(&self.home, pin).is_some()
    }
}

fn users_of(home: &Home, pin: &str) -> Option<BTreeSet<String>> {
    Some(passkeys(home, pin)?.into_iter().map(|(user, _id)| user).collect())
}
