//! App registrations.

use askama::Template;

use super::AdminFrame;
use crate::pages::{ShownSecret, When};

/// The applications of a tenant.
#[derive(Debug, Template)]
#[template(path = "admin/apps.html")]
pub struct AppsPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// The applications.
    pub apps: Vec<AppRow>,
}

/// An application of the list.
#[derive(Debug)]
pub struct AppRow {
    /// The client ID.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Whether it comes with the provider and cannot be changed.
    pub built_in: bool,
    /// Whether another tenant registered it, so that it cannot be changed here.
    pub foreign: bool,
    /// When it was registered.
    pub created: When,
}

/// Register an application. POST `…/apps` with `name`, `kind` (`web`, `spa`, `native`, `service`), `redirect_uris` (one a
/// line).
#[derive(Debug, Template)]
#[template(path = "admin/app-new.html")]
pub struct NewAppPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What was typed before.
    pub name: String,
    /// What was chosen before.
    pub kind: String,
    /// What was typed before.
    pub redirect_uris: String,
}

const KINDS: [(&str, &str, &str); 4] = [
    ("web", "Web application", "runs on a server and keeps a secret"),
    ("spa", "Page without a server", "runs in the browser; keeps no secret, uses PKCE"),
    ("native", "App on a device", "keeps no secret; uses PKCE or device codes"),
    ("service", "Service", "signs in as itself; no user, no redirect"),
];

impl NewAppPage {
    fn kinds() -> [(&'static str, &'static str, &'static str); 4] {
        KINDS
    }

    /// The first one, unless another was chosen.
    fn is_kind(&self, word: &str) -> bool {
        let known = KINDS.iter().any(|(known, ..)| *known == self.kind);
        if known { self.kind == word } else { word == "web" }
    }
}

/// One application. POSTs to `…/apps/{client_id}` with [`AppSettings`]' fields; below it `/secrets` with `description`,
/// `days`, `/secrets/{secret}/delete`; `/certificates` with `pem`, `/certificates/delete` with `certificate`; `/scopes` with
/// `name`, `description`, `reserved`, `/scopes/delete` with `name`; `/roles` with `value`, `description`, `/roles/delete` with
/// `value`; `/assignments` with `principal` (a user name or a client ID), `role`, `/assignments/delete` with `principal`,
/// `role`; `/consents` with `permission` (API and scope), `/consents/withdraw` with `user` (empty: everyone); `/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/app.html")]
pub struct AppPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Which one.
    pub app: AppRow,
    /// The issuer to configure in the application.
    pub issuer: String,
    /// What can be changed about it.
    pub settings: AppSettings,
    /// The secrets, without their values.
    pub secrets: Vec<SecretRow>,
    /// The secret that this request made; shown once.
    pub new_secret: Option<ShownSecret>,
    /// The certificates.
    pub certificates: Vec<CertificateRow>,
    /// The scopes that others may ask for.
    pub scopes: Vec<ScopeRow>,
    /// The roles that others may be assigned: value and description.
    pub roles: Vec<(String, String)>,
    /// Who is assigned to it here.
    pub assignments: Vec<AssignmentRow>,
    /// What people here let it do.
    pub consents: Vec<ConsentRow>,
    /// What it could be allowed for everyone: the form field's value, and what people read.
    pub permissions: Vec<(String, String)>,
}

impl AppPage {
    fn url(&self) -> String {
        format!("{}/apps/{}", self.frame.base(), self.app.client_id)
    }

    fn changeable(&self) -> bool {
        !self.app.built_in && !self.app.foreign
    }
}

/// What can be changed about an application. Lists have one address a line in their fields.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches of an administrator")]
pub struct AppSettings {
    /// `identifier_uri`: the App ID URI, or nothing.
    pub identifier_uri: String,
    /// `redirect_uris` of a website.
    pub redirect_uris: Vec<String>,
    /// `spa_redirect_uris`, of a page without a server.
    pub spa_redirect_uris: Vec<String>,
    /// `native_redirect_uris`, of an app on a device.
    pub native_redirect_uris: Vec<String>,
    /// `post_logout_redirect_uris`: where it may go after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// `front_channel_logout_uri`, or nothing.
    pub front_channel_logout_uri: String,
    /// `signing`: `RS256` or `ES256`.
    pub signing: String,
    /// `token_version`: 1 or 2.
    pub token_version: u8,
    /// `confidential`: whether it keeps a secret.
    pub confidential: bool,
    /// `public_flows`: whether it may use device codes and, where the tenant allows it, passwords.
    pub public_flows: bool,
    /// `multi_tenant`: whether people of other tenants may use it.
    pub multi_tenant: bool,
    /// `assignment_required`: whether only assigned users may sign in.
    pub assignment_required: bool,
    /// `par`: whether pushed authorization requests are demanded (RFC 9126).
    pub par: bool,
    /// `dpop`: whether tokens are bound to a key (RFC 9449).
    pub dpop: bool,
}

impl AppSettings {
    fn switches(&self) -> [(&'static str, &'static str, &'static str, bool); 6] {
        [
            (
                "confidential",
                "Keeps a secret",
                "proves itself with a secret or a certificate",
                self.confidential,
            ),
            (
                "public_flows",
                "Device codes and passwords",
                "the password grant only where the tenant allows it",
                self.public_flows,
            ),
            ("multi_tenant", "For people of other tenants too", "", self.multi_tenant),
            ("assignment_required", "Only for assigned users", "", self.assignment_required),
            ("par", "Only pushed authorization requests", "RFC 9126", self.par),
            ("dpop", "Only tokens bound to a key", "DPoP, RFC 9449", self.dpop),
        ]
    }
}

/// A client secret, without its value.
#[derive(Debug)]
pub struct SecretRow {
    /// Its ID.
    pub id: String,
    /// What it is for.
    pub description: String,
    /// Its first letters.
    pub hint: String,
    /// Until when it works.
    pub until: When,
    /// Whether that has passed.
    pub expired: bool,
}

/// A certificate whose key signs the application's assertions.
#[derive(Debug)]
pub struct CertificateRow {
    /// Its SHA-256 thumbprint, base64url.
    pub thumbprint: String,
    /// `RSA` or `EC`.
    pub kind: String,
    /// Until when it works.
    pub until: When,
    /// Whether that has passed.
    pub expired: bool,
}

/// A scope that others may ask for.
#[derive(Debug)]
pub struct ScopeRow {
    /// Its name.
    pub name: String,
    /// What the consent page says.
    pub description: String,
    /// Whether only administrators may consent to it.
    pub reserved: bool,
}

/// Somebody who is assigned to an application.
#[derive(Debug)]
pub struct AssignmentRow {
    /// The ID.
    pub principal: String,
    /// The user name, or the application's name.
    pub name: String,
    /// The role; empty: access only.
    pub role: String,
}

/// What somebody lets an application do.
#[derive(Debug)]
pub struct ConsentRow {
    /// The user's ID; empty: everyone.
    pub user: String,
    /// Who, for people.
    pub name: String,
    /// The API.
    pub resource: String,
    /// What it may do there.
    pub scopes: Vec<String>,
    /// Since when.
    pub given: When,
}
