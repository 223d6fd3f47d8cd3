//! What administrators ask the tables for, on both databases.

use std::time::Duration;

use latchkey_idp::domain::{App, ClientId, Scopes, Tenant, TenantId, TenantPolicy, User, UserId};
use latchkey_idp::storage::{
    Database, Error, LogCursor, MethodCounts, MethodKind, MethodRemoval, NewPasskey, NewUser, Removal,
    SignIn, SignInFilter, StoredPass, UserCursor,
};
use uuid::Uuid;

use crate::postgres::Postgres;
use crate::storage::{NOW, Seeded, seed};

/// A second user, who is the only administrator.
async fn bob(database: &Database, alice: UserId) -> User {
    let alice = database.users().find(alice).await.unwrap().unwrap();
    let bob = User {
        id: UserId::new(Uuid::from_u128(20)),
        upn: "Bob_1@example.org".to_owned(),
        display_name: "Ärger %".to_owned(),
        administrator: true,
        ..alice
    };
    database.users().create(&NewUser { user: bob.clone(), password: None }).await.unwrap();
    bob
}

async fn people(database: &Database) {
    let Seeded { tenant, user, .. } = seed(database).await;
    let users = database.users();
    bob(database, user).await;
    assert_eq!(database.tenants().home().await.unwrap(), Some(tenant));
    let id = TenantId::new(Uuid::from_u128(30));
    let second = Tenant {
        id,
        name: "B".to_owned(),
        domains: vec![],
        policy: TenantPolicy::default(),
        created_at: NOW,
    };
    database.tenants().create(&second).await.unwrap();
    assert_eq!(database.tenants().home().await.unwrap(), Some(tenant), "not the later one");
    assert_eq!(database.tenants().counts(tenant).await.unwrap(), (2, 1));
    let change = |policy: &mut TenantPolicy| {
        policy.password_grant = true;
        Ok::<_, Error>(7)
    };
    assert_eq!(database.tenants().change_policy(id, change).await.unwrap(), Some(7));
    assert!(database.tenants().find(id).await.unwrap().unwrap().policy.password_grant);
    assert!(database.tenants().change_policy(TenantId::new(Uuid::nil()), change).await.unwrap().is_none());

    for (text, count) in [("", 2), ("BOB_", 1), ("ärger %", 1), ("%", 1), ("zzz", 0), ("'", 0)] {
        assert_eq!(users.count(tenant, text).await.unwrap(), count, "{text}");
        let found = users.search((tenant, text), &UserCursor::Start, 10, NOW).await.unwrap();
        assert_eq!(u64::try_from(found.len()).unwrap(), count, "{text}");
    }
    let before = UserCursor::Before("bob_1@example.org".to_owned());
    assert_eq!(users.search((tenant, ""), &before, 10, NOW).await.unwrap()[0].user.id, user);
}

async fn methods(database: &Database) {
    let Seeded { user, .. } = seed(database).await;
    let users = database.users();
    let bob = bob(database, user).await;
    let methods = async |id| users.summary(id, NOW).await.unwrap().unwrap().methods;
    assert_eq!(methods(user).await, MethodCounts { password: true, ..MethodCounts::default() });
    let pass = StoredPass {
        id: Uuid::from_u128(21),
        user: bob.id,
        verifier: "v".to_owned(),
        once: true,
        starts_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(1)),
        created_at: NOW,
        used_at: None,
    };
    database.passes().add(&pass).await.unwrap();
    let passkey = NewPasskey {
        id: Uuid::from_u128(22),
        user: bob.id,
        credential_id: vec![1],
        record: "{}".to_owned(),
        name: "Key".to_owned(),
        aaguid: Uuid::nil(),
        attestation: "none".to_owned(),
        signature_count: 0,
        backup_eligible: false,
        backed_up: false,
    };
    database.passkeys().add(&passkey, NOW).await.unwrap();
    assert_eq!(methods(bob.id).await, MethodCounts { passkeys: 1, pass: true, ..MethodCounts::default() });
    let remove = async |id| users.remove_method(bob.id, id, NOW).await.unwrap();
    assert_eq!(remove(passkey.id).await, MethodRemoval::LastOfAdministrator);
    assert_eq!(remove(Uuid::nil()).await, MethodRemoval::Missing);
    assert_eq!(remove(pass.id).await, MethodRemoval::Removed(MethodKind::Pass));
    assert!(!users.take_out(bob.id, Removal::Disable, NOW).await.unwrap());
    users.promote(user).await.unwrap();
    assert_eq!(remove(passkey.id).await, MethodRemoval::Removed(MethodKind::Passkey));
    users.set_temporary_password(bob.id, "$argon2id$y", NOW).await.unwrap();
    assert_eq!(users.password_state(bob.id).await.unwrap(), Some((NOW, true)));
}

async fn apps(database: &Database) {
    let Seeded { tenant, user, client, .. } = seed(database).await;
    let users = database.users();
    let bob = bob(database, user).await;
    users.promote(user).await.unwrap();
    let (apps, consents) = (database.apps(), database.consents());
    let principal = bob.id.to_string();
    apps.assign(tenant, client, &principal, "").await.unwrap();
    let scopes = Scopes::parse("Read").unwrap();
    consents.give(tenant, Some(bob.id), (client, client), &scopes, NOW).await.unwrap();
    let given = consents.of_client(tenant, client).await.unwrap();
    assert_eq!((given[0].upn.as_deref(), &given[0].scopes), (Some("Bob_1@example.org"), &scopes));
    assert_eq!(apps.assignments(tenant, client).await.unwrap()[0].name.as_deref(), Some("Bob_1@example.org"));
    assert_eq!(apps.seen_by(tenant).await.unwrap().len(), 1);
    let rename = |app: &mut App| {
        "Renamed".clone_into(&mut app.name);
        Ok::<_, Error>(())
    };
    apps.change(client, rename).await.unwrap().unwrap();
    assert!(apps.change(ClientId::new(Uuid::nil()), rename).await.unwrap().is_none());
    assert_eq!(apps.find(client).await.unwrap().unwrap().name, "Renamed");
    assert!(users.take_out(bob.id, Removal::Delete, NOW).await.unwrap());
    assert!(apps.assignments(tenant, client).await.unwrap().is_empty());
    assert!(consents.of_client(tenant, client).await.unwrap().is_empty());
    apps.unassign_role(client, "").await.unwrap();
    apps.remove_whole(client).await.unwrap();
}

async fn logs(database: &Database) {
    let Seeded { tenant, user, .. } = seed(database).await;
    let (users, id) = (database.users(), TenantId::new(Uuid::from_u128(30)));
    for number in 0..5_u128 {
        let sign_in = SignIn {
            id: Uuid::from_u128(number),
            correlation: Uuid::from_u128(number % 2),
            at: NOW,
            tenant: Some(tenant),
            user: Some(user),
            upn: "alice@example.org".to_owned(),
            client: None,
            address: String::new(),
            agent: String::new(),
            methods: String::new(),
            error: 0,
        };
        database.sign_in_log().add(&sign_in).await.unwrap();
    }
    let numbers = async |filter: &SignInFilter, cursor| {
        let rows = database.sign_in_log().page_at(tenant, filter, cursor, 2).await.unwrap();
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    let (all, at) = (SignInFilter::default(), |number| (NOW, Uuid::from_u128(number)));
    assert_eq!(numbers(&all, LogCursor::Newest).await, [4, 3]);
    assert_eq!(numbers(&all, LogCursor::OlderThan(at(3))).await, [2, 1]);
    assert_eq!(numbers(&all, LogCursor::NewerThan(at(1))).await, [3, 2]);
    let odd = SignInFilter { correlation: Some(Uuid::from_u128(1)), ..SignInFilter::default() };
    assert_eq!(numbers(&odd, LogCursor::Newest).await, [3, 1]);
    assert_eq!(users.summary(user, NOW).await.unwrap().unwrap().last_sign_in, Some(NOW));

    for whose in [Some(tenant), None, Some(id), Some(tenant)] {
        database.audit().append((whose, "{}"), NOW, |_, _, _| vec![1]).await.unwrap();
    }
    let seqs = async |cursor| {
        let rows = database.audit().page_at(tenant, cursor, 1).await.unwrap();
        rows.iter().map(|row| row.seq).collect::<Vec<_>>()
    };
    assert_eq!((seqs(LogCursor::Newest).await, seqs(LogCursor::OlderThan(4)).await), (vec![4], vec![1]));
    assert_eq!(seqs(LogCursor::NewerThan(1)).await, [4]);
}

macro_rules! cases {
    ($($case:ident)*) => {
        #[tokio::test]
        async fn directory_on_sqlite() {
            $({
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("idp.db").display());
                $case(&Database::open(&url).await.unwrap()).await;
            })*
        }

        #[tokio::test]
        async fn directory_on_postgres() {
            let postgres = Postgres::start().await;
            $({
                let name = concat!("directory_", stringify!($case));
                let database = Database::open(&postgres.database(name).await).await.unwrap();
                $case(&database).await;
                database.close().await;
            })*
        }
    };
}

cases! { people methods apps logs }
