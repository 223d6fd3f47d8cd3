//! What can be done with a credential ID that is not one of the relying party's own: nothing, and nothing is learned
//! (conformance.md A2, A7).

use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{CredentialDescriptor, Request, Status, get_assertion};

use crate::device::{Device, status};
use crate::platform::{RP, authentication, gesture_token, passkey, prove_authentication};

const OTHER_RP: &str = "other.example";

/// The IDs that are not alice's at [`RP`], made from hers and a foreign one.
fn not_mine(mine: &[u8], foreign: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut ids = vec![
        ("unknown", vec![0xA5; 32]),
        ("of another site", foreign.to_vec()),
        ("empty", Vec::new()),
        ("longer", [mine, &[0]].concat()),
        ("very long", vec![1; 1024]),
        ("two of them", [mine, mine].concat()),
    ];
    ids.extend((0..mine.len()).step_by(5).map(|length| ("truncated", mine[..length].to_vec())));
    for bit in (0..mine.len() * 8).step_by(19) {
        let mut flipped = mine.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        ids.push(("a bit flipped", flipped));
    }
    ids
}

/// A sign-in with these IDs alone.
fn sign_in(device: &mut Device, ids: Vec<Vec<u8>>, up: bool, proved: bool) -> Vec<u8> {
    let mut request = authentication();
    request.allow_list = Some(ids.into_iter().map(CredentialDescriptor::public_key).collect());
    request.options.up = (!up).then_some(false);
    if proved {
        let token = gesture_token(device, Permissions::GET_ASSERTION, Some(RP));
        prove_authentication(&mut request, &token);
    }
    device.send(&Request::GetAssertion(request))
}

#[test]
fn only_the_whole_id_at_its_own_site_is_one() {
    let mut device = Device::with_pin();
    let mine = passkey(&mut device, RP, "alice").id;
    let foreign = passkey(&mut device, OTHER_RP, "alice").id;
    let strangers = not_mine(&mine, &foreign);
    for (name, id) in &strangers {
        for up in [true, false] {
            let response = sign_in(&mut device, vec![id.clone()], up, true);
            assert_eq!(response, [Status::NO_CREDENTIALS.0], "{name}, up {up}: {}", status(&response));
        }
    }
    let mut all: Vec<Vec<u8>> = strangers.into_iter().map(|(_, id)| id).collect();
    all.push(mine.clone());
    let response = get_assertion::Response::parse(&sign_in(&mut device, all, true, true)).unwrap();
    assert_eq!(response.credential.unwrap().id, mine, "they do not stand in its way either");
}

#[test]
fn without_a_gesture_mine_and_not_mine_are_the_same() {
    let mut device = Device::with_pin();
    let mine = passkey(&mut device, RP, "alice").id;
    let foreign = passkey(&mut device, OTHER_RP, "alice").id;
    device.asked();
    let mut ids = not_mine(&mine, &foreign);
    ids.push(("mine", mine));
    for (name, id) in ids {
        let response = sign_in(&mut device, vec![id], false, false);
        assert_eq!(response, [Status::NO_CREDENTIALS.0], "{name}");
    }
    let mut request = authentication();
    request.options.up = Some(false);
    assert_eq!(device.send(&Request::GetAssertion(request)), [Status::NO_CREDENTIALS.0], "discoverable ones");
    assert!(device.asked().is_empty(), "and nobody was asked");
}

#[test]
fn an_id_says_nothing_of_what_its_passkey_is() {
    // Two passkeys that differ in everything: site, account, protection, extensions, discoverable or not.
    let mut device = Device::with_pin();
    let mut seen = std::collections::BTreeSet::new();
    for level in [None, Some(1), Some(2), Some(3)] {
        for discoverable in [true, false] {
            let mut request = crate::platform::registration();
            request.extensions.cred_protect = level;
            request.extensions.hmac_secret = Some(discoverable);
            request.options.rk = Some(discoverable);
            let id =
                crate::platform::attested(&crate::platform::register(&mut device, request)).credential_id;
            assert_eq!(id.len(), 32, "always the same length: 256 random bits, no flags, nothing wrapped");
            assert!(seen.insert(id), "and never the same");
        }
    }
}
