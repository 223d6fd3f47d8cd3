//! PIN resets and what belongs to them.

use serde_json::{Value, json};

use super::stamp;
use crate::administration::ResetKey;
use crate::clock::UnixTime;
use crate::domain::{Group, UserId};
use crate::pin_reset::keys::State;
use crate::storage::{NamedHelpdeskCase, NamedResetEvent, ResetRule, RuleFor};

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

/// A member of a group.
#[must_use]
pub fn member(user: UserId, name: &str) -> Value {
    json!({ "@odata.type": "#microsoft.graph.user", "id": user, "userPrincipalName": name })
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

/// A case of the helpdesk, as it stands at `now`. Its code is in none of them.
#[must_use]
pub fn helpdesk_case(named: &NamedHelpdeskCase, now: UnixTime) -> Value {
    let case = &named.case;
    json!({
        "id": case.id,
        "createdDateTime": stamp(case.opened_at),
        "expirationDateTime": stamp(case.expires_at),
        "status": case.state(now).word(),
        "userId": case.user,
        "userPrincipalName": named.upn,
        "deviceId": case.device,
        "deviceDisplayName": named.device,
        "reason": case.reason,
        "openedBy": case.opened_by,
        "decidedBy": case.decided_by,
        "decidedDateTime": case.decided_at.map(stamp),
        "usedDateTime": case.used_at.map(stamp),
    })
}

/// A key of the PIN reset service, without its private half.
#[must_use]
pub fn reset_key(key: &ResetKey) -> Value {
    let retired = match key.state {
        State::Current | State::Old => None,
        State::Retired(at) => Some(stamp(at)),
    };
    json!({
        "id": key.kid,
        "protocol": key.protocol,
        "place": key.place,
        "state": key.state.word(),
        "createdDateTime": stamp(key.created_at),
        "retiredDateTime": retired,
        "lastReleaseDateTime": key.last_release.map(stamp),
    })
}
