//! The same tables, asked the same way, on both databases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::{
    Amr, App, AskedClaims, Authentication, ClientId, GrantId, OpaqueHash, Registration, Scopes, SessionId,
    Tenant, TenantId, TenantPolicy, User, UserId,
};
use latchkey_idp::storage::{Approval, DeviceRequest};
use latchkey_idp::storage::{
    BrowserSession, Database, Error, Grant, IssuedCode, NewPasskey, NewUser, Poll, Redemption, Rotation,
    SignIn, SignInFilter, StoredPass, StoredTotp, TotpUse,
};
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::reseal::sealed_texts;

pub const NOW: UnixTime = UnixTime::from_seconds(1_750_000_000);
const HOUR: Duration = Duration::from_hours(1);

pub struct Seeded {
    pub tenant: TenantId,
    pub user: UserId,
    pub client: ClientId,
    pub grant: Grant,
}

/// A tenant, a user, a client, and a grant that is not stored.
pub async fn seed(database: &Database) -> Seeded {
    let tenant = TenantId::new(Uuid::from_u128(1));
    let user = UserId::new(Uuid::from_u128(2));
    let client = ClientId::new(Uuid::from_u128(3));
    let domains = vec!["Example.org".to_owned()];
    let policy = TenantPolicy::default();
    let name = "Example".to_owned();
    database.tenants().create(&Tenant { id: tenant, name, domains, policy, created_at: NOW }).await.unwrap();
    let new = NewUser { user: alice(user, tenant), password: Some("$argon2id$x".to_owned()) };
    database.users().create(&new).await.unwrap();
    database.apps().register(&app(client, tenant)).await.unwrap();
    let authentication = Authentication {
        user,
        session: Some(SessionId::new(Uuid::from_u128(4))),
        at: NOW,
        methods: vec![Amr::Pwd, Amr::Otp, Amr::Mfa],
        device: None,
        contexts: Vec::new(),
    };
    let grant = Grant {
        id: GrantId::new(Uuid::from_u128(5)),
        tenant,
        client,
        authentication,
        scopes: Scopes::parse("openid offline_access").unwrap(),
        resource: None,
        ends_at: None,
        asked: AskedClaims::default(),
        key: None,
        created_at: NOW,
    };
    Seeded { tenant, user, client, grant }
}

/// A line for the log of sign-ins, under an ID of its own.
pub fn noted((tenant, user): (TenantId, UserId), client: ClientId) -> SignIn {
    static NUMBER: AtomicU64 = AtomicU64::new(1000);
    SignIn {
        id: Uuid::from_u128(NUMBER.fetch_add(1, Ordering::Relaxed).into()),
        correlation: Uuid::from_u128(8),
        at: NOW,
        tenant: Some(tenant),
        user: Some(user),
        upn: "alice@example.org".to_owned(),
        client: Some(client),
        address: "192.0.2.1".to_owned(),
        agent: "test".to_owned(),
        methods: "pwd".to_owned(),
        error: 0,
    }
}

fn alice(id: UserId, tenant: TenantId) -> User {
    User {
        id,
        tenant,
        upn: "Alice@example.org".to_owned(),
        display_name: "Alice".to_owned(),
        given_name: Some("Alice".to_owned()),
        family_name: None,
        email: None,
        enabled: true,
        administrator: false,
        sessions_valid_from: NOW,
        created_at: NOW,
    }
}

fn app(id: ClientId, tenant: TenantId) -> App {
    App {
        id,
        home: Some(tenant),
        name: "App".to_owned(),
        identifier_uri: Some("api://app".to_owned()),
        registration: Registration::default(),
        created_at: NOW,
    }
}

async fn people_and_apps(database: &Database) {
    let Seeded { tenant, user, client, .. } = seed(database).await;
    assert_eq!(database.tenants().by_domain("EXAMPLE.ORG").await.unwrap().unwrap().id, tenant);
    assert!(database.tenants().by_domain("example.com").await.unwrap().is_none());
    assert_eq!(database.tenants().find(tenant).await.unwrap().unwrap().domains, ["example.org"]);
    let policy = TenantPolicy { password_grant: true, ..TenantPolicy::default() };
    database.tenants().set_policy(tenant, &policy).await.unwrap();
    assert_eq!(database.tenants().all().await.unwrap()[0].policy, policy);

    let (found, password) = database.users().by_upn(" ALICE@example.ORG").await.unwrap().unwrap();
    assert_eq!((found, password.as_deref()), (alice(user, tenant), Some("$argon2id$x")));
    let mut twin = alice(UserId::new(Uuid::from_u128(9)), tenant);
    "alice@EXAMPLE.org".clone_into(&mut twin.upn);
    let twin = database.users().create(&NewUser { user: twin, password: None }).await;
    assert!(matches!(twin, Err(Error::Taken)));
    assert_eq!(database.users().page(tenant, "", 10).await.unwrap().len(), 1);
    assert!(database.users().page(tenant, "alice@example.org", 10).await.unwrap().is_empty());
    database.users().rehash_password(user, "other", "new").await.unwrap();
    database.users().set_enabled(user, false, NOW).await.unwrap();
    let (found, password) = database.users().by_upn("alice@example.org").await.unwrap().unwrap();
    assert_eq!((found.enabled, password.as_deref()), (false, Some("$argon2id$x")));

    let mut twin = app(ClientId::new(Uuid::from_u128(9)), tenant);
    assert!(matches!(database.apps().register(&twin).await, Err(Error::Taken)));
    twin.identifier_uri = None;
    database.apps().register(&twin).await.unwrap();
    database.apps().ensure(&twin).await.unwrap();
    assert_eq!(database.apps().of_tenant(tenant).await.unwrap().len(), 2);
    assert_eq!(database.apps().by_identifier_uri("api://app").await.unwrap().unwrap().id, client);
    let principal = user.to_string();
    assert_eq!(database.apps().roles(tenant, client, &principal).await.unwrap(), None);
    for role in ["", "Writer", "Writer"] {
        database.apps().assign(tenant, client, &principal, role).await.unwrap();
    }
    let roles = database.apps().roles(tenant, client, &principal).await.unwrap();
    assert_eq!(roles, Some(vec!["Writer".to_owned()]));

    let pair = (client, twin.id);
    let mine = Scopes::parse("Read").unwrap();
    database.consents().give(tenant, Some(user), pair, &mine, NOW).await.unwrap();
    database.consents().give(tenant, Some(user), pair, &Scopes::parse("Write").unwrap(), NOW).await.unwrap();
    database.consents().give(tenant, None, pair, &Scopes::parse("All").unwrap(), NOW).await.unwrap();
    let all = database.consents().find(tenant, user, pair).await.unwrap();
    assert!(all.covers(&Scopes::parse("Read Write All").unwrap()));
    database.consents().withdraw(tenant, Some(user), client).await.unwrap();
    let rest = database.consents().find(tenant, user, pair).await.unwrap();
    assert_eq!(rest.to_string(), "All");
}

async fn codes_and_refresh_tokens(database: &Database) {
    let Seeded { tenant, user, grant, client } = seed(database).await;
    let (soon, later) = (NOW.plus(Duration::from_mins(10)), NOW.plus(HOUR));
    let code = OpaqueHash::of("code");
    let issued = IssuedCode {
        redirect_uri: "https://a.example/cb".to_owned(),
        challenge: Some("c".to_owned()),
        nonce: None,
        spa: false,
        key: None,
    };
    let sign_in = noted((tenant, user), client);
    database.codes().issue(&code, &issued, &grant, (soon, later), &sign_in).await.unwrap();
    let all = database.sign_in_log().page(tenant, &SignInFilter::default(), 9).await.unwrap();
    assert_eq!(all, [sign_in]);
    let late = database.codes().redeem(&code, soon).await.unwrap();
    assert!(matches!(late, Redemption::Expired));
    assert!(matches!(database.codes().redeem(&OpaqueHash::of("x"), NOW).await.unwrap(), Redemption::Unknown));
    let first = database.codes().redeem(&code, NOW).await.unwrap();
    let Redemption::First { grant: found, code: request, user: who } = first else { panic!("{first:?}") };
    assert_eq!((*found, request, who.id), (grant.clone(), issued, user));

    let tokens = database.refresh_tokens();
    let [one, two, three] = ["1", "2", "3"].map(OpaqueHash::of);
    tokens.issue(&one, grant.id, later, NOW).await.unwrap();
    let stored = tokens.find(&one).await.unwrap().unwrap();
    assert_eq!((stored.grant, stored.revoked, stored.used), (grant.clone(), false, false));
    assert_eq!(tokens.rotate(&three, &two, later, NOW).await.unwrap(), Rotation::Unknown);
    assert_eq!(tokens.rotate(&one, &two, later, later).await.unwrap(), Rotation::Expired);
    assert_eq!(tokens.rotate(&one, &two, later, NOW).await.unwrap(), Rotation::Next);
    assert_eq!(tokens.rotate(&one, &three, later, NOW).await.unwrap(), Rotation::Reused);
    assert_eq!(tokens.rotate(&two, &three, later, NOW).await.unwrap(), Rotation::Revoked);
    assert!(tokens.find(&two).await.unwrap().unwrap().revoked, "the family is dead");
    assert!(tokens.find(&three).await.unwrap().is_none());
    assert!(matches!(database.codes().redeem(&code, NOW).await.unwrap(), Redemption::Again));
    assert_eq!(database.grants().revoke_of_user(user, Some(client), NOW).await.unwrap(), 0);
    assert_eq!(database.grants().revoke_of_user(user, None, NOW).await.unwrap(), 0);

    database.purge(later.plus(HOUR)).await.unwrap();
    assert!(matches!(database.codes().redeem(&code, NOW).await.unwrap(), Redemption::Unknown));
}

async fn devices_and_sessions(database: &Database) {
    let Seeded { user, grant, client, tenant } = seed(database).await;
    let later = NOW.plus(HOUR);
    let (device, person) = (OpaqueHash::of("device"), OpaqueHash::of("user"));
    let request = DeviceRequest {
        client,
        tenant: Some(tenant),
        scopes: grant.scopes.clone(),
        resource: None,
        address: String::new(),
        asked_at: None,
        fresh_mfa: false,
    };
    let codes = database.device_codes();
    codes.issue((&device, &person), &request, later).await.unwrap();
    let taken = codes.issue((&OpaqueHash::of("x"), &person), &request, later).await;
    assert!(matches!(taken, Err(Error::Taken)));
    assert_eq!(codes.poll(&device, client, NOW).await.unwrap(), Poll::Pending);
    assert_eq!(codes.poll(&device, client, NOW).await.unwrap(), Poll::TooSoon);
    assert_eq!(codes.poll(&device, ClientId::new(Uuid::nil()), NOW).await.unwrap(), Poll::Unknown);
    assert_eq!(codes.poll(&device, client, later).await.unwrap(), Poll::Expired);
    assert_eq!(codes.waiting(&person, NOW).await.unwrap(), Some(request.clone()));
    assert!(codes.answer(&person, &Approval::Denied, NOW).await.unwrap());
    assert_eq!(codes.waiting(&person, NOW).await.unwrap(), None);
    let answered = codes.poll(&device, client, NOW).await.unwrap();
    assert_eq!(answered, Poll::Answered(Box::new(request), Approval::Denied));
    assert_eq!(codes.poll(&device, client, NOW).await.unwrap(), Poll::Unknown);

    let session = BrowserSession {
        id: SessionId::new(Uuid::from_u128(4)),
        authentication: grant.authentication.clone(),
        persistent: true,
        address: "192.0.2.1".to_owned(),
        agent: "test".to_owned(),
        created_at: NOW,
        seen_at: NOW,
        expires_at: later,
    };
    let cookie = OpaqueHash::of("cookie");
    database.sessions().begin(&cookie, &session).await.unwrap();
    let (found, who) = database.sessions().find(&cookie, NOW).await.unwrap().unwrap();
    assert_eq!((&found, who.id), (&session, user));
    assert!(database.sessions().find(&cookie, later).await.unwrap().is_none());
    database.users().revoke_sessions(user, NOW.plus(Duration::from_secs(1))).await.unwrap();
    assert!(database.sessions().find(&cookie, NOW).await.unwrap().is_none(), "revoked");
    let mut fresh = grant.authentication;
    fresh.at = NOW.plus(Duration::from_secs(1));
    database.sessions().renew(session.id, &fresh, NOW).await.unwrap();
    assert!(database.sessions().find(&cookie, NOW).await.unwrap().is_some());
    assert_eq!(database.sessions().of_user(user, NOW).await.unwrap().len(), 1);
    database.sessions().end(session.id, NOW).await.unwrap();
    assert!(database.sessions().find(&cookie, NOW).await.unwrap().is_none());
}

async fn credentials_and_logs(database: &Database) {
    let Seeded { user, tenant, client, .. } = seed(database).await;
    let id = Uuid::from_u128(6);
    let passkey = NewPasskey {
        id,
        user,
        credential_id: vec![1, 2],
        record: "{}".to_owned(),
        name: "Key".to_owned(),
        aaguid: Uuid::nil(),
        attestation: "none".to_owned(),
        signature_count: 0,
        backup_eligible: false,
        backed_up: false,
    };
    database.passkeys().add(&passkey, NOW).await.unwrap();
    assert!(matches!(database.passkeys().add(&passkey, NOW).await, Err(Error::Taken)));
    for (count, grown) in [(0, true), (3, true), (3, false), (2, false), (0, false), (4, true)] {
        assert_eq!(database.passkeys().used(id, "{}", (count, false), NOW).await.unwrap(), grown, "{count}");
    }
    assert_eq!(database.passkeys().by_credential_id(&[1, 2]).await.unwrap().unwrap().passkey.id, id);
    let stranger = UserId::new(Uuid::nil());
    assert!(!database.passkeys().rename(stranger, id, "Mine").await.unwrap());
    assert!(!database.passkeys().remove(stranger, id).await.unwrap());
    assert!(database.passkeys().remove(user, id).await.unwrap());
    assert!(database.passkeys().of_user(user).await.unwrap().is_empty());

    let totp = StoredTotp {
        id,
        user,
        name: "App".to_owned(),
        sealed: vec![1],
        last_step: 10,
        created_at: NOW,
        last_used_at: None,
    };
    database.totp().add(&totp).await.unwrap();
    for (step, expected) in [(10, TotpUse::Replayed), (11, TotpUse::Accepted), (11, TotpUse::Replayed)] {
        assert_eq!(database.totp().use_step(id, step, NOW).await.unwrap(), expected);
    }
    assert_eq!(database.totp().of_user(user).await.unwrap()[0].last_step, 11);

    let mut pass = StoredPass {
        id,
        user,
        verifier: "v".to_owned(),
        once: true,
        starts_at: NOW,
        expires_at: NOW.plus(HOUR),
        created_at: NOW,
        used_at: None,
    };
    database.passes().add(&pass).await.unwrap();
    assert!(!database.passes().use_up(id, NOW.plus(HOUR)).await.unwrap());
    assert!(database.passes().use_up(id, NOW).await.unwrap());
    assert!(!database.passes().use_up(id, NOW).await.unwrap());
    pass.id = Uuid::from_u128(7);
    database.passes().add(&pass).await.unwrap();
    assert_eq!(database.passes().of_user(user).await.unwrap().unwrap().id, pass.id, "replaced");

    let mut sign_in = noted((tenant, user), client);
    database.sign_in_log().add(&sign_in).await.unwrap();
    sign_in.id = Uuid::from_u128(7);
    sign_in.error = 50_126;
    database.sign_in_log().add(&sign_in).await.unwrap();
    let all = database.sign_in_log().page(tenant, &SignInFilter::default(), 10).await.unwrap();
    let failed = SignInFilter { failed: true, user: Some(user), ..SignInFilter::default() };
    let failed = database.sign_in_log().page(tenant, &failed, 10).await.unwrap();
    assert_eq!((all.len(), failed), (2, vec![sign_in]));

    for record in ["a", "b"] {
        let chain = |seq: i64, before: &[u8], record: &str| {
            [before, &seq.to_be_bytes()[7..], record.as_bytes()].concat()
        };
        database.audit().append((None, record), NOW, chain).await.unwrap();
    }
    let entries = database.audit().entries(1, 10).await.unwrap();
    assert_eq!(entries[1].hash, [1, b'a', 2, b'b']);
    let kept = database.signing_keys().service_key("x", &[1]).await.unwrap();
    assert_eq!((kept, database.signing_keys().service_key("x", &[2]).await.unwrap()), (vec![1], vec![1]));
}

macro_rules! cases {
    ($($case:ident)*) => {
        #[tokio::test]
        async fn storage_on_sqlite() {
            $({
                let directory = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", directory.path().join("idp.db").display());
                let database = Database::open(&url).await.unwrap();
                $case(&database).await;
                database.close().await;
            })*
        }

        #[tokio::test]
        async fn storage_on_postgres() {
            let postgres = Postgres::start().await;
            $({
                let database = Database::open(&postgres.database(stringify!($case)).await).await.unwrap();
                $case(&database).await;
                database.close().await;
            })*
        }
    };
}

cases! { people_and_apps codes_and_refresh_tokens devices_and_sessions credentials_and_logs sealed_texts }
