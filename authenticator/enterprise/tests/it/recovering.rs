use latchkey_container::RecoveryPurpose;
use latchkey_enterprise::keyring::{CompartmentName, Refusal, Request};
use latchkey_enterprise::wire::WireError;
use serde_json::{Value, from_value, json};

use crate::machine::Machine;
use crate::provider::Provider;

fn set(at: &CompartmentName, key: Value) -> Request {
    Request::SetRecovery { at: at.clone(), key: Some(from_value(key).expect("it has the form of a key")) }
}

fn begin(at: &CompartmentName) -> Request {
    Request::BuildRecovery {
        at: at.clone(),
        nonce: "nonce".into(),
        audience: "https://id.example.org/unprotectsecret/v1".into(),
        rearm: false,
    }
}

#[test]
fn the_protector_is_made_with_the_first_use_of_the_pin_after_the_key_came() {
    let provider = Provider::new();
    let (mut machine, at) = Machine::joined(&provider, 10);
    machine.ask(set(&at, provider.reset_key())).expect("the anchor vouches for it");
    let recovery = machine.view().recovery;
    assert!(recovery.wanted && !recovery.present, "there was no gesture yet: {recovery:?}");
    machine.unlock();
    let view = machine.view();
    assert!(view.recovery.present && view.recovery.fits, "{:?}", view.recovery);
    assert_eq!(view.facts.reset_key_until, Some(1_798_761_600), "2027-01-01");
    machine.session.close();
    let body = machine.body(begin(&at)).expect("a forgotten PIN cannot be asked for");
    assert!(body["protectedSecret"].is_string() && body["request"].is_string());
}

#[test]
fn the_key_of_a_man_in_the_middle_never_gets_a_protector() {
    let (provider, theirs) = (Provider::new(), Provider::new());
    let (mut machine, at) = Machine::joined(&provider, 12);
    let refused = machine.ask(set(&at, theirs.reset_key()));
    assert!(matches!(refused, Err(Refusal::Wire(WireError::Unverified(_)))), "{refused:?}");
    machine.unlock();
    let recovery = machine.view().recovery;
    assert!(!recovery.wanted && !recovery.present, "{recovery:?}");
}

#[test]
fn a_policy_cannot_exchange_the_anchor() {
    let (provider, theirs) = (Provider::new(), Provider::new());
    let (mut machine, at) = Machine::joined(&provider, 14);
    let policy = |value: Value| Box::new(from_value(value).expect("it has the form of a policy"));
    let refused = machine.ask(Request::SetPolicy { at: at.clone(), policy: policy(theirs.policy()) });
    assert!(matches!(refused, Err(Refusal::OtherAnchor)), "{refused:?}");
    // Nor by leaving the service out first.
    let mut without = provider.policy();
    without.as_object_mut().expect("a policy is an object").remove("PinReset");
    machine
        .ask(Request::SetPolicy { at: at.clone(), policy: policy(without) })
        .expect("a policy may do that");
    let refused = machine.ask(Request::SetPolicy { at: at.clone(), policy: policy(theirs.policy()) });
    assert!(matches!(refused, Err(Refusal::OtherAnchor)), "{refused:?}");
    machine
        .ask(Request::SetPolicy { at, policy: policy(provider.policy()) })
        .expect("the same anchor is the same service");
}

#[test]
fn a_policy_of_another_tenant_is_not_taken() {
    let provider = Provider::new();
    let (mut machine, at) = Machine::joined(&provider, 16);
    let mut policy = provider.policy();
    policy["tenantId"] = json!("5d0c8f5a-3b7e-4f0d-a1c2-9e8f7a6b5c12");
    let policy = Box::new(from_value(policy).expect("it has the form of a policy"));
    let refused = machine.ask(Request::SetPolicy { at, policy });
    assert!(matches!(refused, Err(Refusal::Wire(WireError::Unverified("a policy")))), "{refused:?}");
}

#[test]
fn an_answer_is_taken_once_and_only_for_its_purpose() {
    let provider = Provider::new();
    let (mut machine, at) = Machine::joined(&provider, 18);
    machine.ask(set(&at, provider.reset_key())).expect("the anchor vouches for it");
    machine.unlock();
    let answer = from_value(json!({ "secret": "AAAA" })).expect("it has the form of an answer");
    let session = &mut machine.session;
    assert!(matches!(session.answer_recovery(RecoveryPurpose::Recover, &answer), Err(Refusal::NoRecovery)));
    machine.body(begin(&at)).expect("a request");
    let session = &mut machine.session;
    assert!(matches!(
        session.answer_recovery(RecoveryPurpose::Administer, &answer),
        Err(Refusal::NoRecovery)
    ));
    assert!(matches!(session.answer_recovery(RecoveryPurpose::Recover, &answer), Err(Refusal::NoRecovery)));
    machine.body(begin(&at)).expect("a request");
    assert!(machine.session.answer_recovery(RecoveryPurpose::Recover, &answer).is_ok());
}
