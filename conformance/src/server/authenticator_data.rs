//! Authenticator data (WebAuthn L3 §6.1), as an authenticator that says anything makes it.

use crate::cbor::{Value, encode};

/// Flags.
pub mod flag {
    /// The user was present.
    pub const UP: u8 = 0x01;
    /// The user was verified.
    pub const UV: u8 = 0x04;
    /// The credential may be backed up.
    pub const BE: u8 = 0x08;
    /// The credential is backed up.
    pub const BS: u8 = 0x10;
    /// Attested credential data follow.
    pub const AT: u8 = 0x40;
    /// Extensions follow.
    pub const ED: u8 = 0x80;
}

/// All of it, each part as it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: Vec<u8>,
    /// Whatever follows or not.
    pub flags: u8,
    /// The signature counter.
    pub counter: u32,
    /// Attested credential data.
    pub attested: Option<Attested>,
    /// Extension outputs.
    pub extensions: Option<Value>,
    /// Bytes that belong to nothing.
    pub leftover: Vec<u8>,
}

/// Attested credential data.
#[derive(Debug, Clone, PartialEq)]
pub struct Attested {
    /// The authenticator's model.
    pub aaguid: [u8; 16],
    /// The credential ID.
    pub id: Vec<u8>,
    /// What the length says, if it does not tell the truth.
    pub length: Option<u16>,
    /// The public key as a COSE key.
    pub key: Value,
}

impl AuthenticatorData {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.rp_id_hash.clone();
        bytes.push(self.flags);
        bytes.extend(self.counter.to_be_bytes());
        if let Some(Attested { aaguid, id, length, key }) = &self.attested {
            let length = length.unwrap_or_else(|| u16::try_from(id.len()).unwrap_or(u16::MAX));
            bytes.extend(aaguid);
            bytes.extend(length.to_be_bytes());
            bytes.extend(id);
            bytes.extend(encode(key));
        }
        bytes.extend(self.extensions.as_ref().map(encode).unwrap_or_default());
        bytes.extend(&self.leftover);
        bytes
    }
}
