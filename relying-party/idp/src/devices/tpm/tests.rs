//! What a stranger sends is read or refused, whatever it is.

use proptest::prelude::*;

use super::{Key, PublicArea, certified, make_credential};
use crate::domain::Rsa1;

/// An endorsement key of the default template with this modulus (TCG EK Credential Profile 2.0, L-1).
fn endorsement_key() -> Vec<u8> {
    let mut area = vec![0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20];
    area.extend_from_slice(&[7; 32]);
    area.extend_from_slice(&[
        0x00, 0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10, 0x08, 0x00, 0, 0, 0, 0, 0x01, 0x00,
    ]);
    area.extend_from_slice(&[0x81; 256]);
    area
}

#[test]
fn a_public_area_is_read_whole_or_not_at_all() {
    let whole = endorsement_key();
    let read = PublicArea::parse(&whole).unwrap();
    assert!(read.is_endorsement_key() && !read.is_attestation_key() && !read.is_decryption_key());
    assert_eq!(*read.key(), Key::Rsa(Rsa1::new(&[1, 0, 1], &[0x81; 256]).unwrap()));
    assert_eq!((read.name().len(), &read.name()[..2]), (34, &[0x00, 0x0b][..]));
    for length in 0..whole.len() {
        assert!(PublicArea::parse(&whole[..length]).is_err(), "{length}");
    }
    assert!(PublicArea::parse(&[whole.as_slice(), &[0]].concat()).is_err());
    // SHA-1 names, another cipher, another mode.
    for (at, byte) in [(3, 0x04), (43, 0x25), (47, 0x42), (45, 0x81)] {
        let mut other = whole.clone();
        other[at] = byte;
        assert!(PublicArea::parse(&other).is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..314_usize, byte: u8) {
        let mut area = endorsement_key();
        area[at] = byte;
        let key = PublicArea::parse(&endorsement_key()).unwrap();
        for area in [&area, &bytes] {
            if let Ok(read) = PublicArea::parse(area) {
                prop_assert_eq!(read.bytes(), area.as_slice());
                let _ = make_credential(&read, &read.name(), &[1; 32], &mut rng());
            }
            prop_assert!(certified(&key, (area, &bytes, area), &[0; 32]).is_err());
        }
        bytes.splice(0..0, [0x00, 0x18, 0x00, 0x0b]);
        prop_assert!(certified(&key, (&bytes, &bytes, &area), &[0; 32]).is_err());
    }
}

fn rng() -> rand_chacha::ChaCha20Rng {
    use rand_chacha::rand_core::SeedableRng as _;
    rand_chacha::ChaCha20Rng::seed_from_u64(1)
}
