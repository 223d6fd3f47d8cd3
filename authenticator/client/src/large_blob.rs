//! The `largeBlob` extension on top of the authenticator's large-blob array (WebAuthn Level 3 §10.1.5, CTAP 2.3 §6.10.3).
//!
//! The array is one for all passkeys: to write an entry is to read all of them and to write all of them back. The
//! authenticator knows one pinUvAuthToken at a time; so whoever reads under a token that is still good when the last
//! fragment is written has read what nobody has changed since.

use latchkey_protocol::large_blobs::{FRAGMENT_OVERHEAD, Request as LargeBlobs, Response};
use latchkey_protocol::{Request, ResponseError, cbor, parse_empty_response};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base64url::Bytes;
use crate::session::{Proof, Session};
use crate::{DomException, ErrorName};

mod entry;

/// `AuthenticationExtensionsLargeBlobInputs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct LargeBlobInputs {
    /// Only at registration: "required", and anything else is "preferred".
    pub(crate) support: Option<String>,
    /// Only at authentication.
    pub(crate) read: Option<bool>,
    /// Only at authentication.
    pub(crate) write: Option<Bytes>,
}

/// `AuthenticationExtensionsLargeBlobOutputs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct LargeBlobOutputs {
    /// Only at registration: whether the credential can have a blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supported: Option<bool>,
    /// What was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<Bytes>,
    /// Whether the blob was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<bool>,
}

/// How much of SHA-256 an array ends in.
const CHECK: usize = 16;
/// The shortest array that an authenticator must take, and what one takes that does not say (CTAP 2.3 §6.4).
const DEFAULT_CAPACITY: u64 = 1024;

impl LargeBlobInputs {
    /// The checks of `create()`.
    ///
    /// # Errors
    /// `NotSupportedError` for what is only valid at authentication.
    pub(crate) fn check_for_create(&self) -> Result<(), DomException> {
        if self.read.is_some() || self.write.is_some() {
            return Err(not_supported(
                "largeBlob: there is nothing to read or write while a passkey is made.",
            ));
        }
        Ok(())
    }

    /// The checks of `get()`.
    ///
    /// # Errors
    /// `NotSupportedError` for what is only valid at registration, for reading and writing at once, and for writing
    /// without saying whose blob.
    pub(crate) fn check_for_get(&self, allowed: usize) -> Result<(), DomException> {
        if self.support.is_some() {
            return Err(not_supported("largeBlob: support is decided while a passkey is made."));
        }
        if self.write.is_some() && self.reads() {
            return Err(not_supported("largeBlob: one request reads or writes."));
        }
        if self.write.is_some() && allowed != 1 {
            return Err(not_supported("largeBlob: to write, exactly one credential must be allowed."));
        }
        Ok(())
    }

    /// Whether a registration must fail where there is no support.
    pub(crate) fn insists(&self) -> bool {
        self.support.as_deref() == Some("required")
    }

    /// Whether an authentication asks for the blob.
    pub(crate) fn reads(&self) -> bool {
        self.read == Some(true)
    }

    /// Carries out what an authentication asks for, with the key that the assertion brought. What the authenticator
    /// refuses is told in the outputs: the sign-in has succeeded already.
    ///
    /// # Errors
    /// When the authenticator cannot be reached any more, or answers what is no answer.
    pub(crate) fn carry_out(
        &self,
        session: &mut Session<'_>,
        key: Option<&[u8; 32]>,
        proof: &Proof,
        rng: &mut dyn CryptoRng,
    ) -> Result<LargeBlobOutputs, DomException> {
        let mut outputs = LargeBlobOutputs::default();
        match (&self.write, key) {
            (Some(Bytes(blob)), Some(key)) => {
                outputs.written = Some(told(write(session, key, blob, proof, rng), false)?);
            }
            (Some(_), None) => outputs.written = Some(false),
            (None, Some(key)) if self.reads() => outputs.blob = told(read(session, key), None)?.map(Bytes),
            (None, _) => {}
        }
        Ok(outputs)
    }
}

/// Why the array cannot be read or written.
enum Trouble {
    /// The authenticator says no, or holds what is no array.
    Refused,
    Broken(DomException),
}

impl From<ResponseError> for Trouble {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Refused(_) => Self::Refused,
            malformed @ ResponseError::Malformed(_) => Self::Broken(malformed.into()),
        }
    }
}

impl From<DomException> for Trouble {
    fn from(error: DomException) -> Self {
        Self::Broken(error)
    }
}

fn told<T>(outcome: Result<T, Trouble>, refused: T) -> Result<T, DomException> {
    match outcome {
        Ok(value) => Ok(value),
        Err(Trouble::Refused) => Ok(refused),
        Err(Trouble::Broken(error)) => Err(error),
    }
}

fn read(session: &mut Session<'_>, key: &[u8; 32]) -> Result<Option<Vec<u8>>, Trouble> {
    Ok(entries(session)?.iter().find_map(|entry| entry::open(entry, key)))
}

/// Puts the blob in the place of what there is under the key; all other entries stay as they are, also those that are
/// not understood here.
fn write(
    session: &mut Session<'_>,
    key: &[u8; 32],
    blob: &[u8],
    proof: &Proof,
    rng: &mut dyn CryptoRng,
) -> Result<bool, Trouble> {
    let mut entries = entries(session)?;
    entries.retain(|entry| !entry::is_under(entry, key));
    entries.push(entry::seal(blob, key, rng));
    let mut array = cbor::encode(&cbor::Value::Array(entries));
    let check = Sha256::digest(&array);
    array.extend(check.iter().take(CHECK));
    if length(&array) > capacity(session) {
        return Ok(false);
    }
    let whole = length(&array);
    let mut offset = 0;
    for fragment in array.chunks(fragment_length(session)) {
        let message =
            LargeBlobs::message(offset, &Sha256::digest(fragment).into()).ok_or(Trouble::Refused)?;
        let (pin_uv_auth_protocol, pin_uv_auth_param) = proof.over(&message);
        let request = LargeBlobs {
            get: None,
            set: Some(fragment.to_vec()),
            offset: Some(offset),
            length: (offset == 0).then_some(whole),
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        };
        parse_empty_response(&session.transact(&Request::LargeBlobs(request))?)?;
        offset = offset.saturating_add(length(fragment));
    }
    Ok(true)
}

/// The entries of the array. One that does not end in its own hash was not written to its end and counts as empty; one
/// that does, and is no list all the same, is somebody's and stays.
fn entries(session: &mut Session<'_>) -> Result<Vec<cbor::Value>, Trouble> {
    let array = fetch(session)?;
    let Some((list, check)) = array.split_last_chunk::<CHECK>() else { return Ok(Vec::new()) };
    if !Sha256::digest(list).as_slice().starts_with(check) {
        return Ok(Vec::new());
    }
    let mut rest = list;
    let entries = ciborium::from_reader(&mut rest).map_err(|_| Trouble::Refused)?;
    if rest.is_empty() { Ok(entries) } else { Err(Trouble::Refused) }
}

/// The whole array, fragment by fragment.
fn fetch(session: &mut Session<'_>) -> Result<Vec<u8>, Trouble> {
    let fragment = fragment_length(session);
    let capacity = capacity(session);
    let mut array = Vec::new();
    while length(&array) <= capacity {
        let request = LargeBlobs {
            get: u64::try_from(fragment).ok(),
            offset: Some(length(&array)),
            ..LargeBlobs::default()
        };
        let part = Response::parse(&session.transact(&Request::LargeBlobs(request))?)?.config;
        array.extend_from_slice(&part);
        if part.len() < fragment {
            return Ok(array);
        }
    }
    Err(DomException::unknown("The authenticator's large blobs are longer than it says they can be.").into())
}

/// `maxFragmentLength`: without a `maxMsgSize` a message has 1024 bytes (CTAP 2.3 §6.4).
fn fragment_length(session: &Session<'_>) -> usize {
    let message = session.info.max_msg_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1024);
    message.saturating_sub(FRAGMENT_OVERHEAD).max(1)
}

fn capacity(session: &Session<'_>) -> u64 {
    session.info.max_serialized_large_blob_array.unwrap_or(DEFAULT_CAPACITY)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn not_supported(message: &str) -> DomException {
    DomException::new(ErrorName::NotSupportedError, message)
}
