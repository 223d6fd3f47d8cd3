//! `/pinReset`: who may reset a PIN, the keys of the service, and the cases of the helpdesk. Graph has nothing like it, so the
//! shapes are ours.

mod cases;

use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Permission;
use super::{Answer, GraphError, Request, Verb, groups, shown, users};
use crate::administration::Administrator;
use crate::storage::{ResetRule, RuleFor};

/// A decision: for a user or for a group.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    group_id: Option<String>,
    rule: Word,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    Allow,
    Forbid,
}

/// Which key is meant. A name that is one letter's case away is another key, so it is no part of the path.
#[derive(Deserialize)]
struct Named {
    id: String,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    let may = |permission| request.caller.may(request.provider, permission);
    match (verb, segments) {
        (Verb::Get, ["rules"]) => {
            let rules = may(Permission::ReadPolicies)?.reset_rules().await?;
            Ok(listed(request, "rules", rules.iter().map(shown::reset_rule).collect()))
        }
        (Verb::Post, ["rules"]) => decide(request).await,
        (Verb::Delete, ["rules", id]) => {
            let administrator = may(Permission::WriteDeviceRules)?;
            let rules = administrator.reset_rules().await?;
            let known = rules.iter().find(|rule| principal_id(rule) == *id);
            let known = known.ok_or_else(|| GraphError::missing(id))?;
            administrator.set_reset_rule(known.principal, None).await?;
            Ok(Answer::nothing())
        }
        (Verb::Get, ["keys"]) => {
            let keys = may(Permission::ReadPolicies)?.reset_keys().await?;
            let rows: Vec<Value> = keys.keys.iter().map(shown::reset_key).collect();
            let body = json!({ "anchorSha256": keys.anchor, "value": rows });
            Ok(Answer::ok(request.context("pinReset/keys", body)))
        }
        (Verb::Post, ["keys", "rotate"]) => {
            let new = may(Permission::WriteDeviceRules)?.rotate_reset_keys().await?;
            Ok(Answer::ok(request.context("Collection(Edm.String)", json!({ "value": new }))))
        }
        (Verb::Post, ["keys", "retire"]) => {
            let named: Named = request.body()?;
            let done = may(Permission::WriteDeviceRules)?.retire_reset_key(&named.id).await;
            done.map_err(|refused| GraphError::about(refused, &named.id))?;
            Ok(Answer::nothing())
        }
        (_, ["cases", rest @ ..]) => cases::answer(request, verb, rest).await,
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// A whole list below `/pinReset`.
fn listed(request: &Request<'_>, name: &str, rows: Vec<Value>) -> Answer {
    let all = u64::try_from(rows.len()).ok();
    let page = request.query.page(&format!("{}/pinReset/{name}", request.base), rows, None, all);
    Answer::ok(request.context(&format!("pinReset/{name}"), page))
}

async fn decide(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteDeviceRules)?;
    let decision: Decision = request.body()?;
    let principal = principal(&administrator, &decision).await?;
    administrator.set_reset_rule(principal, Some(matches!(decision.rule, Word::Allow))).await?;
    Ok(Answer::nothing())
}

async fn principal(administrator: &Administrator<'_>, decision: &Decision) -> Result<RuleFor, GraphError> {
    match (&decision.user_id, &decision.group_id) {
        (Some(user), None) => Ok(RuleFor::User(users::find(administrator, user).await?.id)),
        (None, Some(group)) => Ok(RuleFor::Group(groups::find(administrator, group).await?.id)),
        (Some(_), Some(_)) | (None, None) => {
            Err(GraphError::BadRequest("a rule is for a userId or for a groupId".to_owned()))
        }
    }
}

fn principal_id(rule: &ResetRule) -> String {
    match rule.principal {
        RuleFor::User(user) => user.to_string(),
        RuleFor::Group(group) => group.to_string(),
    }
}
