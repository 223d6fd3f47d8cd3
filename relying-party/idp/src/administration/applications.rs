//! App registrations, and who may use an application in the tenant.

use super::refused::taken;
use super::{Administrator, Refused, bounded, uris};
use crate::domain::{
    App, AppKind, AppRole, ClientId, ExposedScope, RedirectKind, RedirectUri, Registration, Scopes, UserId,
};
use crate::storage::{Assignment, GivenConsent};

const LONGEST_NAME: usize = 120;
const LONGEST_DESCRIPTION: usize = 256;
const MOST: usize = 200;

/// What runs where: the kind of an application, and of its redirect URIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A website with a server, which keeps a secret.
    Web,
    /// A page without a server.
    Spa,
    /// A program on a device.
    Native,
    /// A server without users: it signs in as itself.
    Service,
}

/// An application that is to be registered.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// The name that people read.
    pub name: String,
    /// What runs where.
    pub platform: Platform,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// The App ID URI, if others ask for tokens to it.
    pub identifier_uri: Option<String>,
}

/// Who can be assigned to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A user of the tenant.
    User(UserId),
    /// An application that the tenant knows.
    Application(ClientId),
}

impl Administrator<'_> {
    /// The applications of the tenant, then the built-in ones and those of other tenants that its people use.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apps(&self) -> Result<Vec<App>, Refused> {
        Ok(self.provider.database.apps().seen_by(self.tenant).await?)
    }

    /// An application that the tenant knows.
    ///
    /// # Errors
    /// When there is none.
    pub async fn app(&self, id: ClientId) -> Result<App, Refused> {
        let found = self.provider.database.apps().find(id).await?;
        found.filter(|app| app.known_to(self.tenant)).ok_or(Refused::NotFound("application"))
    }

    /// Whether the tenant registered this application, so that its administrators may change it.
    #[must_use]
    pub fn owns(&self, app: &App) -> bool {
        app.home == Some(self.tenant)
    }

    /// Registers an application.
    ///
    /// # Errors
    /// When a name or an address cannot be, or is in use.
    pub async fn register_app(&self, new: &NewRegistration) -> Result<App, Refused> {
        let kind = match new.platform {
            Platform::Web | Platform::Service => AppKind::Confidential,
            Platform::Spa | Platform::Native => AppKind::Public,
        };
        let redirect_kind = match new.platform {
            Platform::Web | Platform::Service => RedirectKind::Web,
            Platform::Spa => RedirectKind::Spa,
            Platform::Native => RedirectKind::Native,
        };
        let redirects = new.redirect_uris.iter();
        let app = App {
            id: self.provider.draw(ClientId::random),
            home: Some(self.tenant),
            name: new.name.trim().to_owned(),
            identifier_uri: new.identifier_uri.clone(),
            registration: Registration {
                kind,
                redirect_uris: redirects
                    .map(|uri| RedirectUri { uri: uri.clone(), kind: redirect_kind })
                    .collect(),
                public_flows: new.platform == Platform::Native,
                ..Registration::default()
            },
            created_at: self.now(),
        };
        check(&app)?;
        self.provider.database.apps().register(&app).await.map_err(taken("App ID URI"))?;
        self.record("app.registered", app.id, [("name", app.name.clone())]).await?;
        Ok(app)
    }

    /// Changes a registration of the tenant, as `change` says, which sees it as it is now. Its ID and its tenant stay.
    ///
    /// # Errors
    /// When there is none, or a name or an address cannot be, or is in use.
    pub async fn change_app(
        &self,
        id: ClientId,
        change: impl FnOnce(&mut App) -> Result<(), Refused> + Send,
    ) -> Result<(), Refused> {
        let changed = self
            .edit(id, |app| {
                let before = app.clone();
                change(app)?;
                (app.id, app.home, app.created_at) = (before.id, before.home, before.created_at);
                Ok(difference(&before, app))
            })
            .await?;
        self.record("app.changed", id, [("changed", changed)]).await
    }

    /// Deletes a registration of the tenant, with its grants, consents and assignments.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_app(&self, id: ClientId) -> Result<(), Refused> {
        let app = self.own_app(id).await?;
        self.provider.database.apps().remove_whole(id).await?;
        self.record("app.deleted", id, [("name", app.name)]).await
    }

    /// Adds a scope that others may ask for, or changes the one of this name.
    ///
    /// # Errors
    /// When there is no such registration, or the scope cannot be.
    pub async fn expose_scope(&self, id: ClientId, scope: ExposedScope) -> Result<(), Refused> {
        let name = scope.name.clone();
        self.edit(id, |app| {
            app.registration.scopes.retain(|known| known.name != scope.name);
            app.registration.scopes.push(scope);
            Ok(())
        })
        .await?;
        self.record("scope.exposed", id, [("scope", name)]).await
    }

    /// Takes a scope back: nobody gets it any more.
    ///
    /// # Errors
    /// When there is no such registration or scope.
    pub async fn remove_scope(&self, id: ClientId, name: &str) -> Result<(), Refused> {
        self.edit(id, |app| remove(&mut app.registration.scopes, "scope", |known| known.name == name))
            .await?;
        self.record("scope.removed", id, [("scope", name.to_owned())]).await
    }

    /// Adds a role that others may be assigned, or changes the one of this value.
    ///
    /// # Errors
    /// When there is no such registration, or the role cannot be.
    pub async fn add_role(&self, id: ClientId, role: AppRole) -> Result<(), Refused> {
        let value = role.value.clone();
        self.edit(id, |app| {
            app.registration.roles.retain(|known| known.value != role.value);
            app.registration.roles.push(role);
            Ok(())
        })
        .await?;
        self.record("role.added", id, [("role", value)]).await
    }

    /// Removes a role, and takes it back from everyone.
    ///
    /// # Errors
    /// When there is no such registration or role.
    pub async fn remove_role(&self, id: ClientId, value: &str) -> Result<(), Refused> {
        self.edit(id, |app| remove(&mut app.registration.roles, "role", |known| known.value == value))
            .await?;
        self.provider.database.apps().unassign_role(id, value).await?;
        self.record("role.removed", id, [("role", value.to_owned())]).await
    }

    /// Who is assigned to an application in the tenant.
    ///
    /// # Errors
    /// When the tenant knows no such application.
    pub async fn assignments(&self, id: ClientId) -> Result<Vec<Assignment>, Refused> {
        self.app(id).await?;
        Ok(self.provider.database.apps().assignments(self.tenant, id).await?)
    }

    /// Assigns a user or an application, in a role or (empty) without one.
    ///
    /// # Errors
    /// When the application, the principal or the role is not there.
    pub async fn assign(&self, id: ClientId, principal: Principal, role: &str) -> Result<(), Refused> {
        let app = self.app(id).await?;
        if !role.is_empty() && !app.registration.roles.iter().any(|known| known.value == role) {
            return Err(Refused::NotFound("role"));
        }
        let principal = match principal {
            Principal::User(user) => self.find_user(user).await?.id.to_string(),
            Principal::Application(client) => self.app(client).await?.id.to_string(),
        };
        self.provider.database.apps().assign(self.tenant, id, &principal, role).await?;
        self.record("assignment.made", id, [("principal", principal), ("role", role.to_owned())]).await
    }

    /// Takes an assignment back. `principal` may be gone already.
    ///
    /// # Errors
    /// When there is no such assignment.
    pub async fn unassign(&self, id: ClientId, principal: &str, role: &str) -> Result<(), Refused> {
        let assigned = self.assignments(id).await?;
        if !assigned.iter().any(|known| known.principal == principal && known.role == role) {
            return Err(Refused::NotFound("assignment"));
        }
        self.provider.database.apps().unassign(self.tenant, id, principal, role).await?;
        let detail = [("principal", principal.to_owned()), ("role", role.to_owned())];
        self.record("assignment.removed", id, detail).await
    }

    /// What users and administrators of the tenant let an application do.
    ///
    /// # Errors
    /// When the tenant knows no such application.
    pub async fn consents(&self, id: ClientId) -> Result<Vec<GivenConsent>, Refused> {
        self.app(id).await?;
        Ok(self.provider.database.consents().of_client(self.tenant, id).await?)
    }

    /// Lets an application use scopes of an API for everyone in the tenant.
    ///
    /// # Errors
    /// When the application, the API or a scope is not there.
    pub async fn consent_for_all(&self, id: ClientId, api: ClientId, scopes: &Scopes) -> Result<(), Refused> {
        self.app(id).await?;
        let exposed = self.app(api).await?.registration.scopes;
        if scopes.is_empty() || !scopes.words().all(|name| exposed.iter().any(|scope| scope.name == name)) {
            return Err(Refused::NotFound("scope"));
        }
        let consents = self.provider.database.consents();
        consents.give(self.tenant, None, (id, api), scopes, self.now()).await?;
        let detail =
            [("for", "everyone".to_owned()), ("resource", api.to_string()), ("scopes", scopes.to_string())];
        self.record("consent.given", id, detail).await
    }

    /// Takes back what a user (`None`: an administrator, for everyone) let an application do. Refresh tokens ask again what
    /// they may still get.
    ///
    /// # Errors
    /// When nothing was given.
    pub async fn withdraw_consent(&self, id: ClientId, user: Option<UserId>) -> Result<(), Refused> {
        if !self.consents(id).await?.iter().any(|given| given.user == user) {
            return Err(Refused::NotFound("consent"));
        }
        self.provider.database.consents().withdraw(self.tenant, user, id).await?;
        let whose = user.map_or_else(|| "everyone".to_owned(), |user| user.to_string());
        self.record("consent.withdrawn", id, [("for", whose)]).await
    }

    /// Changes a registration of this tenant under a lock, and checks what became of it.
    pub(super) async fn edit<T: Send>(
        &self,
        id: ClientId,
        change: impl FnOnce(&mut App) -> Result<T, Refused> + Send,
    ) -> Result<T, Refused> {
        self.own_app(id).await?;
        let changed = self
            .provider
            .database
            .apps()
            .change(id, |app| {
                let done = change(app)?;
                check(app)?;
                Ok(done)
            })
            .await;
        match changed {
            Ok(done) => done.ok_or(Refused::NotFound("application")),
            Err(Refused::Storage(error)) => Err(taken("App ID URI")(error)),
            Err(refused) => Err(refused),
        }
    }

    pub(super) async fn own_app(&self, id: ClientId) -> Result<App, Refused> {
        let app = self.app(id).await?;
        if self.owns(&app) { Ok(app) } else { Err(Refused::NotYours) }
    }
}

/// Whether a registration can be like this.
fn check(app: &App) -> Result<(), Refused> {
    bounded("The name", &app.name, LONGEST_NAME)?;
    uris::check(app)?;
    let registration = &app.registration;
    let scopes = registration.scopes.iter().map(|scope| (&scope.name, &scope.description));
    let roles = registration.roles.iter().map(|role| (&role.value, &role.description));
    for (name, description) in scopes.chain(roles) {
        let word = |letter: char| letter.is_ascii_alphanumeric() || "._-:".contains(letter);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(word) {
            return Err(Refused::Invalid(
                "A scope or role is a word of letters, digits and . _ - : like Files.Read.".to_owned(),
            ));
        }
        if description.chars().count() > LONGEST_DESCRIPTION || description.chars().any(char::is_control) {
            return Err(Refused::Invalid(format!(
                "A description has at most {LONGEST_DESCRIPTION} characters, on one line."
            )));
        }
    }
    let longest = [registration.scopes.len(), registration.roles.len(), registration.secrets.len()];
    if longest.iter().any(|length| *length > MOST) || registration.keys.len() > MOST {
        return Err(Refused::Invalid(format!("An application has at most {MOST} of each thing.")));
    }
    Ok(())
}

/// Removes what fits, of which there must be something.
pub(super) fn remove<T>(
    list: &mut Vec<T>,
    what: &'static str,
    fits: impl Fn(&T) -> bool,
) -> Result<(), Refused> {
    let before = list.len();
    list.retain(|known| !fits(known));
    if list.len() == before { Err(Refused::NotFound(what)) } else { Ok(()) }
}

/// What is different, as `name=value`. Of secrets and keys only the name: the log is no place for their hashes.
fn difference(before: &App, after: &App) -> String {
    let object = |app: &App| match serde_json::to_value(&app.registration) {
        Ok(serde_json::Value::Object(members)) => members,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let mut changed = Vec::new();
    if before.name != after.name {
        changed.push(format!("name={}", after.name));
    }
    if before.identifier_uri != after.identifier_uri {
        changed.push(format!("identifier_uri={}", after.identifier_uri.as_deref().unwrap_or_default()));
    }
    let old = object(before);
    for (name, value) in object(after).iter().filter(|(name, value)| old.get(*name) != Some(*value)) {
        let sealed = matches!(name.as_str(), "secrets" | "keys");
        changed.push(if sealed { name.clone() } else { format!("{name}={value}") });
    }
    changed.join(", ")
}
