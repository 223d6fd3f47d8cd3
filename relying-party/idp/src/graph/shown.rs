//! How things look in JSON: to programs that call the API, and to those that read what the commands print.

mod devices;
mod pin_resets;

use serde_json::{Value, json};

use super::policies;
use super::query::stamp;
use crate::administration::{ActivityEntry, Methods, TenantSummary};
use crate::attestation::Outcome;
use crate::clock::UnixTime;
use crate::domain::{App, RedirectKind, Tenant, TokenVersion, User};
use crate::storage::{BrowserSession, NewPasskey, SignIn, StoredPass, StoredTotp, UserSummary};
pub use devices::{device, device_details, enterprise_key};
pub use pin_resets::{group, helpdesk_case, member, pin_reset, reset_key, reset_rule};

/// `signInAudience` of an application for every tenant.
pub(super) const MULTI_TENANT: &str = "AzureADMultipleOrgs";
/// `signInAudience` of one for the tenant that registered it.
pub(super) const OWN_TENANT: &str = "AzureADMyOrg";
/// Every user's password has this ID in Graph: there is at most one.
pub(super) const PASSWORD_ID: &str = "28c10230-6103-485e-b985-444c60001490";

/// A tenant.
#[must_use]
pub fn tenant(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "displayName": tenant.name,
        "domains": tenant.domains,
        "createdDateTime": stamp(tenant.created_at),
    })
}

/// A tenant, and how much it has.
#[must_use]
pub fn tenant_summary(summary: &TenantSummary) -> Value {
    let counts = json!({ "users": summary.users, "applications": summary.apps });
    joined(tenant(&summary.tenant), counts)
}

/// A user.
#[must_use]
pub fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "userPrincipalName": user.upn,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "surname": user.family_name,
        "mail": user.email,
        "accountEnabled": user.enabled,
        "administrator": user.administrator,
        "createdDateTime": stamp(user.created_at),
        "signInSessionsValidFromDateTime": stamp(user.sessions_valid_from),
    })
}

/// A user, and when they last signed in.
#[must_use]
pub fn user_summary(summary: &UserSummary) -> Value {
    let last = summary.last_sign_in.map(stamp);
    joined(user(&summary.user), json!({ "signInActivity": { "lastSuccessfulSignInDateTime": last } }))
}

/// What a user signs in with.
#[must_use]
pub fn methods(methods: &Methods, now: UnixTime) -> Vec<Value> {
    let password = methods.password.map(|(since, _)| password(since));
    let passkeys = methods.passkeys.iter().map(|stored| passkey(&stored.passkey, stored.created_at));
    let apps = methods.apps.iter().map(app_method);
    let pass = methods.pass.as_ref().map(|stored| pass(stored, now));
    password.into_iter().chain(passkeys).chain(apps).chain(pass).collect()
}

/// A password: only that there is one.
fn password(since: UnixTime) -> Value {
    json!({ "@odata.type": kind("password"), "id": PASSWORD_ID, "createdDateTime": stamp(since) })
}

/// A passkey.
#[must_use]
pub fn passkey(passkey: &NewPasskey, created_at: UnixTime) -> Value {
    let attested = matches!(passkey.attestation.parse(), Ok(Outcome::Verified(_)));
    json!({
        "@odata.type": kind("fido2"),
        "id": passkey.id,
        "displayName": passkey.name,
        "createdDateTime": stamp(created_at),
        "aaGuid": passkey.aaguid,
        "attestationLevel": if attested { "attested" } else { "notAttested" },
        "attestationResult": passkey.attestation,
    })
}

/// An authenticator app. Its secret is never shown.
fn app_method(app: &StoredTotp) -> Value {
    json!({
        "@odata.type": kind("softwareOath"),
        "id": app.id,
        "displayName": app.name,
        "createdDateTime": stamp(app.created_at),
        "secretKey": null,
    })
}

/// A Temporary Access Pass, without its code.
#[must_use]
pub fn pass(pass: &StoredPass, now: UnixTime) -> Value {
    let usable = pass.starts_at <= now && now < pass.expires_at && !(pass.once && pass.used_at.is_some());
    json!({
        "@odata.type": kind("temporaryAccessPass"),
        "id": pass.id,
        "createdDateTime": stamp(pass.created_at),
        "startDateTime": stamp(pass.starts_at),
        "lifetimeInMinutes": pass.expires_at.since(pass.starts_at).as_secs() / 60,
        "isUsableOnce": pass.once,
        "isUsable": usable,
    })
}

/// A session, and the applications that got something in it.
#[must_use]
pub fn session(session: &BrowserSession, apps: &[String]) -> Value {
    let methods: Vec<_> = session.authentication.methods.iter().map(|method| method.word()).collect();
    json!({
        "id": session.id,
        "createdDateTime": stamp(session.created_at),
        "lastSeenDateTime": stamp(session.seen_at),
        "expirationDateTime": stamp(session.expires_at),
        "ipAddress": session.address,
        "userAgent": session.agent,
        "methods": methods,
        "applications": apps,
    })
}

/// An application.
#[must_use]
pub fn app(app: &App) -> Value {
    let registration = &app.registration;
    let uris = |kind: RedirectKind| -> Vec<&str> {
        let of_kind = registration.redirect_uris.iter().filter(|known| known.kind == kind);
        of_kind.map(|known| known.uri.as_str()).collect()
    };
    let scopes = registration.scopes.iter().map(|scope| {
        json!({
            "value": scope.name,
            "adminConsentDescription": scope.description,
            "type": if scope.administrators_only { "Admin" } else { "User" },
        })
    });
    let roles = registration.roles.iter();
    let roles = roles.map(|role| json!({ "value": role.value, "description": role.description }));
    let secrets = registration.secrets.iter().map(|secret| {
        json!({
            "keyId": secret.id,
            "displayName": secret.description,
            "hint": secret.hint,
            "endDateTime": stamp(secret.expires_at),
        })
    });
    let keys = registration.keys.iter();
    let keys = keys.map(|key| json!({ "customKeyIdentifier": key.id, "endDateTime": stamp(key.expires_at) }));
    let version = match registration.access_token_version {
        TokenVersion::V1 => 1,
        TokenVersion::V2 => 2,
    };
    json!({
        "id": app.id,
        "appId": app.id,
        "displayName": app.name,
        "createdDateTime": stamp(app.created_at),
        "identifierUris": app.identifier_uri.iter().collect::<Vec<_>>(),
        "signInAudience": if registration.multi_tenant { MULTI_TENANT } else { OWN_TENANT },
        "isFallbackPublicClient": registration.public_flows,
        "web": { "redirectUris": uris(RedirectKind::Web), "logoutUrl": registration.front_channel_logout_uri },
        "spa": { "redirectUris": uris(RedirectKind::Spa) },
        "publicClient": { "redirectUris": uris(RedirectKind::Native) },
        "api": {
            "requestedAccessTokenVersion": version,
            "oauth2PermissionScopes": scopes.collect::<Vec<_>>(),
        },
        "appRoles": roles.collect::<Vec<_>>(),
        "passwordCredentials": secrets.collect::<Vec<_>>(),
        "keyCredentials": keys.collect::<Vec<_>>(),
        "authenticationStrength": policies::strength_id(registration.strength).map(|id| json!({ "id": id })),
    })
}

/// An entry of the sign-in log.
#[must_use]
pub fn sign_in(row: &SignIn) -> Value {
    let methods: Vec<_> = row.methods.split(' ').filter(|word| !word.is_empty()).collect();
    json!({
        "id": row.id,
        "createdDateTime": stamp(row.at),
        "userId": row.user,
        "userPrincipalName": row.upn,
        "appId": row.client,
        "ipAddress": row.address,
        "userAgent": row.agent,
        "correlationId": row.correlation,
        "authenticationMethodsUsed": methods,
        "status": { "errorCode": row.error },
    })
}

/// An entry of the audit log.
#[must_use]
pub fn change(row: &ActivityEntry) -> Value {
    let event = &row.event;
    let details: Vec<_> =
        event.detail.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({
        "id": row.entry.seq.to_string(),
        "activityDateTime": stamp(event.at),
        "activityDisplayName": event.action,
        "initiatedBy": { "id": event.actor },
        "targetResources": [{ "id": event.target }],
        "additionalDetails": details,
    })
}

/// The name of a kind of method.
pub(super) fn kind(name: &str) -> String {
    format!("#microsoft.graph.{name}AuthenticationMethod")
}

fn joined(mut object: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (object.as_object_mut(), more) {
        members.extend(more);
    }
    object
}
