//! What the policies say about biometric gestures.

use latchkey_container::{Container, Lifetime};
use latchkey_enterprise::keyring::Facts;
use latchkey_enterprise::policy::resolve;

use crate::enterprise::local_policies;
use crate::failure::Failure;

/// How long protectors last, as policy has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Biometric gestures are forbidden.
    Forbidden,
    /// From a PIN to the end of this daemon, and at most to the restart of the machine.
    Session,
    /// Until they are removed.
    Persistent,
}

impl Rule {
    /// The strictest of every tenant's policy, each merged with this machine's files; the files alone where the device
    /// has joined none.
    pub fn of(container: &mut Container) -> Result<Self, Failure> {
        let files = local_policies()?;
        let mut policies = Vec::new();
        for compartment in container.compartments()? {
            if let Some(document) = Facts::read(&compartment.facts)?.policy {
                policies.push(resolve(Some(&document), &files).policy);
            }
        }
        if policies.is_empty() {
            policies.push(resolve(None, &files).policy);
        }
        Ok(if policies.iter().any(|policy| !policy.use_biometrics) {
            Self::Forbidden
        } else if policies.iter().all(|policy| policy.persistent_biometrics) {
            Self::Persistent
        } else {
            Self::Session
        })
    }

    /// How long a protector lasts; `None`: there may be none.
    pub const fn lifetime(self) -> Option<Lifetime> {
        match self {
            Self::Forbidden => None,
            Self::Session => Some(Lifetime::Boot),
            Self::Persistent => Some(Lifetime::Persistent),
        }
    }
}
