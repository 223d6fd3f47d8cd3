use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::UnixTime;
use latchkey_enterprise::Secret;
use latchkey_enterprise::keyring::{Answer, CompartmentName, Refusal, Request};
use latchkey_enterprise::wire::WireError;
use serde_json::{Value, from_value, json};

use crate::machine::{Machine, NOW};
use crate::provider::{Provider, UPN, answer};

fn secret(text: &str) -> Secret {
    from_value(json!(text)).expect("text is a secret")
}

fn sign_in(at: &CompartmentName) -> Request {
    Request::BuildSignIn { at: at.clone(), user_nonce: "user".into(), device_nonce: "device".into() }
}

fn token(at: &CompartmentName) -> Request {
    Request::BuildToken {
        at: at.clone(),
        nonce: "nonce".into(),
        client: "app".into(),
        resource: Some("https://api".into()),
        scope: "openid".into(),
    }
}

/// A machine with a registered enterprise key, and the body of its join.
fn provisioned(seed: u64) -> (Machine, CompartmentName, Value) {
    let provider = Provider::new();
    let (mut machine, at) = Machine::joined(&provider, seed);
    let join = machine.build(&at);
    let build = |at: &CompartmentName| Request::BuildKey {
        at: at.clone(),
        nonce: "nonce".into(),
        audience: "https://id.example.org/EnrollmentServer/key/".into(),
    };
    let body = machine.body(build(&at)).expect("a key");
    assert_eq!(
        machine.body(build(&at)).expect("a key")["kngc"],
        body["kngc"],
        "done again it is the same key"
    );
    let registered = from_value(json!({ "kid": "k", "upn": UPN })).expect("it has the form of an answer");
    machine.ask(Request::FinishKey { at: at.clone(), registered }).expect("it is taken into use");
    (machine, at, join)
}

fn payload(jws: &str) -> Value {
    let payload = jws.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[test]
fn a_sign_in_is_built_around_both_nonces_and_its_token_proves_requests() {
    let (mut machine, at, join) = provisioned(30);
    let request = payload(&machine.signed(sign_in(&at)).expect("a request"));
    assert_eq!(request["request_nonce"], "device");
    assert_eq!(payload(request["assertion"].as_str().expect("an assertion"))["request_nonce"], "user");
    assert!(matches!(machine.signed(token(&at)), Err(Refusal::NotSignedIn)));
    let answer = secret(&Provider::primary_token("the token", &join));
    machine.ask(Request::FinishSignIn { at: at.clone(), answer }).expect("the session key is for us");
    let request = payload(&machine.signed(token(&at)).expect("a request"));
    assert_eq!(
        (request["refresh_token"].as_str(), request["resource"].as_str()),
        (Some("the token"), Some("https://api"))
    );
    let shown = machine.signed(Request::BuildCredential { at: at.clone(), nonce: "page".into() });
    assert_eq!(payload(&shown.expect("a credential"))["request_nonce"], "page");
    machine.ask(Request::SignOut { at: at.clone() }).expect("it signs out");
    assert!(matches!(machine.signed(token(&at)), Err(Refusal::Locked)));
    machine.unlock();
    assert!(matches!(machine.signed(token(&at)), Err(Refusal::NotSignedIn)), "the token is gone");
}

/// The session key that proved the request is kept for the answer; whoever asks for something in between takes it away,
/// and then the transport key opens it once more.
#[test]
fn an_answer_opens_also_when_something_else_was_asked_for_in_between() {
    let (mut machine, at, join) = provisioned(40);
    let primary = |token: &str| secret(&Provider::primary_token(token, &join));
    machine.ask(Request::FinishSignIn { at: at.clone(), answer: primary("first") }).expect("it is for us");
    let granted = |machine: &mut Machine| {
        let answer = secret(&answer(&json!({ "access_token": "granted", "expires_in": "3599" })));
        machine.ask(Request::FinishToken { at: at.clone(), answer })
    };
    let credential = Request::BuildCredential { at: at.clone(), nonce: "page".into() };
    for in_between in [None, Some(Request::Look {}), Some(token(&at)), Some(credential)] {
        machine.signed(token(&at)).expect("a request");
        drop(in_between.map(|request| machine.ask(request).expect("answered")));
        let Ok(Answer::Token(Some(token))) = granted(&mut machine) else { panic!("no token") };
        assert_eq!((token.access_token.expose(), token.expires_in), ("granted", 3599));
    }
    machine.signed(token(&at)).expect("a request");
    machine.ask(Request::Lock {}).expect("it locks");
    assert!(matches!(granted(&mut machine), Err(Refusal::Locked)), "the key does not outlive the session");
}

#[test]
fn the_session_key_of_another_device_does_not_displace_ours() {
    let (mut machine, at, join) = provisioned(34);
    let answer = secret(&Provider::primary_token("ours", &join));
    machine.ask(Request::FinishSignIn { at: at.clone(), answer }).expect("the session key is for us");
    let mut other = Machine::new(36);
    let place = other.begin();
    let theirs = secret(&Provider::primary_token("theirs", &other.build(&place)));
    let refused = machine.ask(Request::FinishSignIn { at: at.clone(), answer: theirs });
    assert!(matches!(refused, Err(Refusal::Wire(WireError::Unverified(_)))), "{refused:?}");
    assert_eq!(payload(&machine.signed(token(&at)).expect("a request"))["refresh_token"], "ours");
}

#[test]
fn without_a_gesture_nothing_of_the_users_is_signed() {
    let (mut machine, at, join) = provisioned(38);
    let answer = secret(&Provider::primary_token("the token", &join));
    machine.ask(Request::FinishSignIn { at: at.clone(), answer }).expect("the session key is for us");
    machine.ask(Request::Lock {}).expect("it locks");
    for request in [sign_in(&at), token(&at), Request::BuildCredential { at: at.clone(), nonce: "n".into() }]
    {
        assert!(matches!(machine.signed(request), Err(Refusal::Locked)));
    }
    // A change of PIN ends what the old one opened, and loses no token.
    machine.unlock();
    machine.change_pin("480175");
    assert!(matches!(machine.signed(token(&at)), Err(Refusal::Locked)));
    assert!(!machine.session.is_open());
    assert!(
        matches!(machine.ask(Request::Look {}), Ok(Answer::Compartments(_))),
        "what needs no gesture goes on"
    );
}

#[test]
fn a_session_that_nobody_uses_closes_where_the_policy_says_so_and_what_it_gave_out_shows() {
    let (mut machine, at, join) = provisioned(42);
    let answer = secret(&Provider::primary_token("the token", &join));
    machine.ask(Request::FinishSignIn { at: at.clone(), answer }).expect("the session key is for us");
    let minutes = |n: u64| UnixTime(NOW.0 + 60 * n);
    machine.session.expire(minutes(24 * 60));
    assert!(machine.session.is_open(), "without a rule it lasts");
    assert_eq!(machine.view().handed.count, 0);

    machine.session.follow(15);
    let _token = machine.signed_at(token(&at), minutes(14)).expect("it is open");
    let handed = machine.view_at(minutes(14)).handed;
    let last = handed.last.expect("a token was given");
    assert_eq!((handed.count, last.client.as_deref(), last.at), (1, Some("app"), minutes(14).0));
    // Looking and renewing are no use of it; a token is.
    let renewal = || Request::BuildRenewal { at: at.clone(), nonce: "nonce".into() };
    let _renewal = machine.signed_at(renewal(), minutes(28)).expect("it is open");
    assert_eq!(machine.session.closes_at(), Some(minutes(29)));
    for request in [token(&at), renewal()] {
        assert!(matches!(machine.signed_at(request, minutes(29)), Err(Refusal::Locked)));
    }
    let view = machine.view_at(minutes(29));
    assert!(!view.open && view.handed.count == 0 && view.facts.prt.is_some(), "the token itself stays");

    machine.unlock();
    machine.session.expire(UnixTime(NOW.0 - 1));
    assert!(!machine.session.is_open(), "a clock that was set back does not make it last");
}
