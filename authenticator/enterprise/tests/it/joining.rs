use latchkey_enterprise::keyring::{Refusal, Request};
use serde_json::json;

use crate::machine::Machine;
use crate::provider::{DEVICE, Provider};

#[test]
fn a_join_that_was_interrupted_goes_on_with_the_same_keys() {
    let provider = Provider::new();
    let mut machine = Machine::new(1);
    let at = machine.begin();
    let lost = machine.build(&at);
    // The answer was lost, or the program was killed: the next try finds the same place.
    assert_eq!(machine.begin(), at);
    let body = machine.build(&at);
    assert_eq!(body["TransportKey"], lost["TransportKey"]);
    machine.finish(&at, provider.register(&lost)).expect("the first certificate is for the same key");
    assert_eq!(machine.view().facts.device.expect("it has joined").id, DEVICE);
    assert!(matches!(machine.try_begin(), Err(Refusal::AlreadyJoined)));
}

#[test]
fn a_certificate_that_is_not_for_this_device_registers_nothing() {
    let provider = Provider::new();
    let (mut machine, mut other) = (Machine::new(2), Machine::new(4));
    let at = machine.begin();
    let body = machine.build(&at);
    let others = other.begin();
    let others = other.build(&others);
    let changed = |member: &str, value: serde_json::Value| {
        let mut answer = provider.register(&body);
        answer[member] = value;
        answer
    };
    let lies = [
        ("another key", provider.register(&others)),
        ("another tenant", changed("TenantId", json!(DEVICE))),
        ("another user", changed("User", json!({ "Upn": "eve@example.org" }))),
    ];
    for (what, lie) in lies {
        let refused = machine.finish(&at, lie);
        assert!(matches!(refused, Err(Refusal::ForeignCertificate(said)) if said == what), "{refused:?}");
        assert!(machine.view().facts.device.is_none(), "{what}: nothing is half-registered");
    }
    machine.finish(&at, provider.register(&body)).expect("the right one is still taken");
}

#[test]
fn leaving_deletes_every_key_of_the_tenant() {
    let provider = Provider::new();
    let (mut machine, at) = Machine::joined(&provider, 6);
    machine.ask(Request::Leave { at: at.clone() }).expect("it leaves");
    assert!(machine.container.compartments().expect("a list").is_empty());
    let signed = machine.body(Request::BuildDeviceRequest {
        at,
        nonce: "nonce".into(),
        audience: "https://id.example.org/EnrollmentServer/policy/".into(),
    });
    assert!(matches!(signed, Err(Refusal::NotJoined)), "nothing signs for it any more");
    assert!(machine.container.has_pin(), "the container stays");
}
