//! The operations of the crash matrix.

use latchkey_tests::daemon::Home;
use latchkey_tests::native_host::NativeHost;
use latchkey_tests::organisation::{Organisation, compartments, open_session};

/// The site of these tests.
pub const ORIGIN: &str = "http://localhost";
/// The PIN before the operation, where there is one.
pub const OLD_PIN: &str = "old-pin-314159";
/// The PIN that the operation sets.
pub const NEW_PIN: &str = "new-pin-271828";

/// What a container has before an operation: each has what those above it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing, not even a PIN.
    Empty,
    /// A PIN and two passkeys.
    Passkeys,
    /// A compartment, with the device registered.
    Joined,
    /// An enterprise key.
    Provisioned,
    /// A PIN reset protector.
    Recoverable,
}

/// An operation that changes the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The first PIN of an empty container.
    SetPin,
    /// Another PIN, with two passkeys in the container.
    ChangePin,
    /// A third passkey.
    Register,
    /// Deleting the second of two passkeys.
    Delete,
    /// Registering the device.
    Join,
    /// The first enterprise key.
    ProvisionKey,
    /// An enterprise key in the place of another.
    RenewKey,
    /// Taking the PIN reset service's key, and the unlocking that makes the protector.
    EnableRecovery,
    /// A new PIN with the service's answer.
    ResetPin,
    /// The tries of a blocked PIN given back with the service's answer.
    RearmPin,
    /// Taking another key of the service, and the unlocking that makes the protector for it.
    Rotate,
    /// Deleting every key, another PIN, and another enterprise key.
    BeginAnew,
    /// Leaving the organisation.
    Leave,
}

impl Operation {
    /// What there is before it.
    pub const fn starts_from(self) -> Stage {
        match self {
            Self::SetPin => Stage::Empty,
            Self::ChangePin | Self::Register | Self::Delete | Self::Join => Stage::Passkeys,
            Self::ProvisionKey => Stage::Joined,
            Self::RenewKey | Self::EnableRecovery => Stage::Provisioned,
            Self::ResetPin | Self::RearmPin | Self::Rotate | Self::BeginAnew | Self::Leave => {
                Stage::Recoverable
            }
        }
    }

    /// Whether there is time to try each of its points.
    pub fn is_brief(self) -> bool {
        self.starts_from() < Stage::Joined && self != Self::Join
    }

    /// Starts the operation. It may be killed under way, so what it answers is not looked at.
    pub fn attempt(self, home: &Home, organisation: &Organisation) {
        match self {
            Self::SetPin => {
                let _answer = home.run(&["pin", "set", "--pin-stdin"], &format!("{NEW_PIN}\n"));
            }
            Self::ChangePin => {
                let _answer = home.run(&["pin", "change", "--pin-stdin"], &format!("{OLD_PIN}\n{NEW_PIN}\n"));
            }
            Self::Register => {
                let _answer = NativeHost::start(home).create(ORIGIN, "third");
            }
            Self::Delete => {
                let Some(id) = passkeys(home, OLD_PIN).and_then(|all| id_of(&all, "second")) else { return };
                let _answer = home.run(&["passkeys", "delete", &id, "--pin-stdin"], &format!("{OLD_PIN}\n"));
            }
            Self::Join => {
                let _answer = organisation.join(home);
            }
            Self::ProvisionKey
            | Self::RenewKey
            | Self::EnableRecovery
            | Self::ResetPin
            | Self::RearmPin
            | Self::Rotate
            | Self::BeginAnew
            | Self::Leave => {
                let _answer = self.attempt_as_member(home, organisation);
            }
        }
    }

    fn attempt_as_member(self, home: &Home, organisation: &Organisation) -> Result<(), String> {
        let all = compartments(home)?;
        let at = all.first().and_then(|found| found["at"].as_str()).ok_or("there is no compartment")?;
        match self {
            Self::EnableRecovery => {
                organisation.offer_recovery(home, at)?;
                open_session(home, OLD_PIN)
            }
            Self::Rotate => {
                organisation.rotate(home, at)?;
                open_session(home, OLD_PIN)
            }
            Self::ResetPin => organisation.reset_pin(home, at, NEW_PIN),
            Self::BeginAnew => organisation.begin_anew(home, at, NEW_PIN),
            Self::RearmPin => organisation.rearm_pin(home, at),
            Self::Leave => organisation.leave(home, at),
            Self::SetPin
            | Self::ChangePin
            | Self::Register
            | Self::Delete
            | Self::Join
            | Self::ProvisionKey
            | Self::RenewKey => {
                open_session(home, OLD_PIN)?;
                organisation.provision(home, at)
            }
        }
    }
}

/// The user names and ids of the passkeys, when `pin` opens the container.
pub fn passkeys(home: &Home, pin: &str) -> Option<Vec<(String, String)>> {
    let output = home.run(&["passkeys", "list", "--json", "--pin-stdin"], &format!("{pin}\n"));
    if !output.status.success() {
        return None;
    }
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a list is JSON");
    let rows = listed["passkeys"].as_array().expect("the list has passkeys");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Some(rows.iter().map(|row| (text(&row["user"]["name"]), text(&row["id"]))).collect())
}

fn id_of(all: &[(String, String)], user: &str) -> Option<String> {
    all.iter().find(|(name, _)| name == user).map(|(_, id)| id.clone())
}
