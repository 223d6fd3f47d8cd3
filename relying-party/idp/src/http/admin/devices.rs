//! Devices: the list, one device, and what is done about it.

use axum::extract::{Path, RawQuery};
use axum::response::Response;

use super::changes::{Done, after};
use super::gate::Seat;
use super::query::{Query, query};
use crate::administration::{DeviceDetails, Refused};
use crate::domain::{Device, DeviceId, DeviceSystem, EnterpriseKeyId};
use crate::hex;
use crate::pages::admin::{DeviceKeyRow, DevicePage, DeviceRow, DevicesPage, Pager};
use crate::pages::{Notice, When};
use crate::storage::{DeviceCursor, DeviceSummary};

const ROWS: u32 = 25;

pub(super) async fn list(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    let notice = Done::notice(asked.text("done"));
    list_page(&seat, &asked, notice).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

async fn list_page(seat: &Seat, asked: &Query, notice: Option<Notice>) -> Result<Response, Refused> {
    let text = asked.owned("q");
    let after = DeviceCursor { name: asked.owned("after"), id: asked.owned("id") };
    let found = seat.administrator()?.devices(&text, &after, ROWS).await?;
    let next = found.rows.last().filter(|_| found.after).map(|last| {
        let cursor = DeviceCursor::behind(&last.device);
        query(&[("q", &text), ("after", &cursor.name), ("id", &cursor.id)])
    });
    let before = found.before.then(|| query(&[("q", &text)]));
    let page = DevicesPage {
        frame: seat.frame(notice),
        query: text,
        devices: found.rows.iter().map(row).collect(),
        pager: Pager { before, after: next },
    };
    Ok(seat.show(&page, &page.frame.policy(), 200))
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
    let changed = change_device(&seat, id, &change).await;
    let path = match changed {
        Ok(Done::Deleted) => seat.path("/devices"),
        Ok(_) | Err(_) => seat.path(&format!("/devices/{id}")),
    };
    after(&seat, changed, &path, |notice, status| page(&seat, id, Some(notice), status)).await
}

/// Does to a device what a path's last segment says.
pub(super) async fn change_device(seat: &Seat, id: DeviceId, change: &str) -> Result<Done, Refused> {
    let administrator = seat.administrator()?;
    match change {
        "enable" => administrator.set_device_enabled(id, true).await.map(|()| Done::DeviceEnabled),
        "disable" => administrator.set_device_enabled(id, false).await.map(|()| Done::DeviceDisabled),
        "delete" => administrator.delete_device(id).await.map(|()| Done::Deleted),
        _ => Err(Refused::NotFound("page")),
    }
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
        endorsement: device.tpm.as_ref().map(|tpm| hex::digits(&tpm.endorsement)),
        keys: keys.into_iter().map(key).collect(),
        device: device_row(&device, owner.upn, count),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn row(summary: &DeviceSummary) -> DeviceRow {
    device_row(&summary.device, summary.owner.clone(), summary.keys)
}

pub(super) fn device_row(device: &Device, owner: String, keys: i64) -> DeviceRow {
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

pub(super) fn device_id(text: &str) -> Result<DeviceId, Refused> {
    text.parse().map_err(|_| Refused::NotFound("device"))
}
