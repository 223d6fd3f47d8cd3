//! Responses: the status byte and, after success, the result.

use crate::cbor::encode::Encode;
use crate::cbor::members::Members;
use crate::{Malformed, ResponseError, Status};

/// Reads a response that carries nothing but success (reset, selection, setPIN, changePIN, deleteCredential, …).
///
/// # Errors
/// [`ResponseError::Refused`] with any other status, [`ResponseError::Malformed`] if the response is empty or
/// carries a result.
pub fn parse_empty(response: &[u8]) -> Result<(), ResponseError> {
    if body(response)?.is_empty() {
        Ok(())
    } else {
        Err(Malformed::length("a result where none belongs").into())
    }
}

/// The members of a successful response.
pub(crate) fn members(response: &[u8]) -> Result<Members, ResponseError> {
    Ok(Members::of_message(body(response)?)?)
}

/// A successful response with this result.
pub(crate) fn success(result: &impl Encode) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(512);
    encoded.push(Status::OK.0);
    result.encode_into(&mut encoded);
    encoded
}

fn body(response: &[u8]) -> Result<&[u8], ResponseError> {
    let (status, body) = response.split_first().ok_or(Malformed::length("there is no status byte"))?;
    match Status(*status) {
        Status::OK => Ok(body),
        refused => Err(ResponseError::Refused(refused)),
    }
}
