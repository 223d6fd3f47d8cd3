use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use latchkey_protocol::client_pin::Permissions;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use super::{Grant, Proof, Scope, TokenSlot};
use crate::pin_protocol::PinProtocol;

const MC: Permissions = Permissions::MAKE_CREDENTIAL;
const GA: Permissions = Permissions::GET_ASSERTION;
const CM: Permissions = Permissions::CREDENTIAL_MANAGEMENT;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A token that begins at 100 s, and its secret.
fn issued(rp_id: Option<&str>, user_is_present: bool) -> (TokenSlot<()>, [u8; 32]) {
    let mut slot = TokenSlot::empty();
    let grant = Grant {
        protocol: PinProtocol::Two,
        permissions: MC | GA | CM,
        rp_id: rp_id.map(str::to_owned),
        user_is_present,
    };
    let secret = *slot.begin(grant, (), seconds(100), &mut ChaCha20Rng::seed_from_u64(1));
    (slot, secret)
}

fn mac(secret: &[u8; 32]) -> Vec<u8> {
    let mut computation = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    computation.update(b"message");
    computation.finalize().into_bytes().to_vec()
}

fn may(slot: &mut TokenSlot<()>, secret: &[u8; 32], permission: Permissions, scope: Scope<'_>) -> bool {
    let param = mac(secret);
    let proof = Proof { protocol: PinProtocol::Two, param: &param };
    slot.authorise(proof, &[b"message"], permission, scope).is_some()
}

#[test]
fn an_unused_token_lasts_thirty_seconds_and_a_used_one_ten_minutes() {
    let (mut slot, _) = issued(None, false);
    assert!(!slot.observe(seconds(129)));
    assert!(slot.observe(seconds(130)));
    assert!(slot.id().is_none());

    let (mut slot, secret) = issued(None, false);
    assert!(may(&mut slot, &secret, GA, Scope::Bind("a.example")));
    assert!(!slot.observe(seconds(699)));
    assert!(slot.observe(seconds(700)));
}

#[test]
fn presence_lasts_thirty_seconds_and_is_spent_once() {
    let (mut slot, _) = issued(None, true);
    assert!(slot.user_present(seconds(129)));
    assert!(!slot.user_present(seconds(130)));
    slot.clear_user_present();
    assert!(!slot.user_present(seconds(101)));
    assert!(!issued(None, false).0.user_present(seconds(100)));
}

#[test]
fn the_first_use_binds_the_relying_party() {
    let (mut slot, secret) = issued(None, false);
    assert!(may(&mut slot, &secret, GA, Scope::Bind("a.example")));
    assert!(!may(&mut slot, &secret, GA, Scope::Bind("b.example")));
    assert!(may(&mut slot, &secret, MC, Scope::Bind("a.example")));
    assert!(slot.allows_rp("a.example") && !slot.allows_rp("b.example"));
}

#[test]
fn a_failed_use_binds_nothing() {
    let (mut slot, secret) = issued(None, false);
    assert!(!may(&mut slot, &[0; 32], GA, Scope::Bind("a.example")));
    assert!(may(&mut slot, &secret, GA, Scope::Bind("b.example")));
}

#[test]
fn a_bound_token_may_not_act_on_everything() {
    let hash = Sha256::digest("a.example");
    let other = Sha256::digest("b.example");
    let (mut slot, secret) = issued(Some("a.example"), false);
    assert!(!may(&mut slot, &secret, CM, Scope::Everything));
    assert!(may(&mut slot, &secret, CM, Scope::Hashed(&hash)));
    assert!(!may(&mut slot, &secret, CM, Scope::Hashed(&other)));
    let (mut slot, secret) = issued(None, false);
    assert!(may(&mut slot, &secret, CM, Scope::Everything));
    assert!(may(&mut slot, &secret, CM, Scope::Hashed(&other)));
}

#[test]
fn a_spent_token_permits_nothing_but_large_blobs() {
    let (mut slot, secret) = issued(None, true);
    slot.spend();
    for permission in [MC, GA, CM] {
        assert!(!may(&mut slot, &secret, permission, Scope::Later));
    }
    assert!(!slot.user_present(seconds(100)));
}

#[test]
fn a_new_token_ends_the_old_one() {
    let (mut slot, old) = issued(None, false);
    let id = slot.id();
    let grant = Grant { protocol: PinProtocol::Two, permissions: GA, rp_id: None, user_is_present: false };
    let new = *slot.begin(grant, (), seconds(100), &mut ChaCha20Rng::seed_from_u64(2));
    assert_ne!(slot.id(), id);
    assert!(!may(&mut slot, &old, GA, Scope::Later));
    assert!(may(&mut slot, &new, GA, Scope::Later));
    assert!(!may(&mut slot, &new, MC, Scope::Later), "a permission that was not asked for");
}

#[test]
fn a_token_of_one_protocol_is_nothing_to_the_other() {
    let (mut slot, secret) = issued(None, false);
    let param = mac(&secret);
    let proof = Proof { protocol: PinProtocol::One, param: &param[..16] };
    assert!(slot.authorise(proof, &[b"message"], GA, Scope::Later).is_none());
}
