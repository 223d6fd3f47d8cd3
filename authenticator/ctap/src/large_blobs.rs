//! authenticatorLargeBlobs (CTAP 2.3 §6.10): one array for all passkeys. Platforms encrypt what they put into it; here it
//! is bytes that end in their own hash.

use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::large_blobs::{FRAGMENT_OVERHEAD, Request, Response};
use latchkey_protocol::{MAX_MESSAGE, Status};
use sha2::{Digest, Sha256};

use crate::continuation::{Continuation, take_up};
use crate::engine::Authenticator;
use crate::status::Failure;
use crate::step::{Ambient, ChannelId};
use crate::token::{Proof, Scope};

/// getInfo's `maxSerializedLargeBlobArray`, in bytes. Some fifty certificates or keys of other systems, and still one
/// small commit and nine messages to read.
pub(crate) const MAX_ARRAY: usize = 65_536;

/// The array before anything was written: an empty list and its hash (§6.10.1).
const INITIAL: [u8; 17] =
    [0x80, 0x76, 0xBE, 0x8B, 0x52, 0x8D, 0x00, 0x75, 0xF7, 0xAA, 0xE9, 0x8D, 0x6F, 0xA5, 0x7A, 0x6D, 0x3C];

/// How much of SHA-256 an array ends in.
const CHECK: usize = 16;

/// An array of which the last fragment has not come yet.
pub(crate) struct Writing {
    /// `expectedLength`.
    length: usize,
    /// The fragments so far; its length is `expectedNextOffset`.
    array: Vec<u8>,
}

impl Authenticator {
    pub(crate) fn large_blobs(
        &mut self,
        channel: ChannelId,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        // An offset above what the machine can address is beyond the end of every array.
        let offset = usize::try_from(request.offset.ok_or(Failure::BadParameter)?).unwrap_or(usize::MAX);
        match (request.get, &request.set) {
            (Some(length), None) => self.read_large_blobs(request, offset, length),
            (None, Some(fragment)) => self.write_large_blobs(channel, request, offset, fragment, ambient),
            (None, None) | (Some(_), Some(_)) => Err(Failure::BadParameter),
        }
    }

    /// §6.10.2, `get`: for everybody, because what is read is encrypted.
    fn read_large_blobs(&self, request: &Request, offset: usize, length: u64) -> Result<Vec<u8>, Failure> {
        let strange = request.length.is_some()
            || request.pin_uv_auth_param.is_some()
            || request.pin_uv_auth_protocol.is_some();
        if strange {
            return Err(Failure::BadParameter);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > max_fragment() {
            return Err(Failure::FragmentTooLong);
        }
        let array = self.container.large_blobs()?.unwrap_or_else(|| INITIAL.to_vec());
        let rest = array.get(offset..).ok_or(Failure::BadParameter)?;
        Ok(Response { config: rest.get(..length).unwrap_or(rest).to_vec() }.encode())
    }

    /// §6.10.2, `set`. Nothing of the array that is there changes before the last fragment has come and the whole is
    /// sound; and only who may write can end a writing that is under way.
    fn write_large_blobs(
        &mut self,
        channel: ChannelId,
        request: &Request,
        offset: usize,
        fragment: &[u8],
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        if fragment.len() > max_fragment() {
            return Err(Failure::FragmentTooLong);
        }
        let begun = match (offset, request.length) {
            (0, Some(length)) => Some(Writing::begin(length)?),
            (0, None) | (1.., Some(_)) => return Err(Failure::BadParameter),
            (1.., None) => {
                let writing = take_up(&mut self.continuations.large_blobs, channel, ambient.uptime)
                    .map_err(|_| Failure::WrongFragment)?;
                if writing.array.len() != offset {
                    return Err(Failure::WrongFragment);
                }
                None
            }
        };
        self.authorise_fragment(request, fragment)?;
        if let Some(writing) = begun {
            let state = Continuation::new(channel, ambient.uptime, self.token.id(), writing);
            self.continuations.large_blobs = Some(state);
        }
        let writing = take_up(&mut self.continuations.large_blobs, channel, ambient.uptime)?;
        if !writing.take(fragment)? {
            return Ok(Status::OK.response());
        }
        let whole = self.continuations.large_blobs.take().ok_or(Failure::WrongFragment)?;
        let array = whole.into_rest().array;
        if !is_sound(&array) {
            return Err(Failure::BrokenArray);
        }
        self.container.set_large_blobs(&array, ambient.rng)?;
        Ok(Status::OK.response())
    }

    /// Who is not protected by user verification at all, writes without a token.
    fn authorise_fragment(&mut self, request: &Request, fragment: &[u8]) -> Result<(), Failure> {
        if request.pin_uv_auth_param.is_none() && !self.container.has_pin() && !self.always_uv() {
            return Ok(());
        }
        let proof = Proof::required(request.pin_uv_auth_param.as_deref(), request.pin_uv_auth_protocol)?;
        let offset = request.offset.ok_or(Failure::BadParameter)?;
        let message =
            Request::message(offset, &Sha256::digest(fragment).into()).ok_or(Failure::WrongFragment)?;
        self.token
            .authorise(proof, &[&message], Permissions::LARGE_BLOB_WRITE, Scope::Later)
            .map(drop)
            .ok_or(Failure::TokenRefused)
    }
}

impl Writing {
    fn begin(length: u64) -> Result<Self, Failure> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_ARRAY {
            return Err(Failure::ArrayTooLong);
        }
        if length < INITIAL.len() {
            return Err(Failure::BadParameter);
        }
        Ok(Self { length, array: Vec::with_capacity(length) })
    }

    /// Appends a fragment; whether it was the last one.
    fn take(&mut self, fragment: &[u8]) -> Result<bool, Failure> {
        if fragment.len() > self.length.saturating_sub(self.array.len()) {
            return Err(Failure::BadParameter);
        }
        self.array.extend_from_slice(fragment);
        Ok(self.array.len() == self.length)
    }
}

/// `maxFragmentLength`.
const fn max_fragment() -> usize {
    MAX_MESSAGE.saturating_sub(FRAGMENT_OVERHEAD)
}

/// Whether an array ends in the first 16 bytes of the SHA-256 of what comes before them.
fn is_sound(array: &[u8]) -> bool {
    array
        .split_last_chunk::<CHECK>()
        .is_some_and(|(entries, check)| Sha256::digest(entries).as_slice().starts_with(check))
}
