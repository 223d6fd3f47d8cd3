//! `/users/{id}/authentication`: what users sign in with.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::caller::Permission;
use super::query::time;
use super::shown::{self, PASSWORD_ID};
use super::{Answer, GraphError, Request, Verb, users};
use crate::access_pass::PassOptions;
use crate::administration::{IssuedPass, Methods};
use crate::domain::User;

/// Kinds of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Passkey,
    App,
    Pass,
    Password,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NewPass {
    lifetime_in_minutes: Option<u64>,
    is_usable_once: bool,
    start_date_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NewPassword {
    new_password: Option<Zeroizing<String>>,
}

impl Kind {
    /// The kind of a segment.
    fn of(segment: &str) -> Option<Self> {
        Some(match segment {
            "fido2methods" => Self::Passkey,
            "softwareoathmethods" => Self::App,
            "temporaryaccesspassmethods" => Self::Pass,
            "passwordmethods" => Self::Password,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Passkey => "fido2",
            Self::App => "softwareOath",
            Self::Pass => "temporaryAccessPass",
            Self::Password => "password",
        }
    }

    /// How the metadata call a list of them.
    fn context(kind: Option<Self>) -> String {
        let list = kind.map_or_else(|| "methods".to_owned(), |kind| format!("{}Methods", kind.name()));
        format!("users/authentication/{list}")
    }
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    id: &str,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, ["methods", rest @ ..]) => {
            let administrator = request.caller.may(request.provider, Permission::ReadMethods)?;
            let user = users::find(&administrator, id).await?;
            match rest {
                [] => list(request, &user, None).await,
                [method] => one(request, &user, None, method).await,
                _ => Err(GraphError::NoSegment),
            }
        }
        (Verb::Post, ["temporaryaccesspassmethods"]) => issue_pass(request, id).await,
        (Verb::Post, ["passwordmethods", PASSWORD_ID, "resetpassword"]) => reset_password(request, id).await,
        (Verb::Get | Verb::Delete, [segment, rest @ ..]) => {
            let kind = Kind::of(segment).ok_or(GraphError::NoSegment)?;
            of_kind(request, verb, (id, kind), rest).await
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// Lists, shows or removes methods of one kind.
pub(super) async fn of_kind(
    request: &Request<'_>,
    verb: Verb,
    (id, kind): (&str, Kind),
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, rest) => {
            let administrator = request.caller.may(request.provider, Permission::ReadMethods)?;
            let user = users::find(&administrator, id).await?;
            match rest {
                [] => list(request, &user, Some(kind)).await,
                [method] => one(request, &user, Some(kind), method).await,
                _ => Err(GraphError::NoSegment),
            }
        }
        (Verb::Delete, [method]) => {
            let (administrator, user) = users::changed(request, id, Permission::WriteMethods).await?;
            let missing = || GraphError::missing(method);
            let known = all(request, &user, Some(kind)).await?;
            let known = known.iter().any(|known| has_id(known, method));
            let method =
                method.parse().ok().filter(|_| known && kind != Kind::Password).ok_or_else(missing)?;
            administrator.remove_method(user.id, method).await?;
            Ok(Answer::nothing())
        }
        (Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// A user's methods, or those of one kind.
pub(super) async fn list(
    request: &Request<'_>,
    user: &User,
    kind: Option<Kind>,
) -> Result<Answer, GraphError> {
    let rows = all(request, user, kind).await?;
    Ok(Answer::ok(request.context(&Kind::context(kind), json!({ "value": rows }))))
}

async fn one(request: &Request<'_>, user: &User, kind: Option<Kind>, id: &str) -> Result<Answer, GraphError> {
    let found = all(request, user, kind).await?.into_iter().find(|method| has_id(method, id));
    let found = found.ok_or_else(|| GraphError::missing(id))?;
    Ok(Answer::ok(request.context(&format!("{}/$entity", Kind::context(kind)), found)))
}

async fn all(request: &Request<'_>, user: &User, kind: Option<Kind>) -> Result<Vec<Value>, GraphError> {
    let methods = Methods::of(request.provider, user).await?;
    let mut all = shown::methods(&methods, request.provider.now());
    if let Some(kind) = kind {
        let kind = shown::kind(kind.name());
        all.retain(|method| method.get("@odata.type").and_then(Value::as_str) == Some(&kind));
    }
    Ok(all)
}

fn has_id(method: &Value, id: &str) -> bool {
    method.get("id").and_then(Value::as_str) == Some(id)
}

async fn issue_pass(request: &Request<'_>, id: &str) -> Result<Answer, GraphError> {
    let (administrator, user) = users::changed(request, id, Permission::WriteMethods).await?;
    let new: NewPass = request.body()?;
    let usual = PassOptions::default();
    let options = PassOptions {
        lifetime: new
            .lifetime_in_minutes
            .map_or(usual.lifetime, |minutes| Duration::from_secs(minutes.saturating_mul(60))),
        once: new.is_usable_once,
        start: new.start_date_time.as_deref().map(time).transpose()?,
        ..usual
    };
    let IssuedPass { code, pass } = administrator.issue_pass(user.id, &options).await?;
    let mut shown = shown::pass(&pass, request.provider.now());
    if let Some(members) = shown.as_object_mut() {
        members.insert("temporaryAccessPass".to_owned(), code.expose().into());
    }
    let context = format!("{}/$entity", Kind::context(Some(Kind::Pass)));
    Ok(Answer::created(request.context(&context, shown)))
}

/// With a password in the body that one is set, to be changed at the next sign-in; without, one is made.
async fn reset_password(request: &Request<'_>, id: &str) -> Result<Answer, GraphError> {
    let (administrator, user) = users::changed(request, id, Permission::WriteMethods).await?;
    let new: NewPassword = if request.body.is_empty() { NewPassword::default() } else { request.body()? };
    let answer = match new.new_password {
        Some(password) => {
            administrator.set_password(user.id, &password, true).await?;
            json!({})
        }
        None => json!({ "newPassword": administrator.reset_password(user.id).await?.expose() }),
    };
    Ok(Answer::ok(request.context("microsoft.graph.passwordResetResponse", answer)))
}
