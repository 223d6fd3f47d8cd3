//! `authenticatorLargeBlobs` (CTAP 2.3 §6.10).

use crate::cbor::encode::{self, Encode, some};
use crate::cbor::members::Members;
use crate::{Malformed, ResponseError, response};

/// What a message of [`MAX_MESSAGE`](crate::MAX_MESSAGE) bytes has besides a fragment: the largest one is
/// `maxMsgSize − 64` bytes long (§6.10.2).
pub const FRAGMENT_OVERHEAD: usize = 64;

/// The parameters. Which of them belong together is for the engine to say: each combination has a status of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// 0x01: how many bytes to read.
    pub get: Option<u64>,
    /// 0x02: a fragment to write.
    pub set: Option<Vec<u8>>,
    /// 0x03: where in the array.
    pub offset: Option<u64>,
    /// 0x04: the length of the whole array that the first fragment begins.
    pub length: Option<u64>,
    /// 0x05: MAC over [`Request::message`].
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x06: the PIN/UV auth protocol of the MAC.
    pub pin_uv_auth_protocol: Option<u64>,
}

/// The result of reading; writing gives none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 0x01: a part of the array, shorter than was asked for only at its end.
    pub config: Vec<u8>,
}

impl Request {
    /// What `pinUvAuthParam` is a MAC over: 32 bytes 0xFF, the command, a zero, the offset in four bytes, and the SHA-256
    /// of the fragment. Nothing for an offset above 32 bits, which no array has.
    #[must_use]
    pub fn message(offset: u64, fragment_hash: &[u8; 32]) -> Option<Vec<u8>> {
        let offset = u32::try_from(offset).ok()?;
        Some([&[0xFF; 32][..], &[0x0C, 0x00], &offset.to_le_bytes(), fragment_hash].concat())
    }

    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        Ok(Self {
            get: members.optional(0x01, "get")?,
            set: members.optional(0x02, "set")?,
            offset: members.optional(0x03, "offset")?,
            length: members.optional(0x04, "length")?,
            pin_uv_auth_param: members.optional(0x05, "pinUvAuthParam")?,
            pin_uv_auth_protocol: members.optional(0x06, "pinUvAuthProtocol")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, some(self.get.as_ref())),
                (0x02, some(self.set.as_ref())),
                (0x03, some(self.offset.as_ref())),
                (0x04, some(self.length.as_ref())),
                (0x05, some(self.pin_uv_auth_param.as_ref())),
                (0x06, some(self.pin_uv_auth_protocol.as_ref())),
            ],
        );
    }
}

impl Response {
    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        response::success(self)
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        Ok(Self { config: response::members(response)?.required(0x01, "config")? })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(to, &[(0x01, Some(&self.config))]);
    }
}
