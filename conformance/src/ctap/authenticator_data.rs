//! Authenticator data (WebAuthn §6.1), read strictly.

use super::cose::PublicKey;
use crate::cbor::{Value, decode};

/// The flags.
pub mod flags {
    /// User present.
    pub const UP: u8 = 0x01;
    /// User verified.
    pub const UV: u8 = 0x04;
    /// Backup eligible.
    pub const BE: u8 = 0x08;
    /// Backed up.
    pub const BS: u8 = 0x10;
    /// Attested credential data included.
    pub const AT: u8 = 0x40;
    /// Extension data included.
    pub const ED: u8 = 0x80;
}

/// What an authenticator signs.
#[derive(Debug, Clone)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: Vec<u8>,
    /// See [`flags`].
    pub flags: u8,
    /// The signature counter.
    pub counter: u32,
    /// The new credential.
    pub credential: Option<Attested>,
    /// Outputs of extensions.
    pub extensions: Option<Value>,
}

/// Attested credential data.
#[derive(Debug, Clone)]
pub struct Attested {
    /// The model of the authenticator.
    pub aaguid: Vec<u8>,
    /// The credential's ID.
    pub id: Vec<u8>,
    /// Its public key.
    pub key: PublicKey,
}

impl AuthenticatorData {
    /// Reads it, to the last byte.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let short = || format!("authenticator data of {} bytes ends too early", bytes.len());
        let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or_else(short)?;
        let (flags, rest) = rest.split_first().ok_or_else(short)?;
        let (counter, mut rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let mut credential = None;
        if flags & flags::AT != 0 {
            let (aaguid, after) = rest.split_at_checked(16).ok_or_else(short)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or_else(short)?;
            let (id, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(short)?;
            let (key, after) = item(after)?;
            credential =
                Some(Attested { aaguid: aaguid.to_vec(), id: id.to_vec(), key: PublicKey::parse(&key)? });
            rest = after;
        }
        let mut extensions = None;
        if flags & flags::ED != 0 {
            let (outputs, after) = item(rest)?;
            extensions = Some(outputs);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the authenticator data", rest.len()));
        }
        let counter = u32::from_be_bytes(*counter);
        Ok(Self { rp_id_hash: rp_id_hash.to_vec(), flags: *flags, counter, credential, extensions })
    }
}

/// The first item of `bytes`, which must be canonical, and what follows it.
fn item(bytes: &[u8]) -> Result<(Value, &[u8]), String> {
    for end in 1..=bytes.len() {
        let (head, rest) = bytes.split_at(end);
        if let Ok(decoded) = decode(head) {
            return match decoded.breaches.first() {
                None => Ok((decoded.value, rest)),
                Some(breach) => Err(format!("not canonical CBOR inside the authenticator data: {breach}")),
            };
        }
    }
    Err("the CBOR inside the authenticator data ends too early".to_owned())
}
