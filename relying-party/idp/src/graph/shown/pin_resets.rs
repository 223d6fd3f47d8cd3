//! PIN resets and what belongs to them.

use serde_json::{Value, json};

use super::stamp;
use crate::domain::Group;
use crate::storage::{HelpdeskCase, NamedResetEvent, ResetRule, RuleFor};

/// A group and the number of its members.
#[must_use]
pub fn group(group: &Group, members: i64) -> Value {
    json!({
        "id": group.id,
        "displayName": group.name,
        "description": group.description,
        "createdDateTime": stamp(group.created_at),
        "members": members,
    })
}

/// A PIN reset that was released or refused.
#[must_use]
pub fn pin_reset(named: &NamedResetEvent) -> Value {
    let event = &named.event;
    json!({
        "id": event.id,
        "activityDateTime": stamp(event.at),
        "userId": event.user,
        "userPrincipalName": named.upn,
        "deviceId": event.device,
        "deviceDisplayName": named.device,
        "purpose": event.purpose,
        "protocol": event.protocol,
        "keyId": event.kid,
        "result": event.code,
        "ipAddress": event.address,
        "correlationId": event.trace,
    })
}

/// What was decided about a user or a group.
#[must_use]
pub fn reset_rule(rule: &ResetRule) -> Value {
    let (kind, id) = match rule.principal {
        RuleFor::User(user) => ("user", user.to_string()),
        RuleFor::Group(group) => ("group", group.to_string()),
    };
    json!({ "type": kind, "id": id, "name": rule.name, "rule": if rule.allowed { "allow" } else { "forbid" } })
}

/// A case of the helpdesk. Its code is in none of them.
#[must_use]
pub fn helpdesk_case(case: &HelpdeskCase) -> Value {
    let status = match (case.approved, case.used_at) {
        (None, _) => "open",
        (Some(false), _) => "declined",
        (Some(true), None) => "approved",
        (Some(true), Some(_)) => "used",
    };
    json!({
        "id": case.id,
        "createdDateTime": stamp(case.opened_at),
        "expirationDateTime": stamp(case.expires_at),
        "status": status,
        "userId": case.user,
        "deviceId": case.device,
        "reason": case.reason,
        "openedBy": case.opened_by,
        "decidedBy": case.decided_by,
    })
}
