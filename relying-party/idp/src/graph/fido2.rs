//! `/users/{id}/authentication/fido2Methods`: passkeys, also those that are provisioned for somebody (idp-wire §1.8).

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::caller::Permission;
use super::methods::{self, Kind};
use super::query::stamp;
use super::{Answer, GraphError, Request, Verb, shown, users};
use crate::domain::User;
use crate::passkeys::{self, Enrolment};

/// How long a challenge may live, in minutes. Who provisions a passkey hands the key over before it is used.
const MINUTES: std::ops::RangeInclusive<u64> = 1..=24 * 60;
const USUAL: u64 = 5;

/// The answer of an authenticator, and what the passkey is to be called.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    #[serde(default)]
    display_name: String,
    #[serde(borrow)]
    public_key_credential: &'a RawValue,
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    id: &str,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, [options]) if options.starts_with("creationoptions") => {
            let (administrator, user) = users::changed(request, id, Permission::WriteMethods).await?;
            self::options(request, (&user, &administrator.actor().to_string()), options).await
        }
        (Verb::Post, []) => {
            let (administrator, user) = users::changed(request, id, Permission::WriteMethods).await?;
            register(request, (&user, &administrator.actor().to_string())).await
        }
        (Verb::Get | Verb::Delete, rest) => methods::of_kind(request, verb, (id, Kind::Passkey), rest).await,
        (Verb::Post | Verb::Patch, _) => Err(GraphError::NoSegment),
    }
}

/// `creationOptions(challengeTimeoutInMinutes=10)`.
pub(super) async fn options(
    request: &Request<'_>,
    (user, actor): (&User, &str),
    segment: &str,
) -> Result<Answer, GraphError> {
    let lifetime = Duration::from_mins(minutes(segment)?);
    let place = request.caller.place(actor);
    let enrolment = Enrolment { user, place: &place, actor };
    let begun = passkeys::begin(request.provider, &enrolment, lifetime).await?;
    let answer = json!({ "challengeTimeoutDateTime": stamp(begun.expires_at), "publicKey": begun.options });
    Ok(Answer::ok(request.context("microsoft.graph.webauthnCredentialCreationOptions", answer)))
}

/// Stores the passkey, if it is the answer to options that the same caller got for the same user.
pub(super) async fn register(
    request: &Request<'_>,
    (user, actor): (&User, &str),
) -> Result<Answer, GraphError> {
    let unreadable = |error: serde_json::Error| {
        GraphError::BadRequest(format!("the body must have displayName and publicKeyCredential: {error}"))
    };
    let new: New<'_> = serde_json::from_slice(request.body).map_err(unreadable)?;
    let place = request.caller.place(actor);
    let enrolment = Enrolment { user, place: &place, actor };
    let (credential, name) = (new.public_key_credential.get(), &new.display_name);
    let passkey = passkeys::finish(request.provider, &enrolment, credential, name).await?;
    let shown = shown::passkey(&passkey, request.provider.now());
    Ok(Answer::created(request.context("users/authentication/fido2Methods/$entity", shown)))
}

fn minutes(segment: &str) -> Result<u64, GraphError> {
    let inside = segment.strip_prefix("creationoptions").unwrap_or_default();
    if matches!(inside, "" | "()") {
        return Ok(USUAL);
    }
    let number = inside.strip_prefix("(challengetimeoutinminutes=").and_then(|rest| rest.strip_suffix(')'));
    let minutes = number.and_then(|number| number.parse().ok()).filter(|minutes| MINUTES.contains(minutes));
    minutes
        .ok_or_else(|| GraphError::BadRequest("challengeTimeoutInMinutes must be from 1 to 1440".to_owned()))
}

#[cfg(test)]
mod tests;
