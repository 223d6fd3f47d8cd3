//! `blind-p256`: a key that the service helps to find again and never learns (McCallum-Relyea exchange, multiplicative
//! blinding), with a proof that it helped with the right scalar.
//!
//! For each purpose of each device's container there is a scalar `s`, derived from one master secret, and its point
//! `S = s·G`, which the device pins. The device forgot `x` after it made its key from `x·S`; it sends `Y = r·x·G` and gets
//! `E = s·Y`, of which only it can take `r` away. The proof (Chaum-Pedersen, made non-interactive by a hash) says that
//! `log_G S = log_Y E`.

use hkdf::Hkdf;
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::ff::FromUniformBytes as _;
use p256::{NonZeroScalar, ProjectivePoint, PublicKey, Scalar, SecretKey};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::point;

/// The length of a proof: challenge and response.
pub const PROOF: usize = 64;

/// What the scalars of one service key are derived from.
pub struct Master(Zeroizing<[u8; 32]>);

/// The scalar of one purpose of one device's container.
pub struct DeviceScalar(Zeroizing<NonZeroScalar>);

/// What the service gives back.
pub struct Evaluation {
    /// `E = s·Y`.
    pub point: PublicKey,
    /// `c || z`.
    pub proof: [u8; PROOF],
}

impl Evaluation {
    /// `E || c || z`, as the device gets it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [point::bytes(&self.point).as_slice(), &self.proof].concat()
    }
}

impl Master {
    /// A new one.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The one with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The scalar for these words, which name the purpose, the key, and whose device and container it is.
    #[must_use]
    pub fn scalar(&self, words: &str) -> DeviceScalar {
        DeviceScalar(Zeroizing::new(self.derive(words.as_bytes())))
    }

    /// The key that signs the points of this master secret.
    #[must_use]
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from(SecretKey::from(self.derive(b"latchkey pin reset blind signing 1\n")))
    }

    /// HKDF-SHA256 to 48 bytes, modulo the order: as good as uniform.
    fn derive(&self, info: &[u8]) -> NonZeroScalar {
        let mut wide = Zeroizing::new([0; 64]);
        let (_, low) = wide.split_at_mut(16);
        Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(info, low)
            .unwrap_or_else(|_| unreachable!("48 bytes are few"));
        NonZeroScalar::new(Scalar::from_uniform_bytes(&wide))
            .into_option()
            .unwrap_or_else(|| unreachable!("one in 2^256 is zero"))
    }
}

impl DeviceScalar {
    /// `S = s·G`, which the device pins.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::from_secret_scalar(&self.0)
    }

    /// `s·Y`, and the proof that it is.
    pub fn evaluate(&self, blinded: &PublicKey, rng: &mut dyn CryptoRng) -> Evaluation {
        let secret: &Scalar = &self.0;
        let point = times(blinded, secret);
        let nonce = Zeroizing::new(NonZeroScalar::generate_from_rng(rng));
        let nonce: &Scalar = &nonce;
        let generator = of(ProjectivePoint::GENERATOR);
        let points = [self.public(), *blinded, point, times(&generator, nonce), times(blinded, nonce)];
        let challenge = challenge(&points);
        let response = *nonce - challenge * secret;
        let mut proof = [0; PROOF];
        let (first, second) = proof.split_at_mut(32);
        first.copy_from_slice(&challenge.to_repr());
        second.copy_from_slice(&response.to_repr());
        Evaluation { point, proof }
    }
}

/// The hash of the proof: over the generator and `S`, `Y`, `E`, `A1`, `A2`, modulo the order.
fn challenge(points: &[PublicKey; 5]) -> Scalar {
    let mut hash = Sha256::new_with_prefix(b"latchkey dleq 1");
    hash.update(point::bytes(&of(ProjectivePoint::GENERATOR)));
    for each in points {
        hash.update(point::bytes(each));
    }
    let mut wide = [0; 64];
    let (_, low) = wide.split_at_mut(32);
    low.copy_from_slice(&hash.finalize());
    Scalar::from_uniform_bytes(&wide)
}

fn times(point: &PublicKey, scalar: &Scalar) -> PublicKey {
    of(point.to_projective() * scalar)
}

/// A product of a point and a scalar that are neither zero: the order is prime, so it is not the point at infinity.
fn of(point: ProjectivePoint) -> PublicKey {
    PublicKey::from_affine(point.to_affine())
        .unwrap_or_else(|_| unreachable!("neither the point nor the scalar is zero"))
}

#[cfg(test)]
mod tests;
