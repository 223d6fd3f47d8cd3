//! `create()` against a scripted authenticator.

use latchkey_client::{Attachment, Caller, ErrorName, TransactError, create};
use latchkey_protocol::attestation::{AttestationObject, AttestationStatement};
use latchkey_protocol::authenticator_data::Flags;
use latchkey_protocol::cbor::Value as Cbor;
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{Algorithm, Status};
use serde_json::{Value, json};

use crate::scripted::{CALLER, RP_ID, Scripted, bytes, id, id_text, rng};

fn options() -> Value {
    json!({
        "rp": { "id": RP_ID, "name": "Example" },
        "user": { "id": "AQID", "name": "alice", "displayName": "Alice" },
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut options = options();
    options[member] = value;
    options
}

fn run(options: &Value, authenticator: &mut Scripted) -> Result<Value, ErrorName> {
    create(&options.to_string(), CALLER, authenticator, &mut rng())
        .map(|response| serde_json::from_str(&response).unwrap())
        .map_err(|error| error.name)
}

#[test]
fn the_response_has_every_member_of_its_dictionary() {
    let mut authenticator = Scripted::new(&["rk"]);
    let response = run(&with("extensions", json!({ "credProps": true })), &mut authenticator).unwrap();
    assert_eq!(response["id"], id_text(1));
    assert_eq!(response["rawId"], id_text(1));
    assert_eq!(response["type"], "public-key");
    assert_eq!(response["authenticatorAttachment"], "platform");
    assert_eq!(response["clientExtensionResults"], json!({ "credProps": { "rk": false } }));
    let inner = &response["response"];
    assert_eq!(inner["transports"], json!(["internal", "usb"]));
    assert_eq!(inner["publicKeyAlgorithm"], -7);
    assert_eq!(bytes(&inner["publicKey"]).len(), 91);
    assert_eq!(
        String::from_utf8(bytes(&inner["clientDataJSON"])).unwrap(),
        r#"{"type":"webauthn.create","challenge":"AAECAwQFBgcICQoLDA0ODw","origin":"https://login.example.org","crossOrigin":false}"#
    );
    let attestation = AttestationObject::parse(&bytes(&inner["attestationObject"])).unwrap();
    assert_eq!(attestation.auth_data, bytes(&inner["authenticatorData"]));
    let asked = authenticator.only_make_credential();
    assert_eq!((asked.rp.id.as_str(), asked.rp.name.as_deref()), (RP_ID, Some("Example")));
    assert_eq!(asked.options.up, None);
    assert_eq!(asked.pub_key_cred_params.iter().map(|p| p.alg.0).collect::<Vec<_>>(), [-7, -257]);
}

#[test]
fn resident_key_wishes_meet_what_the_authenticator_can() {
    // Wish, whether it can; the option rk and credProps, or the error.
    for (wish, can, expected) in [
        ("required", true, Ok((Some(true), true))),
        ("required", false, Err(ErrorName::ConstraintError)),
        ("preferred", true, Ok((Some(true), true))),
        ("preferred", false, Ok((None, false))),
        ("discouraged", true, Ok((None, false))),
        ("discouraged", false, Ok((None, false))),
    ] {
        let mut authenticator = Scripted::new(if can { &["rk"] } else { &[] });
        let mut options = with("authenticatorSelection", json!({ "residentKey": wish }));
        options["extensions"] = json!({ "credProps": true });
        let outcome = run(&options, &mut authenticator).map(|response| {
            let rk = response["clientExtensionResults"]["credProps"]["rk"].as_bool().unwrap();
            (authenticator.only_make_credential().options.rk, rk)
        });
        assert_eq!(outcome, expected, "{wish}, rk {can}");
    }
}

#[test]
fn user_verification_wishes_meet_what_the_authenticator_can() {
    // Wish, the authenticator's options; the option uv in the request, or the error.
    for (wish, has, expected) in [
        ("required", &["uv"][..], Ok(Some(true))),
        ("required", &[], Err(ErrorName::ConstraintError)),
        ("required", &["clientPin"], Err(ErrorName::ConstraintError)),
        ("preferred", &["uv"], Ok(Some(true))),
        ("preferred", &[], Ok(None)),
        ("preferred", &["alwaysUv"], Err(ErrorName::NotAllowedError)),
        ("preferred", &["clientPin"], Err(ErrorName::NotAllowedError)),
        ("discouraged", &[], Ok(None)),
        ("discouraged", &["uv"], Ok(Some(true))),
        ("discouraged", &["uv", "makeCredUvNotRqd"], Ok(None)),
        ("discouraged", &["uv", "makeCredUvNotRqd", "alwaysUv"], Ok(Some(true))),
        ("discouraged", &["clientPin", "makeCredUvNotRqd"], Ok(None)),
        ("discouraged", &["alwaysUv"], Err(ErrorName::NotAllowedError)),
    ] {
        let mut authenticator = Scripted::new(has);
        let options = with("authenticatorSelection", json!({ "userVerification": wish }));
        let outcome =
            run(&options, &mut authenticator).map(|_| authenticator.only_make_credential().options.uv);
        assert_eq!(outcome, expected, "{wish}, {has:?}");
    }
    let error = create(&options().to_string(), CALLER, &mut Scripted::new(&["alwaysUv"]), &mut rng());
    assert!(error.unwrap_err().message.contains("latchkey pin set"));
}

#[test]
fn attestation_is_conveyed_as_asked() {
    let packed = || AttestationStatement::PackedSelf { alg: Algorithm::ES256, sig: vec![1, 2, 3] };
    let certified = || {
        AttestationStatement::Other(
            "packed".to_owned(),
            Cbor::Map(vec![
                (Cbor::from("alg"), Cbor::from(-7)),
                (Cbor::from("sig"), Cbor::Bytes(vec![1])),
                (Cbor::from("x5c"), Cbor::Array(vec![Cbor::Bytes(vec![2])])),
            ]),
        )
    };
    let (model, no_model) = ([9; 16], [0; 16]);
    for (wish, statement, aaguid, expected) in [
        (json!(null), packed(), model, AttestationStatement::None),
        (json!("none"), packed(), model, AttestationStatement::None),
        (json!("none"), packed(), no_model, packed()),
        (json!("none"), certified(), no_model, AttestationStatement::None),
        (json!("none"), certified(), model, AttestationStatement::None),
        (json!("none"), AttestationStatement::None, model, AttestationStatement::None),
        (json!("other"), packed(), model, AttestationStatement::None),
        (json!("indirect"), packed(), model, packed()),
        (json!("direct"), certified(), model, certified()),
        (json!("enterprise"), certified(), model, certified()),
    ] {
        let mut authenticator = Scripted::new(&["ep"]);
        authenticator.statement = statement;
        authenticator.aaguid = aaguid;
        let response = run(&with("attestation", wish.clone()), &mut authenticator).unwrap();
        let object = AttestationObject::parse(&bytes(&response["response"]["attestationObject"])).unwrap();
        assert_eq!(object.att_stmt, expected, "{wish}");
        assert_eq!(object.auth_data.get(37..53), Some(&aaguid[..]), "Level 3 keeps the AAGUID");
        let enterprise = authenticator.only_make_credential().enterprise_attestation;
        assert_eq!(enterprise, (wish == "enterprise").then_some(1));
    }
}

#[test]
fn excluded_credentials() {
    let list = |numbers: &[u8]| {
        let descriptors = numbers.iter().map(|n| json!({ "type": "public-key", "id": id_text(*n) }));
        with("excludeCredentials", descriptors.collect())
    };
    // A short list goes into the request as it is.
    let mut authenticator = Scripted::new(&[]).holding(&[5]);
    assert_eq!(run(&list(&[4, 5]), &mut authenticator), Err(ErrorName::InvalidStateError));
    assert_eq!(authenticator.get_assertions().0.len(), 0);
    // A long one is looked through in silence, and what is found is asked for alone.
    let mut authenticator = Scripted::new(&[]).holding(&[14]);
    assert_eq!(run(&list(&[10, 11, 12, 13, 14]), &mut authenticator), Err(ErrorName::InvalidStateError));
    assert_eq!(authenticator.get_assertions().0.len(), 3);
    let excluded = &authenticator.only_make_credential().exclude_list;
    assert_eq!(excluded.iter().map(|d| d.id.clone()).collect::<Vec<_>>(), [id(14)]);
    // Nothing found: nothing excluded.
    let mut authenticator = Scripted::new(&[]).holding(&[50]);
    assert!(run(&list(&[10, 11, 12]), &mut authenticator).is_ok());
    assert!(authenticator.only_make_credential().exclude_list.is_empty());
    assert!(authenticator.get_assertions().0.iter().all(|silent| silent.client_data_hash == [0; 32]));
}

#[test]
fn extensions_meet_what_the_authenticator_can() {
    let policy = |policy: &str, enforce: bool| json!({ "credentialProtectionPolicy": policy, "enforceCredentialProtectionPolicy": enforce });
    for (extensions, has, expected) in [
        (policy("userVerificationRequired", false), &["credProtect"][..], Ok(Some(3))),
        (policy("userVerificationOptionalWithCredentialIDList", true), &["credProtect"], Ok(Some(2))),
        (policy("userVerificationOptional", true), &["credProtect"], Ok(Some(1))),
        (policy("userVerificationRequired", false), &[], Ok(None)),
        (policy("userVerificationRequired", true), &[], Err(ErrorName::NotAllowedError)),
        (policy("userVerificationOptional", true), &[], Ok(None)),
        (json!({}), &["credProtect"], Ok(None)),
    ] {
        let mut authenticator = Scripted::new(&[]);
        authenticator.info.extensions = has.iter().map(|name| (*name).to_owned()).collect();
        let outcome = run(&with("extensions", extensions.clone()), &mut authenticator)
            .map(|_| authenticator.only_make_credential().extensions.cred_protect);
        assert_eq!(outcome, expected, "{extensions}");
    }
    let mut authenticator = Scripted::new(&[]);
    let response = run(&with("extensions", json!({ "prf": {} })), &mut authenticator).unwrap();
    assert_eq!(response["clientExtensionResults"], json!({ "prf": { "enabled": false } }));
    assert_eq!(authenticator.only_make_credential().extensions.hmac_secret, None);
}

#[test]
fn attachment_is_matched_and_reported() {
    for (wish, attachment, fits) in [
        ("platform", Attachment::Platform, true),
        ("cross-platform", Attachment::Platform, false),
        ("cross-platform", Attachment::CrossPlatform, true),
        ("platform", Attachment::CrossPlatform, false),
        ("unheard-of", Attachment::CrossPlatform, true),
    ] {
        let mut authenticator = Scripted::new(&[]);
        authenticator.attachment = attachment;
        let options = with("authenticatorSelection", json!({ "authenticatorAttachment": wish }));
        let outcome = run(&options, &mut authenticator);
        assert_eq!(outcome.is_ok(), fits, "{wish}");
        if let Ok(response) = outcome {
            assert_eq!(response["authenticatorAttachment"], attachment.as_str());
        }
    }
}

#[test]
fn a_wrong_caller_never_reaches_the_authenticator() {
    for origin in ["https://evil.test", "http://example.org", "https://example.org.evil.test", "null"] {
        let mut authenticator = Scripted::new(&[]);
        let caller = Caller { origin, cross_origin: false };
        let error = create(&options().to_string(), caller, &mut authenticator, &mut rng()).unwrap_err();
        assert_eq!(error.name, ErrorName::SecurityError, "{origin}");
        assert!(authenticator.asked.is_empty() && authenticator.limit.is_none());
    }
}

/// What is changed about the authenticator, the options, and the error.
type Case = (fn(&mut Scripted), Value, ErrorName);

#[test]
fn answers_that_do_not_fit_the_question_are_refused() {
    let cases: [Case; 4] = [
        (|a| a.signs_for = Some("example.com"), options(), ErrorName::UnknownError),
        (
            |a| a.flags = Flags::UP,
            with("authenticatorSelection", json!({ "userVerification": "required" })),
            ErrorName::NotAllowedError,
        ),
        (
            |a| a.key = CoseKey::Rsa { n: vec![0xc0; 256], e: vec![1, 0, 1] },
            with("pubKeyCredParams", json!([{ "type": "public-key", "alg": -7 }])),
            ErrorName::UnknownError,
        ),
        (|a| a.fails = Some(Ok(Status::OK)), options(), ErrorName::UnknownError),
    ];
    for (number, (change, options, expected)) in cases.into_iter().enumerate() {
        let mut authenticator = Scripted::new(&["uv"]);
        change(&mut authenticator);
        assert_eq!(run(&options, &mut authenticator), Err(expected), "case {number}");
    }
}

#[test]
fn failures_have_their_names() {
    for (failure, expected) in [
        (Ok(Status::OPERATION_DENIED), ErrorName::NotAllowedError),
        (Ok(Status::USER_ACTION_TIMEOUT), ErrorName::NotAllowedError),
        (Ok(Status::KEEPALIVE_CANCEL), ErrorName::AbortError),
        (Ok(Status::UNSUPPORTED_ALGORITHM), ErrorName::NotSupportedError),
        (Ok(Status::KEY_STORE_FULL), ErrorName::ConstraintError),
        (Ok(Status(0xF3)), ErrorName::UnknownError),
        (Err(TransactError::Cancelled), ErrorName::AbortError),
        (Err(TransactError::TimedOut), ErrorName::NotAllowedError),
        (Err(TransactError::Unreachable("gone".to_owned())), ErrorName::UnknownError),
    ] {
        let mut authenticator = Scripted::new(&[]);
        authenticator.fails = Some(failure.clone());
        assert_eq!(run(&options(), &mut authenticator), Err(expected), "{failure:?}");
    }
}

#[test]
fn the_carrier_learns_the_time_limit() {
    let mut authenticator = Scripted::new(&[]);
    run(&with("timeout", json!(60_000)), &mut authenticator).unwrap();
    assert_eq!(authenticator.limit.unwrap().as_secs(), 60);
}

#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let mut authenticator = Scripted::new(&[]);
    authenticator.info.max_msg_size = Some(64);
    assert_eq!(run(&options(), &mut authenticator), Err(ErrorName::UnknownError));
    assert!(authenticator.asked.is_empty());
}
