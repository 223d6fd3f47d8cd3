//! Devices: the list with the rules for them, and one device with the keys on it.

use askama::Template;

use super::{AdminFrame, Pager};
use crate::domain::{CharacterRule, DeviceAttestation, DevicePolicy, Registrars, RequiredAttestation};
use crate::pages::When;

/// The devices of a tenant. GET with `q`; POST `…/devices/policy` with the names of [`DevicesPage::SWITCHES`], `registration`,
/// `attestation`, `quota`, `pin_minimum`, `pin_maximum`, `pin_history`, `pin_expiration`, `pin_uppercase`, `pin_lowercase`,
/// `pin_special`, `pin_digits`, `hosts`.
#[derive(Debug, Template)]
#[template(path = "admin/devices.html")]
pub struct DevicesPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What was searched for.
    pub query: String,
    /// The devices that fit.
    pub devices: Vec<DeviceRow>,
    /// The page after.
    pub pager: Pager,
    /// The rules.
    pub policy: DevicePolicy,
    /// Whether a forgotten PIN can be reset without losing what it protects.
    pub pin_recovery: bool,
}

/// A device of the list.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Its ID.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The user name of its owner.
    pub owner: String,
    /// What it says it runs.
    pub system: String,
    /// What is known about where its keys are.
    pub attestation: DeviceAttestation,
    /// How many enterprise keys are on it.
    pub keys: i64,
    /// When it last proved possession of its key.
    pub last_seen: Option<When>,
    /// Whether it may be used.
    pub enabled: bool,
}

/// One device. POSTs, all below `…/devices/{id}`: `/enable`, `/disable`, `/delete`; `/keys/{key}/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/device.html")]
pub struct DevicePage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Which it is.
    pub device: DeviceRow,
    /// The ID of its owner.
    pub owner_id: String,
    /// How it belongs to the tenant.
    pub join: &'static str,
    /// When it was registered.
    pub registered: When,
    /// The SHA-256 of its TPM's endorsement key, hexadecimal.
    pub endorsement: Option<String>,
    /// The keys on it.
    pub keys: Vec<DeviceKeyRow>,
}

/// An enterprise key on a device.
#[derive(Clone, Debug)]
pub struct DeviceKeyRow {
    /// Its ID.
    pub id: String,
    /// The user name of whose it is.
    pub user: String,
    /// The object ID of whose it is.
    pub user_id: String,
    /// What is known about where it is.
    pub attestation: DeviceAttestation,
    /// When it was registered.
    pub created: When,
    /// When it last signed in.
    pub last_used: Option<When>,
}

impl DevicesPage {
    /// What is on or off: the form's field, what it is, and what it does.
    pub const SWITCHES: [(&'static str, &'static str, &'static str); 7] = [
        ("multifactor", "Two factors to register a device", "a password alone is not enough"),
        ("hello", "People sign in with a PIN", "each device gets a key of its own for each person"),
        ("without_prompt", "Do not ask people to set it up", "after they sign in to a new device"),
        ("requires_tpm", "Keys must be in a TPM", "a device without one cannot set up a PIN"),
        ("biometrics", "Fingerprint and face will do", "beside the PIN, on devices that can"),
        ("persistent_biometrics", "Also before the first PIN", "after the device was started"),
        ("pin_recovery", "A forgotten PIN can be reset", "without losing passkeys and keys"),
    ];

    fn is_on(&self, name: &str) -> bool {
        let (policy, hello) = (&self.policy, &self.policy.hello);
        match name {
            "multifactor" => policy.multifactor,
            "hello" => hello.enabled,
            "without_prompt" => hello.without_prompt,
            "requires_tpm" => hello.requires_tpm,
            "biometrics" => hello.biometrics,
            "persistent_biometrics" => hello.persistent_biometrics,
            "pin_recovery" => self.pin_recovery,
            _ => false,
        }
    }

    fn characters(&self) -> [(&'static str, &'static str, CharacterRule); 4] {
        let pin = &self.policy.hello.pin;
        [
            ("pin_digits", "Digits", pin.digits),
            ("pin_lowercase", "Small letters", pin.lowercase),
            ("pin_uppercase", "Capital letters", pin.uppercase),
            ("pin_special", "Special characters", pin.special),
        ]
    }

    fn numbers(&self) -> [(&'static str, &'static str, u32, u32, u32); 5] {
        let (policy, pin) = (&self.policy, &self.policy.hello.pin);
        [
            ("quota", "Most devices of a person", 1, 1_000, policy.quota),
            ("pin_minimum", "Shortest PIN", 4, 127, pin.minimum),
            ("pin_maximum", "Longest PIN", 4, 127, pin.maximum),
            ("pin_history", "Former PINs that may not come back", 0, 50, pin.history),
            ("pin_expiration", "Days until it must be changed (0: never)", 0, 730, pin.expiration),
        ]
    }
}

impl DevicePage {
    fn url(&self) -> String {
        format!("{}/devices/{}", self.frame.base(), self.device.id)
    }
}

/// A choice of the form: its words and what people read.
macro_rules! choices {
    ($($function:ident: $type:ident { $($variant:ident $word:literal $title:literal)* })*) => {$(
        /// The choices of the form field, and which one a word is.
        pub mod $function {
            use super::$type;

            /// The choices, their words, and what people read.
            pub const ALL: &[($type, &str, &str)] = &[$(($type::$variant, $word, $title)),*];

            /// The choice of this word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<$type> {
                ALL.iter().find(|(_, known, _)| *known == word).map(|(choice, ..)| *choice)
            }
        }
    )*};
}

choices! {
    registrars: Registrars {
        Everyone "everyone" "Every user"
        Administrators "administrators" "Administrators"
        Nobody "nobody" "Nobody"
    }
    attestations: RequiredAttestation {
        Optional "optional" "Nothing"
        Verified "verified" "That they are in a TPM"
        Trusted "trusted" "That they are in a TPM of a known maker"
    }
    characters: CharacterRule {
        Allowed "allowed" "Allowed"
        Required "required" "Required"
        Forbidden "forbidden" "Forbidden"
    }
}
