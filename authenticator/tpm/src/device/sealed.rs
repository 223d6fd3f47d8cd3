//! Secrets that an authorisation value opens, for good or until the next restart.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{Lifetime, MAX_SEALED, SealedBlob, TpmError};
use tss_esapi::handles::KeyHandle;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::structures::SensitiveData;
use zeroize::Zeroizing;

use super::blob::{ObjectBlob, decode_saved, encode_saved};
use super::connection::{Connection, tss_auth};
use super::fault::Fault;
use super::template;

impl Connection {
    /// Seals to this TPM and `auth`.
    pub fn seal_under(
        &mut self,
        payload: &[u8],
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<SealedBlob, Fault> {
        if payload.is_empty() || payload.len() > MAX_SEALED {
            return Err(Fault::Known(TpmError::Unexpected(format!(
                "that {} bytes cannot be sealed: it takes 1 to {MAX_SEALED}",
                payload.len()
            ))));
        }
        match lifetime {
            Lifetime::Persistent => {
                let made = self.create(template::open_secret()?, Some(auth), Some(payload))?;
                Ok(SealedBlob(made.encode()?))
            }
            Lifetime::Boot => self.seal_until_reset(payload, auth),
        }
    }

    /// Opens what [`Connection::seal_under`] sealed.
    pub fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let object = match lifetime {
            Lifetime::Persistent => self.load(ObjectBlob::decode(&blob.0)?),
            Lifetime::Boot => self.load_saved(decode_saved(blob)?),
        }?;
        let opened = self.unseal_loaded(object, auth);
        self.flush(object.into());
        opened
    }

    fn unseal_loaded(&mut self, object: KeyHandle, auth: &AuthValue) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.context.tr_set_auth(object.into(), tss_auth(auth)?)?;
        let payload = self.run(|context| context.unseal(object.into()))?;
        Ok(Zeroizing::new(payload.value().to_vec()))
    }

    /// Makes the secret a primary object of the NULL hierarchy, so that it needs no parent, and lets the TPM save it:
    /// encrypted under the proof of that hierarchy, which changes at each reset (TPM 2.0 Part 1 §14.4, §30.3). It does
    /// not stay loaded, because a TPM has few slots.
    fn seal_until_reset(&mut self, payload: &[u8], auth: &AuthValue) -> Result<SealedBlob, Fault> {
        let (public, auth) = (template::open_secret()?, tss_auth(auth)?);
        let payload = SensitiveData::try_from(payload)?;
        let made = self.run(|context| {
            context.create_primary(Hierarchy::Null, public, Some(auth), Some(payload), None, None)
        })?;
        let saved = self.save(made.key_handle);
        self.flush(made.key_handle.into());
        encode_saved(&saved?)
    }
}
