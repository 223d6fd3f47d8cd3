use latchkey_container::Biometric;

use super::{line, typed};
use crate::prompt::question::{Question, Typed, Want};

#[test]
fn the_question_is_one_line_with_every_member() {
    let question = Question {
        operation: "register",
        text: "Register a passkey at localhost as alice".into(),
        rp_id: Some("localhost".into()),
        user: Some("alice".into()),
        want: Want::Pin,
        tries_left: Some(7),
        gestures: vec![Biometric::Fingerprint],
        notice: Some("Wrong PIN. 7 tries left.".into()),
    };
    let expected = "{\"operation\":\"register\",\"text\":\"Register a passkey at localhost as alice\\nYour fingerprint or your PIN:\",\
        \"rp_id\":\"localhost\",\"user\":\"alice\",\"want\":\"pin\",\"word\":null,\"choices\":[],\"tries_left\":7,\
        \"notice\":\"Wrong PIN. 7 tries left.\",\"gestures\":[\"fingerprint\"]}\n";
    assert_eq!(line(&question).unwrap(), expected);
}

#[test]
fn each_answer_has_one_meaning() {
    assert!(matches!(typed(br#"{"pin":"123456"}"#), Ok(Typed::Pin(pin)) if pin.expose() == "123456"));
    assert!(matches!(typed(br#"{"approve":true}"#), Ok(Typed::Approved)));
    assert!(matches!(typed(br#"{"word":"reset"}"#), Ok(Typed::Word(word)) if word == "reset"));
    assert!(matches!(typed(br#"{"choice":1}"#), Ok(Typed::Choice(1))));
    assert!(matches!(typed(br#"{"deny":true}"#), Ok(Typed::Denied)));
    assert!(matches!(typed(br#"{"approve":false}"#), Ok(Typed::Denied)));
}

#[test]
fn other_answers_are_errors_that_do_not_quote_them() {
    for answer in [
        "",
        "{}",
        "null",
        r#"{"pin":123456}"#,
        r#"{"pin":"123456","approve":true}"#,
        r#"{"pin":"123456"} x"#,
        r#"{"deny":false}"#,
    ] {
        let error = typed(answer.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("123456"), "{answer}");
    }
}
