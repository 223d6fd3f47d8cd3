use latchkey_container::PublicKey;

use super::RsaKey;

fn key() -> RsaKey {
    let mut modulus = vec![0xC5; 256];
    modulus[255] = 0x01;
    RsaKey::of(&PublicKey::Rsa { modulus, exponent: 65_537 }).expect("an RSA key")
}

#[test]
fn the_blob_has_the_layout_of_bcrypt() {
    let blob = key().blob();
    assert_eq!(blob.len(), 24 + 3 + 256);
    assert_eq!(&blob[..4], b"RSA1");
    assert_eq!(&blob[4..8], &2048_u32.to_le_bytes());
    assert_eq!(&blob[8..12], &3_u32.to_le_bytes());
    assert_eq!(&blob[12..16], &256_u32.to_le_bytes());
    assert_eq!(&blob[16..24], &[0; 8]);
    assert_eq!(&blob[24..27], &[1, 0, 1]);
}

#[test]
fn the_info_holds_the_same_numbers() {
    let info = key().info().expect("an RSA key has one");
    assert!(info.windows(3).any(|window| window == [1, 0, 1]) && info.len() > 256);
}

#[test]
fn a_key_on_p256_is_none_of_rsa() {
    assert_eq!(RsaKey::of(&PublicKey::P256 { x: [1; 32], y: [2; 32] }), None);
}
