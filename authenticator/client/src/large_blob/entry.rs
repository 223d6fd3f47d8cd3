//! One entry of the large-blob array: compressed, then encrypted under its passkey's key (CTAP 2.3 §6.10.3).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use latchkey_protocol::cbor::Value;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rand_core::CryptoRng;

#[cfg(test)]
mod tests;

/// The members of an entry.
const CIPHERTEXT: i64 = 1;
const NONCE: i64 = 2;
const ORIGINAL_SIZE: i64 = 3;

const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
/// zlib's default: how hard to look for repetitions.
const COMPRESSION: u8 = 6;
/// No longer blob is decompressed: what it came from is far shorter, and pages get it in one message.
const LONGEST: usize = 512 * 1024;

/// An entry for a blob.
pub(super) fn seal(blob: &[u8], key: &[u8; 32], rng: &mut dyn CryptoRng) -> Value {
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    let size = u64::try_from(blob.len()).unwrap_or(u64::MAX);
    let mut body = compress_to_vec(blob, COMPRESSION);
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&nonce.into(), &associated(size), body.as_mut_slice().into())
        .unwrap_or_else(|_| unreachable!("a blob is far below the cipher's limit of 64 GiB"));
    body.extend_from_slice(&tag);
    Value::Map(vec![
        (CIPHERTEXT.into(), body.into()),
        (NONCE.into(), nonce.to_vec().into()),
        (ORIGINAL_SIZE.into(), size.into()),
    ])
}

/// The blob of an entry under this key; nothing of any other entry, and of one that is damaged.
pub(super) fn open(entry: &Value, key: &[u8; 32]) -> Option<Vec<u8>> {
    let (compressed, size) = decrypt(entry, key)?;
    let blob = decompress_to_vec_with_limit(&compressed, LONGEST.min(usize::try_from(size).ok()?)).ok()?;
    (u64::try_from(blob.len()) == Ok(size)).then_some(blob)
}

/// Whether an entry is encrypted under this key.
pub(super) fn is_under(entry: &Value, key: &[u8; 32]) -> bool {
    decrypt(entry, key).is_some()
}

/// What is still compressed, and the length that it had before.
fn decrypt(entry: &Value, key: &[u8; 32]) -> Option<(Vec<u8>, u64)> {
    let members = entry.as_map()?;
    let member =
        |label: i64| members.iter().find(|(key, _)| *key == Value::from(label)).map(|(_, value)| value);
    let nonce: [u8; NONCE_LENGTH] = member(NONCE)?.as_bytes()?.as_slice().try_into().ok()?;
    let size = u64::try_from(member(ORIGINAL_SIZE)?.as_integer()?).ok()?;
    let (body, tag) = member(CIPHERTEXT)?.as_bytes()?.split_last_chunk::<TAG_LENGTH>()?;
    let mut body = body.to_vec();
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(&nonce.into(), &associated(size), body.as_mut_slice().into(), tag.into())
        .ok()?;
    Some((body, size))
}

/// `"blob"` and the original size, so that a length that somebody changed does not decrypt.
fn associated(size: u64) -> [u8; 12] {
    let mut data = [0; 12];
    for (to, from) in data.iter_mut().zip(b"blob".iter().chain(&size.to_le_bytes())) {
        *to = *from;
    }
    data
}
