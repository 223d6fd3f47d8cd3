//! Secrets that an authorisation value opens, and the parent of those that die at a restart.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{Lifetime, MAX_SEALED, SealedBlob, TpmError};
use tss_esapi::handles::KeyHandle;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use zeroize::Zeroizing;

use super::blob::ObjectBlob;
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
        let public = template::open_secret()?;
        let made = match lifetime {
            Lifetime::Persistent => self.create(public, Some(auth), Some(payload)),
            Lifetime::Boot => self.with_boot_parent(|connection, parent| {
                connection.create_under(parent, public, Some(auth), Some(payload))
            }),
        }?;
        Ok(SealedBlob(made.encode()?))
    }

    /// Opens what [`Connection::seal_under`] sealed.
    pub fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let blob = ObjectBlob::decode(&blob.0)?;
        let object = match lifetime {
            Lifetime::Persistent => self.load(blob),
            Lifetime::Boot => self.with_boot_parent(|connection, parent| connection.load_under(parent, blob)),
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

    /// Loads the parent of what dies at a restart for the time of `work`: a TPM has few slots, so it does not stay.
    fn with_boot_parent<T>(
        &mut self,
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let parent = self.load_boot_parent()?;
        let result = work(self, parent);
        self.flush(parent.into());
        result
    }

    /// Making the parent takes a TPM of metal a good part of a second, so each connection makes it once and then loads
    /// the saved context. Every making in the time between two resets gives the same key.
    fn load_boot_parent(&mut self) -> Result<KeyHandle, Fault> {
        if let Some(saved) = self.boot_parent.clone() {
            let loaded = self.context.execute_without_session(|context| context.context_load(saved));
            return loaded.map(KeyHandle::from).map_err(|error| match Fault::from(error) {
                // No session goes with this command, so a reset shows itself as a context that nobody knows.
                Fault::Refused(_) => Fault::Lost,
                fault @ (Fault::Lost | Fault::Full | Fault::Link(_) | Fault::Known(_)) => fault,
            });
        }
        let template = template::boot_parent()?;
        let made =
            self.run(|context| context.create_primary(Hierarchy::Null, template, None, None, None, None))?;
        let parent = made.key_handle;
        match self.context.execute_without_session(|context| context.context_save(parent.into())) {
            Ok(saved) => {
                self.boot_parent = Some(saved);
                Ok(parent)
            }
            Err(error) => {
                self.flush(parent.into());
                Err(error.into())
            }
        }
    }
}
