//! What the database keeps sealed: XChaCha20-Poly1305 under a key from outside the database.
//!
//! The keys come from a file that only the provider's account can read, or from what holds them elsewhere (a TPM, a key
//! management service) in the form of that file. A database dump without them opens nothing.
//! Long-lived keys (signing, audit, pairwise) are random and kept sealed themselves, so that a change of the
//! sealing key changes none of them.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use hmac::{Hmac, Mac as _};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The format of what is sealed; part of the associated data, so that a later format is never read as this one.
const FORMAT: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const TAG: usize = 16;
/// A key file is a few lines; anything longer is some other file.
const LARGEST_FILE: u64 = 16 * 1024;

/// What a sealed text is. Moved to a place of another kind, it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The private part of a signing key.
    SigningKey,
    /// The shared secret of a TOTP method.
    TotpSecret,
    /// The key of the audit chain.
    AuditKey,
    /// The key of pairwise subjects.
    PairwiseKey,
    /// The session key of a primary refresh token.
    SessionKey,
    /// A key of a service that a later part of the provider runs (device CA, PIN reset).
    ServiceKey,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SigningKey => b"signing key",
            Self::TotpSecret => b"totp secret",
            Self::AuditKey => b"audit key",
            Self::PairwiseKey => b"pairwise key",
            Self::SessionKey => b"session key",
            Self::ServiceKey => b"service key",
        }
    }
}

/// Where a sealed text belongs: its kind and its row. Copied to another row, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The kind.
    pub purpose: Purpose,
    /// What names the row: its primary key.
    pub row: &'a [u8],
}

/// Why the key file cannot be used. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("the key file {0} can be read by other accounts: run chmod 600 on it")]
    Exposed(String),
    /// It holds something else.
    #[error("the key file must have one key a line, each 32 bytes in base64; the first one seals")]
    Malformed,
}

/// The text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed under a key that is not in the file.
    #[error(
        "a secret was sealed under a key that is not there: add the older key as a further line of the key file, or name \
         where it is with `latchkey-idp keys reseal --from-...`"
    )]
    UnknownKey,
    /// It was changed, or belongs to another place.
    #[error("a sealed secret was changed or moved: restore the database from a backup")]
    Damaged,
}

/// The key that seals, and older ones that still open.
pub struct SealingKeys {
    current: Key,
    older: Vec<Key>,
}

struct Key {
    id: [u8; KEY_ID],
    bytes: Zeroizing<[u8; 32]>,
}

impl SealingKeys {
    /// `current` seals and opens, `older` open.
    #[must_use]
    pub fn new(current: &[u8; 32], older: &[[u8; 32]]) -> Self {
        Self { current: Key::new(current), older: older.iter().map(Key::new).collect() }
    }

    /// Makes the key file with one new key. An existing file is left alone.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path, rng: &mut dyn CryptoRng) -> Result<Self, KeyFileError> {
        let line = new_key_line(rng);
        write_private(path, line.as_bytes()).map_err(|source| file_error(path, source))?;
        Self::parse(&line)
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, or holds something else.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| file_error(path, source);
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(KeyFileError::Exposed(path.display().to_string()));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
    }

    /// The keys of a key file's text.
    ///
    /// # Errors
    /// When a line is no key, or there is none.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bytes = Zeroizing::new(STANDARD.decode(line).map_err(|_| KeyFileError::Malformed)?);
            let key = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyFileError::Malformed)?;
            keys.push(Key::new(key));
        }
        if keys.is_empty() {
            return Err(KeyFileError::Malformed);
        }
        Ok(Self { current: keys.remove(0), older: keys })
    }

    /// These keys, and those of `former` to open what they sealed.
    #[must_use]
    pub fn with_former(mut self, former: Self) -> Self {
        self.older.push(former.current);
        self.older.extend(former.older);
        self
    }

    /// Format, key, nonce, ciphertext and tag in one piece. A random 192-bit nonce needs no counter on disk.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(1 + KEY_ID + NONCE + plaintext.len() + TAG);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&nonce);
        let mut body = plaintext.to_vec();
        let tag = self
            .current
            .cipher()
            .encrypt_inout_detached(
                &nonce.into(),
                &place.context(self.current.id),
                body.as_mut_slice().into(),
            )
            .unwrap_or_else(|_| unreachable!("XChaCha20-Poly1305 takes 256 GiB"));
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// When its key is missing, or it was changed or moved.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (id, rest) = header(sealed).ok_or(OpenError::Damaged)?;
        let key = self.key(id).ok_or(OpenError::UnknownKey)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Damaged)?;
        let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError::Damaged)?;
        let mut body = Zeroizing::new(body.to_vec());
        key.cipher()
            .decrypt_inout_detached(nonce.into(), &place.context(id), body.as_mut_slice().into(), tag.into())
            .map_err(|_| OpenError::Damaged)?;
        Ok(body)
    }

    /// Whether this was sealed under an older key, so that it should be sealed again.
    #[must_use]
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        header(sealed).is_some_and(|(id, _)| id != self.current.id)
    }

    fn key(&self, id: [u8; KEY_ID]) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.id == id)
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys(..)")
    }
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(bytes)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(b"latchkey sealing key id");
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        Self { id: *hash.first_chunk().unwrap_or(&[0; KEY_ID]), bytes: Zeroizing::new(*bytes) }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

impl Place<'_> {
    fn context(&self, key: [u8; KEY_ID]) -> Vec<u8> {
        let label = self.purpose.label();
        // The label ends with a zero, which no label has, so that label and row cannot trade bytes.
        [&[FORMAT], key.as_slice(), label, &[0], self.row].concat()
    }
}

fn header(sealed: &[u8]) -> Option<([u8; KEY_ID], &[u8])> {
    let (format, rest) = sealed.split_first()?;
    if *format != FORMAT {
        return None;
    }
    let (id, rest) = rest.split_first_chunk()?;
    Some((*id, rest))
}

/// A new key as a line of a key file.
#[must_use]
pub fn new_key_line(rng: &mut dyn CryptoRng) -> Zeroizing<String> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *key);
    Zeroizing::new(format!("{}\n", STANDARD.encode(*key)))
}

/// Writes a new file that only its owner can read, and has it on disk before it returns.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn file_error(path: &Path, source: std::io::Error) -> KeyFileError {
    KeyFileError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
