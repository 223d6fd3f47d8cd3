//! Why a device is not believed.

use crate::domain::{Device, DeviceId, TenantId};
use crate::oauth::Refusal;
use crate::storage;

/// Why what a device signed is not believed. Its `Display` is the sentence after the AADSTS code.
#[derive(Debug, thiserror::Error)]
pub enum DeviceRefusal {
    /// It is no device-signed request at all.
    #[error("The device's request is malformed: {0}.")]
    Malformed(&'static str),
    /// Its certificate is not of our device CA.
    #[error("The device's certificate was not issued here.")]
    Certificate,
    /// Its certificate's time is over.
    #[error("The device's certificate has expired: register the device again.")]
    Expired,
    /// The key in the certificate did not sign it.
    #[error("The signature is not of the key in the device's certificate.")]
    Signature,
    /// There is no such device in this tenant, or it was registered again since.
    #[error("The device is not registered, or was registered again since: register it again.")]
    Unknown,
    /// An administrator disabled it, or its owner reported it lost. Which one it is, is proven: it signed, or is the device of
    /// what was presented.
    #[error("The device is disabled. An administrator can enable it.")]
    Disabled(TenantId, DeviceId),
    /// The device that an enterprise key belongs to is disabled.
    #[error("The device to which the key belongs is disabled. An administrator can enable it.")]
    KeyDeviceDisabled,
    /// The database.
    #[error("An error occurred in the service.")]
    Storage(#[from] storage::Error),
}

impl DeviceRefusal {
    /// This device is disabled.
    #[must_use]
    pub const fn disabled(device: &Device) -> Self {
        Self::Disabled(device.tenant, device.id)
    }

    /// The device that proved to be itself and is not let in all the same, for logs.
    #[must_use]
    pub const fn device(&self) -> Option<(TenantId, DeviceId)> {
        if let Self::Disabled(tenant, device) = self { Some((*tenant, *device)) } else { None }
    }

    /// The AADSTS code; `None`: it is not the device's fault.
    #[must_use]
    pub const fn code(&self) -> Option<u32> {
        match self {
            Self::Disabled(..) => Some(135_011),
            Self::KeyDeviceDisabled => Some(130_007),
            Self::Unknown => Some(130_008),
            Self::Malformed(_) | Self::Certificate | Self::Expired | Self::Signature => Some(50_155),
            Self::Storage(_) => None,
        }
    }

    /// A stable word for logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Certificate => "foreign_certificate",
            Self::Expired => "certificate_expired",
            Self::Signature => "wrong_signature",
            Self::Unknown => "device_unknown",
            Self::Disabled(..) => "device_disabled",
            Self::KeyDeviceDisabled => "key_device_disabled",
            Self::Storage(_) => "storage",
        }
    }
}

impl From<DeviceRefusal> for Refusal {
    fn from(refusal: DeviceRefusal) -> Self {
        if let DeviceRefusal::Storage(error) = refusal { Self::Storage(error) } else { Self::Device(refusal) }
    }
}
