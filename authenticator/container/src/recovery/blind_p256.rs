//! `blind-p256`: the exchange of `McCallum` and Relyea with multiplicative blinding. The service has a scalar `s` for this
//! device and purpose and publishes `S = s·G`. A secret comes from `x·S`, of which only `X = x·G` is kept. To recover
//! it the service is shown `Y = r·X` with a random `r`, answers `E = s·Y` and proves that it used that very `s`
//! (Chaum-Pedersen); `E/r = x·S`. It never sees `X` or the secret.

use hkdf::Hkdf;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::ops::{Invert, Reduce};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::elliptic_curve::{Generate, PrimeField};
use p256::{AffinePoint, FieldBytes, NonZeroScalar, ProjectivePoint, PublicKey, Scalar};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::Point;
use crate::secret::Secret32;

/// What the hash of the proof begins with.
const PROOF_LABEL: &[u8] = b"latchkey dleq 1";

/// What takes the blinding of one request off again; wiped on drop.
pub(super) struct Blinding {
    factor: NonZeroScalar,
    blinded: PublicKey,
}

impl Drop for Blinding {
    fn drop(&mut self) {
        self.factor.zeroize();
    }
}

/// A secret that the service of `point` can help to recover, and the point to keep.
pub(super) fn protect(point: &Point, info: &[u8], rng: &mut dyn CryptoRng) -> Option<(Point, Secret32)> {
    let service = PublicKey::from_sec1_bytes(point).ok()?;
    let scalar = Zeroizing::new(NonZeroScalar::generate_from_rng(rng));
    Some((encode(&PublicKey::from_secret_scalar(&scalar)), secret(&scalar, &service, info)))
}

/// Blinds the point that was kept.
pub(super) fn blind(kept: &[u8], rng: &mut dyn CryptoRng) -> Option<(Blinding, Point)> {
    let kept = PublicKey::from_sec1_bytes(kept).ok()?;
    let factor = NonZeroScalar::generate_from_rng(rng);
    let blinded = kept.to_projective() * *factor;
    let blinded = PublicKey::from_affine(blinded.to_affine()).ok()?;
    let point = encode(&blinded);
    Some((Blinding { factor, blinded }, point))
}

impl Blinding {
    /// A blinding that is known.
    #[cfg(test)]
    pub fn of(factor: &[u8], blinded: &Point) -> Self {
        Self {
            factor: NonZeroScalar::try_from(factor).unwrap(),
            blinded: PublicKey::from_sec1_bytes(blinded).unwrap(),
        }
    }

    /// The secret in the service's answer, a point and its proof; `None` unless the service used the scalar of `point`.
    pub fn recover(&self, point: &Point, info: &[u8], answer: &[u8]) -> Option<Secret32> {
        let (evaluated, proof) = answer.split_first_chunk::<65>()?;
        let service = PublicKey::from_sec1_bytes(point).ok()?;
        let evaluated = PublicKey::from_sec1_bytes(evaluated).ok()?;
        if !proves(proof, &service, &self.blinded, &evaluated) {
            return None;
        }
        let unblind = Zeroizing::new(Invert::invert(&self.factor));
        Some(secret(&unblind, &evaluated, info))
    }
}

/// Whether `proof` (challenge and response, 32 bytes each) shows that `evaluated` is to `blinded` what `service` is to
/// the generator.
fn proves(proof: &[u8], service: &PublicKey, blinded: &PublicKey, evaluated: &PublicKey) -> bool {
    let Some((challenge, response)) = proof.split_first_chunk::<32>() else { return false };
    let (Some(challenge), Some(response)) =
        (scalar(challenge), <[u8; 32]>::try_from(response).ok().and_then(|response| scalar(&response)))
    else {
        return false;
    };
    let commitment = |base: ProjectivePoint, image: &PublicKey| {
        (base * response + image.to_projective() * challenge).to_affine()
    };
    let points = [
        AffinePoint::GENERATOR,
        *service.as_affine(),
        *blinded.as_affine(),
        *evaluated.as_affine(),
        commitment(ProjectivePoint::GENERATOR, service),
        commitment(blinded.to_projective(), evaluated),
    ];
    let mut hash = Sha256::new_with_prefix(PROOF_LABEL);
    for point in points {
        hash.update(point.to_sec1_point(false).as_bytes());
    }
    Scalar::reduce(&hash.finalize()) == challenge
}

fn scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(FieldBytes::from(*bytes)).into()
}

/// HKDF-SHA256 of the x-coordinate of `scalar·point`.
fn secret(scalar: &NonZeroScalar, point: &PublicKey, info: &[u8]) -> Secret32 {
    let shared = diffie_hellman(scalar, point.as_affine());
    let mut bytes = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, shared.raw_secret_bytes())
        .expand(info, bytes.as_mut_slice())
        .unwrap_or_else(|_| unreachable!("HKDF-SHA256 gives up to 8160 bytes"));
    Secret32::new(*bytes)
}

fn encode(point: &PublicKey) -> Point {
    let mut bytes = [0; 65];
    for (to, from) in bytes.iter_mut().zip(point.to_sec1_point(false).as_bytes()) {
        *to = *from;
    }
    bytes
}
