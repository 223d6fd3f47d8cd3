//! The rules for devices, the keys on them and what signs in with them, as a form.

use super::Switch;
use crate::domain::{CharacterRule, Registrars, RequiredAttestation, TenantPolicy};
use crate::pin_reset::Protocol;

/// The rules for devices. POST `…/policies/devices` with the names of [`DeviceRules::SWITCHES`], `registration`, `attestation`,
/// `pin_recovery_protocol`, `quota`, `pin_minimum`, `pin_maximum`, `pin_history`, `pin_expiration`, `pin_uppercase`,
/// `pin_lowercase`, `pin_special`, `pin_digits`, `hosts`.
#[derive(Debug)]
pub struct DeviceRules {
    pub(super) policy: TenantPolicy,
    /// What is on or off, each part of the form under its heading.
    pub(super) parts: Vec<(&'static str, Vec<Switch>)>,
}

/// A switch of the form: its field, what it is, and what it does.
type SwitchText = (&'static str, &'static str, &'static str);

impl DeviceRules {
    /// The form with what the tenant decided.
    #[must_use]
    pub fn of(mut policy: TenantPolicy) -> Self {
        let part = |(title, switches): (&'static str, &[SwitchText])| {
            let shown = switches.iter().map(|(name, label, hint)| {
                let on = switch(&mut policy, name).is_some_and(|on| *on);
                Switch { name, label, hint, on }
            });
            (title, shown.collect())
        };
        let parts = Self::SWITCHES.map(part).into();
        Self { policy, parts }
    }

    /// What is on or off, under the heading of its part of the form.
    pub const SWITCHES: [(&'static str, &'static [SwitchText]); 4] = [
        (
            "Registration",
            &[("multifactor", "Two factors to register a device", "a password alone is not enough")],
        ),
        (
            "Signing in with a PIN",
            &[
                ("hello", "People sign in with a PIN", "each device gets a key of its own for each person"),
                ("without_prompt", "Do not ask people to set it up", "after they sign in to a new device"),
                ("requires_tpm", "Keys must be in a TPM", "a device without one cannot set up a PIN"),
                ("biometrics", "Fingerprint and face will do", "beside the PIN, on devices that can"),
                ("persistent_biometrics", "Also before the first PIN", "after the device was started"),
            ],
        ),
        (
            "A forgotten PIN",
            &[(
                "pin_recovery",
                "It can be reset",
                "without losing passkeys and keys; devices get ready at their next unlock",
            )],
        ),
        (
            "Primary refresh tokens",
            &[
                (
                    "require_kdf_v2",
                    "Each message under a key of its own",
                    "a key that was seen once signs nothing else; brokers that know the first derivation only, such as libhimmelblau, cannot sign in any more",
                ),
                (
                    "require_equal_nonce",
                    "One nonce for the request and the key’s assertion",
                    "brokers that fetch two cannot sign in with keys any more",
                ),
            ],
        ),
    ];

    pub(super) fn characters(&self) -> [(&'static str, &'static str, CharacterRule); 4] {
        let pin = &self.policy.devices.hello.pin;
        [
            ("pin_digits", "Digits", pin.digits),
            ("pin_lowercase", "Small letters", pin.lowercase),
            ("pin_uppercase", "Capital letters", pin.uppercase),
            ("pin_special", "Special characters", pin.special),
        ]
    }

    pub(super) fn numbers(&self) -> [(&'static str, &'static str, u32, u32, u32); 5] {
        let (policy, pin) = (&self.policy.devices, &self.policy.devices.hello.pin);
        [
            ("quota", "Most devices of a person", 1, 1_000, policy.quota),
            ("pin_minimum", "Shortest PIN", 4, 127, pin.minimum),
            ("pin_maximum", "Longest PIN", 4, 127, pin.maximum),
            ("pin_history", "Former PINs that may not come back", 0, 50, pin.history),
            ("pin_expiration", "Days until it must be changed (0: never)", 0, 730, pin.expiration),
        ]
    }

    pub(super) fn hosts(&self) -> String {
        self.policy.devices.hello.web_sign_in_hosts.join(";")
    }
}

/// The switch of this name.
pub fn switch<'a>(policy: &'a mut TenantPolicy, name: &str) -> Option<&'a mut bool> {
    match name {
        "multifactor" => Some(&mut policy.devices.multifactor),
        "hello" => Some(&mut policy.devices.hello.enabled),
        "without_prompt" => Some(&mut policy.devices.hello.without_prompt),
        "requires_tpm" => Some(&mut policy.devices.hello.requires_tpm),
        "biometrics" => Some(&mut policy.devices.hello.biometrics),
        "persistent_biometrics" => Some(&mut policy.devices.hello.persistent_biometrics),
        "pin_recovery" => Some(&mut policy.enable_pin_recovery),
        "require_kdf_v2" => Some(&mut policy.require_kdf_v2),
        "require_equal_nonce" => Some(&mut policy.require_equal_nonce),
        _ => None,
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
    protocols: Protocol {
        Hpke "hpke-p256" "hpke-p256: the key may be in a TPM or a security module"
        Blind "blind-p256" "blind-p256: the service never learns the secret"
    }
    characters: CharacterRule {
        Allowed "allowed" "Allowed"
        Required "required" "Required"
        Forbidden "forbidden" "Forbidden"
    }
}
