//! Devices: the list and the rules for them, one device, and what is done about it.

use std::fmt::Write as _;

use axum::extract::{Path, RawQuery};
use axum::response::Response;

use super::changes::{Done, after};
use super::gate::Seat;
use super::query::{Query, query};
use crate::administration::{DeviceDetails, Refused};
use crate::domain::{Device, DeviceId, DeviceSystem, EnterpriseKeyId, PinPolicy, TenantPolicy};
use crate::pages::admin::{
    DeviceKeyRow, DevicePage, DeviceRow, DevicesPage, Pager, attestations, characters, registrars,
};
use crate::pages::{Notice, When};
use crate::storage::{DeviceCursor, DeviceSummary};

const ROWS: u32 = 25;

pub(super) async fn list(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    let notice = Done::notice(asked.text("done"));
    list_page(&seat, &asked, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

async fn list_page(
    seat: &Seat,
    asked: &Query,
    notice: Option<Notice>,
    status: u16,
) -> Result<Response, Refused> {
    let text = asked.owned("q");
    let after = DeviceCursor { name: asked.owned("after"), id: asked.owned("id") };
    let administrator = seat.administrator()?;
    let found = administrator.devices(&text, &after, ROWS).await?;
    let next = found.rows.last().filter(|_| found.after).map(|last| {
        let cursor = DeviceCursor::behind(&last.device);
        query(&[("q", &text), ("after", &cursor.name), ("id", &cursor.id)])
    });
    let before = found.before.then(|| query(&[("q", &text)]));
    let policy = administrator.tenant().await?.policy;
    let page = DevicesPage {
        frame: seat.frame(notice),
        query: text,
        devices: found.rows.iter().map(row).collect(),
        pager: Pager { before, after: next },
        pin_recovery: policy.enable_pin_recovery,
        policy: policy.devices,
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

pub(super) async fn show(seat: Seat, Path((_, id)): Path<(String, String)>, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    let shown = async { page(&seat, device_id(&id)?, notice, 200).await };
    shown.await.unwrap_or_else(|refused| seat.refuse(&refused))
}

/// What is done about a device: the last segment of the path says what.
pub(super) async fn change(seat: Seat, Path((_, id, change)): Path<(String, String, String)>) -> Response {
    let id = match device_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    let changed = async {
        let administrator = seat.administrator()?;
        match change.as_str() {
            "enable" => administrator.set_device_enabled(id, true).await.map(|()| Done::DeviceEnabled),
            "disable" => administrator.set_device_enabled(id, false).await.map(|()| Done::DeviceDisabled),
            "delete" => administrator.delete_device(id).await.map(|()| Done::Deleted),
            _ => Err(Refused::NotFound("page")),
        }
    };
    let changed = changed.await;
    let path = match changed {
        Ok(Done::Deleted) => seat.path("/devices"),
        Ok(_) | Err(_) => seat.path(&format!("/devices/{id}")),
    };
    after(&seat, changed, &path, |notice, status| page(&seat, id, Some(notice), status)).await
}

pub(super) async fn remove_key(seat: Seat, Path((_, id, key)): Path<(String, String, String)>) -> Response {
    let id = match device_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    let removed = async {
        let key: EnterpriseKeyId = key.parse().map_err(|_| Refused::NotFound("key"))?;
        let administrator = seat.administrator()?;
        let details = administrator.device(id).await?;
        let held = details.keys.iter().find(|(held, _)| held.id == key);
        let (held, _) = held.ok_or(Refused::NotFound("key"))?;
        administrator.remove_enterprise_key(held.user, key).await.map(|()| Done::Removed)
    };
    let path = seat.path(&format!("/devices/{id}"));
    after(&seat, removed.await, &path, |notice, status| page(&seat, id, Some(notice), status)).await
}

pub(super) async fn save_policy(seat: Seat) -> Response {
    let saved = policy(&seat).await.map(|()| Done::Saved);
    let nothing = Query::read(&RawQuery(None));
    let path = seat.path("/devices");
    after(&seat, saved, &path, |notice, status| list_page(&seat, &nothing, Some(notice), status)).await
}

async fn policy(seat: &Seat) -> Result<(), Refused> {
    let choose = |what: &str| Refused::Invalid(format!("Choose {what}."));
    let rule = |name| characters::of_word(seat.field(name)).ok_or_else(|| choose("what a PIN consists of"));
    let registration = registrars::of_word(seat.field("registration"));
    let registration = registration.ok_or_else(|| choose("who registers devices"))?;
    let attestation = attestations::of_word(seat.field("attestation"));
    let attestation = attestation.ok_or_else(|| choose("what must be known about keys"))?;
    let quota = seat.number("quota")?;
    let pin = PinPolicy {
        minimum: seat.number("pin_minimum")?,
        maximum: seat.number("pin_maximum")?,
        uppercase: rule("pin_uppercase")?,
        lowercase: rule("pin_lowercase")?,
        special: rule("pin_special")?,
        digits: rule("pin_digits")?,
        history: seat.number("pin_history")?,
        expiration: seat.number("pin_expiration")?,
    };
    let hosts = seat.field("hosts").split(';').map(str::trim).filter(|host| !host.is_empty());
    let hosts: Vec<String> = hosts.map(str::to_ascii_lowercase).collect();
    let change = |policy: &mut TenantPolicy| {
        policy.enable_pin_recovery = seat.ticked("pin_recovery");
        let devices = &mut policy.devices;
        (devices.registration, devices.attestation, devices.quota) = (registration, attestation, quota);
        devices.multifactor = seat.ticked("multifactor");
        devices.hello.enabled = seat.ticked("hello");
        devices.hello.without_prompt = seat.ticked("without_prompt");
        devices.hello.requires_tpm = seat.ticked("requires_tpm");
        devices.hello.biometrics = seat.ticked("biometrics");
        devices.hello.persistent_biometrics = seat.ticked("persistent_biometrics");
        (devices.hello.pin, devices.hello.web_sign_in_hosts) = (pin, hosts);
        Ok(())
    };
    seat.administrator()?.change_policy(change).await
}

async fn page(seat: &Seat, id: DeviceId, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let DeviceDetails { device, owner, keys } = seat.administrator()?.device(id).await?;
    let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    let key = |(key, user): (crate::domain::EnterpriseKey, String)| DeviceKeyRow {
        id: key.id.to_string(),
        user,
        user_id: key.user.to_string(),
        attestation: key.attestation,
        created: When::at(key.created_at),
        last_used: key.last_used_at.map(When::at),
    };
    let page = DevicePage {
        frame: seat.frame(notice),
        owner_id: owner.id.to_string(),
        join: device.system.join.word(),
        registered: When::at(device.created_at),
        endorsement: device.tpm.as_ref().map(|tpm| hexadecimal(&tpm.endorsement)),
        keys: keys.into_iter().map(key).collect(),
        device: device_row(&device, owner.upn, count),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn row(summary: &DeviceSummary) -> DeviceRow {
    device_row(&summary.device, summary.owner.clone(), summary.keys)
}

fn device_row(device: &Device, owner: String, keys: i64) -> DeviceRow {
    DeviceRow {
        id: device.id.to_string(),
        name: device.name.clone(),
        owner,
        system: system(&device.system),
        attestation: device.attestation,
        keys,
        last_seen: device.last_seen_at.map(When::at),
        enabled: device.enabled,
    }
}

fn system(system: &DeviceSystem) -> String {
    let words = format!("{} {}", system.kind, system.version);
    let words = words.trim();
    if words.is_empty() { "Unknown system".to_owned() } else { words.to_owned() }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn device_id(text: &str) -> Result<DeviceId, Refused> {
    text.parse().map_err(|_| Refused::NotFound("device"))
}
