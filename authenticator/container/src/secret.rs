//! Secrets that are visible in the type and nowhere else.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes: an authentication key or another symmetric key. Not `Clone`, wiped on drop, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes the bytes; the caller wipes its own copy.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws 32 random bytes.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Self([0; 32]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// The bytes, for a cipher or a device.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret32(redacted)")
    }
}

/// An authorisation value of a TPM object: 32 bytes of which the last is never zero, because a TPM strips trailing
/// zero bytes (TPM 2.0 Part 1 §19.6.4.3) and the two sides would disagree.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AuthValue([u8; 32]);

impl AuthValue {
    /// Takes derived or random bytes and makes the last one non-zero.
    #[must_use]
    pub const fn new(mut bytes: [u8; 32]) -> Self {
        if bytes[31] == 0 {
            bytes[31] = 1;
        }
        Self(bytes)
    }

    /// Draws a random value.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        let value = Self::new(bytes);
        bytes.zeroize();
        value
    }

    /// The bytes, for the device.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for AuthValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthValue(redacted)")
    }
}
