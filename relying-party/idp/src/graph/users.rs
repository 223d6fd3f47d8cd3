//! `/users`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use zeroize::Zeroizing;

use super::caller::Permission;
use super::query::Operator;
use super::{Answer, GraphError, Request, Verb, devices, fido2, methods, shown};
use crate::administration::{Administrator, Names, NewAccount, check_password};
use crate::domain::{User, UserId};
use crate::storage::UserCursor;

/// A user in a body. What is absent stays; `null` takes away.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Change {
    user_principal_name: Option<String>,
    display_name: Option<String>,
    given_name: Edit,
    surname: Edit,
    mail: Edit,
    account_enabled: Option<bool>,
    password_profile: Option<PasswordProfile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordProfile {
    password: Zeroizing<String>,
    #[serde(default = "yes")]
    force_change_password_next_sign_in: bool,
}

const fn yes() -> bool {
    true
}

/// What becomes of a text that may be absent.
#[derive(Default)]
enum Edit {
    #[default]
    Stays,
    Goes,
    Becomes(String),
}

impl<'de> Deserialize<'de> for Edit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Goes, Self::Becomes))
    }
}

impl Edit {
    /// The text after the change.
    fn applied<'a>(&'a self, known: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Stays => known,
            Self::Goes => None,
            Self::Becomes(text) => Some(text),
        }
    }

    const fn is_change(&self) -> bool {
        match self {
            Self::Stays => false,
            Self::Goes | Self::Becomes(_) => true,
        }
    }
}

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, []) => list(request).await,
        (Verb::Post, []) => create(request).await,
        (Verb::Get, [id]) => {
            let administrator = request.caller.may(request.provider, Permission::ReadUsers)?;
            let user = find(&administrator, id).await?;
            Ok(Answer::ok(request.context("users/$entity", request.query.selected(shown::user(&user)))))
        }
        (Verb::Patch, [id]) => change(request, id).await,
        (Verb::Delete, [id]) => {
            let (administrator, user) = changed(request, id, Permission::WriteUsers).await?;
            administrator.delete_user(user.id).await?;
            Ok(Answer::nothing())
        }
        (Verb::Post, [id, "revokesigninsessions"]) => {
            let (administrator, user) = changed(request, id, Permission::WriteUsers).await?;
            administrator.revoke_sessions(user.id).await?;
            Ok(Answer::ok(request.context("Edm.Boolean", json!({ "value": true }))))
        }
        (_, [id, "authentication", "fido2methods", rest @ ..]) => {
            fido2::answer(request, verb, id, rest).await
        }
        (_, [id, "authentication", "windowshelloforbusinessmethods", rest @ ..]) => {
            devices::keys(request, verb, id, rest).await
        }
        (_, [id, "authentication", rest @ ..]) => methods::answer(request, verb, id, rest).await,
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

/// A user of the caller's tenant, by ID or user name.
pub(super) async fn find(administrator: &Administrator<'_>, id: &str) -> Result<User, GraphError> {
    let found = match id.parse::<UserId>() {
        Ok(id) => administrator.find_user(id).await,
        Err(_) => administrator.user_named(&decoded(id)).await,
    };
    found.map_err(|refused| GraphError::about(refused, id))
}

/// A user whom the caller may change.
pub(super) async fn changed<'a>(
    request: &Request<'a>,
    id: &str,
    permission: Permission,
) -> Result<(Administrator<'a>, User), GraphError> {
    let administrator = request.caller.may(request.provider, permission)?;
    let user = find(&administrator, id).await?;
    request.caller.may_change(&user)?;
    Ok((administrator, user))
}

async fn list(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadUsers)?;
    let mut named = None;
    request.query.filter(|comparison| {
        let equal = comparison.operator == Operator::Equal;
        let known = equal && matches!(comparison.name.as_str(), "userprincipalname" | "id");
        if known {
            named = Some(comparison.value.clone());
        }
        Ok(known)
    })?;
    let path = format!("{}/users", request.base);
    if let Some(named) = named {
        let rows = match find(&administrator, &named).await {
            Ok(user) => vec![shown::user(&user)],
            Err(GraphError::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let all = u64::try_from(rows.len()).ok();
        return Ok(Answer::ok(request.context("users", request.query.page(&path, rows, None, all))));
    }
    let cursor = match &request.query.after {
        Some(token) => UserCursor::After(place(token)?),
        None => UserCursor::Start,
    };
    let (slice, all) = administrator.users(&request.query.search, &cursor, request.query.most()).await?;
    let last = slice.rows.last().filter(|_| slice.after);
    let next = last.map(|summary| token(&summary.user.upn));
    let rows = slice.rows.iter().map(|summary| shown::user(&summary.user)).collect();
    let page = request.query.page(&path, rows, next.as_deref(), Some(all));
    Ok(Answer::ok(request.context("users", page)))
}

/// Where the last page ended.
pub(super) fn place(token: &str) -> Result<String, GraphError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(GraphError::Unsupported(
        "the $skiptoken is not one of ours: follow the @odata.nextLink of the page before",
    ))
}

async fn create(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::WriteUsers)?;
    let new: Change = request.body()?;
    let account = NewAccount {
        user_name: new.user_principal_name.as_deref().unwrap_or_default(),
        administrator: false,
        names: Names {
            display_name: new.display_name.as_deref().unwrap_or_default(),
            given_name: new.given_name.applied(None),
            family_name: new.surname.applied(None),
            email: new.mail.applied(None),
        },
    };
    if let Some(profile) = &new.password_profile {
        // Before anybody is made whose password cannot be.
        check_password(&profile.password)?;
    }
    let (user, _) = administrator.create_user(&account).await?;
    if let Some(profile) = &new.password_profile {
        let once = profile.force_change_password_next_sign_in;
        administrator.set_password(user.id, &profile.password, once).await?;
    }
    if new.account_enabled == Some(false) {
        administrator.set_enabled(user.id, false).await?;
    }
    let user = administrator.find_user(user.id).await?;
    Ok(Answer::created(request.context("users/$entity", shown::user(&user))))
}

async fn change(request: &Request<'_>, id: &str) -> Result<Answer, GraphError> {
    let (administrator, user) = changed(request, id, Permission::WriteUsers).await?;
    let change: Change = request.body()?;
    if change.user_principal_name.as_deref().is_some_and(|name| name != user.upn) {
        return Err(GraphError::BadRequest("a user name cannot be changed".to_owned()));
    }
    let names = Names {
        display_name: change.display_name.as_deref().unwrap_or(&user.display_name),
        given_name: change.given_name.applied(user.given_name.as_deref()),
        family_name: change.surname.applied(user.family_name.as_deref()),
        email: change.mail.applied(user.email.as_deref()),
    };
    let texts = [&change.given_name, &change.surname, &change.mail];
    let renamed = change.display_name.is_some() || texts.iter().any(|text| text.is_change());
    if renamed {
        administrator.rename_user(user.id, &names).await?;
    }
    if let Some(profile) = &change.password_profile {
        let once = profile.force_change_password_next_sign_in;
        administrator.set_password(user.id, &profile.password, once).await?;
    }
    if let Some(enabled) = change.account_enabled.filter(|enabled| *enabled != user.enabled) {
        administrator.set_enabled(user.id, enabled).await?;
    }
    Ok(Answer::nothing())
}

/// The token of the place after `last`.
pub(super) fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// A segment of a path: `%40` is `@`.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    let mut decoded = url::form_urlencoded::parse(pair.as_bytes());
    decoded.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
