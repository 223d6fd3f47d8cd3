//! A credential that only the TPM of an endorsement key can open, and only for one attestation key (Part 1 §24,
//! `TPM2_MakeCredential` in software).

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::public::{Key, PublicArea};
use crate::domain::Rsa1;

/// The label of the seed's encryption, with the zero that ends it.
const IDENTITY: &[u8] = b"IDENTITY\0";

/// What both keys of a credential are derived from.
type Seed = Zeroizing<[u8; 32]>;

/// What a TPM is asked to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `TPM2B_ID_OBJECT`.
    pub credential_blob: Vec<u8>,
    /// `TPM2B_ENCRYPTED_SECRET`.
    pub secret: Vec<u8>,
}

/// Encloses `credential` for the TPM of `endorsement`, if that has an object with this name. Nothing if it is no endorsement
/// key that this is possible with.
pub fn make_credential(
    endorsement: &PublicArea,
    name: &[u8],
    credential: &[u8; 32],
    rng: &mut dyn CryptoRng,
) -> Option<Challenge> {
    let (seed, secret) = match endorsement.key() {
        Key::Rsa(key) => enclosed(key, rng)?,
        Key::P256(point) => agreed(point, rng)?,
    };
    let storage = kdf(&*seed, b"STORAGE", name, 128);
    let mut identity = Zeroizing::new(sized(credential)?);
    encrypt(storage.split_at_checked(16)?.0, &mut identity)?;
    let integrity = kdf(&*seed, b"INTEGRITY", &[], 256);
    let mut mac = Hmac::<Sha256>::new_from_slice(&*integrity).ok()?;
    mac.update(&identity);
    mac.update(name);
    let object = [sized(&mac.finalize().into_bytes())?.as_slice(), identity.as_slice()].concat();
    Some(Challenge { credential_blob: sized(&object)?, secret: sized(&secret)? })
}

/// A new seed, encrypted for an RSA key (Part 1 §B.10.4).
fn enclosed(key: &Rsa1, rng: &mut dyn CryptoRng) -> Option<(Seed, Vec<u8>)> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *seed);
    let components = PublicKeyComponents { n: key.modulus(), e: key.exponent() };
    let key: PublicEncryptingKey = components.try_into().ok()?;
    let key = OaepPublicEncryptingKey::new(key).ok()?;
    let mut secret = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, &*seed, &mut secret, Some(IDENTITY)).ok()?;
    Some((seed, secret))
}

/// A seed that is agreed on with a P-256 key, and the point from which its holder finds it (Part 1 §C.6.4): `KDFe` over the
/// shared `x`, the label, and both `x`.
fn agreed(point: &[u8; 65], rng: &mut dyn CryptoRng) -> Option<(Seed, Vec<u8>)> {
    let theirs = p256::PublicKey::from_sec1_bytes(point).ok()?;
    let ours = p256::ecdh::EphemeralSecret::generate_from_rng(rng);
    let public = ours.public_key().to_sec1_point(false);
    let (x, y) = public.as_bytes().get(1..)?.split_at_checked(32)?;
    let seed = Sha256::new()
        .chain_update(1_u32.to_be_bytes())
        .chain_update(ours.diffie_hellman(&theirs).raw_secret_bytes())
        .chain_update(IDENTITY)
        .chain_update(x)
        .chain_update(point.get(1..33)?)
        .finalize();
    Some((Zeroizing::new(seed.into()), [sized(x)?, sized(y)?].concat()))
}

/// `KDFa` with SHA-256 (Part 1 §11.4.10.2), of at most one block. The label gets the zero that ends it.
fn kdf(key: &[u8], label: &[u8], context: &[u8], bits: u32) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    for field in [&1_u32.to_be_bytes(), label, &[0], context, &bits.to_be_bytes()] {
        mac.update(field);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// AES-128 in CFB mode. The key is used once, so the IV may be zero, as it is here.
fn encrypt(key: &[u8], text: &mut [u8]) -> Option<()> {
    let key = EncryptingKey::cfb128(UnboundCipherKey::new(&AES_128, key).ok()?).ok()?;
    key.less_safe_encrypt(text, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    Some(())
}

/// A `TPM2B`.
fn sized(bytes: &[u8]) -> Option<Vec<u8>> {
    Some([&u16::try_from(bytes.len()).ok()?.to_be_bytes(), bytes].concat())
}
