//! User keys of the software provider, and the cache that makes a second signature cheap.

use std::collections::HashMap;

use aws_lc_rs::digest::{Digest, SHA256, SHA384};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{CreatedKey, KeyAlgorithm, KeyBlob, PublicKey, TpmError};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::vault::{Kind, Vault};

/// More than one user signs with between two locks of the container; beyond it the longest unused key goes.
const CAPACITY: usize = 256;

const ES256_TAG: u8 = 1;
const RS256_TAG: u8 = 2;
const ES384_TAG: u8 = 3;

/// Makes a key pair and appends its PKCS#8 form to `plain`.
fn generate(
    algorithm: &'static EcdsaSigningAlgorithm,
    plain: &mut Zeroizing<Vec<u8>>,
) -> Result<EcdsaKeyPair, TpmError> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| refused())?;
    plain.extend_from_slice(pair.to_pkcs8v1().map_err(|_| refused())?.as_ref());
    Ok(pair)
}

/// Makes a transport key and wraps it under the root and `auth`.
pub fn create_transport(
    vault: &Vault,
    auth: &AuthValue,
    rng: &mut dyn CryptoRng,
) -> Result<CreatedKey, TpmError> {
    let pair = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| refused())?;
    let plain = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| refused())?;
    // The generator's other form, an SPKI, would have to be taken apart; the signing key of the same numbers has this one.
    let public = RsaKeyPair::from_pkcs8(plain.as_ref()).ok();
    let public = public.and_then(|pair| rsa_public(pair.public_key().as_ref())).ok_or_else(refused)?;
    let blob = KeyBlob(vault.wrap(Kind::TransportKey, &[auth.expose()], plain.as_ref(), rng)?);
    Ok(CreatedKey { blob, public })
}

/// Decrypts RSAES-OAEP with SHA-1.
pub fn decrypt(
    vault: &Vault,
    blob: &KeyBlob,
    auth: &AuthValue,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TpmError> {
    let plain = vault.unwrap(Kind::TransportKey, &[auth.expose()], &blob.0)?;
    let key = PrivateDecryptingKey::from_pkcs8(&plain).map_err(|_| TpmError::ForeignBlob)?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| refused())?;
    let mut message = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key
        .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut message, None)
        .map_err(|_| TpmError::BadCiphertext)?
        .len();
    message.truncate(length);
    Ok(message)
}

/// Parsed keys by their blob.
#[derive(Default)]
pub struct HotKeys {
    loaded: HashMap<KeyBlob, HotKey>,
    clock: u64,
}

struct HotKey {
    auth: Zeroizing<[u8; 32]>,
    pair: Pair,
    last_used: u64,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Es384(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl HotKeys {
    /// Makes a key and wraps it under the root and `auth`. It is loaded: a new passkey attests itself.
    pub fn create(
        &mut self,
        vault: &Vault,
        algorithm: KeyAlgorithm,
        auth: &AuthValue,
        rng: &mut dyn CryptoRng,
    ) -> Result<CreatedKey, TpmError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(2048));
        let (pair, public) = match algorithm {
            KeyAlgorithm::Es256 => {
                plain.push(ES256_TAG);
                let pair = generate(&ECDSA_P256_SHA256_ASN1_SIGNING, &mut plain)?;
                let public = point(pair.public_key().as_ref()).map(|(x, y)| PublicKey::P256 { x, y });
                (Pair::Es256(pair), public)
            }
            KeyAlgorithm::Es384 => {
                plain.push(ES384_TAG);
                let pair = generate(&ECDSA_P384_SHA384_ASN1_SIGNING, &mut plain)?;
                let public = point(pair.public_key().as_ref()).map(|(x, y)| PublicKey::P384 { x, y });
                (Pair::Es384(pair), public)
            }
            KeyAlgorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| refused())?;
                plain.push(RS256_TAG);
                plain.extend_from_slice(pair.as_der().map_err(|_| refused())?.as_ref());
                let public = rsa_public(pair.public_key().as_ref());
                (Pair::Rs256(pair), public)
            }
        };
        let public = public.ok_or_else(refused)?;
        let blob = KeyBlob(vault.wrap(Kind::UserKey, &[auth.expose()], &plain, rng)?);
        self.load(blob.clone(), auth, pair);
        Ok(CreatedKey { blob, public })
    }

    /// Signs, unwrapping the key first when it is not loaded.
    pub fn sign(
        &mut self,
        vault: &Vault,
        blob: &KeyBlob,
        auth: &AuthValue,
        digest: &[u8],
    ) -> Result<Vec<u8>, TpmError> {
        if let Some(hot) = self.loaded.get_mut(blob) {
            if !bool::from(hot.auth.as_slice().ct_eq(auth.expose())) {
                return Err(TpmError::WrongAuth);
            }
            self.clock += 1;
            hot.last_used = self.clock;
            return hot.pair.sign(digest);
        }
        let pair = Pair::parse(&vault.unwrap(Kind::UserKey, &[auth.expose()], &blob.0)?)?;
        let signature = pair.sign(digest)?;
        self.load(blob.clone(), auth, pair);
        Ok(signature)
    }

    /// Forgets every key.
    pub fn clear(&mut self) {
        self.loaded.clear();
    }

    fn load(&mut self, blob: KeyBlob, auth: &AuthValue, pair: Pair) {
        self.make_room();
        self.clock += 1;
        let hot = HotKey { auth: Zeroizing::new(*auth.expose()), pair, last_used: self.clock };
        self.loaded.insert(blob, hot);
    }

    fn make_room(&mut self) {
        if self.loaded.len() < CAPACITY {
            return;
        }
        let oldest = self.loaded.iter().min_by_key(|(_, hot)| hot.last_used).map(|(blob, _)| blob.clone());
        if let Some(blob) = oldest {
            self.loaded.remove(&blob);
        }
    }
}

impl Pair {
    fn parse(plain: &[u8]) -> Result<Self, TpmError> {
        match plain.split_first() {
            Some((&ES256_TAG, pkcs8)) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok().map(Self::Es256)
            }
            Some((&ES384_TAG, pkcs8)) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8).ok().map(Self::Es384)
            }
            Some((&RS256_TAG, pkcs8)) => RsaKeyPair::from_pkcs8(pkcs8).ok().map(Self::Rs256),
            Some(_) | None => None,
        }
        .ok_or(TpmError::ForeignBlob)
    }

    fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, TpmError> {
        let hash = match self {
            Self::Es256(_) | Self::Rs256(_) => &SHA256,
            Self::Es384(_) => &SHA384,
        };
        let digest = Digest::import_less_safe(digest, hash).map_err(|_| refused())?;
        match self {
            Self::Es256(pair) | Self::Es384(pair) => {
                pair.sign_digest(&digest).map(|signature| signature.as_ref().to_vec()).map_err(|_| refused())
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).map_err(|_| refused())?;
                Ok(signature)
            }
        }
    }
}

/// An uncompressed SEC 1 point.
fn point<const N: usize>(encoded: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (x, y) = encoded.strip_prefix(&[4])?.split_first_chunk::<N>()?;
    Some((*x, y.try_into().ok()?))
}

/// An `RSAPublicKey` (RFC 8017 §A.1.1) with a modulus of exactly 2048 bits and the exponent 65537, which is the
/// only shape that the generator makes; its DER header is therefore constant.
fn rsa_public(der: &[u8]) -> Option<PublicKey> {
    const HEADER: [u8; 9] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    const EXPONENT: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];
    let (modulus, exponent) = der.strip_prefix(&HEADER)?.split_first_chunk::<256>()?;
    (*exponent == EXPONENT).then(|| PublicKey::Rsa { modulus: modulus.to_vec(), exponent: 65537 })
}

fn refused() -> TpmError {
    TpmError::Unexpected("an aws-lc-rs failure".to_owned())
}
