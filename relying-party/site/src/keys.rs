//! The site's own keyed hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::names::NameKey;
use crate::storage::SessionId;

/// Derives what a visitor may see but not compute.
pub(crate) struct SiteKey([u8; 64]);

impl SiteKey {
    /// Pads the key to SHA-256's block, which is what HMAC does to a short key (RFC 2104 §2).
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let mut block = [0; 64];
        for (place, byte) in block.iter_mut().zip(key) {
            *place = byte;
        }
        Self(block)
    }

    /// The CSRF token of a session: bound to it, so a token of another session is worthless.
    pub(crate) fn csrf_token(&self, session: &SessionId) -> String {
        URL_SAFE_NO_PAD.encode(self.hash("csrf token", session.as_bytes()))
    }

    /// Whether `presented` is the CSRF token of `session`.
    pub(crate) fn csrf_token_matches(&self, session: &SessionId, presented: &str) -> bool {
        self.csrf_token(session).as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The credential ID that a user who does not exist seems to have: the same at each try, like a real one
    /// (WebAuthn L3 §14.6.2, username enumeration).
    pub(crate) fn pretended_credential_id(&self, name: &NameKey) -> [u8; 32] {
        self.hash("pretended credential", name.as_str().as_bytes())
    }

    /// The user whom a sign-in with an unknown name is bound to: nobody.
    pub(crate) fn pretended_user(&self, name: &NameKey) -> Uuid {
        let hash = self.hash("pretended user", name.as_str().as_bytes());
        Uuid::from_bytes(*hash.first_chunk().unwrap_or(&[0; 16]))
    }

    fn hash(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        mac.finalize().into_bytes().into()
    }
}
