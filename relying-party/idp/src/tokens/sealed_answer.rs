//! Answers that only the holder of a session key can read: compact JWE with `dir` (MS-OAPXBC 3.2.5.1.3).

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand_core::CryptoRng;
use serde_json::json;
use zeroize::Zeroizing;

use super::session_key::{Derivation, SealError, SessionKey};

/// The bytes of a context that we draw.
const CONTEXT: usize = 24;

/// What the client can decrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerCipher {
    /// AES-256-CBC with PKCS #7 padding and an empty tag, although the header says `A256GCM`: what clients of
    /// `windows_api_version` 2 expect. It is no authenticated encryption; TLS, in which it travels, is.
    Cbc,
    /// What the header says: AES-256-GCM, the header as associated data (RFC 7516 §5.1).
    Gcm,
}

/// Seals `text` for the holder of `key`. Answers use the first derivation, under a context that is drawn for each.
///
/// # Errors
/// When the text is too long for the cipher.
pub fn seal_answer(
    key: &SessionKey,
    cipher: AnswerCipher,
    text: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<String, SealError> {
    let mut context = [0; CONTEXT];
    rng.fill_bytes(&mut context);
    let derived = key.derive(Derivation::V1, &context, &[]);
    let header = json!({ "alg": "dir", "enc": "A256GCM", "ctx": STANDARD.encode(context), "kid": "session" });
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let (iv, sealed, tag) = match cipher {
        AnswerCipher::Gcm => {
            let mut nonce = [0; 12];
            rng.fill_bytes(&mut nonce);
            let (sealed, tag) = derived.seal_gcm(nonce, header.as_bytes(), text.to_vec()).ok_or(SealError)?;
            (nonce.to_vec(), sealed, tag)
        }
        AnswerCipher::Cbc => {
            let mut iv = [0; 16];
            rng.fill_bytes(&mut iv);
            (iv.to_vec(), cbc(derived.bytes(), iv, text).ok_or(SealError)?, Vec::new())
        }
    };
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    // There is no encrypted key between the first two dots.
    Ok(format!("{header}..{}.{}.{}", part(&iv), part(&sealed), part(&tag)))
}

fn cbc(key: &[u8; 32], iv: [u8; 16], text: &[u8]) -> Option<Vec<u8>> {
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let _context = key.less_safe_encrypt(&mut *text, EncryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    Some(text.to_vec())
}
