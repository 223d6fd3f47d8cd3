//! What administrators can do, through the core: who may, what it leaves behind, and what is refused.

use std::time::Duration;

use latchkey_idp::access_pass::PassOptions;
use latchkey_idp::administration::{Actor, Administrator, Names, NewAccount, Principal, Refused};
use latchkey_idp::audit_chain::Event;
use latchkey_idp::domain::{SessionId, Tenant, TenantId, TenantPolicy, User, UserId};
use latchkey_idp::sign_in::add_totp;
use latchkey_idp::storage::{MethodKind, NewUser, UserCursor};
use uuid::Uuid;

use crate::browser::{Browser, Passkey};
use crate::rig::Rig;
use crate::sign_in::{PASSWORD, rig, seed};

/// Another person of a tenant, without any method.
pub async fn person(rig: &Rig, tenant: TenantId, upn: &str, administrator: bool) -> User {
    let user = User {
        id: UserId::new(Uuid::from_u128(upn.bytes().fold(1000, |sum, byte| sum * 31 + u128::from(byte)))),
        tenant,
        upn: upn.to_owned(),
        display_name: upn.split('@').next().unwrap().to_owned(),
        administrator,
        ..rig.user.clone()
    };
    rig.database.users().create(&NewUser { user: user.clone(), password: None }).await.unwrap();
    user
}

/// A second tenant with an administrator.
pub async fn other_tenant(rig: &Rig) -> User {
    let id = TenantId::new(Uuid::from_u128(100));
    let domains = vec!["other.example".to_owned()];
    let policy = TenantPolicy { offer_passkey: false, ..TenantPolicy::default() };
    let name = "Other".to_owned();
    let tenant = Tenant { id, name, domains, policy, created_at: rig.now() };
    rig.database.tenants().create(&tenant).await.unwrap();
    person(rig, id, "eve@other.example", true).await
}

/// The actions of the audit log since `from`, whose chain must be whole.
pub async fn actions(rig: &Rig, from: i64) -> Vec<String> {
    rig.provider.verify_audit(None).await.unwrap().unwrap();
    let rows = rig.database.audit().entries(from, 1000).await.unwrap();
    rows.iter().map(|row| serde_json::from_str::<Event>(&row.record).unwrap().action).collect()
}

fn account(user_name: &str) -> NewAccount<'_> {
    NewAccount {
        user_name,
        names: Names { display_name: "Bob", ..Names::default() },
        ..NewAccount::default()
    }
}

#[tokio::test]
async fn only_administrators_of_the_tenant_act_in_it() {
    let rig = rig().await;
    let eve = other_tenant(&rig).await;
    let ada = person(&rig, rig.tenant, "ada@example.org", true).await;
    for (user, tenant) in [(&rig.user, rig.tenant), (&ada, eve.tenant), (&eve, rig.tenant)] {
        let refused = Administrator::user(&rig.provider, user, tenant).unwrap_err();
        assert!(matches!(refused, Refused::NotAdministrator) && refused.status() == 403);
    }
    let disabled = User { enabled: false, ..ada.clone() };
    assert!(Administrator::user(&rig.provider, &disabled, rig.tenant).is_err());
    assert!(Administrator::operator(&rig.provider, "nowhere.example").await.is_err());
    let app = rig.database.apps().find(rig.web).await.unwrap().unwrap();
    assert!(Administrator::application(&rig.provider, &app, eve.tenant).is_err());
    let acts = Administrator::application(&rig.provider, &app, rig.tenant).unwrap();
    assert_eq!(acts.actor(), Actor::Application(rig.web));

    // What is another tenant's is not there, whatever it is.
    let eve = Administrator::user(&rig.provider, &eve, eve.tenant).unwrap();
    let id = rig.user.id;
    let mut refused = vec![
        eve.find_user(id).await.map(drop),
        eve.user_named(&rig.user.upn).await.map(drop),
        eve.invite(id).await.map(drop),
        eve.set_enabled(id, false).await,
        eve.set_administrator(id, true).await,
        eve.rename_user(id, &account("x").names).await,
        eve.delete_user(id).await,
        eve.sessions(id).await.map(drop),
        eve.revoke_sessions(id).await,
        eve.revoke_session(id, SessionId::new(Uuid::nil())).await,
        eve.methods(id).await.map(drop),
        eve.remove_method(id, Uuid::nil()).await.map(drop),
        eve.issue_pass(id, &PassOptions::default()).await.map(drop),
        eve.reset_password(id).await.map(drop),
    ];
    for app in [rig.web, rig.api] {
        refused.push(eve.app(app).await.map(drop));
        refused.push(eve.change_app(app, |_| Ok(())).await);
        refused.push(eve.delete_app(app).await);
        refused.push(eve.add_secret(app, "mine", 1).await.map(drop));
        refused.push(eve.assignments(app).await.map(drop));
        refused.push(eve.assign(app, Principal::User(id), "").await);
        refused.push(eve.consents(app).await.map(drop));
        refused.push(eve.withdraw_consent(app, None).await);
    }
    for (number, result) in refused.into_iter().enumerate() {
        assert!(matches!(result, Err(Refused::NotFound(_))), "{number}: {result:?}");
    }
    // The tenant that was made first looks after the installation.
    assert!(matches!(eve.create_tenant("X", "x.example", "admin").await, Err(Refused::NotHome)));
    assert_eq!(eve.tenants().await.unwrap().len(), 1);
    assert_eq!(actions(&rig, 1).await, Vec::<String>::new());
    let ada = Administrator::user(&rig.provider, &ada, rig.tenant).unwrap();
    let (made, invited) = ada.create_tenant(" Third ", "Third.example", "root").await.unwrap();
    assert_eq!(invited.user_name, "root@third.example");
    assert!(invited.link.expose().starts_with("https://id.example.org/welcome#"));
    assert_eq!(ada.tenants().await.unwrap().len(), 3);
    assert!(matches!(ada.create_tenant("X", "third.example", "admin").await, Err(Refused::Taken(_))));
    // Looking after tenants is not looking into them.
    assert!(
        Administrator::operator(&rig.provider, "third.example").await.unwrap().tenant().await.unwrap().id
            == made
    );
    assert_eq!(actions(&rig, 1).await, ["tenant.created"]);
}

#[tokio::test]
async fn users_are_made_found_changed_and_deleted() {
    let rig = rig().await;
    let ada = person(&rig, rig.tenant, "ada@example.org", true).await;
    let ada = Administrator::user(&rig.provider, &ada, rig.tenant).unwrap();
    let (bob, invited) = ada.create_user(&account(" Bob@EXAMPLE.org ")).await.unwrap();
    assert_eq!((bob.upn.as_str(), bob.administrator), ("Bob@example.org", false));
    assert!(matches!(ada.create_user(&account("bob@example.org")).await, Err(Refused::Taken(_))));
    for name in [
        "bob",
        "@example.org",
        "b b@example.org",
        "b@b@example.org",
        "<b>@example.org",
        "bob@other.example",
        "",
    ] {
        assert!(matches!(ada.create_user(&account(name)).await, Err(Refused::Invalid(_))), "{name}");
    }
    // A second link takes the place of the first.
    let second = ada.invite(bob.id).await.unwrap();
    let hash = |link: &str| latchkey_idp::domain::OpaqueHash::of(link.split_once('#').unwrap().1);
    let browser = hash("browser#1");
    for (invited, whose) in [(invited, None), (second, Some(bob.id))] {
        let link = hash(invited.link.expose());
        assert_eq!(rig.database.invitations().open(&link, &browser, rig.now()).await.unwrap(), whose);
    }

    let names = Names { display_name: "Bób 100%", email: Some("b@mail.example"), ..Names::default() };
    ada.rename_user(bob.id, &names).await.unwrap();
    for (text, found) in [
        ("bÓB", 1),
        ("100%", 1),
        ("%", 1),
        ("_", 0),
        ("example.org", 3),
        ("", 3),
        ("' OR 1=1 --", 0),
        ("!", 0),
    ] {
        let (page, total) = ada.users(text, &UserCursor::Start, 10).await.unwrap();
        assert_eq!((page.rows.len(), total), (found, found.try_into().unwrap()), "{text}");
    }
    let names = |page: latchkey_idp::administration::Slice<latchkey_idp::storage::UserSummary>| {
        let names: Vec<_> = page.rows.iter().map(|row| row.user.display_name.clone()).collect();
        (names.join(" "), page.before, page.after)
    };
    let first = ada.users("", &UserCursor::Start, 2).await.unwrap().0;
    assert_eq!(names(first), ("ada Alice".to_owned(), false, true));
    let next = ada.users("", &UserCursor::After("alice@example.org".to_owned()), 2).await.unwrap().0;
    assert_eq!(names(next), ("Bób 100%".to_owned(), true, false));
    let back = ada.users("", &UserCursor::Before("bob@example.org".to_owned()), 1).await.unwrap().0;
    assert_eq!(names(back), ("Alice".to_owned(), true, true));

    ada.set_enabled(bob.id, false).await.unwrap();
    assert!(ada.invite(bob.id).await.is_err() && !ada.find_user(bob.id).await.unwrap().enabled);
    ada.set_enabled(bob.id, true).await.unwrap();
    ada.delete_user(bob.id).await.unwrap();
    assert!(matches!(ada.find_user(bob.id).await, Err(Refused::NotFound(_))));
    let expected =
        ["user.created", "user.invited", "user.renamed", "user.disabled", "user.enabled", "user.deleted"];
    assert_eq!(actions(&rig, 1).await, expected);
}

#[tokio::test]
async fn a_tenant_keeps_an_administrator_who_can_sign_in() {
    let rig = rig().await;
    let ada = person(&rig, rig.tenant, "ada@example.org", true).await;
    let operator = Administrator::operator(&rig.provider, "example.org").await.unwrap();
    for refused in [
        operator.set_enabled(ada.id, false).await,
        operator.set_administrator(ada.id, false).await,
        operator.delete_user(ada.id).await,
    ] {
        assert!(matches!(refused, Err(Refused::LastAdministrator)), "{refused:?}");
    }
    // Alice is one too now, and signs in with a password and a code.
    operator.set_administrator(rig.user.id, true).await.unwrap();
    operator.set_enabled(ada.id, false).await.unwrap();
    assert!(matches!(operator.delete_user(rig.user.id).await, Err(Refused::LastAdministrator)));
    operator.delete_user(ada.id).await.unwrap();
    add_totp(&rig.provider, rig.user.id, "Phone", &seed(), None).await.unwrap();
    let phone = operator.methods(rig.user.id).await.unwrap().apps[0].id;
    assert!(matches!(operator.remove_method(rig.user.id, phone).await, Err(Refused::LastMethod)));
    Passkey::enrol(&rig).await;
    assert_eq!(operator.remove_method(rig.user.id, phone).await.unwrap(), MethodKind::App);
    let key = operator.methods(rig.user.id).await.unwrap().passkeys[0].passkey.id;
    assert!(matches!(operator.remove_method(rig.user.id, key).await, Err(Refused::LastMethod)));
    assert_eq!(operator.methods(rig.user.id).await.unwrap().passkeys.len(), 1);
    person(&rig, rig.tenant, "bob@example.org", true).await;
    assert_eq!(operator.remove_method(rig.user.id, key).await.unwrap(), MethodKind::Passkey);
}

#[tokio::test]
async fn passes_passwords_and_sessions() {
    let rig = rig().await;
    let operator = Administrator::operator(&rig.provider, &rig.tenant.to_string()).await.unwrap();
    let id = rig.user.id;
    let hours = |hours| PassOptions { lifetime: Duration::from_hours(hours), ..PassOptions::default() };
    assert!(matches!(operator.issue_pass(id, &hours(9)).await, Err(Refused::Invalid(_))));
    operator
        .change_policy(|policy| {
            policy.pass_max_minutes = 600;
            Ok(())
        })
        .await
        .unwrap();
    let issued = operator.issue_pass(id, &hours(9)).await.unwrap();
    assert_eq!(issued.pass.expires_at, rig.now().plus(Duration::from_hours(9)));
    let pass = operator.methods(id).await.unwrap().pass.unwrap();
    assert_eq!(operator.remove_method(id, pass.id).await.unwrap(), MethodKind::Pass);
    assert!(operator.methods(id).await.unwrap().pass.is_none());

    let mut browser = Browser::new(&rig);
    let page = browser.password(&rig, &rig.user.upn, PASSWORD).await;
    crate::sign_in::finish(&rig, &mut browser, &page).await;
    let sessions = operator.sessions(id).await.unwrap();
    let [(session, apps)] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(apps.as_slice(), ["App 0"]);
    operator.revoke_session(id, session.id).await.unwrap();
    assert!(matches!(operator.revoke_session(id, session.id).await, Err(Refused::NotFound(_))));
    assert_eq!(browser.authorize(&rig, &[("prompt", "none")]).await.answer()["error"], "login_required");

    let page = browser.password(&rig, &rig.user.upn, PASSWORD).await;
    crate::sign_in::finish(&rig, &mut browser, &page).await;
    operator.revoke_sessions(id).await.unwrap();
    assert!(operator.sessions(id).await.unwrap().is_empty());
    assert_eq!(browser.authorize(&rig, &[("prompt", "none")]).await.answer()["error"], "login_required");

    let code = operator.reset_password(id).await.unwrap();
    assert!(operator.methods(id).await.unwrap().password.unwrap().1, "must be changed");
    browser.password(&rig, &rig.user.upn, PASSWORD).await.says(50_126);
    let page = browser.password(&rig, &rig.user.upn, code.expose()).await;
    assert!(!page.html.contains("data-code"), "{}", page.html);
    // The log says nothing that signs anybody in.
    let rows = rig.database.audit().entries(1, 100).await.unwrap();
    for row in rows {
        assert!(!row.record.contains(code.expose()) && !row.record.contains(issued.code.expose()));
    }
    assert_eq!(actions(&rig, 1).await.len(), 6);
}
