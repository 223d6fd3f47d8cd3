use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::{KeyAgreement, PinProtocol, SharedSecret};

fn pair(protocol: PinProtocol) -> (SharedSecret, SharedSecret) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let ours = KeyAgreement::generate(protocol, &mut rng);
    let theirs = KeyAgreement::generate(protocol, &mut rng);
    let (x, y) = theirs.public();
    let here = ours.decapsulate(&x, &y).unwrap();
    let (x, y) = ours.public();
    (here, theirs.decapsulate(&x, &y).unwrap())
}

#[test]
fn both_sides_agree_and_decrypt_each_other() {
    for protocol in PinProtocol::PREFERRED {
        let (here, there) = pair(protocol);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let sealed = here.encrypt(&[7; 64], &mut rng);
        assert_eq!(sealed.len(), if protocol == PinProtocol::Two { 80 } else { 64 });
        assert_eq!(there.decrypt(&sealed).unwrap().as_slice(), &[7; 64]);
    }
}

#[test]
fn protocol_two_never_repeats_a_ciphertext() {
    let (here, _) = pair(PinProtocol::Two);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    assert_ne!(here.encrypt(&[0; 32], &mut rng), here.encrypt(&[0; 32], &mut rng));
}

#[test]
fn a_ciphertext_that_is_not_whole_blocks_is_refused() {
    for protocol in PinProtocol::PREFERRED {
        let (here, _) = pair(protocol);
        assert!(here.decrypt(&[0; 31]).is_none());
    }
    let (two, _) = pair(PinProtocol::Two);
    assert!(two.decrypt(&[0; 15]).is_none(), "no room for the IV");
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let ours = KeyAgreement::generate(PinProtocol::Two, &mut rng);
    assert!(ours.decapsulate(&[1; 32], &[1; 32]).is_none());
    assert!(ours.decapsulate(&[0; 32], &[0; 32]).is_none());
}

/// YSA-2025-02: a device accepted the first 16 bytes of a MAC under protocol two.
#[test]
fn a_mac_has_exactly_its_length() {
    use hmac::{Hmac, KeyInit, Mac};
    let key = [9; 32];
    let mut computation = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    computation.update(b"message");
    let whole: [u8; 32] = computation.finalize().into_bytes().into();
    for length in 0..=whole.len() {
        let prefix = &whole[..length];
        assert_eq!(PinProtocol::One.verify(&key, &[b"mess", b"age"], prefix), length == 16, "one, {length}");
        assert_eq!(PinProtocol::Two.verify(&key, &[b"mess", b"age"], prefix), length == 32, "two, {length}");
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    assert!(!PinProtocol::Two.verify(&key, &[b"message"], &longer));
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut random = [0; 32];
    rng.fill_bytes(&mut random);
    assert!(!PinProtocol::Two.verify(&key, &[b"message"], &random));
}
