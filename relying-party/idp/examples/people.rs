//! Fills a provider that `latchkey-idp init` made with people and applications, for benches and end-to-end tests, and
//! prints who they are as one JSON object. Nothing of it is for a provider that anybody relies on.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a program for tests: it reads the clock, and a broken expectation ends it"
)]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::domain::{
    App, AppKind, ClientId, ClientSecret, ExposedScope, Opaque, RedirectKind, RedirectUri, Registration,
    SigningAlgorithm, TenantId, TenantPolicy, User, UserId,
};
use latchkey_idp::password::{Password, Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::sign_in::{add_totp, issue_pass};
use latchkey_idp::storage::{Database, NewUser};
use latchkey_idp::totp::{Algorithm, TotpSecret};
use serde_json::{Value, json};
use uuid::Uuid;

#[path = "../tests/shared/provider.rs"]
mod provider;

use provider::now;

#[derive(Debug, Parser)]
struct Options {
    /// `sqlite:PATH` or `postgres://…`
    #[arg(long)]
    database: String,
    /// The key file that `init` made
    #[arg(long)]
    key_file: PathBuf,
    /// Where the provider serves
    #[arg(long)]
    public_url: String,
    /// The tenant's ID
    #[arg(long)]
    tenant: TenantId,
    /// Where the applications' codes are sent
    #[arg(long)]
    redirect_uri: String,
    /// How many people
    #[arg(long, default_value_t = 1)]
    people: u32,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let database = Database::open(&options.database).await.expect("a database");
    let place = Place { database, tenant: options.tenant, redirect_uri: options.redirect_uri.clone() };
    let provider = provider::open(&options.public_url, &place.database, &options.key_file).await;
    place.policy().await;
    let [rs256, es256] = [SigningAlgorithm::Rs256, SigningAlgorithm::Es256];
    let applications = json!([place.application(rs256).await, place.application(es256).await]);
    let people = place.people(&provider, options.people).await;
    println!("{}", json!({ "applications": applications, "people": people }));
    provider.close().await;
}

fn secret() -> Opaque {
    Opaque::random(&mut UnwrapErr(SysRng))
}

fn guid() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("randomness");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

struct Place {
    database: Database,
    tenant: TenantId,
    redirect_uri: String,
}

impl Place {
    /// A sign-in ends with the code, not with an offer; programs may send passwords.
    async fn policy(&self) {
        let policy = TenantPolicy { password_grant: true, offer_passkey: false, ..TenantPolicy::default() };
        self.database.tenants().set_policy(self.tenant, &policy).await.expect("a policy");
    }

    /// A website and the API that it uses, both with tokens of this algorithm, and a program on a device.
    async fn application(&self, algorithm: SigningAlgorithm) -> Value {
        let scope = ExposedScope {
            name: "Read".to_owned(),
            description: "Read".to_owned(),
            administrators_only: false,
        };
        let api = format!("api://{}", guid());
        let exposed =
            Registration { scopes: vec![scope], signing_algorithm: algorithm, ..Registration::default() };
        self.register(Some(api.clone()), exposed).await;
        let shown = secret();
        let kept = ClientSecret {
            id: guid(),
            hash: URL_SAFE_NO_PAD.encode(shown.hash().as_bytes()),
            description: "Made for tests".to_owned(),
            hint: shown.expose().chars().take(3).collect(),
            expires_at: now().plus(Duration::from_hours(24)),
        };
        let redirect = |kind| vec![RedirectUri { uri: self.redirect_uri.clone(), kind }];
        let website = Registration {
            kind: AppKind::Confidential,
            redirect_uris: redirect(RedirectKind::Web),
            secrets: vec![kept],
            signing_algorithm: algorithm,
            consented: true,
            ..Registration::default()
        };
        let program = Registration {
            redirect_uris: redirect(RedirectKind::Native),
            public_flows: true,
            consented: true,
            ..Registration::default()
        };
        let website = self.register(None, website).await;
        let program = self.register(None, program).await;
        json!({ "id": website, "secret": shown.expose(), "api": api, "program": program })
    }

    async fn register(&self, identifier_uri: Option<String>, registration: Registration) -> String {
        let id = ClientId::new(guid());
        let name = format!("App {id}");
        let app = App { id, home: Some(self.tenant), name, identifier_uri, registration, created_at: now() };
        self.database.apps().register(&app).await.expect("an application");
        id.to_string()
    }

    /// People with one password for all; beside them one who also has an authenticator app, and one with a Temporary
    /// Access Pass that is good once.
    async fn people(&self, provider: &Provider, count: u32) -> Value {
        let password = secret();
        let typed = Password::parse(password.expose()).expect("a password");
        let pool = Pool::start(&PoolOptions::for_cores(NonZeroUsize::MIN)).expect("a pool");
        let hash = pool.hash(typed, &mut UnwrapErr(SysRng)).expect("an idle pool").await.expect("a hash");
        let hash = hash.to_string();
        let mut all = Vec::new();
        for number in 0..count {
            let name = format!("user-{number}@example.org");
            let id = self.person(&name, &hash).await;
            all.push(json!({ "id": id.to_string(), "name": name }));
        }
        let (app, pass) = ("app@example.org", "pass@example.org");
        let seed = authenticator_app(provider, self.person(app, &hash).await).await;
        let code = access_pass(provider, self.person(pass, &hash).await).await;
        json!({
            "password": password.expose(),
            "all": all,
            "app": { "name": app, "link": seed },
            "pass": { "name": pass, "code": code },
        })
    }

    async fn person(&self, upn: &str, hash: &str) -> UserId {
        let id = UserId::new(guid());
        let user = User {
            id,
            tenant: self.tenant,
            upn: upn.to_owned(),
            display_name: "Alice".to_owned(),
            given_name: Some("Alice".to_owned()),
            family_name: None,
            email: None,
            enabled: true,
            administrator: false,
            sessions_valid_from: now(),
            created_at: now(),
        };
        self.database
            .users()
            .create(&NewUser { user, password: Some(hash.to_owned()) })
            .await
            .expect("a user");
        id
    }
}

/// What its QR code says.
async fn authenticator_app(provider: &Provider, user: UserId) -> String {
    let seed = TotpSecret::random(Algorithm::Sha1, &mut UnwrapErr(SysRng));
    add_totp(provider, user, "Phone", &seed, None).await.expect("an authenticator app");
    seed.otpauth("Latchkey ID", "app@example.org").to_string()
}

async fn access_pass(provider: &Provider, user: UserId) -> String {
    let options = PassOptions { once: true, ..PassOptions::default() };
    let code = issue_pass(provider, user, &options).await.expect("a pass");
    code.expose().to_owned()
}
