//! Registering passkeys: what is stored, and which answers are refused.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_idp::attestation::{Anchor, AttestationRefused, Format};
use latchkey_idp::domain::User;
use latchkey_idp::models::Models;
use latchkey_idp::passkeys::{self, Begun, Enrolment, LIFETIME, MOST_PASSKEYS, PasskeyRefused};
use latchkey_idp::storage::NewPasskey;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authenticator::{Authenticator, Maker, Statement};
use crate::browser::{Browser, Passkey};
use crate::rig::{Rig, URL};
use crate::sign_in::finish;

const MINE: Uuid = Uuid::from_u128(0x11);
const OTHER: Uuid = Uuid::from_u128(0x22);

fn authenticator(id: u8) -> Authenticator {
    let mut made = Authenticator::new("id.example.org", URL, id);
    made.aaguid = MINE;
    made
}

/// The registrations of one user at one place.
struct Desk<'a> {
    rig: &'a Rig,
    user: &'a User,
    place: &'a str,
}

impl<'a> Desk<'a> {
    fn of(rig: &'a Rig) -> Self {
        Self { rig, user: &rig.user, place: "session 1" }
    }

    fn enrolment(&self) -> Enrolment<'_> {
        Enrolment { user: self.user, place: self.place, actor: "tester" }
    }

    async fn begin(&self) -> Result<Begun, PasskeyRefused> {
        passkeys::begin(&self.rig.provider, &self.enrolment(), LIFETIME).await
    }

    async fn finish(&self, answer: &Value, name: &str) -> Result<NewPasskey, PasskeyRefused> {
        passkeys::finish(&self.rig.provider, &self.enrolment(), &answer.to_string(), name).await
    }

    async fn register(
        &self,
        made: &Authenticator,
        statement: Statement<'_>,
    ) -> Result<NewPasskey, PasskeyRefused> {
        let options = self.begin().await?.options;
        self.finish(&made.register(&options, statement), "").await
    }

    async fn count(&self) -> usize {
        self.rig.database.passkeys().of_user(self.user.id).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_registered_passkey_signs_in() {
    let rig = Rig::start().await;
    let desk = Desk::of(&rig);
    let mut made = authenticator(3);
    made.flags = 0x1d;
    let begun = desk.begin().await.unwrap();
    let options = &begun.options;
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!((&options["attestation"], &options["timeout"]), (&json!("none"), &json!(300_000)));
    assert_eq!(
        (&options["rp"]["id"], &options["user"]["name"]),
        (&json!("id.example.org"), &json!(rig.user.upn))
    );
    let stored = desk.finish(&made.register(options, Statement::None), " Laptop ").await.unwrap();
    assert_eq!((stored.name.as_str(), stored.attestation.as_str(), stored.aaguid), ("Laptop", "none", MINE));
    assert!(stored.backup_eligible && stored.backed_up && stored.credential_id == [3; 32]);

    let again = desk.begin().await.unwrap().options;
    assert_eq!(again["excludeCredentials"].as_array().unwrap().len(), 1);
    let rows = rig.database.audit().entries(1, 10).await.unwrap();
    assert!(rows.len() == 1 && rows[0].record.contains("passkey.added"), "{rows:?}");
    assert!(rows[0].record.contains("\"actor\":\"tester\""), "{rows:?}");

    let mut passkey = Passkey::of(made, rig.user.id.guid());
    passkey.flags = 0x1d;
    let mut browser = Browser::new(&rig);
    let page = browser.authorize(&rig, &[]).await;
    let credential = passkey.sign(&page.attribute("data-options"), URL);
    let page = browser.submit(&page, "passkey", &[("credential", &credential)]).await;
    finish(&rig, &mut browser, &page).await;
}

#[tokio::test]
async fn an_answer_is_good_once() {
    let rig = Rig::start().await;
    let desk = Desk::of(&rig);
    let options = desk.begin().await.unwrap().options;
    let answer = authenticator(1).register(&options, Statement::None);
    desk.finish(&answer, "").await.unwrap();
    let other = authenticator(2).register(&options, Statement::None);
    for replayed in [&answer, &other] {
        let refused = desk.finish(replayed, "").await;
        assert!(matches!(refused, Err(PasskeyRefused::Ceremony)), "{refused:?}");
    }
    // A refused answer spends the ceremony too.
    let options = desk.begin().await.unwrap().options;
    let mut forged = authenticator(3).register(&options, Statement::SelfSigned);
    forged["response"]["attestationObject"] = authenticator(3)
        .register(&json!({"challenge": "AAAA"}), Statement::SelfSigned)["response"]["attestationObject"]
        .clone();
    assert!(matches!(desk.finish(&forged, "").await, Err(PasskeyRefused::Invalid(_))));
    let right = authenticator(3).register(&options, Statement::None);
    assert!(matches!(desk.finish(&right, "").await, Err(PasskeyRefused::Ceremony)));
    // So does time, and a newer ceremony.
    let options = desk.begin().await.unwrap().options;
    rig.wait(Duration::from_mins(5));
    let late = authenticator(4).register(&options, Statement::None);
    assert!(matches!(desk.finish(&late, "").await, Err(PasskeyRefused::Ceremony)));
    let older = desk.begin().await.unwrap().options;
    let newer = desk.begin().await.unwrap().options;
    let older = authenticator(4).register(&older, Statement::None);
    assert!(matches!(desk.finish(&older, "").await, Err(PasskeyRefused::Ceremony)));
    desk.finish(&authenticator(4).register(&newer, Statement::None), "").await.unwrap();
    assert_eq!(desk.count().await, 2);
}

#[tokio::test]
async fn a_ceremony_is_of_one_user_and_one_place() {
    let rig = Rig::start().await;
    let bob = rig.another_user("bob@example.org").await;
    let desk = Desk::of(&rig);
    for other in [Desk { user: &bob, ..Desk::of(&rig) }, Desk { place: "session 2", ..Desk::of(&rig) }] {
        let options = desk.begin().await.unwrap().options;
        let answer = authenticator(1).register(&options, Statement::None);
        assert!(matches!(other.finish(&answer, "").await, Err(PasskeyRefused::Ceremony)));
        assert_eq!((desk.count().await, other.count().await), (0, 0));
    }
    // One credential ID, two users: whose it is stays unsaid.
    desk.register(&authenticator(1), Statement::None).await.unwrap();
    let bobs = Desk { user: &bob, ..Desk::of(&rig) };
    let refused = bobs.register(&authenticator(1), Statement::None).await;
    assert!(matches!(refused, Err(PasskeyRefused::Duplicate)), "{refused:?}");
    assert_eq!((desk.count().await, bobs.count().await), (1, 0));
    bobs.register(&authenticator(2), Statement::None).await.unwrap();
}

#[tokio::test]
async fn what_the_options_ask_for_is_checked_on_the_server() {
    let rig = Rig::start().await;
    let desk = Desk::of(&rig);
    let made = |change: fn(&mut Authenticator)| {
        let mut made = authenticator(1);
        change(&mut made);
        made
    };
    for (case, made) in [
        ("no verification", made(|made| made.flags = 0x01)),
        ("no presence", made(|made| made.flags = 0x04)),
        ("backed up, yet not eligible", made(|made| made.flags = 0x15)),
        ("another website", made(|made| "https://id.evil.example".clone_into(&mut made.origin))),
        ("another port", made(|made| made.origin = format!("{URL}:8443"))),
        ("another scheme", made(|made| "http://id.example.org".clone_into(&mut made.origin))),
        ("another relying party", made(|made| made.rp_id = "example.org")),
        ("no credential ID", made(|made| made.id.clear())),
    ] {
        assert!(desk.register(&made, Statement::None).await.is_err(), "{case}");
    }
    let with = async |change: &dyn Fn(&mut Value)| {
        let options = desk.begin().await.unwrap().options;
        let mut answer = authenticator(1).register(&options, Statement::None);
        change(&mut answer);
        desk.finish(&answer, "").await
    };
    let refused = with(&|answer| answer["clientExtensionResults"]["credProps"]["rk"] = json!(false)).await;
    assert!(matches!(refused, Err(PasskeyRefused::NotDiscoverable)), "{refused:?}");
    for (member, value) in [
        ("id", json!("AAAA")),
        ("rawId", json!("AAAA")),
        ("type", json!("password")),
        ("response", json!({})),
        ("id", json!(7)),
    ] {
        let refused = with(&|answer| answer[member] = value.clone()).await;
        assert!(matches!(refused, Err(PasskeyRefused::Answer(_))), "{member}: {refused:?}");
    }
    assert_eq!(desk.count().await, 0);
    // What API clients leave out.
    with(&|answer| {
        let members = answer.as_object_mut().unwrap();
        members.retain(|name, _| ["id", "response"].contains(&name.as_str()));
    })
    .await
    .unwrap();
    let options = desk.begin().await.unwrap().options;
    let answer = authenticator(2).register(&options, Statement::None);
    for name in ["x".repeat(65), "a\nb".to_owned()] {
        assert!(matches!(desk.finish(&answer, &name).await, Err(PasskeyRefused::Name)));
    }
    assert_eq!(desk.finish(&answer, "").await.unwrap().name, "Passkey 2");
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_passkeys() {
    let rig = Rig::start().await;
    let desk = Desk::of(&rig);
    for id in 0..MOST_PASSKEYS {
        desk.register(&authenticator(u8::try_from(id).unwrap()), Statement::None).await.unwrap();
    }
    assert!(matches!(desk.begin().await, Err(PasskeyRefused::TooMany)));
}

fn anchor(maker: &Maker, aaguid: Uuid) -> Anchor {
    Anchor { aaguid, description: "Test key".to_owned(), certificate: maker.root() }
}

#[tokio::test]
async fn a_list_of_models_is_kept_by_proof_alone() {
    let (maker, stranger) = (Maker::new(), Maker::new());
    let rig = Rig::start_with(Models::new(vec![anchor(&maker, MINE), anchor(&maker, OTHER)])).await;
    rig.decide(|policy| policy.passkeys.aaguids = Some(BTreeSet::from([MINE]))).await;
    let desk = Desk::of(&rig);
    assert_eq!(desk.begin().await.unwrap().options["attestation"], "direct");
    // Each of these claims the accepted AAGUID (conformance R3).
    for (case, statement) in [
        ("none", Statement::None),
        ("self attestation", Statement::SelfSigned),
        ("another maker", Statement::Chain(&stranger, MINE)),
        ("its own root", Statement::ChainWithRoot(&stranger, MINE)),
        ("another's certificate", Statement::Borrowed(&maker, MINE)),
        ("another model's certificate", Statement::Chain(&maker, OTHER)),
    ] {
        assert!(desk.register(&authenticator(1), statement).await.is_err(), "{case}");
    }
    let refused = desk.register(&authenticator(1), Statement::SelfSigned).await;
    assert!(matches!(refused, Err(PasskeyRefused::Policy(AttestationRefused::NotVerified))), "{refused:?}");
    let mut beside = authenticator(1);
    beside.aaguid = OTHER;
    assert!(
        desk.register(&beside, Statement::Chain(&maker, OTHER)).await.is_err(),
        "a model beside the list"
    );
    assert_eq!(desk.count().await, 0);
    let stored = desk.register(&authenticator(1), Statement::Chain(&maker, MINE)).await.unwrap();
    assert_eq!((stored.attestation.as_str(), stored.name.as_str()), ("verified packed", "Test key"));
}

#[tokio::test]
async fn the_policy_of_the_answer_counts() {
    let maker = Maker::new();
    let rig = Rig::start_with(Models::new(vec![anchor(&maker, MINE)])).await;
    let desk = Desk::of(&rig);
    // Begun where nothing had to be proved.
    let options = desk.begin().await.unwrap().options;
    rig.decide(|policy| policy.passkeys.required = true).await;
    let answer = authenticator(1).register(&options, Statement::None);
    let refused = desk.finish(&answer, "").await;
    assert!(matches!(refused, Err(PasskeyRefused::Policy(_))), "{refused:?}");
    // Required, though nobody could prove anything.
    rig.decide(|policy| policy.passkeys.aaguids = Some(BTreeSet::from([OTHER]))).await;
    assert!(matches!(desk.begin().await, Err(PasskeyRefused::Anchors(_))));
    rig.decide(|policy| {
        policy.passkeys.aaguids = None;
        policy.passkeys.formats = Some(BTreeSet::from([Format::Tpm]));
    })
    .await;
    let refused = desk.register(&authenticator(1), Statement::Chain(&maker, MINE)).await;
    assert!(
        matches!(refused, Err(PasskeyRefused::Policy(AttestationRefused::Format(Format::Packed)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn without_a_policy_the_row_says_what_was_proved() {
    let (maker, stranger) = (Maker::new(), Maker::new());
    let rig = Rig::start_with(Models::new(vec![anchor(&maker, MINE)])).await;
    let desk = Desk::of(&rig);
    for (id, statement, expected) in [
        (1, Statement::None, "none"),
        (2, Statement::SelfSigned, "self"),
        (3, Statement::Chain(&maker, MINE), "verified packed"),
        (4, Statement::Chain(&stranger, MINE), "unknown root packed"),
    ] {
        let stored = desk.register(&authenticator(id), statement).await.unwrap();
        assert_eq!(stored.attestation, expected);
    }
    let refused = desk.register(&authenticator(5), Statement::Borrowed(&maker, MINE)).await;
    assert!(
        matches!(refused, Err(PasskeyRefused::Invalid(_))),
        "a wrong signature is one everywhere: {refused:?}"
    );
}
