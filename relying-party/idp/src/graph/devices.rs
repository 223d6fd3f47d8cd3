//! `/devices`, and the keys that users have on them (`windowsHelloForBusinessMethods`).

use serde::Deserialize;
use serde_json::Value;

use super::caller::Permission;
use super::users::{changed, find, place, token};
use super::{Answer, GraphError, Request, Verb, shown};
use crate::domain::{DeviceId, EnterpriseKeyId};
use crate::storage::DeviceCursor;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Change {
    account_enabled: Option<bool>,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    let may = |permission| request.caller.may(request.provider, permission);
    match (verb, segments) {
        (Verb::Get, []) => list(request).await,
        (Verb::Get, [id]) => {
            let details = may(Permission::ReadDevices)?.device(device(id)?).await;
            let details = details.map_err(|refused| GraphError::about(refused, id))?;
            let shown = request.query.selected(shown::device_details(&details));
            Ok(Answer::ok(request.context("devices/$entity", shown)))
        }
        (Verb::Patch, [id]) => {
            let administrator = may(Permission::WriteDevices)?;
            let change: Change = request.body()?;
            let enabled = change.account_enabled.ok_or_else(|| {
                GraphError::BadRequest("of a device only accountEnabled can be changed".to_owned())
            })?;
            let done = administrator.set_device_enabled(device(id)?, enabled).await;
            done.map_err(|refused| GraphError::about(refused, id))?;
            Ok(Answer::nothing())
        }
        (Verb::Delete, [id]) => {
            let done = may(Permission::WriteDevices)?.delete_device(device(id)?).await;
            done.map_err(|refused| GraphError::about(refused, id))?;
            Ok(Answer::nothing())
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// `/users/{id}/authentication/windowsHelloForBusinessMethods`.
pub(super) async fn keys(
    request: &Request<'_>,
    verb: Verb,
    user: &str,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    const CONTEXT: &str = "users/authentication/windowsHelloForBusinessMethods";
    match (verb, segments) {
        (Verb::Get, rest @ ([] | [_])) => {
            let administrator = request.caller.may(request.provider, Permission::ReadMethods)?;
            let user = find(&administrator, user).await?;
            let (_, keys) = administrator.devices_of(user.id).await?;
            let [id] = rest else {
                let path = format!(
                    "{}/users/{}/authentication/windowsHelloForBusinessMethods",
                    request.base, user.id
                );
                let rows: Vec<Value> = keys.iter().map(shown::enterprise_key).collect();
                let all = u64::try_from(rows.len()).ok();
                return Ok(Answer::ok(request.context(CONTEXT, request.query.page(&path, rows, None, all))));
            };
            let key = keys.iter().find(|key| key.id.to_string() == *id);
            let key = key.ok_or_else(|| GraphError::NotFound((*id).to_owned()))?;
            Ok(Answer::ok(request.context(&format!("{CONTEXT}/$entity"), shown::enterprise_key(key))))
        }
        (Verb::Delete, [id]) => {
            let (administrator, user) = changed(request, user, Permission::WriteMethods).await?;
            let key: EnterpriseKeyId = id.parse().map_err(|_| GraphError::NotFound((*id).to_owned()))?;
            let done = administrator.remove_enterprise_key(user.id, key).await;
            done.map_err(|refused| GraphError::about(refused, id))?;
            Ok(Answer::nothing())
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

async fn list(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadDevices)?;
    request.query.filter(|_| Ok(false))?;
    let after = match &request.query.after {
        Some(token) => {
            let place = place(token)?;
            let (id, name) = place.split_once(' ').unwrap_or_default();
            DeviceCursor { name: name.to_owned(), id: id.to_owned() }
        }
        None => DeviceCursor::default(),
    };
    let slice = administrator.devices(&request.query.search, &after, request.query.most()).await?;
    let next = slice.rows.last().filter(|_| slice.after).map(|last| {
        let cursor = DeviceCursor::behind(&last.device);
        token(&format!("{} {}", cursor.id, cursor.name))
    });
    let rows = slice.rows.iter().map(|found| shown::device(&found.device, Some(&found.owner))).collect();
    let path = format!("{}/devices", request.base);
    Ok(Answer::ok(request.context("devices", request.query.page(&path, rows, next.as_deref(), None))))
}

fn device(id: &str) -> Result<DeviceId, GraphError> {
    id.parse().map_err(|_| GraphError::NotFound(id.to_owned()))
}
