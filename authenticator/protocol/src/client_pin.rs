//! `authenticatorClientPIN` (CTAP 2.3 §6.5).

use std::fmt;
use std::ops::{BitAnd, BitOr};

use ciborium::Value;

use crate::cbor::encode::{self, Encode, some};
use crate::cbor::members::{Decode, Members};
use crate::command::open_number;
use crate::cose::KeyAgreement;
use crate::{Malformed, ResponseError, response};

open_number! {
    /// What to do (§6.5.5).
    SubCommand {
        GET_PIN_RETRIES = 0x01, "getPINRetries";
        GET_KEY_AGREEMENT = 0x02, "getKeyAgreement";
        SET_PIN = 0x03, "setPIN";
        CHANGE_PIN = 0x04, "changePIN";
        GET_PIN_TOKEN = 0x05, "getPinToken";
        GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS = 0x06, "getPinUvAuthTokenUsingUvWithPermissions";
        GET_UV_RETRIES = 0x07, "getUVRetries";
        GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS = 0x09, "getPinUvAuthTokenUsingPinWithPermissions";
    }
}

/// What a pinUvAuthToken may be used for (§6.5.5.7), a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(pub u8);

/// The parameters; which of them are required depends on the subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 0x01: the PIN/UV auth protocol.
    pub protocol: Option<u64>,
    /// 0x02: what to do.
    pub subcommand: SubCommand,
    /// 0x03: the platform's key-agreement key.
    pub key_agreement: Option<KeyAgreement>,
    /// 0x04: a MAC, over what the subcommand says.
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x05: the new PIN, padded and encrypted.
    pub new_pin_enc: Option<Vec<u8>>,
    /// 0x06: the hash of the PIN, encrypted.
    pub pin_hash_enc: Option<Vec<u8>>,
    /// 0x09: the permissions asked for.
    pub permissions: Option<Permissions>,
    /// 0x0A: the relying party that the permissions are for.
    pub rp_id: Option<String>,
}

/// The result; which members it has depends on the subcommand. Without any, [`Response::encode`] gives only the
/// status byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// 0x01: the authenticator's key-agreement key.
    pub key_agreement: Option<KeyAgreement>,
    /// 0x02: the token, encrypted.
    pub pin_uv_auth_token: Option<Vec<u8>>,
    /// 0x03: wrong PINs left before the PIN is blocked.
    pub pin_retries: Option<u64>,
    /// 0x04: whether a power cycle is needed before the next try.
    pub power_cycle_state: Option<bool>,
    /// 0x05: wrong gestures left before built-in user verification is blocked.
    pub uv_retries: Option<u64>,
}

impl Request {
    /// A request without parameters, to be filled in.
    #[must_use]
    pub const fn new(subcommand: SubCommand) -> Self {
        Self {
            protocol: None,
            subcommand,
            key_agreement: None,
            pin_uv_auth_param: None,
            new_pin_enc: None,
            pin_hash_enc: None,
            permissions: None,
            rp_id: None,
        }
    }

    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        Ok(Self {
            subcommand: members.required(0x02, "subCommand")?,
            protocol: members.optional(0x01, "pinUvAuthProtocol")?,
            key_agreement: members.optional(0x03, "keyAgreement")?,
            pin_uv_auth_param: members.optional(0x04, "pinUvAuthParam")?,
            new_pin_enc: members.optional(0x05, "newPinEnc")?,
            pin_hash_enc: members.optional(0x06, "pinHashEnc")?,
            permissions: members.optional(0x09, "permissions")?,
            rp_id: members.optional(0x0A, "rpId")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, some(self.protocol.as_ref())),
                (0x02, Some(&self.subcommand)),
                (0x03, some(self.key_agreement.as_ref())),
                (0x04, some(self.pin_uv_auth_param.as_ref())),
                (0x05, some(self.new_pin_enc.as_ref())),
                (0x06, some(self.pin_hash_enc.as_ref())),
                (0x09, some(self.permissions.as_ref())),
                (0x0A, some(self.rp_id.as_ref())),
            ],
        );
    }
}

impl Response {
    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if *self == Self::default() { crate::Status::OK.response() } else { response::success(self) }
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        let mut members = response::members(response)?;
        Ok(Self {
            key_agreement: members.optional(0x01, "KeyAgreement")?,
            pin_uv_auth_token: members.optional(0x02, "pinUvAuthToken")?,
            pin_retries: members.optional(0x03, "pinRetries")?,
            power_cycle_state: members.optional(0x04, "powerCycleState")?,
            uv_retries: members.optional(0x05, "uvRetries")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, some(self.key_agreement.as_ref())),
                (0x02, some(self.pin_uv_auth_token.as_ref())),
                (0x03, some(self.pin_retries.as_ref())),
                (0x04, some(self.power_cycle_state.as_ref())),
                (0x05, some(self.uv_retries.as_ref())),
            ],
        );
    }
}

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// `mc`: makeCredential.
    pub const MAKE_CREDENTIAL: Self = Self(0x01);
    /// `ga`: getAssertion.
    pub const GET_ASSERTION: Self = Self(0x02);
    /// `cm`: credential management.
    pub const CREDENTIAL_MANAGEMENT: Self = Self(0x04);
    /// `be`: bio enrolment.
    pub const BIO_ENROLLMENT: Self = Self(0x08);
    /// `lbw`: writing large blobs.
    pub const LARGE_BLOB_WRITE: Self = Self(0x10);
    /// `acfg`: authenticator configuration.
    pub const AUTHENTICATOR_CONFIGURATION: Self = Self(0x20);
    /// `pcmr`: persistent read-only credential management; must be asked for alone.
    pub const PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY: Self = Self(0x40);

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Permissions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Permissions, &str); 7] = [
            (Permissions::MAKE_CREDENTIAL, "mc"),
            (Permissions::GET_ASSERTION, "ga"),
            (Permissions::CREDENTIAL_MANAGEMENT, "cm"),
            (Permissions::BIO_ENROLLMENT, "be"),
            (Permissions::LARGE_BLOB_WRITE, "lbw"),
            (Permissions::AUTHENTICATOR_CONFIGURATION, "acfg"),
            (Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY, "pcmr"),
        ];
        let mut separator = "";
        for (permission, name) in NAMES {
            if self.contains(permission) {
                write!(f, "{separator}{name}")?;
                separator = " ";
            }
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl Decode for Permissions {
    /// Bits beyond the byte have no meaning yet and grant nothing.
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let [low, ..] = u64::decode(value, what)?.to_le_bytes();
        Ok(Self(low))
    }
}

impl Encode for Permissions {
    fn encode_into(&self, to: &mut Vec<u8>) {
        u64::from(self.0).encode_into(to);
    }
}
