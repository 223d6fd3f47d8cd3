//! Making tenants and applications.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Provider;
use super::certificate::client_keys;
use crate::domain::{
    App, AppKind, Authority, ClientId, ClientSecret, Opaque, RedirectKind, RedirectUri, Registration, Tenant,
    TenantId, TenantPolicy, User, UserId,
};
use crate::keys;
use crate::storage::{Error, NewUser};

/// How long a first sign-in may wait.
pub(crate) const INVITATION: Duration = Duration::from_hours(24);

/// An application that is to be registered.
#[derive(Clone, Copy, Debug)]
pub struct NewApp<'a> {
    /// The tenant, by ID or domain.
    pub tenant: &'a str,
    /// The name that people read.
    pub name: &'a str,
    /// Redirect URIs of a website.
    pub redirect_uris: &'a [String],
    /// App ID URI.
    pub identifier_uri: Option<&'a str>,
    /// Certificates, as PEM texts, whose keys sign its assertions.
    pub certificates: &'a [String],
    /// For how many days it gets a secret, if at all.
    pub secret_days: Option<u16>,
}

/// Why something was not made.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The tenant is not there.
    #[error("there is no such tenant")]
    NoTenant,
    /// A name, domain or URI is in use.
    #[error("its domain, user name or identifier URI is in use")]
    Taken,
    /// Not a domain.
    #[error("the domain must look like example.org")]
    Domain,
    /// Not a certificate that can sign assertions.
    #[error("a certificate must be PEM text of one with an RSA key of at least 2048 bits, or a P-256 key")]
    Certificate,
    /// The database.
    #[error(transparent)]
    Storage(Error),
}

impl From<Error> for FoundError {
    fn from(error: Error) -> Self {
        match error {
            Error::Taken => Self::Taken,
            Error::Database(_) | Error::Damaged => Self::Storage(error),
        }
    }
}

impl Provider {
    /// Makes a tenant with an administrator who has no credential yet: its ID, and the link of the first sign-in.
    ///
    /// # Errors
    /// When domain or user name are in use.
    pub async fn found_tenant(
        &self,
        name: &str,
        domain: &str,
        upn: &str,
    ) -> Result<(TenantId, String), FoundError> {
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !domain.contains('.') || !domain.split('.').all(label) {
            return Err(FoundError::Domain);
        }
        let now = self.now();
        let tenant = Tenant {
            id: TenantId::new(self.guid()),
            name: name.to_owned(),
            domains: vec![domain.to_ascii_lowercase()],
            policy: TenantPolicy::default(),
            created_at: now,
        };
        let user = User {
            id: UserId::new(self.guid()),
            tenant: tenant.id,
            upn: upn.to_owned(),
            display_name: "Administrator".to_owned(),
            given_name: None,
            family_name: None,
            email: None,
            enabled: true,
            administrator: true,
            sessions_valid_from: now,
            created_at: now,
        };
        let id = user.id;
        self.database.tenants().create(&tenant).await?;
        self.database.users().create(&NewUser { user, password: None }).await?;
        Ok((tenant.id, self.invitation(id, INVITATION).await?))
    }

    /// Makes a link by which a user sets up how they sign in, good once and for so long.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn invitation(&self, user: UserId, lifetime: Duration) -> Result<String, Error> {
        let link = self.opaque();
        self.database.invitations().add(user, &link.hash(), self.now().plus(lifetime)).await?;
        // In the fragment, which no server's or proxy's log ever sees.
        Ok(format!("{}/welcome#{}", self.settings.public_url(), link.expose()))
    }

    /// Registers an application of a tenant: its client ID, and its secret if it gets one.
    ///
    /// # Errors
    /// When there is no such tenant, the identifier URI is in use, or a certificate cannot be used.
    pub async fn register_app(&self, new: &NewApp<'_>) -> Result<(ClientId, Option<Opaque>), FoundError> {
        let tenant = self.tenant(&Authority::parse(new.tenant)).await?.ok_or(FoundError::NoTenant)?;
        let now = self.now();
        let secret = new.secret_days.map(|days| (self.opaque(), Duration::from_hours(u64::from(days) * 24)));
        let secrets = secret.iter().map(|(secret, lifetime)| ClientSecret {
            id: self.guid(),
            hash: URL_SAFE_NO_PAD.encode(secret.hash().as_bytes()),
            description: String::new(),
            hint: secret.expose().chars().take(3).collect(),
            expires_at: now.plus(*lifetime),
        });
        let mut keys = Vec::new();
        for pem in new.certificates {
            keys.extend(client_keys(pem).ok_or(FoundError::Certificate)?);
        }
        let confidential = secret.is_some() || !keys.is_empty();
        let redirect = |uri: &String| RedirectUri { uri: uri.clone(), kind: RedirectKind::Web };
        let app = App {
            id: ClientId::new(self.guid()),
            home: Some(tenant.id),
            name: new.name.to_owned(),
            identifier_uri: new.identifier_uri.map(str::to_owned),
            registration: Registration {
                kind: if confidential { AppKind::Confidential } else { AppKind::Public },
                redirect_uris: new.redirect_uris.iter().map(redirect).collect(),
                secrets: secrets.collect(),
                keys,
                ..Registration::default()
            },
            created_at: now,
        };
        self.database.apps().register(&app).await?;
        Ok((app.id, secret.map(|(secret, _)| secret)))
    }

    /// Replaces the signing keys before their time.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub async fn rotate_keys(&self) -> Result<(), keys::Error> {
        self.keys.rotate(&self.database, self.now(), &mut self.seeded()).await
    }
}
