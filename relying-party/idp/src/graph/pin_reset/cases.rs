//! `/pinReset/cases`: two administrators give a user's tries at a PIN back. What they release opens nothing and signs nothing.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::caller::Permission;
use super::super::{Answer, GraphError, Request, Verb, shown, users};
use super::listed;
use crate::administration::Administrator;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    user_id: String,
    device_id: String,
    reason: String,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    let may = |permission| request.caller.may(request.provider, permission);
    match (verb, segments) {
        (Verb::Get, []) => {
            let cases = may(Permission::ReadMethods)?.helpdesk_cases(request.query.most()).await?;
            let now = request.provider.now();
            let rows = cases.iter().map(|case| shown::helpdesk_case(case, now)).collect();
            Ok(listed(request, "cases", rows))
        }
        (Verb::Post, []) => {
            let administrator = may(Permission::WriteMethods)?;
            let new: New = request.body()?;
            let user = users::find(&administrator, &new.user_id).await?;
            let device = administrator.device_of(user.id, &new.device_id).await;
            let device = device.map_err(|refused| GraphError::about(refused, &new.device_id))?;
            let id = administrator.open_case(user.id, device, &new.reason).await?;
            Ok(Answer::created(one(request, &administrator, id).await?))
        }
        (Verb::Get, [id]) => Ok(Answer::ok(one(request, &may(Permission::ReadMethods)?, case(id)?).await?)),
        (Verb::Post, [id, "approve"]) => {
            let code = may(Permission::WriteMethods)?.approve_case(case(id)?).await;
            let code = code.map_err(|refused| GraphError::about(refused, id))?;
            let shown = json!({ "value": code.expose() });
            Ok(Answer::ok(request.context("Edm.String", shown)))
        }
        (Verb::Post, [id, "decline"]) => {
            let done = may(Permission::WriteMethods)?.decline_case(case(id)?).await;
            done.map_err(|refused| GraphError::about(refused, id))?;
            Ok(Answer::nothing())
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

async fn one(
    request: &Request<'_>,
    administrator: &Administrator<'_>,
    id: Uuid,
) -> Result<Value, GraphError> {
    let found = administrator.helpdesk_case(id).await;
    let found = found.map_err(|refused| GraphError::about(refused, &id.to_string()))?;
    let shown = shown::helpdesk_case(&found, request.provider.now());
    Ok(request.context("pinReset/cases/$entity", request.query.selected(shown)))
}

fn case(id: &str) -> Result<Uuid, GraphError> {
    Uuid::try_parse(id).map_err(|_| GraphError::missing(id))
}
