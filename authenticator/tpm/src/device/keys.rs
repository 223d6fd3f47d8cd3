//! User keys and transport keys, and the few keys that stay loaded.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{CreatedKey, KeyAlgorithm, KeyBlob, PublicKey, TpmError};
use subtle::ConstantTimeEq;
use tss_esapi::constants::tss::{TPM2_RH_NULL, TPM2_ST_HASHCHECK};
use tss_esapi::handles::KeyHandle;
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::structures::{
    Data, Digest, HashScheme, HashcheckTicket, Public, PublicKeyRsa, RsaDecryptionScheme, Signature,
    SignatureScheme,
};
use tss_esapi::tss2_esys::TPMT_TK_HASHCHECK;
use zeroize::Zeroizing;

use super::blob::ObjectBlob;
use super::connection::{Connection, tss_auth};
use super::fault::Fault;
use super::template;

/// The exponent that a TPM means when the public area says 0 (TPM 2.0 Part 2 §12.2.3.5).
const DEFAULT_EXPONENT: u32 = 65537;

/// Loaded keys, the longest unused first.
pub struct HotKeys {
    capacity: usize,
    loaded: Vec<HotKey>,
}

struct HotKey {
    blob: KeyBlob,
    auth: Zeroizing<[u8; 32]>,
    handle: KeyHandle,
}

impl HotKeys {
    /// Room for `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, loaded: Vec::with_capacity(capacity) }
    }

    /// The handle of a loaded key, which becomes the one used last.
    fn find(&mut self, blob: &KeyBlob, auth: &AuthValue) -> Result<Option<KeyHandle>, TpmError> {
        let Some(position) = self.loaded.iter().position(|hot| hot.blob == *blob) else { return Ok(None) };
        let hot = self.loaded.remove(position);
        let right = bool::from(hot.auth.as_slice().ct_eq(auth.expose()));
        let handle = hot.handle;
        self.loaded.push(hot);
        if right { Ok(Some(handle)) } else { Err(TpmError::WrongAuth) }
    }

    /// Takes out the longest unused key when there is no room for one more.
    fn displaced(&mut self) -> Option<KeyHandle> {
        (self.loaded.len() >= self.capacity).then(|| self.loaded.remove(0).handle)
    }

    /// Takes out one key.
    fn take_any(&mut self) -> Option<KeyHandle> {
        self.loaded.pop().map(|hot| hot.handle)
    }
}

impl Connection {
    /// Creates a user key.
    pub fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, Fault> {
        self.create_as(template::user_key(algorithm)?, auth)
    }

    fn create_as(&mut self, template: Public, auth: &AuthValue) -> Result<CreatedKey, Fault> {
        let made = self.create(template, Some(auth), None)?;
        let public = public_key(&made.public)
            .ok_or_else(|| TpmError::Unexpected("with a key of another kind than asked for".to_owned()))?;
        Ok(CreatedKey { blob: KeyBlob(made.encode()?), public })
    }

    /// Creates a transport key.
    pub fn create_transport_key(&mut self, auth: &AuthValue) -> Result<CreatedKey, Fault> {
        self.create_as(template::transport_key()?, auth)
    }

    /// Signs with a user key.
    pub fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8]) -> Result<Vec<u8>, Fault> {
        let scheme = signature_scheme(&ObjectBlob::decode(&key.0)?.public);
        self.with_key(key, auth, |connection, handle| connection.sign_loaded(handle, digest, scheme))
    }

    /// Decrypts with a transport key.
    pub fn decrypt(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if ciphertext.len() != template::RSA_BYTES {
            return Err(Fault::Known(TpmError::BadCiphertext));
        }
        let ciphertext = PublicKeyRsa::try_from(ciphertext)?;
        self.with_key(key, auth, |connection, handle| {
            let scheme = RsaDecryptionScheme::Null;
            connection
                .run(|context| context.rsa_decrypt(handle, ciphertext, scheme, Data::default()))
                .map(|plain| Zeroizing::new(plain.value().to_vec()))
                .map_err(|fault| fault.unless_unauthorised(TpmError::BadCiphertext))
        })
    }

    /// Does something with a key, loading it first when it is not loaded. A key that it was done with stays loaded.
    pub fn with_key<T>(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if let Some(handle) = self.hot.find(key, auth)? {
            return work(self, handle);
        }
        let blob = ObjectBlob::decode(&key.0)?;
        if let Some(handle) = self.hot.displaced() {
            self.flush(handle.into());
        }
        let handle = self.load(blob)?;
        let done = self
            .context
            .tr_set_auth(handle.into(), tss_auth(auth)?)
            .map_err(Fault::from)
            .and_then(|()| work(self, handle));
        // Only a key that has just worked is kept, so the cache holds no unproven authorisation value.
        match done {
            Ok(_) => self.hot.loaded.push(HotKey {
                blob: key.clone(),
                auth: Zeroizing::new(*auth.expose()),
                handle,
            }),
            Err(_) => self.flush(handle.into()),
        }
        done
    }

    /// Flushes every key that stayed loaded.
    pub fn forget_keys(&mut self) {
        while let Some(handle) = self.hot.take_any() {
            self.flush(handle.into());
        }
    }

    fn sign_loaded(
        &mut self,
        handle: KeyHandle,
        digest: &[u8],
        scheme: SignatureScheme,
    ) -> Result<Vec<u8>, Fault> {
        let digest = Digest::try_from(digest)?;
        // The digest was made outside the TPM; an unrestricted key signs it with an empty ticket.
        let ticket = HashcheckTicket::try_from(TPMT_TK_HASHCHECK {
            tag: TPM2_ST_HASHCHECK,
            hierarchy: TPM2_RH_NULL,
            digest: Digest::default().into(),
        })?;
        let signature = self.run(|context| context.sign(handle, digest, scheme, ticket))?;
        encoded(&signature)
            .ok_or_else(|| TpmError::Unexpected("with a signature of another kind".to_owned()).into())
    }
}

/// How a user key signs. Those of before name the same scheme themselves, which a TPM takes as well.
fn signature_scheme(public: &Public) -> SignatureScheme {
    if let Public::Ecc { parameters, .. } = public {
        let is_p384 = parameters.ecc_curve() == EccCurve::NistP384;
        let hash = if is_p384 { HashingAlgorithm::Sha384 } else { HashingAlgorithm::Sha256 };
        return SignatureScheme::EcDsa { hash_scheme: HashScheme::new(hash) };
    }
    SignatureScheme::RsaSsa { hash_scheme: HashScheme::new(HashingAlgorithm::Sha256) }
}

fn public_key(public: &Public) -> Option<PublicKey> {
    if let Public::Ecc { unique, parameters, .. } = public {
        let (x, y) = (unique.x().value(), unique.y().value());
        return match parameters.ecc_curve() {
            EccCurve::NistP256 => Some(PublicKey::P256 { x: padded(x)?, y: padded(y)? }),
            EccCurve::NistP384 => Some(PublicKey::P384 { x: padded(x)?, y: padded(y)? }),
            EccCurve::NistP192
            | EccCurve::NistP224
            | EccCurve::NistP521
            | EccCurve::BnP256
            | EccCurve::BnP638
            | EccCurve::Sm2P256 => None,
        };
    }
    if let Public::Rsa { unique, parameters, .. } = public {
        let exponent = parameters.exponent().value();
        let exponent = if exponent == 0 { DEFAULT_EXPONENT } else { exponent };
        return Some(PublicKey::Rsa { modulus: unique.value().to_vec(), exponent });
    }
    None
}

/// A number of up to `N` bytes, with the leading zeros that a TPM may leave out.
fn padded<const N: usize>(number: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    out.get_mut(N.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(out)
}

/// As WebAuthn L3 §6.5.5 wants it: ECDSA as an ASN.1 `Ecdsa-Sig-Value` (RFC 3279 §2.2.3), RSA as it is.
fn encoded(signature: &Signature) -> Option<Vec<u8>> {
    if let Signature::EcDsa(ecdsa) = signature {
        let mut body = der_integer(ecdsa.signature_r().value())?;
        body.extend_from_slice(&der_integer(ecdsa.signature_s().value())?);
        let mut der = vec![0x30, u8::try_from(body.len()).ok()?];
        der.extend_from_slice(&body);
        return Some(der);
    }
    if let Signature::RsaSsa(rsa) = signature {
        return Some(rsa.signature().value().to_vec());
    }
    None
}

/// A non-negative `INTEGER` of at most 49 content bytes: shortest form, one zero byte in front of a set top bit.
fn der_integer(number: &[u8]) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let sign = digits.first().is_none_or(|first| first & 0x80 != 0);
    let mut der = vec![0x02, u8::try_from(digits.len() + usize::from(sign)).ok()?];
    der.extend(sign.then_some(0));
    der.extend_from_slice(digits);
    Some(der)
}

#[cfg(test)]
mod tests;
