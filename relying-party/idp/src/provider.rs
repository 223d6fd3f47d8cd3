//! The running provider: settings, storage, keys, time and randomness in one place.

mod admission;
mod audit;
mod built_in;
mod certificate;
mod found;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_core::CryptoRng;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::administration::AuditState;
use crate::audit_chain::AuditKey;
use crate::clock::{Clock, UnixTime};
use crate::devices::{Authorities, AuthorityError, EndorsementRoots};
use crate::domain::{App, Authority, ClientId, Opaque, Tenant, TenantId};
use crate::keys::{self, SigningKeys};
use crate::limits::Traffic;
use crate::models::{MetadataError, Models};
use crate::network::Network;
use crate::password::Pool;
use crate::pin_reset::place::KeyPlaces;
use crate::secrets::{Place, Purpose, SealingKeys};
use crate::settings::Settings;
use crate::storage::{self, Database};
pub(crate) use certificate::client_keys;
pub(crate) use found::INVITATION;
pub use found::{FoundError, NewApp};

/// The source of randomness of a provider.
pub type Entropy = Box<dyn CryptoRng + Send>;

/// Registrations and tenants are read again after this long. A change by another process takes that long to be seen; in
/// return a token costs no query for them.
const REMEMBERED: Duration = Duration::from_secs(5);
/// More than this is not remembered.
const MOST: usize = 10_000;

/// A provider, open and ready for [`crate::http::router`].
pub struct Provider {
    pub(crate) settings: Settings,
    pub(crate) database: Database,
    pub(crate) keys: SigningKeys,
    pub(crate) authorities: Authorities,
    pub(crate) endorsement_roots: EndorsementRoots,
    pub(crate) pairwise_key: Zeroizing<Vec<u8>>,
    pub(crate) passwords: Pool,
    pub(crate) sealing: Arc<SealingKeys>,
    pub(crate) webauthn: Option<webauthn_rs::Webauthn>,
    pub(crate) models: Models,
    pub(crate) network: Network,
    pub(crate) reset_places: KeyPlaces,
    traffic: Traffic,
    audit_key: AuditKey,
    audit_state: Mutex<Option<AuditState>>,
    clock: Clock,
    entropy: Mutex<Entropy>,
    tenants: Remembered<Authority, Tenant>,
    apps: Remembered<ClientId, App>,
    resources: Remembered<String, App>,
    origins: Remembered<String, ()>,
    roles: Remembered<(TenantId, ClientId, ClientId), Option<Vec<String>>>,
}

/// Why a provider cannot open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database does not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// The certification authorities for devices.
    #[error(transparent)]
    Authorities(#[from] AuthorityError),
    /// A long-lived key is sealed under another key.
    #[error("a stored key cannot be opened: {0}")]
    Sealed(#[from] crate::secrets::OpenError),
}

impl Provider {
    /// Prepares a provider on an open database.
    ///
    /// # Errors
    /// When its keys cannot be read or made.
    pub async fn open(
        settings: Settings,
        database: Database,
        (sealing, passwords): (Arc<SealingKeys>, Pool),
        clock: Clock,
        mut entropy: Entropy,
    ) -> Result<Self, OpenError> {
        let now = clock.now();
        for app in built_in::apps(now) {
            database.apps().ensure(&app).await?;
        }
        let place = Place { purpose: Purpose::PairwiseKey, row: b"pairwise" };
        let mut proposed = Zeroizing::new([0; 32]);
        entropy.fill_bytes(&mut *proposed);
        let proposed = sealing.seal(place, &*proposed, &mut *entropy);
        let stored = database.signing_keys().service_key("pairwise", &proposed).await?;
        let pairwise_key = sealing.open(place, &stored)?;
        let keys = SigningKeys::open(&database, Arc::clone(&sealing), now, &mut *entropy).await?;
        let authorities = Authorities::open(&database, &sealing, now, &mut *entropy).await?;
        let webauthn = crate::sign_in::relying_party(&settings);
        let place = Place { purpose: Purpose::AuditKey, row: b"audit" };
        let proposed = AuditKey::random(&mut *entropy);
        let proposed = sealing.seal(place, proposed.expose(), &mut *entropy);
        let stored = database.signing_keys().service_key("audit", &proposed).await?;
        let audit_key = sealing.open(place, &stored)?;
        let audit_key = audit_key.as_slice().try_into().map_err(|_| storage::Error::Damaged)?;
        let audit_key = AuditKey::new(audit_key);
        Ok(Self {
            settings,
            database,
            keys,
            authorities,
            endorsement_roots: EndorsementRoots::default(),
            pairwise_key,
            passwords,
            sealing,
            webauthn,
            models: Models::default(),
            network: Network::default(),
            reset_places: KeyPlaces::default(),
            traffic: Traffic::default(),
            audit_key,
            audit_state: Mutex::new(None),
            clock,
            entropy: Mutex::new(entropy),
            tenants: Remembered::default(),
            apps: Remembered::default(),
            resources: Remembered::default(),
            origins: Remembered::default(),
            roles: Remembered::default(),
        })
    }

    /// With what is known about models of authenticators; their metadata are loaded.
    ///
    /// # Errors
    /// When the metadata cannot be used.
    pub async fn with_models(mut self, models: Models) -> Result<Self, MetadataError> {
        models.load(&self.database, self.now()).await?;
        self.models = models;
        Ok(self)
    }

    /// With these places for the keys of the PIN reset service.
    #[must_use]
    pub fn with_reset_places(mut self, places: KeyPlaces) -> Self {
        self.reset_places = places;
        self
    }

    /// With the makers of TPMs whose word is taken.
    #[must_use]
    pub fn with_endorsement_roots(mut self, roots: EndorsementRoots) -> Self {
        self.endorsement_roots = roots;
        self
    }

    /// What is known about models of authenticators.
    #[must_use]
    pub const fn models(&self) -> &Models {
        &self.models
    }

    /// What must be done now and then: keys are replaced, what has expired is forgotten, and changed FIDO metadata are
    /// loaded.
    pub async fn tend(&self) {
        let now = self.now();
        // A source of its own, so that the shared one is not held over the database's answers.
        let mut rng = self.seeded();
        if let Err(error) = self.keys.tend(&self.database, now, &mut rng).await {
            tracing::error!(%error, "signing keys could not be tended");
        }
        if let Err(error) = crate::pin_reset::keys::tend(self).await {
            tracing::error!(%error, "the keys of the PIN reset service could not be tended");
        }
        self.traffic.tend(now);
        if let Err(error) = self.database.purge(now).await {
            tracing::warn!(%error, "what has expired could not be removed");
        }
        if let Err(error) = self.models.load(&self.database, now).await {
            tracing::error!(%error, "the FIDO metadata that are in use stay");
        }
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// The time now, as the provider counts it.
    #[must_use]
    pub fn time(&self) -> UnixTime {
        self.now()
    }

    /// The key of the audit log's chain, for its verification.
    #[must_use]
    pub const fn audit_key(&self) -> &AuditKey {
        &self.audit_key
    }

    /// Reads tenants and registrations again at their next use: one of them was changed here. Other processes see the change
    /// within [`REMEMBERED`].
    pub(crate) fn forget(&self) {
        self.tenants.clear();
        self.apps.clear();
        self.origins.clear();
        self.resources.clear();
        self.roles.clear();
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Draws something random.
    pub(crate) fn draw<T>(&self, make: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        make(&mut **self.entropy.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn opaque(&self) -> Opaque {
        self.draw(Opaque::random)
    }

    pub(crate) fn guid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.draw(|rng| rng.fill_bytes(&mut bytes));
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    pub(crate) fn seeded(&self) -> Drawing<'_> {
        Drawing(self)
    }

    pub(crate) async fn tenant(&self, authority: &Authority) -> Result<Option<Arc<Tenant>>, storage::Error> {
        let find = || async {
            match authority {
                Authority::Tenant(id) => self.database.tenants().find(*id).await,
                Authority::Domain(domain) => self.database.tenants().by_domain(domain).await,
                Authority::Common | Authority::Organizations | Authority::Consumers => Ok(None),
            }
        };
        self.tenants.find(authority, self.now(), find).await
    }

    pub(crate) async fn app(&self, id: ClientId) -> Result<Option<Arc<App>>, storage::Error> {
        self.apps.find(&id, self.now(), || async move { self.database.apps().find(id).await }).await
    }

    /// The API that a request names: by its client ID or its App ID URI.
    pub(crate) async fn resource(&self, name: &str) -> Result<Option<Arc<App>>, storage::Error> {
        if let Ok(id) = name.parse() {
            return self.app(id).await;
        }
        let find = || async { self.database.apps().by_identifier_uri(name).await };
        self.resources.find(&name.to_owned(), self.now(), find).await
    }

    /// Whether scripts of this origin may read answers: a registered page without a server is there.
    pub(crate) async fn serves_origin(&self, origin: &str) -> Result<bool, storage::Error> {
        let find = || async { Ok(self.database.apps().has_spa_at(origin).await?.then_some(())) };
        Ok(self.origins.find(&origin.to_owned(), self.now(), find).await?.is_some())
    }

    /// The roles of an application in an API.
    pub(crate) async fn app_roles(
        &self,
        tenant: TenantId,
        resource: ClientId,
        client: ClientId,
    ) -> Result<Option<Vec<String>>, storage::Error> {
        let find =
            || async { self.database.apps().roles(tenant, resource, &client.to_string()).await.map(Some) };
        let roles = self.roles.find(&(tenant, resource, client), self.now(), find).await?;
        Ok(roles.and_then(|roles| (*roles).clone()))
    }
}

/// The provider's randomness, drawn piece by piece.
pub(crate) struct Drawing<'a>(&'a Provider);

impl rand_core::TryRng for Drawing<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0.draw(|rng| rng.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.draw(|rng| rng.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.draw(|rng| rng.fill_bytes(bytes));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Drawing<'_> {}

/// What was found a moment ago. What was not found is asked for each time: it may have just been made.
struct Remembered<K, V>(Mutex<HashMap<K, (UnixTime, Arc<V>)>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash + Clone, V> Remembered<K, V> {
    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn find<F>(
        &self,
        key: &K,
        now: UnixTime,
        find: impl FnOnce() -> F,
    ) -> Result<Option<Arc<V>>, storage::Error>
    where
        F: Future<Output = Result<Option<V>, storage::Error>>,
    {
        if let Some((at, value)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)
            && now.since(*at) < REMEMBERED
            && *at <= now
        {
            return Ok(Some(Arc::clone(value)));
        }
        let Some(value) = find().await?.map(Arc::new) else { return Ok(None) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key.clone(), (now, Arc::clone(&value)));
        Ok(Some(value))
    }
}
