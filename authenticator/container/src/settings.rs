//! What is set about the authenticator itself: records that need this device and no gesture.
//!
//! There are two, by how long they last. [`Settings`] and the identifier hold until a reset; what a management program
//! gets or demands for the PIN of now ends with that PIN, in the commit that changes it.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::pin::{PinRefusal, PinShape};
use crate::seal::{Place, Purpose, SealingKey};
use crate::secret::Secret32;

/// Where the records are sealed: there is one of each per container.
const KEPT_ROW: [u8; 32] = *b"latchkey settings until a reset.";
const PIN_ROW: [u8; 32] = *b"latchkey settings of this PIN...";

/// What authenticatorConfig (CTAP 2.3 §6.11) has set. The default is that of a new container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Whether enterprise attestation is enabled (§6.11.1).
    pub enterprise_attestation: bool,
    /// Whether every use wants user verification (§6.11.2), where the profile leaves that open.
    pub always_uv: bool,
    /// The fewest code points of a PIN (§6.11.4), where that was raised; 0 if not.
    pub minimum_pin_length: u8,
    /// The relying parties that are told what PINs are held to: the extensions minPinLength and pinComplexityPolicy.
    pub pin_facts_for: Vec<String>,
    /// Whether PINs that are easy to guess are refused.
    pub pin_complexity: bool,
    /// Whether a reset wants more than a yes.
    pub long_touch_for_reset: bool,
}

impl Settings {
    /// The first of these rules that a PIN of this form breaks.
    pub(crate) fn fault(&self, shape: &PinShape) -> Option<PinRefusal> {
        let minimum = u32::from(self.minimum_pin_length);
        if shape.is_shorter_than(minimum) {
            Some(PinRefusal::TooShort(minimum))
        } else if self.pin_complexity && shape.is_simple() {
            Some(PinRefusal::Simple)
        } else {
            None
        }
    }
}

/// The record that lasts until a reset.
#[derive(Default, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub settings: Settings,
    /// Drawn when somebody first may learn it.
    pub identifier: Option<ByteArray<16>>,
}

/// The record that lasts until the PIN changes.
#[derive(Default)]
pub(crate) enum OfThisPin {
    #[default]
    Nothing,
    /// The PIN opens nothing before it is changed.
    MustChange,
    /// Somebody may list the passkeys without a gesture.
    Granted(Grant),
}

/// The persistent token, and the key of the listings that it opens.
pub(crate) struct Grant {
    pub token: Secret32,
    pub listings: SealingKey,
}

impl Kept {
    pub fn seal(&self, container: &[u8; 16], key: &SealingKey, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut cbor = Zeroizing::new(Vec::with_capacity(4096));
        ciborium::into_writer(self, &mut *cbor)
            .unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
        key.seal(Place { container, row: &KEPT_ROW }, &cbor, rng)
    }

    pub fn open(container: &[u8; 16], key: &SealingKey, sealed: &[u8]) -> Option<Self> {
        let cbor = key.open(Place { container, row: &KEPT_ROW }, sealed)?;
        ciborium::from_reader(cbor.as_slice()).ok()
    }
}

impl OfThisPin {
    /// The token; without one it is the demand for another PIN. Nothing at all is not written down.
    pub fn seal(&self, container: &[u8; 16], key: &SealingKey, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let payload = self.grant().map(|grant| grant.token.expose().as_slice()).unwrap_or_default();
        key.seal(Place { container, row: &PIN_ROW }, payload, rng)
    }

    pub fn open(container: &[u8; 16], key: &SealingKey, sealed: &[u8]) -> Option<Self> {
        let payload = key.open(Place { container, row: &PIN_ROW }, sealed)?;
        if payload.is_empty() {
            return Some(Self::MustChange);
        }
        let token = payload.first_chunk::<32>().filter(|_| payload.len() == 32)?;
        Some(Self::Granted(Grant::of(Secret32::new(*token))))
    }

    pub const fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Granted(grant) => Some(grant),
            Self::Nothing | Self::MustChange => None,
        }
    }
}

impl Grant {
    pub fn of(token: Secret32) -> Self {
        let listings = SealingKey::derive(&token, Purpose::Listings);
        Self { token, listings }
    }
}
