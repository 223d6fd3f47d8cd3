//! HPKE (RFC 9180), base mode, one message: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! The one private operation of a recipient, an ECDH, is not in here: the key may be in a TPM or a hardware security module.
//! [`Sealed::open`] takes its result.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use hkdf::Hkdf;
use p256::elliptic_curve::Generate as _;
use p256::{PublicKey, SecretKey};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::point::{self, POINT, Shared};

/// `kem_id` of DHKEM(P-256, HKDF-SHA256) (RFC 9180 §7.1).
const KEM: u16 = 0x0010;
/// `kdf_id` of HKDF-SHA256 (§7.2).
const KDF: u16 = 0x0001;
const KEM_SUITE: [u8; 5] = [b'K', b'E', b'M', KEM.to_be_bytes()[0], KEM.to_be_bytes()[1]];
/// `mode_base` (§5).
const BASE: u8 = 0;

/// It does not open: other bytes, another key, or not for this purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct OpenError;

/// The AEAD of a suite (§7.3).
#[derive(Clone, Copy)]
struct Suite {
    id: u16,
    algorithm: &'static Algorithm,
}

const AES_256: Suite = Suite { id: 0x0002, algorithm: &AES_256_GCM };

/// What was sealed to a public key: `enc || ct`.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    encapsulated: PublicKey,
    ciphertext: &'a [u8],
}

/// Seals `plaintext` to `recipient`: `enc || ct`.
pub fn seal(
    recipient: &PublicKey,
    (info, aad): (&[u8], &[u8]),
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    AES_256.seal(recipient, (info, aad), plaintext, &SecretKey::generate_from_rng(rng))
}

impl<'a> Sealed<'a> {
    /// Reads `enc || ct`; nothing if `enc` is no point of the curve.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (encapsulated, ciphertext) = bytes.split_at_checked(POINT)?;
        Some(Self { encapsulated: point::parse(encapsulated)?, ciphertext })
    }

    /// The point that the recipient's private key is to be multiplied with.
    #[must_use]
    pub const fn encapsulated(&self) -> &PublicKey {
        &self.encapsulated
    }

    /// The plaintext. `shared` is the x-coordinate that the ECDH of the recipient's key with [`Sealed::encapsulated`] gave.
    ///
    /// # Errors
    /// When `info`, `aad` or the key is another one than it was sealed with, or the ciphertext was changed.
    pub fn open(
        &self,
        recipient: &PublicKey,
        shared: &Shared,
        (info, aad): (&[u8], &[u8]),
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        AES_256.open(self, recipient, shared, (info, aad))
    }
}

impl Suite {
    fn seal(
        self,
        recipient: &PublicKey,
        (info, aad): (&[u8], &[u8]),
        plaintext: &[u8],
        ephemeral: &SecretKey,
    ) -> Vec<u8> {
        let encapsulated = ephemeral.public_key();
        let shared = point::agree(ephemeral, recipient);
        let (key, nonce) = self.schedule(&secret(&shared, &encapsulated, recipient), info);
        let mut body = plaintext.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut body)
            .unwrap_or_else(|_| unreachable!("AES-GCM takes 64 GiB"));
        [point::bytes(&encapsulated).as_slice(), &body].concat()
    }

    fn open(
        self,
        sealed: &Sealed<'_>,
        recipient: &PublicKey,
        shared: &Shared,
        (info, aad): (&[u8], &[u8]),
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (key, nonce) = self.schedule(&secret(shared, &sealed.encapsulated, recipient), info);
        let mut body = Zeroizing::new(sealed.ciphertext.to_vec());
        let length = key.open_in_place(nonce, Aad::from(aad), &mut body).map_err(|_| OpenError)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// `KeySchedule` of the base mode (§5.1), for the first message.
    fn schedule(self, secret: &[u8; 32], info: &[u8]) -> (LessSafeKey, Nonce) {
        let [aead_high, aead_low] = self.id.to_be_bytes();
        let [kem_high, kem_low] = KEM.to_be_bytes();
        let [kdf_high, kdf_low] = KDF.to_be_bytes();
        let suite = [b'H', b'P', b'K', b'E', kem_high, kem_low, kdf_high, kdf_low, aead_high, aead_low];
        let hash = |label: &[u8], text: &[u8]| labeled_extract(&suite, &[], label, text).0;
        let context = [&[BASE], hash(b"psk_id_hash", &[]).as_slice(), &hash(b"info_hash", info)].concat();
        let (_, expander) = labeled_extract(&suite, secret, b"secret", &[]);
        let mut key = Zeroizing::new(vec![0; self.algorithm.key_len()]);
        labeled_expand(&expander, &suite, b"key", &context, &mut key);
        let mut nonce = [0; 12];
        labeled_expand(&expander, &suite, b"base_nonce", &context, &mut nonce);
        let key = UnboundKey::new(self.algorithm, &key)
            .unwrap_or_else(|_| unreachable!("the key has the algorithm's length"));
        (LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce))
    }
}

/// `ExtractAndExpand` of the KEM (§4.1).
fn secret(shared: &Shared, encapsulated: &PublicKey, recipient: &PublicKey) -> Zeroizing<[u8; 32]> {
    let context = [point::bytes(encapsulated), point::bytes(recipient)].concat();
    let (_, expander) = labeled_extract(&KEM_SUITE, &[], b"eae_prk", shared.as_slice());
    let mut secret = Zeroizing::new([0; 32]);
    labeled_expand(&expander, &KEM_SUITE, b"shared_secret", &context, secret.as_mut_slice());
    secret
}

/// `LabeledExtract` (§4): the pseudorandom key, and what expands it.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], text: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let text = Zeroizing::new([b"HPKE-v1", suite, label, text].concat());
    let (key, expander) = Hkdf::<Sha256>::extract(Some(salt), &text);
    (key.into(), expander)
}

/// `LabeledExpand` (§4).
fn labeled_expand(expander: &Hkdf<Sha256>, suite: &[u8], label: &[u8], text: &[u8], out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap_or_else(|_| unreachable!("keys are short")).to_be_bytes();
    let text = [length.as_slice(), b"HPKE-v1", suite, label, text].concat();
    expander.expand(&text, out).unwrap_or_else(|_| unreachable!("keys are short"));
}

#[cfg(test)]
mod tests;
