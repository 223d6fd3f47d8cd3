//! `get()` against a scripted authenticator.

use latchkey_client::{Account, Attachment, Caller, ErrorName, is_uvpaa, request};
use latchkey_protocol::Status;
use latchkey_protocol::authenticator_data::Flags;
use serde_json::{Value, json};

use crate::scripted::{CALLER, RP_ID, Scripted, bytes, id, id_text, rng};

fn options() -> Value {
    json!({ "rpId": RP_ID, "challenge": "AAECAwQFBgcICQoLDA0ODw" })
}

fn allowing(numbers: &[u8]) -> Value {
    let mut options = options();
    let descriptors = numbers.iter().map(|n| json!({ "type": "public-key", "id": id_text(*n) }));
    options["allowCredentials"] = descriptors.collect();
    options
}

fn nobody(_: &str, _: &[Account]) -> Option<usize> {
    panic!("there is nothing to choose")
}

fn run(options: &Value, authenticator: &mut Scripted) -> Result<Value, ErrorName> {
    request(&options.to_string(), CALLER, authenticator, &mut nobody, &mut rng())
        .map(|response| serde_json::from_str(&response).unwrap())
        .map_err(|error| error.name)
}

#[test]
fn the_response_has_every_member_of_its_dictionary() {
    let response = run(&options(), &mut Scripted::new(&[]).holding(&[5])).unwrap();
    assert_eq!(response["id"], id_text(5));
    assert_eq!(response["rawId"], id_text(5));
    assert_eq!(response["type"], "public-key");
    assert_eq!(response["authenticatorAttachment"], "platform");
    assert_eq!(response["clientExtensionResults"], json!({}));
    assert_eq!(bytes(&response["response"]["userHandle"]), [5]);
    assert_eq!(bytes(&response["response"]["signature"]), [3; 70]);
    assert_eq!(bytes(&response["response"]["authenticatorData"]).len(), 37);
    assert_eq!(
        String::from_utf8(bytes(&response["response"]["clientDataJSON"])).unwrap(),
        r#"{"type":"webauthn.get","challenge":"AAECAwQFBgcICQoLDA0ODw","origin":"https://login.example.org","crossOrigin":false}"#
    );
}

#[test]
fn an_allowed_credential_signs_even_if_it_is_not_named() {
    let mut authenticator = Scripted::new(&[]).holding(&[5, 6]);
    let response = run(&allowing(&[6]), &mut authenticator).unwrap();
    assert_eq!(response["id"], id_text(6));
    assert_eq!(response["response"].get("userHandle"), None);
    assert_eq!(run(&allowing(&[7, 6]), &mut authenticator.holding(&[6])).unwrap()["id"], id_text(6));
}

#[test]
fn long_allow_lists_are_looked_through_in_batches() {
    let mut authenticator = Scripted::new(&[]).holding(&[14]);
    assert_eq!(run(&allowing(&[10, 11, 12, 13, 14]), &mut authenticator).unwrap()["id"], id_text(14));
    let (silent, loud) = authenticator.get_assertions();
    let lists: Vec<usize> = silent.iter().map(|request| request.allow_list.as_ref().unwrap().len()).collect();
    assert_eq!(lists, [2, 2, 1]);
    assert_eq!(loud.unwrap().allow_list.as_ref().unwrap()[0].id, id(14));
    // Nothing there: presence is asked for all the same, so that the page cannot tell the two apart by the clock.
    let mut authenticator = Scripted::new(&[]).holding(&[99]);
    assert_eq!(run(&allowing(&[10, 11, 12]), &mut authenticator), Err(ErrorName::NotAllowedError));
    assert!(authenticator.get_assertions().1.is_some());
}

#[test]
fn an_allow_list_of_which_nothing_is_left_does_not_become_any_credential() {
    let strange = json!([{ "type": "strange", "id": id_text(5) }]);
    let long = json!([{ "type": "public-key", "id": "A".repeat(128) }]);
    for list in [strange, long] {
        let mut authenticator = Scripted::new(&[]).holding(&[5]);
        let mut options = options();
        options["allowCredentials"] = list.clone();
        assert_eq!(run(&options, &mut authenticator), Err(ErrorName::NotAllowedError), "{list}");
        assert!(authenticator.asked.is_empty());
    }
}

#[test]
fn several_accounts_are_put_to_the_user() {
    for (choice, expected) in [
        (Some(0), Ok(5)),
        (Some(2), Ok(7)),
        (Some(3), Err(ErrorName::NotAllowedError)),
        (None, Err(ErrorName::NotAllowedError)),
    ] {
        let mut authenticator = Scripted::new(&[]).holding(&[5, 6, 7]);
        let mut offered = Vec::new();
        let mut chooser = |rp_id: &str, accounts: &[Account]| {
            assert_eq!(rp_id, RP_ID);
            offered = accounts.to_vec();
            choice
        };
        let outcome = request(&options().to_string(), CALLER, &mut authenticator, &mut chooser, &mut rng());
        let outcome = outcome.map(|response| serde_json::from_str::<Value>(&response).unwrap());
        match expected {
            Ok(number) => {
                let response = outcome.unwrap();
                assert_eq!(response["id"], id_text(number));
                assert_eq!(bytes(&response["response"]["userHandle"]), [number]);
            }
            Err(name) => assert_eq!(outcome.unwrap_err().name, name),
        }
        let names: Vec<_> = offered.iter().map(|account| account.name.clone().unwrap()).collect();
        assert_eq!(names, ["user5", "user6", "user7"]);
    }
}

#[test]
fn user_verification_wishes_meet_what_the_authenticator_can() {
    for (wish, has, expected) in [
        ("required", &["uv"][..], Ok(Some(true))),
        ("required", &[], Err(ErrorName::NotAllowedError)),
        ("preferred", &["uv"], Ok(Some(true))),
        ("preferred", &[], Ok(None)),
        ("preferred", &["clientPin"], Ok(None)),
        ("preferred", &["alwaysUv"], Err(ErrorName::NotAllowedError)),
        ("discouraged", &["uv"], Ok(None)),
        ("discouraged", &["uv", "alwaysUv"], Ok(Some(true))),
        ("discouraged", &["alwaysUv"], Err(ErrorName::NotAllowedError)),
    ] {
        let mut authenticator = Scripted::new(has).holding(&[5]);
        let mut options = options();
        options["userVerification"] = json!(wish);
        let outcome =
            run(&options, &mut authenticator).map(|_| authenticator.get_assertions().1.unwrap().options.uv);
        assert_eq!(outcome, expected, "{wish}, {has:?}");
    }
}

/// What is changed about the authenticator, the options, and the error.
type Case = (fn(&mut Scripted), Value, ErrorName);

#[test]
fn answers_that_do_not_fit_the_question_are_refused() {
    let cases: [Case; 5] = [
        (|a| a.signs_for = Some("example.com"), options(), ErrorName::UnknownError),
        (|a| a.flags = Flags::UV, options(), ErrorName::NotAllowedError),
        (|a| a.flags = Flags::UP, options(), ErrorName::NotAllowedError),
        (|a| a.holds[0].1.id.clear(), options(), ErrorName::UnknownError),
        (|a| a.fails = Some(Ok(Status::OK)), options(), ErrorName::UnknownError),
    ];
    for (number, (change, mut options, expected)) in cases.into_iter().enumerate() {
        options["userVerification"] = json!("required");
        let mut authenticator = Scripted::new(&["uv"]).holding(&[5]);
        change(&mut authenticator);
        assert_eq!(run(&options, &mut authenticator), Err(expected), "case {number}");
    }
}

#[test]
fn prf_inputs_that_nobody_can_serve() {
    let prf = |mut options: Value, prf: Value| {
        options["extensions"] = json!({ "prf": prf });
        options
    };
    let by = json!({ "evalByCredential": { id_text(5): { "first": "AQ" } } });
    let mut authenticator = Scripted::new(&["uv"]).holding(&[5]);
    assert_eq!(run(&prf(options(), by.clone()), &mut authenticator), Err(ErrorName::NotSupportedError));
    assert_eq!(run(&prf(allowing(&[6]), by), &mut authenticator), Err(ErrorName::SyntaxError));
    // An authenticator without hmac-secret leaves the extension out, and still signs.
    let eval = json!({ "eval": { "first": "AQ" } });
    let response = run(&prf(options(), eval), &mut authenticator).unwrap();
    assert_eq!(response["clientExtensionResults"], json!({ "prf": {} }));
}

#[test]
fn a_wrong_caller_never_reaches_the_authenticator() {
    let mut authenticator = Scripted::new(&[]).holding(&[5]);
    let caller = Caller { origin: "https://evil.test", cross_origin: false };
    let error = request(&options().to_string(), caller, &mut authenticator, &mut nobody, &mut rng());
    assert_eq!(error.unwrap_err().name, ErrorName::SecurityError);
    assert!(authenticator.asked.is_empty());
}

#[test]
fn a_cross_origin_frame_is_signed_as_one() {
    let caller = Caller { cross_origin: true, ..CALLER };
    let mut authenticator = Scripted::new(&[]).holding(&[5]);
    let response =
        request(&options().to_string(), caller, &mut authenticator, &mut nobody, &mut rng()).unwrap();
    let response: Value = serde_json::from_str(&response).unwrap();
    let client_data: Value = serde_json::from_slice(&bytes(&response["response"]["clientDataJSON"])).unwrap();
    assert_eq!(client_data["crossOrigin"], true);
}

#[test]
fn uvpaa_means_a_platform_authenticator_that_can_verify_now() {
    for (has, attachment, expected) in [
        (&["uv"][..], Attachment::Platform, true),
        (&["uv"], Attachment::CrossPlatform, false),
        (&[], Attachment::Platform, false),
        (&["clientPin"], Attachment::Platform, false),
    ] {
        let mut authenticator = Scripted::new(has);
        authenticator.attachment = attachment;
        assert_eq!(is_uvpaa(&mut authenticator), expected, "{has:?}");
    }
}
