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
    /// When it was registered.
    pub created: When,
}

/// Register an application. POST `…/apps` with `name`, `kind` (`web`, `public`, `service`), `redirect_uris` (one a line).
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

/// One application. POSTs to `…/apps/{client_id}` with `name`, `redirect_uris`, `post_logout_redirect_uris`, `signing`
/// (`RS256`, `ES256`), `token_version` (`1`, `2`), `par`, `dpop`; below it `/secrets` with `description` and `days`;
/// `/secrets/{secret}/delete`; `/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/app.html")]
pub struct AppPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Which one.
    pub app: AppRow,
    /// The issuer to configure in the application.
    pub issuer: String,
    /// The registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Where it may go after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// `RS256` or `ES256`.
    pub signing: String,
    /// 1 or 2.
    pub token_version: u8,
    /// Whether pushed authorization requests are demanded (RFC 9126).
    pub par: bool,
    /// Whether tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// The secrets, without their values.
    pub secrets: Vec<SecretRow>,
    /// The secret that the request before made; shown once.
    pub new_secret: Option<ShownSecret>,
}

impl AppPage {
    fn url(&self) -> String {
        format!("{}/apps/{}", self.frame.base(), self.app.client_id)
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
