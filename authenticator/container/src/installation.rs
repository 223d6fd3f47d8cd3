//! The key by which an installation vouches for its passkeys: of the device, and in use without a gesture.

use std::fmt;

use crate::held_key::HeldKey;
use crate::secret::AuthValue;
use crate::tpm::{CreatedKey, PublicKey};

/// A key (ES256) that was just made and is not kept before it has a certificate.
pub struct NewInstallationKey {
    pub(crate) created: CreatedKey,
    pub(crate) auth: AuthValue,
}

impl NewInstallationKey {
    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.created.public
    }
}

impl fmt::Debug for NewInstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInstallationKey").field("public", self.public()).finish_non_exhaustive()
    }
}

/// The key, from its first use to a reset.
pub struct InstallationKey(pub(crate) HeldKey);

impl InstallationKey {
    /// Its certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.0.public
    }
}

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationKey").field("certificate", &self.certificate()).finish_non_exhaustive()
    }
}
