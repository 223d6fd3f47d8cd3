//! Authenticator data (WebAuthn L3 §6.1), as an authenticator that says anything makes it.

use crate::cbor::{Value, encode};

/// All of it, each part as it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: Vec<u8>,
    /// See [`flags`](crate::ctap::flags); they need not tell the truth.
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
