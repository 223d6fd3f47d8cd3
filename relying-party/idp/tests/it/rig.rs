//! A provider with a tenant, a user and applications, on a database of its own and a clock that tests move.

mod answer;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::clock::{Clock, UnixTime};
use latchkey_idp::devices::EndorsementRoots;
use latchkey_idp::domain::{
    Amr, App, AppKind, Authentication, Authority, ClientId, ClientKey, ClientSecret, ExposedScope,
    OpaqueHash, RedirectKind, RedirectUri, Registration, SigningAlgorithm, Tenant, TenantId, TenantPolicy,
    User, UserId,
};
use latchkey_idp::http::router;
use latchkey_idp::keys::SigningKey;
use latchkey_idp::models::Models;
use latchkey_idp::oauth::authorize::{AuthorizeAnswer, AuthorizeRequest, issue_code};
use latchkey_idp::oauth::{Fields, Protocol};
use latchkey_idp::password::{Cost, Password, Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use latchkey_idp::sign_in::set_password;
use latchkey_idp::storage::{Database, NewUser};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tower::ServiceExt as _;
use url::form_urlencoded;
use uuid::Uuid;

use crate::storage::noted;
pub use answer::{Answer, claims};

pub const URL: &str = "https://id.example.org";
pub const REDIRECT: &str = "https://app.example.org/cb";
pub const PASSWORD: &str = "correct horse battery staple";
pub const SECRET: &str = "client-secret-of-the-web-application";
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rules-0123";
/// The key that seals what is stored.
pub const SEALING: [u8; 32] = [1; 32];

pub struct Rig {
    pub provider: Arc<Provider>,
    pub database: Database,
    pub tenant: TenantId,
    pub user: User,
    /// Confidential: a secret and a key.
    pub web: ClientId,
    /// Public, with device codes.
    pub native: ClientId,
    /// An API with the scope `Read`.
    pub api: ClientId,
    /// The web application's key.
    pub key: SigningKey,
    /// How many passwords were hashed.
    pub hashed: Arc<AtomicU64>,
    /// The URL of the database.
    pub url: String,
    router: Router,
    now: Arc<AtomicI64>,
    directory: TempDir,
}

impl Rig {
    pub async fn start() -> Self {
        Self::start_with(Models::default()).await
    }

    /// With these models of authenticators.
    pub async fn start_with(models: Models) -> Self {
        Self::start_trusting(models, EndorsementRoots::default()).await
    }

    /// With these makers of TPMs besides.
    pub async fn start_trusting(models: Models, roots: EndorsementRoots) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("idp.db").display());
        Self::start_at((directory, url), models, roots).await
    }

    /// On this database, which is empty.
    pub async fn start_on(url: String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_at((directory, url), Models::default(), EndorsementRoots::default()).await
    }

    async fn start_at((directory, url): (TempDir, String), models: Models, roots: EndorsementRoots) -> Self {
        let database = Database::open(&url).await.unwrap();
        let now = Arc::new(AtomicI64::new(1_750_000_000));
        let clock = {
            let now = Arc::clone(&now);
            Clock::new(move || UnixTime::from_seconds(now.load(Ordering::SeqCst)))
        };
        let cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let options = PoolOptions { cost, ..PoolOptions::for_cores(NonZeroUsize::MIN) };
        let passwords = Pool::start(&options).unwrap();
        let typed = Password::parse(PASSWORD).unwrap();
        let hash = passwords.hash(typed, &mut ChaCha20Rng::seed_from_u64(2)).unwrap().await.unwrap();
        let hashed = passwords.taken();
        let sealing = Arc::new(SealingKeys::new(&SEALING, &[]));
        let settings = Settings::new(URL, None, &[]).unwrap();
        let rng = Box::new(ChaCha20Rng::seed_from_u64(1));
        let created_at = clock.now();
        let provider =
            Provider::open(settings, database.clone(), (sealing, passwords), clock, rng).await.unwrap();
        let provider = provider.with_endorsement_roots(roots).with_models(models).await.unwrap();
        let provider = Arc::new(provider);
        let (tenant, user) = people(&database, hash.to_string(), created_at).await;
        let (key, _) = SigningKey::generate(SigningAlgorithm::Es256, created_at).unwrap();
        let [web, native, api] = apps(&database, tenant, &key, created_at).await;
        let router = router(Arc::clone(&provider));
        Self { provider, database, tenant, user, web, native, api, key, hashed, url, router, now, directory }
    }

    /// Decides anew what the tenant allows; waits until it is seen.
    pub async fn decide(&self, change: impl FnOnce(&mut TenantPolicy)) {
        let mut policy = self.database.tenants().find(self.tenant).await.unwrap().unwrap().policy;
        change(&mut policy);
        self.database.tenants().set_policy(self.tenant, &policy).await.unwrap();
        self.wait(Duration::from_secs(6));
    }

    /// Another user of the tenant, without any credential.
    pub async fn another_user(&self, name: &str) -> User {
        let mut user = self.user.clone();
        user.id = UserId::new(Uuid::new_v4());
        name.clone_into(&mut user.upn);
        self.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
        user
    }

    /// One more user of any tenant, with a password.
    pub async fn user_with_password(&self, tenant: TenantId, upn: &str, password: &str) -> User {
        let (id, upn, now) = (UserId::new(Uuid::new_v4()), upn.to_owned(), self.now());
        let user = User { id, tenant, upn, sessions_valid_from: now, created_at: now, ..self.user.clone() };
        self.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
        set_password(&self.provider, id, password).await.unwrap();
        user
    }

    pub fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.now.load(Ordering::SeqCst))
    }

    pub fn wait(&self, duration: Duration) {
        self.now.fetch_add(i64::try_from(duration.as_secs()).unwrap(), Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, text }
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Request::post(path).body(Body::from(body)).unwrap()).await
    }

    /// Posts to the tenant's token endpoint.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post(&format!("/{}/oauth2/v2.0/token", self.tenant), fields).await
    }

    pub fn authentication(&self) -> Authentication {
        Authentication {
            user: self.user.id,
            session: None,
            at: self.now(),
            methods: vec![Amr::Fido, Amr::Mfa],
            device: None,
            contexts: Vec::new(),
        }
    }

    /// The code that a user's browser brings to the web application.
    pub async fn code(&self, scope: &str) -> String {
        self.code_with(scope, &[]).await
    }

    /// The same for a request with some parameters changed; an empty value leaves one out.
    pub async fn code_with(&self, scope: &str, more: &[(&str, &str)]) -> String {
        self.code_of(scope, more, self.authentication()).await
    }

    /// The same for a sign-in of another kind.
    pub async fn code_of(
        &self,
        scope: &str,
        more: &[(&str, &str)],
        authentication: Authentication,
    ) -> String {
        self.code_in(self.tenant, (scope, more), authentication).await
    }

    /// The same for a user of another tenant.
    pub async fn code_in(
        &self,
        tenant: TenantId,
        (scope, more): (&str, &[(&str, &str)]),
        authentication: Authentication,
    ) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let web = self.web.to_string();
        let mut parameters = BTreeMap::from([
            ("client_id", web.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(more.iter().copied());
        let redirect_uri = parameters["redirect_uri"];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        let fields = Fields::parse(query.as_bytes()).unwrap();
        let authority = Authority::Tenant(tenant);
        let request =
            AuthorizeRequest::parse(&self.provider, authority, Protocol::V2, &fields).await.unwrap();
        let user = self.database.users().find(authentication.user).await.unwrap().unwrap();
        assert!(request.satisfied_by(&authentication, &user, &self.provider));
        let sign_in = noted((self.tenant, user.id), self.web);
        let answer = issue_code(&self.provider, &request, &user, authentication, &sign_in).await.unwrap();
        let AuthorizeAnswer::Redirect(location) = answer else { panic!("{answer:?}") };
        let (uri, query) = location.split_once('?').unwrap();
        assert_eq!(uri, redirect_uri);
        let answer: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert!(answer.contains(&("state".to_owned(), "s".to_owned())));
        answer.into_iter().find(|(name, _)| name == "code").unwrap().1
    }

    /// Redeems a code as the web application.
    pub async fn redeem(&self, code: &str) -> Answer {
        let web = self.web.to_string();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", &web),
            ("client_secret", SECRET),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_info", "1"),
        ])
        .await
    }

    /// The file of the database, to look at what lies in it.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("idp.db")
    }

    /// One more tenant.
    pub async fn another_tenant(&self, number: u128, domain: &str) -> TenantId {
        let id = TenantId::new(Uuid::from_u128(number));
        let policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
        let name = domain.to_owned();
        let domains = vec![domain.to_owned()];
        let tenant = Tenant { id, name, domains, policy, created_at: self.now() };
        self.database.tenants().create(&tenant).await.unwrap();
        id
    }

    /// Changes an application's registration. A provider that has seen it before knows it after five seconds.
    pub async fn register(&self, id: ClientId, change: impl FnOnce(&mut Registration)) {
        let mut app = self.database.apps().find(id).await.unwrap().unwrap();
        change(&mut app.registration);
        self.database.apps().update(&app).await.unwrap();
        self.wait(Duration::from_secs(5));
    }

    pub async fn refresh(&self, token: &Value) -> Answer {
        let web = self.web.to_string();
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &web),
            ("client_secret", SECRET),
            ("refresh_token", token.as_str().unwrap()),
        ])
        .await
    }
}

async fn people(database: &Database, password: String, created_at: UnixTime) -> (TenantId, User) {
    let tenant = TenantId::new(Uuid::from_u128(1));
    let domains = vec!["example.org".to_owned()];
    // Tests that are about something else are not asked whether to make a passkey.
    let policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
    let name = "Example".to_owned();
    database.tenants().create(&Tenant { id: tenant, name, domains, policy, created_at }).await.unwrap();
    let user = User {
        id: UserId::new(Uuid::from_u128(2)),
        tenant,
        upn: "alice@example.org".to_owned(),
        display_name: "Alice".to_owned(),
        given_name: Some("Alice".to_owned()),
        family_name: None,
        email: Some("alice@example.org".to_owned()),
        enabled: true,
        administrator: false,
        sessions_valid_from: created_at,
        created_at,
    };
    database.users().create(&NewUser { user: user.clone(), password: Some(password) }).await.unwrap();
    (tenant, user)
}

async fn apps(
    database: &Database,
    tenant: TenantId,
    key: &SigningKey,
    created_at: UnixTime,
) -> [ClientId; 3] {
    let expires_at = created_at.plus(Duration::from_hours(24));
    let web = Registration {
        kind: AppKind::Confidential,
        redirect_uris: vec![RedirectUri { uri: REDIRECT.to_owned(), kind: RedirectKind::Web }],
        secrets: vec![ClientSecret {
            id: Uuid::from_u128(1),
            hash: URL_SAFE_NO_PAD.encode(OpaqueHash::of(SECRET).as_bytes()),
            description: String::new(),
            hint: "cli".to_owned(),
            expires_at,
        }],
        keys: vec![ClientKey { id: key.kid.clone(), jwk: key.jwk().clone(), expires_at }],
        ..Registration::default()
    };
    let native = Registration {
        redirect_uris: vec![RedirectUri { uri: "http://localhost".to_owned(), kind: RedirectKind::Native }],
        public_flows: true,
        ..Registration::default()
    };
    let api = Registration {
        scopes: vec![ExposedScope {
            name: "Read".to_owned(),
            description: "Read".to_owned(),
            administrators_only: false,
        }],
        signing_algorithm: SigningAlgorithm::Es256,
        ..Registration::default()
    };
    let mut ids = [ClientId::new(Uuid::nil()); 3];
    let all = [(web, None), (native, None), (api, Some("api://files".to_owned()))];
    for (number, (registration, identifier_uri)) in all.into_iter().enumerate() {
        let id = ClientId::new(Uuid::from_u128(10 + u128::try_from(number).unwrap()));
        let name = format!("App {number}");
        let app = App { id, home: Some(tenant), name, identifier_uri, registration, created_at };
        database.apps().register(&app).await.unwrap();
        ids[number] = id;
    }
    ids
}
