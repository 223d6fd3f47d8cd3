//! Who calls, and what they may do: the one place where a scope or a role becomes a permission.
//!
//! An application that calls for itself needs a role. One that calls for a user needs the scope, and the user must be an
//! administrator of the tenant besides: a scope says what the application may do, not what the user may.

use std::sync::Arc;

use super::GraphError;
use crate::administration::Administrator;
use crate::clock::UnixTime;
use crate::domain::{Amr, App, AppRole, ExposedScope, Scopes, TenantId, User};
use crate::oauth::bearer::{self, Bearer, OnBehalf};
use crate::provider::Provider;
use crate::strength::FRESH;

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    ReadUsers,
    WriteUsers,
    ReadMethods,
    WriteMethods,
    ReadApps,
    WriteApps,
    ReadDevices,
    WriteDevices,
    ReadGroups,
    WriteGroups,
    ReadLogs,
    ReadPolicies,
    WritePolicies,
    /// The rules for devices and for PIN resets, and the keys of that service.
    WriteDeviceRules,
    /// What an application needs, beside another permission, to change an administrator's account: whoever changes that
    /// can become the administrator.
    WriteAdministrators,
}

/// A word of a token: its name, what the consent page says, and what it permits.
struct Word(&'static str, &'static str, &'static [Permission]);

/// Every word that is a scope for administrators and a role for applications.
const WORDS: [Word; 17] = {
    use Permission::{
        ReadApps, ReadDevices, ReadGroups, ReadLogs, ReadMethods, ReadPolicies, ReadUsers,
        WriteAdministrators, WriteApps, WriteDeviceRules, WriteDevices, WriteGroups, WriteMethods,
        WritePolicies, WriteUsers,
    };
    [
        Word("User.Read.All", "Read the profiles of all users", &[ReadUsers]),
        Word("User.ReadWrite.All", "Read and change all users", &[ReadUsers, WriteUsers]),
        Word(
            "Directory.Read.All",
            "Read users, groups, devices and applications",
            &[ReadUsers, ReadGroups, ReadApps, ReadDevices],
        ),
        Word(
            "Directory.ReadWrite.All",
            "Read and change users, groups and applications",
            &[ReadUsers, WriteUsers, ReadGroups, WriteGroups, ReadApps, WriteApps],
        ),
        Word("Group.Read.All", "Read all groups", &[ReadGroups]),
        Word("Group.ReadWrite.All", "Read and change all groups", &[ReadGroups, WriteGroups]),
        Word("Device.Read.All", "Read all devices", &[ReadDevices]),
        Word("Device.ReadWrite.All", "Read, disable and delete devices", &[ReadDevices, WriteDevices]),
        Word("UserAuthenticationMethod.Read.All", "Read what users sign in with", &[ReadMethods]),
        Word(
            "UserAuthenticationMethod.ReadWrite.All",
            "Read and change what users sign in with",
            &[ReadMethods, WriteMethods],
        ),
        Word("Application.Read.All", "Read all applications", &[ReadApps]),
        Word("Application.ReadWrite.All", "Read and change all applications", &[ReadApps, WriteApps]),
        Word("AuditLog.Read.All", "Read who signed in and what was changed", &[ReadLogs]),
        Word("Policy.Read.All", "Read the organisation's policies", &[ReadPolicies]),
        Word(
            "Policy.ReadWrite.AuthenticationMethod",
            "Read and change which sign-in methods are accepted",
            &[ReadPolicies, WritePolicies],
        ),
        Word(
            "Policy.ReadWrite.DeviceConfiguration",
            "Read and change the rules for devices and PIN resets",
            &[ReadPolicies, WriteDeviceRules],
        ),
        Word("RoleManagement.ReadWrite.Directory", "Change administrators", &[WriteAdministrators]),
    ]
};

/// Scopes that a user may give for themselves.
const OWN: [(&str, &str); 4] = [
    ("User.Read", "Sign you in and read your profile"),
    ("User.RevokeSessions.All", "End your sign-ins everywhere"),
    ("UserAuthenticationMethod.Read", "Read what you sign in with"),
    ("UserAuthenticationMethod.ReadWrite", "Add a passkey to your account"),
];

/// The scopes of the directory.
#[must_use]
pub fn scopes() -> Vec<ExposedScope> {
    let scope = |name: &str, description: &str, administrators_only| ExposedScope {
        name: name.to_owned(),
        description: description.to_owned(),
        administrators_only,
    };
    let own = OWN.iter().map(|(name, description)| scope(name, description, false));
    own.chain(WORDS.iter().map(|Word(name, description, _)| scope(name, description, true))).collect()
}

/// The roles of the directory.
#[must_use]
pub fn roles() -> Vec<AppRole> {
    let role = |Word(value, description, _): &Word| AppRole {
        value: (*value).to_owned(),
        description: (*description).to_owned(),
    };
    WORDS.iter().map(role).collect()
}

/// Who calls.
pub(super) struct Caller {
    tenant: TenantId,
    app: Arc<App>,
    kind: bearer::Caller,
}

impl Caller {
    pub(super) async fn of(provider: &Provider, bearer: Bearer) -> Result<Self, GraphError> {
        let app = provider.app(bearer.client).await?.ok_or(GraphError::Forbidden)?;
        Ok(Self { tenant: bearer.tenant, app, kind: bearer.caller })
    }

    /// The administrator that the caller is, if the token permits this.
    pub(super) fn may<'a>(
        &self,
        provider: &'a Provider,
        permission: Permission,
    ) -> Result<Administrator<'a>, GraphError> {
        match &self.kind {
            bearer::Caller::User(on_behalf) => {
                if !permitted(on_behalf.scopes.words(), permission) {
                    return Err(GraphError::Forbidden);
                }
                Administrator::user(provider, &on_behalf.user, self.tenant).map_err(|_| GraphError::Forbidden)
            }
            bearer::Caller::App { roles } => {
                if !permitted(roles.iter().map(String::as_str), permission) {
                    return Err(GraphError::Forbidden);
                }
                Administrator::application(provider, &self.app, self.tenant)
                    .map_err(|_| GraphError::Forbidden)
            }
        }
    }

    /// Refuses an application that would change an administrator's account without the role for that. A user who calls is an
    /// administrator already.
    pub(super) fn may_change(&self, user: &User) -> Result<(), GraphError> {
        match &self.kind {
            bearer::Caller::User(_) => Ok(()),
            bearer::Caller::App { roles } => {
                let words = roles.iter().map(String::as_str);
                if user.administrator && !permitted(words, Permission::WriteAdministrators) {
                    return Err(GraphError::Forbidden);
                }
                Ok(())
            }
        }
    }

    /// What a ceremony of this caller is bound to, so that no other client or person can finish it.
    pub(super) fn place(&self, actor: &str) -> String {
        format!("graph {} {actor}", self.app.id)
    }

    /// The user for whom the client calls, if it may do one of these for them.
    pub(super) fn user_with(&self, scopes: &[&str]) -> Result<&OnBehalf, GraphError> {
        match &self.kind {
            bearer::Caller::User(on_behalf) if scopes.iter().any(|scope| has(&on_behalf.scopes, scope)) => {
                Ok(on_behalf)
            }
            bearer::Caller::User(_) | bearer::Caller::App { .. } => Err(GraphError::Forbidden),
        }
    }
}

/// Refuses a sign-in that is not fresh and strong enough to add a way in (conformance R7).
pub(super) fn fresh(on_behalf: &OnBehalf, now: UnixTime) -> Result<(), GraphError> {
    let authentication = &on_behalf.grant.authentication;
    let strong = authentication.methods.contains(&Amr::Mfa);
    if strong && now.since(authentication.at) <= FRESH { Ok(()) } else { Err(GraphError::NotFresh) }
}

fn has(scopes: &Scopes, scope: &str) -> bool {
    scopes.words().any(|word| word == scope)
}

fn permitted<'a>(mut words: impl Iterator<Item = &'a str>, permission: Permission) -> bool {
    words
        .any(|word| WORDS.iter().any(|Word(name, _, permits)| *name == word && permits.contains(&permission)))
}
