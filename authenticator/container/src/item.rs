//! The records of a compartment: what there is, and what opens each.

/// What opens a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A key of this device, without a gesture.
    Local,
    /// The authentication key.
    Verified,
}

/// Which of the two enterprise keys a compartment can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Made, and not known to the identity provider for certain.
    Pending,
    /// In use.
    Active,
}

/// One record of a compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// What the caller keeps.
    Facts,
    /// Signs for the device.
    DeviceKey,
    /// Decrypts session keys.
    TransportKey,
    /// Says what the TPM holds.
    AttestationKey,
    /// The public half of an enterprise key.
    EnterprisePublic(Stage),
    /// An enterprise key.
    EnterpriseKey(Stage),
    /// Which PIN reset service is wanted.
    RecoveryWish,
    /// A token of this name.
    Token(&'a str),
}

impl Item<'_> {
    /// What the database and the look-up tag call its kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::DeviceKey => "device key",
            Self::TransportKey => "transport key",
            Self::AttestationKey => "attestation key",
            Self::EnterprisePublic(Stage::Pending) => "pending enterprise public key",
            Self::EnterprisePublic(Stage::Active) => "enterprise public key",
            Self::EnterpriseKey(Stage::Pending) => "pending enterprise key",
            Self::EnterpriseKey(Stage::Active) => "enterprise key",
            Self::RecoveryWish => "recovery wish",
            Self::Token(_) => "token",
        }
    }

    /// What tells it from others of its kind.
    pub const fn name(&self) -> &str {
        match self {
            Self::Token(name) => name,
            Self::Facts
            | Self::DeviceKey
            | Self::TransportKey
            | Self::AttestationKey
            | Self::EnterprisePublic(_)
            | Self::EnterpriseKey(_)
            | Self::RecoveryWish => "",
        }
    }

    /// What opens it.
    pub const fn class(self) -> Class {
        match self {
            Self::EnterpriseKey(_) | Self::Token(_) => Class::Verified,
            Self::Facts
            | Self::DeviceKey
            | Self::TransportKey
            | Self::AttestationKey
            | Self::EnterprisePublic(_)
            | Self::RecoveryWish => Class::Local,
        }
    }
}

impl Class {
    /// What the database calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Verified => "verified",
        }
    }
}
