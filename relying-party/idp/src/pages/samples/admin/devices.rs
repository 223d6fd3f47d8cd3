//! The samples of the pages about devices.

use super::{AdminFrame, when};
use crate::domain::{CharacterRule, DeviceAttestation, DevicePolicy, RequiredAttestation, TenantPolicy};
use crate::pages::Notice;
use crate::pages::admin::{DeviceKeyRow, DevicePage, DeviceRow, DeviceRules, DevicesPage, Pager, UserKeyRow};

impl DeviceRules {
    pub(super) fn sample() -> Self {
        let mut policy =
            DevicePolicy { attestation: RequiredAttestation::Verified, ..DevicePolicy::default() };
        policy.hello.web_sign_in_hosts = vec!["signin.contoso.example".to_owned(), "\"<b>".to_owned()];
        policy.hello.pin.special = CharacterRule::Forbidden;
        Self::of(TenantPolicy {
            devices: policy,
            enable_pin_recovery: true,
            require_kdf_v2: true,
            ..TenantPolicy::default()
        })
    }
}

impl UserKeyRow {
    pub(super) fn sample(number: usize) -> Self {
        let device = DeviceRow::sample(number, DeviceAttestation::Verified);
        Self {
            id: format!("2b0e0d0c-1111-4222-8333-44444444444{number}"),
            device_id: device.id,
            device: device.name,
            enabled: device.enabled,
            attestation: device.attestation,
            created: when(-800_000),
            last_used: device.last_seen,
        }
    }
}

impl DeviceRow {
    pub(super) fn sample(number: usize, attestation: DeviceAttestation) -> Self {
        Self {
            id: format!("1b0e0d0c-1111-4222-8333-44444444444{number}"),
            name: format!("Laptop {number} \"<b>"),
            owner: "o'neil+<b>@contoso.example".to_owned(),
            system: "Linux <b>13".to_owned(),
            attestation,
            keys: 2,
            last_seen: (number != 1).then(|| when(-60)),
            enabled: number != 1,
        }
    }
}

impl DevicesPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: AdminFrame::sample(None),
            query: "lap\"<b>".to_owned(),
            devices: vec![
                DeviceRow::sample(0, DeviceAttestation::Trusted),
                DeviceRow::sample(1, DeviceAttestation::None),
                DeviceRow::sample(2, DeviceAttestation::Verified),
            ],
            pager: Pager { before: None, after: Some("?q=lap&after=laptop+2&id=3".to_owned()) },
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        Self { query: String::new(), devices: Vec::new(), pager: Pager::default(), ..Self::sample() }
    }
}

impl DevicePage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: AdminFrame::sample(Some(Notice::success("The device can be used again."))),
            device: DeviceRow::sample(0, DeviceAttestation::Trusted),
            owner_id: "10000000-0000-4000-8000-000000000001".to_owned(),
            join: "joined",
            registered: when(-900_000),
            endorsement: Some("5f".repeat(32)),
            keys: vec![DeviceKeyRow {
                id: "2b0e0d0c-1111-4222-8333-444444444444".to_owned(),
                user: "anna@contoso.example".to_owned(),
                user_id: "10000000-0000-4000-8000-000000000000".to_owned(),
                attestation: DeviceAttestation::Verified,
                created: when(-800_000),
                last_used: Some(when(-3_000)),
            }],
        }
    }

    pub(in crate::pages) fn sample_bare() -> Self {
        Self {
            frame: AdminFrame::sample(None),
            device: DeviceRow { keys: 0, ..DeviceRow::sample(1, DeviceAttestation::None) },
            endorsement: None,
            keys: Vec::new(),
            ..Self::sample()
        }
    }
}
