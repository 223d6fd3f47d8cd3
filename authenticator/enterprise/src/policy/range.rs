//! Values of settings, each with its range.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A whole number from `LOW` to `HIGH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bounded<const LOW: u32, const HIGH: u32>(u32);

impl<const LOW: u32, const HIGH: u32> Bounded<LOW, HIGH> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const LOW: u32, const HIGH: u32> TryFrom<u32> for Bounded<LOW, HIGH> {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if (LOW..=HIGH).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("{number} is not from {LOW} to {HIGH}"))
        }
    }
}

impl<const LOW: u32, const HIGH: u32> From<Bounded<LOW, HIGH>> for u32 {
    fn from(bounded: Bounded<LOW, HIGH>) -> Self {
        bounded.0
    }
}

/// How the secret of a PIN reset protector is kept from the service. The greater one tells it less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecoveryProtocol {
    /// Encrypted to the service, which learns it during a reset.
    #[serde(rename = "hpke-p256")]
    HpkeP256,
    /// Blinded: the service helps, and never learns it.
    #[serde(rename = "blind-p256")]
    BlindP256,
}

impl fmt::Display for RecoveryProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HpkeP256 => "hpke-p256",
            Self::BlindP256 => "blind-p256",
        })
    }
}
