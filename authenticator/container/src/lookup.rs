//! Keyed hashes that find a record while the container is locked, without telling whoever copies the database which
//! sites the user knows.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::compartment::CompartmentId;
use crate::item::Item;
use crate::passkey::CredentialId;
use crate::secret::Secret32;

/// A look-up tag. It is no secret, and it means nothing without this device.
pub(crate) type Tag = [u8; 32];

/// The device-local look-up key, ready to use.
pub(crate) struct Lookup(Hmac<Sha256>);

impl Lookup {
    pub fn new(key: &Secret32) -> Self {
        Self(
            Hmac::new_from_slice(key.expose())
                .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")),
        )
    }

    // Each domain has labels of its own, so that its tags never meet another's.

    /// The tag of a credential ID.
    pub fn id(&self, id: &CredentialId) -> Tag {
        self.tag(b"passkey id", &[&id.0])
    }

    /// The tag of a relying party.
    pub fn scope(&self, rp_id: &str) -> Tag {
        self.tag(b"passkey scope", &[rp_id.as_bytes()])
    }

    /// The tag of an account at a relying party.
    pub fn account(&self, rp_id: &str, handle: &[u8]) -> Tag {
        self.tag(b"passkey account", &[rp_id.as_bytes(), handle])
    }

    /// The tag of a compartment's record.
    pub fn item(&self, compartment: &CompartmentId, item: Item<'_>) -> Tag {
        self.tag(b"compartment", &[&compartment.0, item.kind().as_bytes(), item.name().as_bytes()])
    }

    /// The tag of a compartment's PIN reset protector.
    pub fn pin_reset(&self, compartment: &CompartmentId) -> Tag {
        self.tag(b"pin reset protector", &[&compartment.0])
    }

    /// What changes whenever the discoverable passkeys have changed, and tells nobody how often that was.
    pub fn store_state(&self, identifier: &[u8; 16], changes: u64) -> [u8; 16] {
        let tag = self.tag(b"credential store state", &[identifier, &changes.to_be_bytes()]);
        let (state, _) = tag.split_first_chunk().unwrap_or_else(|| unreachable!("a tag has 32 bytes"));
        *state
    }

    /// Every part is preceded by its length, so that no two lists of parts give the same input.
    fn tag(&self, label: &[u8], parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        mac.update(label);
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
