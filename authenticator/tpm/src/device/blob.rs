//! How a TPM object is kept outside the TPM. Wrapped by its parent: version, length of the private area, private area,
//! public area. As the TPM saved it while it was loaded: version, then the context as CBOR.

use latchkey_container::tpm::{SealedBlob, TpmError};
use tss_esapi::structures::{Private, Public};
use tss_esapi::traits::{Marshall, UnMarshall};
use tss_esapi::utils::TpmsContext;

use super::fault::Fault;

/// First byte of a wrapped object; a later layout gets another.
const VERSION: u8 = 1;
/// First byte of a saved object.
const SAVED: u8 = 2;

/// A wrapped object, ready to load.
#[derive(Debug, Clone)]
pub struct ObjectBlob {
    /// What only the TPM that wrapped it can open.
    pub private: Private,
    /// What everybody may read.
    pub public: Public,
}

impl ObjectBlob {
    /// The stored form.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        let private = self.private.value();
        let length = u16::try_from(private.len()).map_err(|_| Fault::from(TpmError::ForeignBlob))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(private);
        bytes.extend_from_slice(&self.public.marshall()?);
        Ok(bytes)
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        Self::parse(bytes).ok_or(Fault::Known(TpmError::ForeignBlob))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.strip_prefix(&[VERSION])?.split_first_chunk::<2>()?;
        let (private, public) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(Self { private: Private::try_from(private).ok()?, public: Public::unmarshall(public).ok()? })
    }
}

/// The form in which a saved object is kept.
pub fn encode_saved(saved: &TpmsContext) -> Result<SealedBlob, Fault> {
    let mut bytes = vec![SAVED];
    ciborium::into_writer(saved, &mut bytes)
        .map_err(|error| TpmError::Unexpected(format!("with a context that cannot be kept: {error}")))?;
    Ok(SealedBlob(bytes))
}

/// Reads that form.
pub fn decode_saved(blob: &SealedBlob) -> Result<TpmsContext, Fault> {
    let saved = blob.0.strip_prefix(&[SAVED]).and_then(|bytes| ciborium::from_reader(bytes).ok());
    saved.ok_or(Fault::Known(TpmError::ForeignBlob))
}
