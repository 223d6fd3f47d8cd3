//! Authenticator data (WebAuthn Level 3 §6.1): what an authenticator signs.

use std::ops::BitOr;

use ciborium::Value;

use crate::cbor::encode::Encode;
use crate::cbor::members::Decode;
use crate::cose::CoseKey;
use crate::{Malformed, cbor};

/// The flags byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

/// Authenticator data.
///
/// The flags ED and AT are not free: [`AuthenticatorData::encode`] sets them by what is there, and `parse` takes what
/// they announce.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthenticatorData {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: [u8; 32],
    /// User presence and verification, backup eligibility and state.
    pub flags: Flags,
    /// The signature counter.
    pub sign_count: u32,
    /// AT: the fresh credential.
    pub attested: Option<AttestedCredential>,
    /// ED: extension outputs, a map.
    pub extensions: Option<Value>,
}

/// Attested credential data (WebAuthn Level 3 §6.5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct AttestedCredential {
    /// The authenticator's model.
    pub aaguid: [u8; 16],
    /// The credential id, at most 1023 bytes.
    pub credential_id: Vec<u8>,
    /// The public key.
    pub public_key: CoseKey,
}

impl Flags {
    /// User present.
    pub const UP: Self = Self(0x01);
    /// User verified.
    pub const UV: Self = Self(0x04);
    /// Backup eligible.
    pub const BE: Self = Self(0x08);
    /// Backed up.
    pub const BS: Self = Self(0x10);
    /// Attested credential data included.
    pub const AT: Self = Self(0x40);
    /// Extension data included.
    pub const ED: Self = Self(0x80);

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn set(self, flag: Self, to: bool) -> Self {
        Self(if to { self.0 | flag.0 } else { self.0 & !flag.0 })
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The longest credential id (WebAuthn Level 3 §6.5.1).
const LONGEST_CREDENTIAL_ID: usize = 1023;

impl AuthenticatorData {
    /// The bytes that are signed. ED and AT are set or cleared by what is there.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let flags =
            self.flags.set(Flags::AT, self.attested.is_some()).set(Flags::ED, self.extensions.is_some());
        let mut encoded = Vec::with_capacity(if self.attested.is_some() { 256 } else { 64 });
        encoded.extend_from_slice(&self.rp_id_hash);
        encoded.push(flags.0);
        encoded.extend(self.sign_count.to_be_bytes());
        if let Some(attested) = &self.attested {
            attested.encode_into(&mut encoded);
        }
        if let Some(extensions) = &self.extensions {
            extensions.encode_into(&mut encoded);
        }
        encoded
    }

    /// Reads authenticator data to its last byte.
    ///
    /// # Errors
    /// [`Malformed`] if it is too short or too long for its flags, or a part is not what it must be.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(TOO_SHORT)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(TOO_SHORT)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(TOO_SHORT)?;
        let flags = Flags(*flags);
        let mut attested = None;
        if flags.contains(Flags::AT) {
            let (credential, after) = AttestedCredential::parse_prefix(rest)?;
            attested = Some(credential);
            rest = after;
        }
        let mut extensions = None;
        if flags.contains(Flags::ED) {
            let (value, after) = cbor::decode_prefix(rest)?;
            if !value.is_map() {
                return Err(Malformed::unexpected_type("authenticator data: extensions are not a map"));
            }
            extensions = Some(value);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Malformed::length("authenticator data is longer than its flags say"));
        }
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            flags,
            sign_count: u32::from_be_bytes(*sign_count),
            attested,
            extensions,
        })
    }
}

const TOO_SHORT: Malformed = Malformed::length("authenticator data is shorter than its flags say");

impl AttestedCredential {
    fn encode_into(&self, to: &mut Vec<u8>) {
        debug_assert!(self.credential_id.len() <= LONGEST_CREDENTIAL_ID, "credential ids are short");
        to.extend_from_slice(&self.aaguid);
        to.extend(u16::try_from(self.credential_id.len()).unwrap_or(u16::MAX).to_be_bytes());
        to.extend_from_slice(&self.credential_id);
        self.public_key.encode_into(to);
    }

    fn parse_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(TOO_SHORT)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(TOO_SHORT)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > LONGEST_CREDENTIAL_ID {
            return Err(Malformed::length("the credential id is longer than 1023 bytes"));
        }
        let (credential_id, rest) = rest.split_at_checked(length).ok_or(TOO_SHORT)?;
        let (public_key, rest) = cbor::decode_prefix(rest)?;
        let attested = Self {
            aaguid: *aaguid,
            credential_id: credential_id.to_vec(),
            public_key: CoseKey::decode(public_key, "credential public key")?,
        };
        Ok((attested, rest))
    }
}
