//! Compact JWE (RFC 7516) in the two forms that a provider of primary refresh tokens makes: the sealed session key, and
//! answers under a derived key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::secret::Secret32;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::WireError;

const WHAT: &str = "an encrypted answer";
const MALFORMED: WireError = WireError::Malformed(WHAT);
const UNVERIFIED: WireError = WireError::Unverified(WHAT);

/// How an answer must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// AES-256-GCM over header and text: nobody can alter it.
    Authenticated,
    /// What version 2 of the protocol really sends under the name of GCM: AES-256-CBC without a tag. Only TLS keeps it
    /// from being altered, so it is taken only from providers that know nothing else.
    Compatible,
}

/// A JWE in its five parts, decoded.
#[derive(Debug)]
pub struct Compact {
    header_text: String,
    header: Header,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Zeroizing<Vec<u8>>,
    tag: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default)]
    ctx: Option<String>,
}

impl Compact {
    /// Takes the text apart.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [header_text, encrypted_key, iv, ciphertext, tag] = parts[..] else { return Err(MALFORMED) };
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED);
        let header = serde_json::from_slice(&decode(header_text)?).map_err(|_| MALFORMED)?;
        Ok(Self {
            header_text: header_text.to_owned(),
            header,
            encrypted_key: decode(encrypted_key)?,
            iv: decode(iv)?,
            ciphertext: Zeroizing::new(decode(ciphertext)?),
            tag: decode(tag)?,
        })
    }

    /// The content encryption key of a session key's JWE, still under the transport key (RSAES-OAEP with SHA-1).
    ///
    /// # Errors
    /// [`WireError::Malformed`] for any other kind of JWE.
    pub fn sealed_key(&self) -> Result<&[u8], WireError> {
        let is_it = self.header.alg == "RSA-OAEP" && self.header.enc == "A256GCM";
        if is_it && !self.encrypted_key.is_empty() { Ok(&self.encrypted_key) } else { Err(MALFORMED) }
    }

    /// The context from which the key of an answer is derived.
    ///
    /// # Errors
    /// [`WireError::Malformed`] for any other kind of JWE.
    pub fn context(&self) -> Result<Vec<u8>, WireError> {
        let context = self.header.ctx.as_deref().filter(|_| self.header.alg == "dir").ok_or(MALFORMED)?;
        BASE64_STANDARD.decode(context).map_err(|_| MALFORMED)
    }

    /// Decrypts the text.
    ///
    /// # Errors
    /// [`WireError::Unverified`] for a wrong key, an altered text, or one that lacks the protection asked for.
    pub fn open(mut self, key: &Secret32, protection: Protection) -> Result<Zeroizing<Vec<u8>>, WireError> {
        if let Ok(nonce) = Nonce::try_assume_unique_for_key(&self.iv) {
            return self.open_gcm(key, nonce);
        }
        match (protection, <[u8; 16]>::try_from(&self.iv[..])) {
            (Protection::Compatible, Ok(iv)) if self.tag.is_empty() => {
                let key = UnboundCipherKey::new(&AES_256, key.expose()).map_err(|_| UNVERIFIED)?;
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| UNVERIFIED)?;
                let context = DecryptionContext::Iv128(FixedLength::from(iv));
                let opened = key.decrypt(&mut self.ciphertext, context).map_err(|_| UNVERIFIED)?;
                Ok(Zeroizing::new(opened.to_vec()))
            }
            (Protection::Compatible | Protection::Authenticated, _) => Err(UNVERIFIED),
        }
    }

    fn open_gcm(mut self, key: &Secret32, nonce: Nonce) -> Result<Zeroizing<Vec<u8>>, WireError> {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| UNVERIFIED)?;
        let mut text = Zeroizing::new(Vec::with_capacity(self.ciphertext.len().saturating_add(16)));
        text.append(&mut self.ciphertext);
        text.append(&mut self.tag);
        let opened = LessSafeKey::new(key).open_in_place(nonce, Aad::from(self.header_text), &mut text);
        let length = opened.map_err(|_| UNVERIFIED)?.len();
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
