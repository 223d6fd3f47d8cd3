//! `/groups`: groups of users, and who is in them.

use serde::Deserialize;
use serde_json::Value;

use super::caller::Permission;
use super::query::Operator;
use super::{Answer, GraphError, Request, Verb, shown, users};
use crate::administration::Administrator;
use crate::domain::{Group, GroupId};

/// A group in a body. There are no groups with a mailbox here, so what Graph wants to know of that must say no.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct New {
    display_name: String,
    description: Option<String>,
    mail_enabled: bool,
}

/// A user as a reference (`OData` JSON format §4.5.8).
#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "@odata.id")]
    id: String,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    let may = |permission| request.caller.may(request.provider, permission);
    match (verb, segments) {
        (Verb::Get, []) => list(request).await,
        (Verb::Post, []) => create(request).await,
        (Verb::Get, [id]) => {
            let administrator = may(Permission::ReadGroups)?;
            let group = find(&administrator, id).await?;
            shown_one(request, &administrator, &group).await.map(Answer::ok)
        }
        (Verb::Delete, [id]) => {
            let administrator = may(Permission::WriteGroups)?;
            administrator.delete_group(&find(&administrator, id).await?).await?;
            Ok(Answer::nothing())
        }
        (Verb::Get, [id, "members"]) => members(request, id).await,
        (Verb::Post, [id, "members", "$ref"]) => {
            let reference: Reference = request.body()?;
            set_member(request, id, referenced(&reference.id)?, true).await
        }
        (Verb::Delete, [id, "members", user, "$ref"]) => set_member(request, id, user, false).await,
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// A group of the caller's tenant, by its ID.
pub(super) async fn find(administrator: &Administrator<'_>, id: &str) -> Result<Group, GraphError> {
    id.parse::<GroupId>().map_err(|_| GraphError::missing(id))?;
    administrator.group(id).await.map_err(|refused| GraphError::about(refused, id))
}

async fn list(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadGroups)?;
    let mut named = None;
    request.query.filter(|comparison| {
        let known = comparison.operator == Operator::Equal && comparison.name == "displayname";
        if known {
            named = Some(comparison.value.to_lowercase());
        }
        Ok(known)
    })?;
    let search = request.query.search.to_lowercase();
    let fits = |group: &Group| {
        let name = group.name.to_lowercase();
        name.contains(&search) && named.as_ref().is_none_or(|named| *named == name)
    };
    let groups = administrator.groups().await?.into_iter().filter(|(group, _)| fits(group));
    let rows: Vec<Value> = groups.map(|(group, members)| shown::group(&group, members)).collect();
    let all = u64::try_from(rows.len()).ok();
    let page = request.query.page(&format!("{}/groups", request.base), rows, None, all);
    Ok(Answer::ok(request.context("groups", page)))
}

async fn create(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteGroups)?;
    let new: New = request.body()?;
    if new.mail_enabled {
        return Err(GraphError::BadRequest(
            "a group has no mailbox here: mailEnabled must be false".to_owned(),
        ));
    }
    let id = administrator.create_group(&new.display_name, &new.description.unwrap_or_default()).await?;
    let group = administrator.group(&id.to_string()).await?;
    shown_one(request, &administrator, &group).await.map(Answer::created)
}

async fn shown_one(
    request: &Request<'_>,
    administrator: &Administrator<'_>,
    group: &Group,
) -> Result<Value, GraphError> {
    let members = administrator.group_members(group).await?.len();
    let shown = shown::group(group, i64::try_from(members).unwrap_or(i64::MAX));
    Ok(request.context("groups/$entity", request.query.selected(shown)))
}

async fn members(request: &Request<'_>, id: &str) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadGroups)?;
    let group = find(&administrator, id).await?;
    let members = administrator.group_members(&group).await?;
    let rows: Vec<Value> = members.iter().map(|(user, name)| shown::member(*user, name)).collect();
    let all = u64::try_from(rows.len()).ok();
    let path = format!("{}/groups/{}/members", request.base, group.id);
    Ok(Answer::ok(request.context("directoryObjects", request.query.page(&path, rows, None, all))))
}

async fn set_member(
    request: &Request<'_>,
    group: &str,
    user: &str,
    member: bool,
) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteGroups)?;
    let group = find(&administrator, group).await?;
    let user = users::find(&administrator, user).await?;
    administrator.set_member(&group, user.id, member).await?;
    Ok(Answer::nothing())
}

/// The user of a reference such as `https://host/v1.0/directoryObjects/{id}`.
fn referenced(address: &str) -> Result<&str, GraphError> {
    let mut parts = address.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some("directoryObjects" | "users")) if !id.is_empty() => Ok(id),
        _ => Err(GraphError::BadRequest(
            "@odata.id must be the address of a user, such as https://host/v1.0/directoryObjects/ID"
                .to_owned(),
        )),
    }
}
