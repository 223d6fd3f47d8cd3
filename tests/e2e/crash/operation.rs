//! The operations of the crash matrix.

use latchkey_tests::daemon::Home;
use latchkey_tests::native_host::NativeHost;

/// The site of these tests.
pub const ORIGIN: &str = "http://localhost";
/// The PIN before the operation, where there is one.
pub const OLD_PIN: &str = "old-pin-314159";
/// The PIN that the operation sets.
pub const NEW_PIN: &str = "new-pin-271828";

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
}

impl Operation {
    /// Whether the container has a PIN and two passkeys before the operation.
    pub const fn wants_passkeys(self) -> bool {
        !matches!(self, Self::SetPin)
    }

    /// Starts the operation. It may be killed under way, so what it answers is not looked at.
    pub fn attempt(self, home: &Home) {
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
