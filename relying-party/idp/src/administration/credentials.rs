//! What an application proves itself with: secrets and certificates.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::applications::remove;
use super::{Administrator, Refused, bounded};
use crate::domain::{AppKind, ClientId, ClientSecret, Opaque};
use crate::provider::client_keys;

/// The longest life of a secret, in days.
const MOST_DAYS: u32 = 730;

impl Administrator<'_> {
    /// Gives an application a secret, for so many days: its ID, and the secret, which is shown once.
    ///
    /// # Errors
    /// When there is no such registration, or it is of a kind that keeps no secret.
    pub async fn add_secret(
        &self,
        id: ClientId,
        description: &str,
        days: u32,
    ) -> Result<(Uuid, Opaque), Refused> {
        let description = bounded("What the secret is for", description, 64)?.to_owned();
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(Refused::Invalid(format!("A secret lasts from 1 to {MOST_DAYS} days.")));
        }
        let secret = self.provider.opaque();
        let expires_at = self.now().plus(Duration::from_hours(24 * u64::from(days)));
        let stored = ClientSecret {
            id: self.provider.guid(),
            hash: URL_SAFE_NO_PAD.encode(secret.hash().as_bytes()),
            description: description.clone(),
            hint: secret.expose().chars().take(3).collect(),
            expires_at,
        };
        let name = stored.id;
        self.edit(id, |app| {
            if app.registration.kind == AppKind::Public {
                return Err(Refused::Invalid(
                    "An app on a device or in a browser keeps no secret.".to_owned(),
                ));
            }
            app.registration.secrets.push(stored);
            Ok(())
        })
        .await?;
        let detail = [("secret", name.to_string()), ("for", description), ("until", expires_at.to_text())];
        self.record("secret.added", id, detail).await?;
        Ok((name, secret))
    }

    /// Takes a secret back.
    ///
    /// # Errors
    /// When there is no such registration or secret.
    pub async fn delete_secret(&self, id: ClientId, secret: Uuid) -> Result<(), Refused> {
        self.edit(id, |app| remove(&mut app.registration.secrets, "secret", |known| known.id == secret))
            .await?;
        self.record("secret.deleted", id, [("secret", secret.to_string())]).await
    }

    /// Lets an application sign its assertions with the key of a certificate (PEM).
    ///
    /// # Errors
    /// When there is no such registration, or the certificate cannot be used.
    pub async fn add_certificate(&self, id: ClientId, pem: &str) -> Result<(), Refused> {
        let keys = client_keys(pem).ok_or_else(|| {
            Refused::Invalid(
                "The certificate must be PEM text of one with an RSA key of at least 2048 bits, or a P-256 key."
                    .to_owned(),
            )
        })?;
        let name = keys.first().map(|key| key.id.clone()).unwrap_or_default();
        self.edit(id, |app| {
            let registration = &mut app.registration;
            registration.keys.retain(|known| keys.iter().all(|key| key.id != known.id));
            registration.keys.extend(keys);
            registration.kind = AppKind::Confidential;
            Ok(())
        })
        .await?;
        self.record("certificate.added", id, [("certificate", name)]).await
    }

    /// Takes a certificate back, by one of its thumbprints; the key goes under each of its names.
    ///
    /// # Errors
    /// When there is no such registration or certificate.
    pub async fn delete_certificate(&self, id: ClientId, thumbprint: &str) -> Result<(), Refused> {
        self.edit(id, |app| {
            let keys = &mut app.registration.keys;
            let jwk = keys.iter().find(|key| key.id == thumbprint).map(|key| key.jwk.clone());
            let jwk = jwk.ok_or(Refused::NotFound("certificate"))?;
            remove(keys, "certificate", |key| key.jwk == jwk)
        })
        .await?;
        self.record("certificate.deleted", id, [("certificate", thumbprint.to_owned())]).await
    }
}
