//! What is sealed opens in its place and nowhere else.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Place, Purpose, SealingKey};
use crate::secret::Secret32;

fn key(seed: u8, purpose: Purpose) -> SealingKey {
    SealingKey::derive(&Secret32::new([seed; 32]), purpose)
}

proptest! {
    #[test]
    fn opens_to_what_was_sealed(text in prop::collection::vec(any::<u8>(), 0..2000), seed in any::<u64>()) {
        let place = Place { container: &[1; 16], row: &[2; 32] };
        let sealed = key(1, Purpose::Records).seal(place, &text, &mut ChaCha20Rng::seed_from_u64(seed));
        prop_assert_eq!(sealed.len(), text.len() + 24 + 16);
        let opened = key(1, Purpose::Records).open(place, &sealed);
        prop_assert_eq!(opened.as_ref().map(|opened| opened.as_slice()), Some(text.as_slice()));
    }

    #[test]
    fn one_changed_bit_is_refused(text in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let place = Place { container: &[1; 16], row: &[2; 32] };
        let mut sealed = key(1, Purpose::Records).seal(place, &text, &mut ChaCha20Rng::seed_from_u64(1));
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(key(1, Purpose::Records).open(place, &sealed).is_none());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let place = Place { container: &[1; 16], row: &[2; 32] };
        prop_assert!(key(1, Purpose::Records).open(place, &bytes).is_none());
    }
}

#[test]
fn another_key_purpose_row_or_container_is_refused() {
    let place = Place { container: &[1; 16], row: &[2; 32] };
    let sealed = key(1, Purpose::Records).seal(place, b"text", &mut ChaCha20Rng::seed_from_u64(1));
    assert!(key(1, Purpose::Records).open(place, &sealed).is_some());
    assert!(key(2, Purpose::Records).open(place, &sealed).is_none());
    assert!(key(1, Purpose::AdminAuth).open(place, &sealed).is_none());
    let other_row = Place { row: &[3; 32], ..place };
    assert!(key(1, Purpose::Records).open(other_row, &sealed).is_none());
    let other_container = Place { container: &[3; 16], ..place };
    assert!(key(1, Purpose::Records).open(other_container, &sealed).is_none());
}
