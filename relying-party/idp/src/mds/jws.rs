//! The JWS of a BLOB: strictly the form of MDS3 §3.1.7, nothing that JOSE allows besides.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::BlobError;

/// Leaf, intermediates, and a root that some signers add.
const MOST_CERTIFICATES: usize = 6;
const LARGEST_HEADER: usize = 64 * 1024;

/// What is accepted. Symmetric algorithms and `none` have no place here (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

pub(super) struct Jws<'a> {
    pub(super) algorithm: Algorithm,
    /// Leaf first.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) signed: &'a [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Members that only inform (`kid`) are left unread; those that would change the verification are refused.
#[derive(Deserialize)]
struct Header<'a> {
    alg: String,
    typ: Option<String>,
    x5c: Option<Vec<String>>,
    #[serde(borrow)]
    crit: Option<&'a RawValue>,
    #[serde(borrow)]
    b64: Option<&'a RawValue>,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, BlobError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(BlobError::Form("it has no three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(BlobError::Form("it has no three parts"))?;
        if header.len() > LARGEST_HEADER {
            return Err(BlobError::Form("its header is too large"));
        }
        let header = decode(header)?;
        let header: Header<'_> =
            serde_json::from_slice(&header).map_err(|_| BlobError::Form("its header is not readable"))?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(BlobError::Form("its header asks for extensions"));
        }
        if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(BlobError::Form("its type is not JWT"));
        }
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return Err(BlobError::Algorithm),
        };
        let certificates = certificates(header.x5c.as_deref())?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        Ok(Self { algorithm, certificates, signed: signed.as_bytes(), payload, signature })
    }
}

/// The certificates come in the file or not at all: an address (`x5u`) is never followed.
fn certificates(x5c: Option<&[String]>) -> Result<Vec<CertificateDer<'static>>, BlobError> {
    let x5c = x5c.ok_or(BlobError::Form("it carries no certificates"))?;
    if !(1..=MOST_CERTIFICATES).contains(&x5c.len()) {
        return Err(BlobError::Form("it carries no certificates, or too many"));
    }
    // RFC 7515 §4.1.6: standard base64, not the one of the other parts.
    let decoded = x5c.iter().map(|text| STANDARD.decode(text).map(CertificateDer::from));
    decoded.collect::<Result<_, _>>().map_err(|_| BlobError::Form("a certificate is not base64"))
}

fn decode(part: &str) -> Result<Vec<u8>, BlobError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| BlobError::Form("a part is not base64url"))
}
