use std::time::Duration;

use url::Url;
use webauthn_rs::prelude::{WebauthnBuilder, WebauthnError};

use super::*;
use crate::clock::UnixTime;
use crate::mds::{Freshness, Trust};

#[path = "../../tests/shared/authenticator.rs"]
mod authenticator;

use authenticator::{Authenticator, Maker, Statement};

const MINE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn policy(change: impl FnOnce(&mut AttestationPolicy)) -> AttestationPolicy {
    let mut policy = AttestationPolicy::default();
    change(&mut policy);
    policy
}

fn only(aaguid: Uuid) -> AttestationPolicy {
    policy(|policy| policy.aaguids = Some(BTreeSet::from([aaguid])))
}

fn verified(aaguid: Uuid, format: Format) -> Verified {
    Verified { aaguid, format }
}

/// The real BLOB, as of January 2023.
fn blob() -> Blob {
    let trust = Trust::fido_alliance();
    let text = include_str!("../../tests/data/mds3-real-no23.jwt");
    let now = UnixTime::from_seconds(1_673_740_800);
    Blob::verify(text, &trust, Freshness::Within(Duration::ZERO), None, now).unwrap()
}

fn anchor(maker: &Maker, aaguid: Uuid) -> Anchor {
    Anchor { aaguid, description: "Test key".to_owned(), certificate: maker.root() }
}

fn anchors(maker: &Maker, aaguid: Uuid) -> AttestationCaList {
    only(aaguid).anchors(None, &[anchor(maker, aaguid)]).unwrap()
}

/// A whole registration ceremony of an authenticator that claims to be the model `claimed`.
fn register(
    anchors: AttestationCaList,
    claimed: Uuid,
    statement: Statement<'_>,
) -> Result<AttestedPasskey, WebauthnError> {
    let origin = "https://login.example.test";
    let url = Url::parse(origin).unwrap();
    let webauthn = WebauthnBuilder::new("login.example.test", &url).unwrap().build().unwrap();
    let user = Uuid::from_u128(77);
    let (options, state) =
        webauthn.start_attested_passkey_registration(user, "ada", "Ada", None, anchors, None).unwrap();
    let options = serde_json::to_value(&options.public_key).unwrap();
    let mut authenticator = Authenticator::new("login.example.test", origin, 9);
    authenticator.aaguid = claimed;
    let response = serde_json::from_value(authenticator.register(&options, statement)).unwrap();
    webauthn.finish_attested_passkey_registration(&response, &state)
}

#[test]
fn a_model_that_its_maker_certifies_is_accepted() {
    let maker = Maker::new();
    for statement in [Statement::Chain(&maker, MINE), Statement::ChainWithRoot(&maker, MINE)] {
        let anchors = anchors(&maker, MINE);
        let passkey = register(anchors.clone(), MINE, statement).unwrap();
        let verified = Verified::of(&passkey, &anchors).unwrap();
        assert_eq!((verified.aaguid(), verified.format()), (MINE, Format::Packed));
        assert_eq!(only(MINE).accept(Some(&verified), None), Ok(()));
        assert_eq!(only(OTHER).accept(Some(&verified), None), Err(AttestationRefused::Model(MINE)));
    }
}

/// Each of these claims the accepted AAGUID (conformance R3).
#[test]
fn a_claimed_model_is_refused() {
    let (maker, stranger) = (Maker::new(), Maker::new());
    let register = |statement| register(anchors(&maker, MINE), MINE, statement);
    for (case, statement) in [
        ("self attestation", Statement::SelfSigned),
        ("no attestation", Statement::None),
        ("a chain under a root of their own", Statement::Chain(&stranger, MINE)),
        ("a chain that brings its own root", Statement::ChainWithRoot(&stranger, MINE)),
        ("a certificate without its key", Statement::Borrowed(&maker, MINE)),
        ("a certificate of another model", Statement::Chain(&maker, OTHER)),
    ] {
        assert!(register(statement).is_err(), "{case}");
    }
    let outcome = register(Statement::SelfSigned);
    assert!(matches!(outcome, Err(WebauthnError::AttestationNotVerifiable)), "{outcome:?}");
}

#[test]
fn a_model_beside_the_accepted_one_is_refused() {
    let maker = Maker::new();
    let outcome = register(anchors(&maker, MINE), OTHER, Statement::Chain(&maker, OTHER));
    assert!(matches!(outcome, Err(WebauthnError::AttestationUntrustedAaguid)), "{outcome:?}");
}

#[test]
fn a_passkey_is_judged_again_under_a_new_policy() {
    let (maker, stranger) = (Maker::new(), Maker::new());
    let passkey = register(anchors(&maker, MINE), MINE, Statement::Chain(&maker, MINE)).unwrap();
    // The same root, for another model only: `verify_attestation` alone would not see the difference.
    let beside = anchors(&maker, OTHER);
    assert!(passkey.verify_attestation(&beside).is_ok());
    assert_eq!(Verified::of(&passkey, &beside), Err(AttestationRefused::NotTrusted));
    assert_eq!(Verified::of(&passkey, &anchors(&stranger, MINE)), Err(AttestationRefused::NotTrusted));
    assert_eq!(Verified::of(&passkey, &AttestationCaList::default()), Err(AttestationRefused::NotTrusted));
}

#[test]
fn without_attestation_only_the_lax_policy_accepts() {
    let lax = AttestationPolicy::default();
    assert!(!lax.needs_attestation());
    assert_eq!(lax.accept(None, None), Ok(()));
    assert_eq!(lax.accept(None, Some(&blob())), Ok(()));
    for strict in [
        policy(|policy| policy.required = true),
        only(MINE),
        policy(|policy| policy.formats = Some(BTreeSet::from([Format::Tpm]))),
        policy(|policy| policy.metadata = MetadataRule::RequireKnown),
    ] {
        assert!(strict.needs_attestation(), "{strict:?}");
        assert_eq!(strict.accept(None, None), Err(AttestationRefused::NotVerified), "{strict:?}");
    }
}

#[test]
fn formats_and_metadata_decide() {
    let blob = blob();
    let known = Uuid::try_parse("9c835346-796b-4c27-8898-d6032f515cc5").unwrap();
    let packed = policy(|policy| policy.formats = Some(BTreeSet::from([Format::Packed])));
    assert_eq!(packed.accept(Some(&verified(known, Format::Packed)), None), Ok(()));
    let refused = Err(AttestationRefused::Format(Format::Tpm));
    assert_eq!(packed.accept(Some(&verified(known, Format::Tpm)), None), refused);

    let listed = policy(|policy| policy.metadata = MetadataRule::RequireKnown);
    let unlisted = policy(|policy| policy.required = true);
    for (policy, aaguid, blob, accepted) in [
        (&listed, known, Some(&blob), true),
        (&listed, MINE, Some(&blob), false),
        (&listed, known, None, false),
        (&unlisted, MINE, Some(&blob), true),
    ] {
        let expected = if accepted { Ok(()) } else { Err(AttestationRefused::Unknown(aaguid)) };
        assert_eq!(policy.accept(Some(&verified(aaguid, Format::Packed)), blob), expected);
    }
}

#[test]
fn compromised_and_unreadable_models_are_refused_and_have_no_anchor() {
    let blob = crate::mds::blob_of(&[(1, &["FIDO_CERTIFIED"][..]), (2, &["REVOKED"])], &[3]);
    let required = policy(|policy| policy.required = true);
    let judge =
        |aaguid| required.accept(Some(&verified(Uuid::from_u128(aaguid), Format::Packed)), Some(&blob));
    assert_eq!(judge(1), Ok(()));
    let status = "REVOKED".to_owned();
    assert_eq!(judge(2), Err(AttestationRefused::Compromised { aaguid: OTHER, status }));
    assert_eq!(judge(3), Err(AttestationRefused::Unknown(Uuid::from_u128(3))));

    let maker = Maker::new();
    let own = [1, 2, 3].map(|aaguid| anchor(&maker, Uuid::from_u128(aaguid)));
    let list = required.anchors(Some(&blob), &own).unwrap();
    let models: Vec<_> = list.cas().values().flat_map(|anchor| anchor.aaguids().keys().copied()).collect();
    assert_eq!(models, [MINE]);
}

#[test]
fn anchors_are_those_of_accepted_models() {
    let blob = blob();
    let known = Uuid::try_parse("9c835346-796b-4c27-8898-d6032f515cc5").unwrap();
    let list = only(known).anchors(Some(&blob), &[]).unwrap();
    assert_eq!(list.len(), 1);
    assert!(
        list.cas().values().all(|anchor| anchor.aaguids().keys().eq([&known]) && !anchor.blanket_allow())
    );
    // All models: many makers, each model under its own roots.
    let all = policy(|policy| policy.required = true).anchors(Some(&blob), &[]).unwrap();
    assert!(all.len() > 50, "{}", all.len());

    assert_eq!(only(MINE).anchors(Some(&blob), &[]), Err(AnchorsError::Nothing));
    assert_eq!(only(MINE).anchors(None, &[]), Err(AnchorsError::Nothing));
    let broken = Anchor { aaguid: MINE, description: String::new(), certificate: vec![1, 2, 3] };
    assert_eq!(only(MINE).anchors(None, &[broken]), Err(AnchorsError::Certificate(MINE)));
}

#[test]
fn a_policy_is_json_and_nothing_in_it_is_overlooked() {
    let read = serde_json::from_str::<AttestationPolicy>;
    assert_eq!(read("{}").unwrap(), AttestationPolicy::default());
    let text = serde_json::to_string(&only(MINE)).unwrap();
    assert_eq!(read(&text).unwrap(), only(MINE));
    assert!(read(r#"{"aaguid":["00000000-0000-0000-0000-000000000001"]}"#).is_err(), "a slip of the pen");
}

#[test]
fn anchors_come_from_pem_text_under_their_own_name() {
    let root = Maker::new().root_pem();
    let read = Anchor::from_pem(MINE, &root.repeat(2)).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].aaguid, read[0].description.as_str()), (MINE, "Test maker root"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "nothing", broken] {
        assert_eq!(Anchor::from_pem(MINE, text), Err(AnchorError), "{text}");
    }
}
