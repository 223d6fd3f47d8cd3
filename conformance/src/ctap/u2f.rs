//! U2F raw messages (FIDO U2F Raw Message Formats 1.2), as the platform sees them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A request (ISO 7816-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apdu {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1.
    pub p1: u8,
    /// P2.
    pub p2: u8,
    /// The data.
    pub data: Vec<u8>,
}

/// INS of `U2F_REGISTER`.
pub const REGISTER: u8 = 0x01;
/// INS of `U2F_AUTHENTICATE`.
pub const AUTHENTICATE: u8 = 0x02;
/// INS of `U2F_VERSION`.
pub const VERSION: u8 = 0x03;

impl Apdu {
    /// A request of class 0.
    pub fn new(instruction: u8, p1: u8, data: &[u8]) -> Self {
        Self { class: 0, instruction, p1, p2: 0, data: data.to_vec() }
    }

    /// In extended length, as U2F over HID wants it.
    pub fn extended(&self) -> Vec<u8> {
        let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX).to_be_bytes();
        let head = [self.class, self.instruction, self.p1, self.p2];
        let body = if self.data.is_empty() { vec![0] } else { [&[0], &length[..], &self.data].concat() };
        [&head[..], &body, &[0, 0]].concat()
    }
}

/// An answer: its data, and its status word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What stands before the status word.
    pub data: Vec<u8>,
    /// SW.
    pub status: u16,
}

impl Reply {
    /// The request was served.
    pub const OK: u16 = 0x9000;
    /// A touch is wanted.
    pub const TOUCH: u16 = 0x6985;
    /// The key handle is not its own.
    pub const WRONG_DATA: u16 = 0x6A80;
    /// The data has a wrong length.
    pub const WRONG_LENGTH: u16 = 0x6700;
    /// CLA is not supported.
    pub const CLASS: u16 = 0x6E00;
    /// INS is not supported.
    pub const INSTRUCTION: u16 = 0x6D00;

    /// Splits the status word off.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (data, status) = bytes.split_last_chunk::<2>()?;
        Some(Self { data: data.to_vec(), status: u16::from_be_bytes(*status) })
    }
}

/// What `U2F_REGISTER` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The public key: 65 bytes.
    pub key: Vec<u8>,
    /// The key handle.
    pub handle: Vec<u8>,
    /// The attestation certificate.
    pub certificate: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Registration {
    /// Reads it, to the last byte.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let short = || "the registration ends too early".to_owned();
        let (reserved, rest) = data.split_first().ok_or_else(short)?;
        if *reserved != 0x05 {
            return Err(format!("the reserved byte is 0x{reserved:02x}, not 0x05"));
        }
        let (key, rest) = rest.split_at_checked(65).ok_or_else(short)?;
        if key.first() != Some(&0x04) {
            return Err("the public key is no uncompressed point".to_owned());
        }
        let (length, rest) = rest.split_first().ok_or_else(short)?;
        let (handle, rest) = rest.split_at_checked(usize::from(*length)).ok_or_else(short)?;
        let (signature, _) =
            X509Certificate::from_der(rest).map_err(|error| format!("no certificate: {error}"))?;
        let certificate = rest.strip_suffix(signature).unwrap_or_default().to_vec();
        Ok(Self { key: key.to_vec(), handle: handle.to_vec(), certificate, signature: signature.to_vec() })
    }

    /// Checks the attestation.
    ///
    /// # Errors
    /// A sentence if it does not verify.
    pub fn verify(&self, application: &[u8], challenge: &[u8]) -> Result<(), String> {
        let (_, certificate) =
            X509Certificate::from_der(&self.certificate).map_err(|error| error.to_string())?;
        let point = certificate.public_key().subject_public_key.data.as_ref();
        let signed = [&[0], application, challenge, &self.handle, &self.key].concat();
        verify(point, &signed, &self.signature)
    }
}

/// Checks an ES256 signature under an uncompressed point.
///
/// # Errors
/// A sentence if it does not verify.
pub fn verify(point: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), String> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(signed, signature)
        .map_err(|_| "the signature does not verify".to_owned())
}
