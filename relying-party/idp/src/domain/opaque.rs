//! Random strings that are worth something to whoever holds them: codes, refresh tokens, cookies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A secret string. The database only ever sees its hash.
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// 256 random bits.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// What a peer presented.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The string, for the one who is to hold it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the database keeps. A plain hash will do: there are 256 bits to guess.
    #[must_use]
    pub fn hash(&self) -> OpaqueHash {
        OpaqueHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(..)")
    }
}

/// The SHA-256 of an [`Opaque`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpaqueHash([u8; 32]);

impl OpaqueHash {
    /// The hash of any string that may be used once.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
