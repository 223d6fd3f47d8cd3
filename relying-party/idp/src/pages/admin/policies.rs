//! The policies of a tenant.

use askama::Template;
use uuid::Uuid;

use super::device_rules::{attestations, characters, protocols, registrars};
use super::{AdminFrame, DeviceRules};
use crate::domain::SecondFactor;
use crate::pages::When;
use crate::strength;

/// POSTs below `…/policies`: `/sign-in` with the switches' names, `lockout_threshold`, `lockout_seconds`, `pass_max_minutes`;
/// `second_factor`; `/passkeys` with `models` (`any`, `listed`), `attestation` (`1`), `known` (`1`), `format` (repeated); `/aaguids` with `aaguid`, `note`;
/// `/aaguids/{aaguid}/delete`; `/strength` with `client_id` (empty: all others) and `strength`; `/devices` with the fields of
/// [`DeviceRules`].
#[derive(Debug, Template)]
#[template(path = "admin/policies.html")]
pub struct PoliciesPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What is on or off.
    pub switches: Vec<Switch>,
    /// What becomes of a sign-in with a password alone.
    pub second_factor: SecondFactor,
    /// How many wrong passwords lock an account.
    pub lockout_threshold: u32,
    /// For how long the first time.
    pub lockout_seconds: u32,
    /// The longest life of a Temporary Access Pass.
    pub pass_max_minutes: u32,
    /// Whether a passkey must come with an attestation that was verified.
    pub attestation_required: bool,
    /// The attestation formats.
    pub formats: Vec<FormatRow>,
    /// Whether only models that the metadata know are accepted.
    pub known_only: bool,
    /// Whether only the listed models are accepted.
    pub listed_only: bool,
    /// The listed models.
    pub aaguids: Vec<AaguidRow>,
    /// The metadata that attestations are verified with.
    pub metadata: Option<MetadataState>,
    /// What each application demands; the row without client ID is for all others.
    pub strengths: Vec<AppStrength>,
    /// The rules for devices.
    pub devices: DeviceRules,
}

impl PoliciesPage {
    fn second_factors() -> [(&'static str, &'static str); 3] {
        SECOND_FACTORS.map(|(_, word, title)| (word, title))
    }

    fn is_second_factor(&self, word: &str) -> bool {
        second_factor(word) == Some(self.second_factor)
    }
}

const SECOND_FACTORS: [(SecondFactor, &str, &str); 3] = [
    (SecondFactor::Optional, "optional", "Nothing more, unless the user has an authenticator app"),
    (SecondFactor::Offered, "offered", "Offer to add an authenticator app"),
    (SecondFactor::Required, "required", "An authenticator app must be added"),
];

/// What the form field says.
#[must_use]
pub fn second_factor(word: &str) -> Option<SecondFactor> {
    SECOND_FACTORS.iter().find(|(_, known, _)| *known == word).map(|(factor, ..)| *factor)
}

/// Something that is on or off.
#[derive(Clone, Debug)]
pub struct Switch {
    /// The form field, also its ID.
    pub name: &'static str,
    /// What it is.
    pub label: &'static str,
    /// What it does.
    pub hint: &'static str,
    /// Whether it is on.
    pub on: bool,
}

/// An attestation format.
#[derive(Clone, Debug)]
pub struct FormatRow {
    /// Its identifier, such as `packed`.
    pub name: String,
    /// Whether it is accepted.
    pub accepted: bool,
}

/// A model that passkeys may come from.
#[derive(Debug)]
pub struct AaguidRow {
    /// Its AAGUID.
    pub aaguid: Uuid,
    /// Its name in the metadata.
    pub model: Option<String>,
    /// Why it is here.
    pub note: String,
    /// A status in the metadata that speaks against it.
    pub warning: Option<String>,
}

/// The FIDO metadata in use.
#[derive(Debug)]
pub struct MetadataState {
    /// Its number.
    pub number: u64,
    /// How many models it knows.
    pub entries: u64,
    /// When the next one is due.
    pub next_update: String,
    /// Whether that has passed.
    pub stale: bool,
    /// When it was loaded.
    pub loaded: When,
}

/// What an application demands of a sign-in.
#[derive(Debug)]
pub struct AppStrength {
    /// The client ID; `None` for all others.
    pub client_id: Option<String>,
    /// The application's name.
    pub name: String,
    /// What it demands.
    pub strength: Strength,
}

/// An authentication strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Any method.
    Any,
    /// Two factors.
    Mfa,
    /// Two factors without a password.
    Passwordless,
    /// Nothing that a look-alike page could ask for.
    PhishingResistant,
}

impl Strength {
    /// All of them, weakest first.
    pub const ALL: [Self; 4] = [Self::Any, Self::Mfa, Self::Passwordless, Self::PhishingResistant];

    /// What the form field says.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Mfa => "mfa",
            Self::Passwordless => "passwordless",
            Self::PhishingResistant => "phishing-resistant",
        }
    }

    /// The strength of this form field.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strength| strength.word() == word)
    }

    /// What people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Any => "Any method",
            Self::Mfa => "Two factors",
            Self::Passwordless => "Two factors, no password",
            Self::PhishingResistant => "Phishing-resistant (passkey)",
        }
    }
}

impl From<strength::Strength> for Strength {
    fn from(strength: strength::Strength) -> Self {
        match strength {
            strength::Strength::SingleFactor => Self::Any,
            strength::Strength::Multifactor => Self::Mfa,
            strength::Strength::Passwordless => Self::Passwordless,
            strength::Strength::PhishingResistant => Self::PhishingResistant,
        }
    }
}

impl From<Strength> for strength::Strength {
    fn from(strength: Strength) -> Self {
        match strength {
            Strength::Any => Self::SingleFactor,
            Strength::Mfa => Self::Multifactor,
            Strength::Passwordless => Self::Passwordless,
            Strength::PhishingResistant => Self::PhishingResistant,
        }
    }
}
