//! The credBlob extension (CTAP 2.3 §12.2): a few bytes that a relying party keeps with a discoverable passkey.

use ciborium::Value;
use latchkey_container::Passkey;

/// getInfo's `maxCredBlobLength`, in bytes; the specification wants at least 32. A key and its kind fit; what is more
/// belongs into a large blob.
pub(crate) const MAX_LENGTH: usize = 64;

/// What becomes of the bytes of a registration.
pub(crate) enum CredBlob {
    /// None came.
    Absent,
    /// Too many, or of a passkey that is not discoverable.
    NotKept,
    /// These are kept.
    Kept(Vec<u8>),
}

impl CredBlob {
    pub(crate) fn chosen(input: Option<&Vec<u8>>, discoverable: bool) -> Self {
        match input {
            None => Self::Absent,
            Some(blob) if discoverable && blob.len() <= MAX_LENGTH => Self::Kept(blob.clone()),
            Some(_) => Self::NotKept,
        }
    }

    pub(crate) fn kept(&self) -> Option<Vec<u8>> {
        match self {
            Self::Kept(blob) => Some(blob.clone()),
            Self::Absent | Self::NotKept => None,
        }
    }

    /// Whether the bytes are kept; the registration succeeds either way.
    pub(crate) fn output(&self) -> Option<Value> {
        match self {
            Self::Absent => None,
            Self::NotKept => Some(false.into()),
            Self::Kept(_) => Some(true.into()),
        }
    }
}

/// What getAssertion gives back: no bytes of a passkey without.
pub(crate) fn of(passkey: &Passkey) -> Value {
    passkey.extensions.cred_blob.clone().unwrap_or_default().into()
}
