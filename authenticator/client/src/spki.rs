//! `SubjectPublicKeyInfo` in DER, as `getPublicKey()` returns it (WebAuthn Level 3 §5.2.1.1, RFC 5280 §4.1).

use latchkey_protocol::cose::CoseKey;

/// `AlgorithmIdentifier { id-ecPublicKey, prime256v1 }` (RFC 5480 §2.1.1).
const P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// `AlgorithmIdentifier { id-ecPublicKey, secp384r1 }` (RFC 5480 §2.1.1).
const P384: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
/// `AlgorithmIdentifier { rsaEncryption, NULL }` (RFC 3279 §2.3.1).
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// `AlgorithmIdentifier { id-Ed25519 }` (RFC 8410 §3).
const ED25519: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// The key in DER, for the algorithms that every client must know (ES256, RS256, Ed25519) and for ES384.
pub(crate) fn encode(key: &CoseKey) -> Option<Vec<u8>> {
    match key {
        CoseKey::P256 { x, y } => Some(info(P256, &[&[0x04], &x[..], y].concat())),
        CoseKey::P384 { x, y } => Some(info(P384, &[&[0x04], &x[..], y].concat())),
        CoseKey::Ed25519 { x } => Some(info(ED25519, x)),
        CoseKey::Rsa { n, e } => {
            let numbers = [integer(n), integer(e)].concat();
            Some(info(RSA, &element(SEQUENCE, &numbers)))
        }
        CoseKey::MlDsa44 { .. } | CoseKey::Other(_) => None,
    }
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // The bit string has no unused bits at its end.
    let key = element(BIT_STRING, &[&[0x00], key].concat());
    element(SEQUENCE, &[algorithm, &key].concat())
}

/// A positive number; a leading zero keeps the sign bit clear.
fn integer(number: &[u8]) -> Vec<u8> {
    match number.first() {
        Some(0x80..) => element(INTEGER, &[&[0x00], number].concat()),
        Some(_) | None => element(INTEGER, number),
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => encoded.push(0),
        [short @ 0..0x80] => encoded.push(*short),
        long => {
            // At most eight bytes of length, so the count fits.
            encoded.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            encoded.extend_from_slice(long);
        }
    }
    encoded.extend_from_slice(content);
    encoded
}

#[cfg(test)]
mod tests;
