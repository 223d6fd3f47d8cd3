//! The running site: settings, storage, keys, limits, time and randomness in one place.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::CryptoRng;
use webauthn_rs::prelude::{Uuid, Webauthn, WebauthnBuilder};

use crate::clock::{Clock, UnixTime};
use crate::identity_provider::IdentityProvider;
use crate::keys::SiteKey;
use crate::limits::Limiter;
use crate::settings::{Settings, SettingsError};
use crate::storage::{Database, DatabaseError, SessionToken};

/// The source of randomness of a site.
pub type Entropy = Box<dyn CryptoRng + Send>;

/// What authenticators show as the name of the relying party.
const RP_NAME: &str = "Latchkey demo";

/// A site, open and ready for [`crate::router`].
pub struct Site {
    pub(crate) settings: Settings,
    pub(crate) database: Database,
    pub(crate) webauthn: Webauthn,
    pub(crate) identity_provider: Option<IdentityProvider>,
    pub(crate) key: SiteKey,
    pub(crate) limiter: Limiter,
    clock: Clock,
    entropy: Mutex<Entropy>,
}

/// Why a site cannot open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database opened but does not answer.
    #[error("cannot read the site's key from the database: {0}")]
    Key(String),
    /// Origin and RP ID do not fit each other in the eyes of the WebAuthn library.
    #[error("--origin and --rp-id do not fit each other: {0}")]
    RelyingParty(String),
    /// The identity provider cannot be asked as the settings say.
    #[error(transparent)]
    IdentityProvider(#[from] SettingsError),
}

impl Site {
    /// Opens the database at `path`, brings it up to date and prepares the site.
    ///
    /// # Errors
    /// When the database cannot be used, or the settings name no possible relying party.
    pub async fn open(
        settings: Settings,
        path: &Path,
        clock: Clock,
        mut entropy: Entropy,
    ) -> Result<Self, OpenError> {
        let webauthn = WebauthnBuilder::new(&settings.rp_id, &settings.origin_url)
            .and_then(|builder| builder.rp_name(RP_NAME).build())
            .map_err(|error| OpenError::RelyingParty(error.to_string()))?;
        let identity_provider = match settings.identity_provider.clone() {
            Some(provider) => Some(IdentityProvider::new(provider, &settings)?),
            None => None,
        };
        let database = Database::open(path).await?;
        let mut proposed = [0; 32];
        entropy.fill_bytes(&mut proposed);
        let key = database.site_key(proposed).await.map_err(|error| OpenError::Key(error.to_string()))?;
        let limiter = Limiter::new(&settings.limits);
        Ok(Self {
            settings,
            database,
            webauthn,
            identity_provider,
            key: SiteKey::new(key),
            limiter,
            clock,
            entropy: Mutex::new(entropy),
        })
    }

    /// Forgets expired sessions and challenges. A program calls it now and then.
    pub async fn purge(&self) {
        if let Err(error) = self.database.purge(self.now()).await {
            tracing::warn!(%error, "expired sessions could not be removed");
        }
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn new_session_token(&self) -> SessionToken {
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        SessionToken::random(&mut **entropy)
    }

    /// 32 random bytes as text, for what an identity provider must send back.
    pub(crate) fn new_secret(&self) -> String {
        let mut bytes = [0; 32];
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        entropy.fill_bytes(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A new user's ID, which is also the WebAuthn user handle: random, so it says nothing about the user.
    pub(crate) fn new_user_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        entropy.fill_bytes(&mut bytes);
        drop(entropy);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
