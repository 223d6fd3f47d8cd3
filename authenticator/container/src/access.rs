//! What a caller may open, and the two classes of passkeys that it tells apart.

use std::sync::Arc;

use crate::passkey::Protection;
use crate::profile::Profile;
use crate::unlocked::Unlocked;

/// What opens the record of a passkey, and so what its key needs to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyClass {
    /// The authentication key, which only a gesture gives.
    Verified,
    /// The presence key: this device and no gesture.
    Presence,
}

impl PasskeyClass {
    /// The class of a new passkey. One that demands user verification is beyond reach without a gesture, whatever the
    /// profile.
    pub(crate) const fn of(profile: Profile, protection: Protection) -> Self {
        match (profile, protection) {
            (Profile::SecurityKey, Protection::Optional | Protection::OptionalWithList) => Self::Presence,
            (Profile::SecurityKey, Protection::Required) | (Profile::Hello, _) => Self::Verified,
        }
    }

    /// What the database calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Presence => "presence",
        }
    }
}

/// What a caller may open.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// Nobody is verified: passkeys of the presence class, and no others are here.
    Presence,
    /// The user is verified: every passkey.
    Verified(&'a Unlocked),
}

impl Access<'_> {
    /// Whether passkeys of this class can be opened.
    pub(crate) const fn reaches(self, class: PasskeyClass) -> bool {
        match (self, class) {
            (Access::Verified(_), _) | (Access::Presence, PasskeyClass::Presence) => true,
            (Access::Presence, PasskeyClass::Verified) => false,
        }
    }
}

impl<'a> From<&'a Unlocked> for Access<'a> {
    fn from(unlocked: &'a Unlocked) -> Self {
        Self::Verified(unlocked)
    }
}

impl<'a> From<&'a Arc<Unlocked>> for Access<'a> {
    fn from(unlocked: &'a Arc<Unlocked>) -> Self {
        Self::Verified(unlocked)
    }
}

impl<'a> From<Option<&'a Unlocked>> for Access<'a> {
    fn from(unlocked: Option<&'a Unlocked>) -> Self {
        unlocked.map_or(Self::Presence, Self::Verified)
    }
}
