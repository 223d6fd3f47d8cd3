//! Wrapped blobs: XChaCha20-Poly1305 in two layers, so that a wrong authorisation value and a blob of another
//! device are told apart.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::TpmError;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// First byte of every blob; a later layout gets another.
const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;

/// What a blob holds. Part of the key derivation, so that one kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret sealed to the device alone.
    Bound,
    /// A secret sealed to a PIN index and an authorisation value.
    Sealed,
    /// An administrative key.
    Admin,
    /// A user key.
    UserKey,
    /// A transport key.
    TransportKey,
    /// A payload sealed to an authorisation value.
    Under,
}

impl Kind {
    const fn tag(self) -> u8 {
        match self {
            Self::Bound => 1,
            Self::Sealed => 2,
            Self::Admin => 3,
            Self::UserKey => 4,
            Self::TransportKey => 5,
            Self::Under => 6,
        }
    }
}

/// The storage root and what is derived from it.
pub struct Vault {
    root: Hkdf<Sha256>,
    root_name: [u8; 32],
}

impl Vault {
    /// Derives from the storage root key.
    pub fn new(root: &[u8; 32]) -> Self {
        let mut name = Sha256::new();
        name.update(b"latchkey software storage root");
        name.update(root);
        Self { root: Hkdf::new(None, root), root_name: name.finalize().into() }
    }

    /// The vault whose root is this one's and `secret` together: it opens nothing without both.
    pub fn joined_with(&self, secret: &Secret32) -> Result<Self, TpmError> {
        let mut root = Zeroizing::new([0; 32]);
        self.root
            .expand_multi_info(&[b"joined root", secret.expose()], &mut *root)
            .map_err(|_| TpmError::Unexpected("a key derivation failure".to_owned()))?;
        Ok(Self::new(&root))
    }

    /// What the container pins: a hash that names the root and does not tell it.
    pub fn root_name(&self) -> Vec<u8> {
        self.root_name.to_vec()
    }

    /// The value that a PIN index compares: bound to the root and to this definition of the index.
    pub fn index_verifier(&self, id: &[u8; 32], index_auth: &AuthValue) -> [u8; 32] {
        let mut verifier = [0; 32];
        let expanded =
            self.root.expand_multi_info(&[b"index verifier", id, index_auth.expose()], &mut verifier);
        debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's reach");
        verifier
    }

    /// Wraps `payload` so that opening needs this root and `auths`.
    pub fn wrap(
        &self,
        kind: Kind,
        auths: &[&[u8]],
        payload: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, TpmError> {
        let inner = encrypt(&*self.key(kind, b"inner", auths)?, kind, payload, rng)?;
        let outer = encrypt(&*self.key(kind, b"outer", &[])?, kind, &inner, rng)?;
        let mut blob = vec![VERSION, kind.tag()];
        blob.extend_from_slice(&outer);
        Ok(blob)
    }

    /// Opens what [`Vault::wrap`] made.
    ///
    /// # Errors
    /// [`TpmError::ForeignBlob`] when the root did not make it, [`TpmError::WrongAuth`] when `auths` differ.
    pub fn unwrap(&self, kind: Kind, auths: &[&[u8]], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        let (header, outer) = blob.split_first_chunk::<2>().ok_or(TpmError::ForeignBlob)?;
        if *header != [VERSION, kind.tag()] {
            return Err(TpmError::ForeignBlob);
        }
        let inner = decrypt(&*self.key(kind, b"outer", &[])?, kind, outer).ok_or(TpmError::ForeignBlob)?;
        decrypt(&*self.key(kind, b"inner", auths)?, kind, &inner).ok_or(TpmError::WrongAuth)
    }

    /// [`Vault::unwrap`] for a payload of 32 bytes.
    pub fn unwrap_secret(&self, kind: Kind, auths: &[&[u8]], blob: &[u8]) -> Result<Secret32, TpmError> {
        let payload = self.unwrap(kind, auths, blob)?;
        let bytes =
            payload.first_chunk::<32>().filter(|_| payload.len() == 32).ok_or(TpmError::ForeignBlob)?;
        Ok(Secret32::new(*bytes))
    }

    fn key(&self, kind: Kind, layer: &[u8], auths: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, TpmError> {
        // Every authorisation value has 32 bytes, so the concatenation is unambiguous.
        let tag = [kind.tag()];
        let mut info: Vec<&[u8]> = vec![b"wrap", &tag, layer];
        info.extend_from_slice(auths);
        let mut key = Zeroizing::new([0; 32]);
        self.root
            .expand_multi_info(&info, &mut *key)
            .map_err(|_| TpmError::Unexpected("a key derivation failure".to_owned()))?;
        Ok(key)
    }
}

fn encrypt(key: &[u8; 32], kind: Kind, payload: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, TpmError> {
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    let aad = [VERSION, kind.tag()];
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), Payload { msg: payload, aad: &aad })
        .map_err(|_| TpmError::Unexpected("an encryption failure".to_owned()))?;
    let mut out = nonce.to_vec();
    out.extend_from_slice(&sealed);
    Ok(out)
}

fn decrypt(key: &[u8; 32], kind: Kind, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LENGTH>()?;
    let aad = [VERSION, kind.tag()];
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
        .ok()
        .map(Zeroizing::new)
}
