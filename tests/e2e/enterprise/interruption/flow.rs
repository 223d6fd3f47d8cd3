//! The flows between device and provider.

use serde_json::Value;

use crate::enterprise::office::{FIRST_PIN, NEXT_PIN, Office};

/// A flow that can be interrupted at each of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Joining, with the provisioning that follows by itself, of a container that has passkeys.
    Join,
    /// The first PIN and the enterprise key of a device that has joined.
    Provision,
    /// The PIN reset protector, where the policy wants one only after the provisioning.
    EnableReset,
    /// The reset that keeps every key.
    Reset,
    /// The reset that deletes every key.
    DestructiveReset,
    /// The protector for another key of the PIN reset service.
    Rotate,
}

/// A command failed: exit code and message.
pub type Failed = (i32, String);

impl Flow {
    /// An office where it can begin, kept.
    pub fn prepare(self) -> Office {
        let mut office = Office::for_many_sign_ins();
        match self {
            Self::Join => {
                let _set = office.latchkey(&["pin", "set", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
            }
            Self::Provision => {
                let _joined = office.try_join_with(&["--no-provision"]).expect("it joins");
            }
            Self::EnableReset => {
                office.place.change_policy(&["enable_pin_recovery=false"]);
                let _joined = office.join();
                office.place.change_policy(&["enable_pin_recovery=true"]);
            }
            Self::Reset | Self::DestructiveReset => {
                let _joined = office.join();
            }
            Self::Rotate => {
                let _joined = office.join();
                office.place.rotate_reset_keys();
            }
        }
        if self != Self::Provision {
            let _passkey = office.register("ann");
        }
        office.keep();
        office.restore();
        office
    }

    /// The requests of an undisturbed run.
    pub fn requests(self, office: &mut Office) -> Vec<String> {
        let _before = office.proxy.take_seen();
        self.attempt(office)
            .unwrap_or_else(|(code, said)| panic!("{self:?} ({code}): {said}\n{}", office.log()));
        office.proxy.take_seen()
    }

    /// Whether something changes on either side at this request.
    pub fn changes_at(self, request: &str) -> bool {
        let ends: &[&str] = match self {
            Self::Join => &["/EnrollmentServer/device/", "/EnrollmentServer/key/"],
            Self::Provision => &["/EnrollmentServer/key/"],
            // After the first nothing keeps it from deleting.
            Self::DestructiveReset => &["/token", "/EnrollmentServer/key/"],
            Self::EnableReset | Self::Rotate => &["/getencryptionkey/v1"],
            Self::Reset => &["/unprotectsecret/v1", "/getencryptionkey/v1"],
        };
        ends.iter().any(|end| request.ends_with(end))
    }

    /// The user begins it, or does what is left of it.
    pub fn attempt(self, office: &mut Office) -> Result<Value, Failed> {
        match self {
            Self::Join => office.try_join(),
            Self::Provision => provision(office),
            Self::EnableReset | Self::Rotate => {
                let refreshed = office.attempt(&["device", "refresh"], "");
                // What the user does anyway; the protector is made with it.
                let _opened = office.opens(FIRST_PIN);
                refreshed
            }
            Self::Reset => office.try_reset_pin(&[], NEXT_PIN),
            Self::DestructiveReset => office.try_reset_pin(&["--destructive", "--yes"], NEXT_PIN),
        }
    }

    /// What the messages of an interrupted run tell the user to do.
    pub fn retry(self, office: &mut Office) -> Result<Value, Failed> {
        let is_joined = !office.registration()["device"].is_null();
        if self == Self::Join && is_joined { provision(office) } else { self.attempt(office) }
    }
}

fn provision(office: &mut Office) -> Result<Value, Failed> {
    let provision = ["device", "provision", "--no-browser", "--pin-stdin"];
    office.attempt(&provision, &format!("{FIRST_PIN}\n"))
}
