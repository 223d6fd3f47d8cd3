//! Points of P-256 as they travel: SEC 1, uncompressed.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use zeroize::Zeroizing;

/// The length of an uncompressed point.
pub const POINT: usize = 65;

/// The x-coordinate that an ECDH gives: a secret.
pub type Shared = Zeroizing<[u8; 32]>;

/// Reads an uncompressed point. Nothing if it is written in another way, is not on the curve, or is the point at infinity. The
/// curve's order is prime, so there is no small subgroup to land in.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<PublicKey> {
    if bytes.len() != POINT || bytes.first() != Some(&4) {
        return None;
    }
    PublicKey::from_sec1_bytes(bytes).ok()
}

/// The point, uncompressed.
#[must_use]
pub fn bytes(point: &PublicKey) -> [u8; POINT] {
    let encoded = point.to_sec1_point(false);
    encoded.as_bytes().try_into().unwrap_or_else(|_| unreachable!("an uncompressed point has 65 bytes"))
}

/// ECDH in software.
#[must_use]
pub fn agree(private: &SecretKey, public: &PublicKey) -> Shared {
    let shared = private.diffie_hellman(public);
    Zeroizing::new((*shared.raw_secret_bytes()).into())
}
