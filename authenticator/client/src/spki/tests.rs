use latchkey_protocol::cose::CoseKey;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The key of WebAuthn Level 3 §16.2 (none.ES256), checked with another reader of DER.
#[test]
fn es256() {
    use p256::pkcs8::DecodePublicKey;
    let x = hex("afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61");
    let y = hex("930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220");
    let key = CoseKey::P256 { x: x.clone().try_into().unwrap(), y: y.clone().try_into().unwrap() };
    let der = encode(&key).unwrap();
    let read = p256::PublicKey::from_public_key_der(&der).unwrap();
    assert_eq!(read.to_sec1_bytes().to_vec(), [vec![4], x, y].concat());
}

#[test]
fn rs256_lengths_and_signs() {
    let key = CoseKey::Rsa { n: vec![0xc0; 256], e: vec![1, 0, 1] };
    let der = encode(&key).unwrap();
    let head = hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100c0");
    assert_eq!(&der[..head.len()], head);
    assert!(der.ends_with(&hex("c00203010001")));
    let short = CoseKey::Rsa { n: vec![0x40; 8], e: vec![3] };
    assert_eq!(
        encode(&short).unwrap(),
        hex("3021300d06092a864886f70d0101010500031000300d02084040404040404040020103"),
        "no leading zero where the sign bit is clear"
    );
}

/// The head is what OpenSSL writes.
#[test]
fn es384() {
    let head = hex("3076301006072a8648ce3d020106052b8104002203620004");
    let key = CoseKey::P384 { x: [7; 48], y: [8; 48] };
    assert_eq!(encode(&key), Some([head, vec![7; 48], vec![8; 48]].concat()));
}

#[test]
fn ed25519_and_others() {
    let expected = [hex("302a300506032b6570032100"), vec![5; 32]].concat();
    assert_eq!(encode(&CoseKey::Ed25519 { x: [5; 32] }), Some(expected));
    assert_eq!(encode(&CoseKey::MlDsa44 { key: vec![1; 1312] }), None);
}
