//! `hpke-p256`: HPKE base mode (RFC 9180) with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. A sealed text is
//! the encapsulated key (65 bytes) and the ciphertext.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Point;

type PublicKey = <DhP256HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <DhP256HkdfSha256 as Kem>::EncappedKey;

/// An ephemeral key that an answer is encrypted to; wiped on drop.
pub(super) struct AnswerKey(<DhP256HkdfSha256 as Kem>::PrivateKey);

/// Encrypts to a public key, `None` when it is not a point on P-256.
pub(super) fn seal(
    to: &Point,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    mut rng: &mut dyn CryptoRng,
) -> Option<Vec<u8>> {
    let to = PublicKey::from_bytes(to).ok()?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeS::Base,
            &to,
            info,
            plaintext,
            aad,
            &mut rng,
        )
        .ok()?;
    Some([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
}

impl AnswerKey {
    pub fn generate(mut rng: &mut dyn CryptoRng) -> (Self, Point) {
        let (private, public) = DhP256HkdfSha256::gen_keypair_with_rng(&mut rng);
        (Self(private), public.to_bytes().into())
    }

    /// A key that is known.
    #[cfg(test)]
    pub fn of(bytes: &[u8]) -> Self {
        Self(<DhP256HkdfSha256 as Kem>::PrivateKey::from_bytes(bytes).unwrap())
    }

    /// Opens what [`seal`] sealed to this key with the same `info` and `aad`.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (encapsulated, ciphertext) = sealed.split_first_chunk::<65>()?;
        let encapsulated = EncappedKey::from_bytes(encapsulated).ok()?;
        hpke::single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            info,
            ciphertext,
            aad,
        )
        .ok()
        .map(Zeroizing::new)
    }
}
