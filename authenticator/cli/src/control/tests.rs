use serde_json::json;

use super::report::PasskeyReport;
use super::{Answer, PinOutcome, Request};
use crate::failure::{Failure, FailureKind};

#[test]
fn requests_are_read_as_they_are_written() {
    let lines = [
        r#"{"status":{}}"#,
        r#"{"create":{"require_tpm":true,"profile":"security-key"}}"#,
        r#"{"destroy":{"id":"ab"}}"#,
        r#"{"discard":{}}"#,
        r#"{"set_pin":{"new":"1234"}}"#,
        r#"{"change_pin":{"old":"1234","new":"5678"}}"#,
        r#"{"list_passkeys":{"pin":null}}"#,
        r#"{"delete_passkey":{"pin":"1234","id":"AAAA"}}"#,
        r#"{"rename_passkey":{"pin":"1234","id":"AAAA","label":"mine"}}"#,
        r#"{"open_session":{"pin":null}}"#,
        r#"{"enterprise":{"look":{}}}"#,
        r#"{"reset_pin":{"new":"1234","answer":{"secret":"AAAA"}}}"#,
        r#"{"rearm_pin":{"answer":{"secret":"AAAA"}}}"#,
        r#"{"delete_keys":{}}"#,
        r#"{"choose":{"rp_id":"localhost","choices":["a","b"]}}"#,
    ];
    for line in lines {
        let request: Request = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for line in [
        "",
        "{}",
        "null",
        r#"{"status":{"more":1}}"#,
        r#"{"statuses":{}}"#,
        r#"{"set_pin":{}}"#,
        r#"{"status":{}}x"#,
    ] {
        assert!(serde_json::from_str::<Request>(line).is_err(), "{line}");
    }
}

#[test]
fn a_secret_is_not_shown_in_debug_output() {
    let request: Request = serde_json::from_str(r#"{"set_pin":{"new":"secret-pin"}}"#).unwrap();
    assert!(!format!("{request:?}").contains("secret-pin"));
}

#[test]
fn answers_have_one_member_that_says_what_they_are() {
    let failure = Failure { kind: FailureKind::WrongPin, message: "wrong".into(), tries_left: Some(7) };
    let error = json!({"error": {"kind": "wrong_pin", "message": "wrong", "tries_left": 7}});
    assert_eq!(json!(Answer::Error(failure)), error);
    assert_eq!(json!(Answer::Pin(PinOutcome::Changed)), json!({"pin": "changed"}));
    assert_eq!(json!(Answer::Passkeys(Vec::<PasskeyReport>::new())), json!({"passkeys": []}));
    assert_eq!(json!(Answer::Chosen(2)), json!({"chosen": 2}));
}

#[test]
fn every_kind_of_failure_has_its_own_exit_code() {
    use FailureKind::{
        InUse, NoContainer, NotSignedIn, PinBlocked, Provider, Refused, Storage, Tpm, Unreachable, Usage,
        WrongPin,
    };
    let kinds = [
        Refused,
        Usage,
        NoContainer,
        WrongPin,
        PinBlocked,
        Tpm,
        Storage,
        InUse,
        NotSignedIn,
        Provider,
        Unreachable,
    ];
    let codes: Vec<u8> = kinds.iter().map(|kind| kind.exit_code()).collect();
    assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}
