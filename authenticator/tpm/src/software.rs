//! The port without a TPM: the same objects, held by key derivation and files only.
//!
//! Whoever copies the directory can guess without limit, so every promise that a TPM would enforce is advisory
//! here: the failure count is honest (written before the compare) but an attacker with the file resets it. That
//! is why [`TpmClass::Software`] exists, and why the container stretches PINs harder for it.

mod keys;
mod state;
mod vault;

use std::path::Path;

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{
    AdminKeyBlob, CreatedKey, KeyAlgorithm, KeyBlob, Lockout, PinCount, PinSlot, SealedBlob, Tpm, TpmClass,
    TpmError, TpmIdentity,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use keys::HotKeys;
use state::{PinIndex, StateFile};
use vault::{Kind, Vault};

/// The software provider. Its whole state is one file in the directory given to [`SoftwareTpm::open`].
pub struct SoftwareTpm {
    identity: TpmIdentity,
    file: StateFile,
    vault: Vault,
    hot: HotKeys,
    rng: Box<dyn CryptoRng + Send>,
}

impl SoftwareTpm {
    /// Opens the provider in `dir`, and makes it (directory 0700, file 0600) when it is not there yet.
    ///
    /// User keys and ECDSA nonces come from aws-lc-rs, which draws them from its own generator and accepts no
    /// other; everything else comes from `rng`.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`] when the directory or the file cannot be read or written, and
    /// [`TpmError::Unexpected`] when the file is damaged.
    pub fn open(dir: &Path, mut rng: Box<dyn CryptoRng + Send>) -> Result<Self, TpmError> {
        let file = StateFile::open(dir, &mut *rng)?;
        let vault = Vault::new(file.state().root());
        let identity = TpmIdentity {
            class: TpmClass::Software,
            storage_root_name: vault.root_name(),
            description: "software provider (no TPM)".to_owned(),
        };
        Ok(Self { identity, file, vault, hot: HotKeys::default(), rng })
    }

    fn index(&self, slot: PinSlot) -> Result<&PinIndex, TpmError> {
        self.file.state().index(slot).ok_or(TpmError::SlotEmpty)
    }

    /// Counts a try against `slot`, compares, and clears the count when it was right (TPM 2.0 Part 2 §13.2,
    /// `TPM_NT_PIN_FAIL`). The count is on disk before the compare, so that killing the program is no free guess.
    fn authorise_index(&mut self, slot: PinSlot, index_auth: &AuthValue) -> Result<(), TpmError> {
        let index = self.index(slot)?;
        if index.failures >= index.limit {
            return Err(TpmError::PinExhausted);
        }
        let expected = index.verifier;
        let given = self.vault.index_verifier(&index.id, index_auth);
        self.file.change(|state| state.count_failure(slot))?;
        if bool::from(expected.ct_eq(&given)) {
            self.file.change(|state| state.clear_failures(slot))
        } else {
            Err(TpmError::WrongAuth)
        }
    }
}

impl Tpm for SoftwareTpm {
    fn identity(&self) -> &TpmIdentity {
        &self.identity
    }

    /// There is no shared lockout: never locked, and a limit that is never reached.
    fn lockout(&mut self) -> Result<Lockout, TpmError> {
        Ok(Lockout { locked: false, failures: 0, limit: u32::MAX, recovery_seconds: 0 })
    }

    fn bind(&mut self, payload: &Secret32) -> Result<SealedBlob, TpmError> {
        self.vault.wrap(Kind::Bound, &[], payload.expose(), &mut *self.rng).map(SealedBlob)
    }

    fn unbind(&mut self, blob: &SealedBlob) -> Result<Secret32, TpmError> {
        self.vault.unwrap_secret(Kind::Bound, &[], &blob.0)
    }

    fn create_admin_key(&mut self, auth: &AuthValue) -> Result<AdminKeyBlob, TpmError> {
        let name = Secret32::random(&mut *self.rng);
        self.vault.wrap(Kind::Admin, &[auth.expose()], name.expose(), &mut *self.rng).map(AdminKeyBlob)
    }

    fn define_pin_index(
        &mut self,
        slot: PinSlot,
        index_auth: &AuthValue,
        limit: u32,
        admin: &AdminKeyBlob,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError> {
        if self.file.state().index(slot).is_some() {
            return Err(TpmError::SlotTaken);
        }
        self.vault.unwrap_secret(Kind::Admin, &[admin_auth.expose()], &admin.0)?;
        let mut id = [0; 32];
        self.rng.fill_bytes(&mut id);
        let verifier = self.vault.index_verifier(&id, index_auth);
        self.file.change(|state| state.define(slot, PinIndex { id, verifier, failures: 0, limit }))
    }

    fn undefine_pin_index(&mut self, slot: PinSlot) -> Result<(), TpmError> {
        if self.file.state().index(slot).is_none() {
            return Ok(());
        }
        self.file.change(|state| state.undefine(slot))
    }

    fn pin_count(&mut self, slot: PinSlot) -> Result<Option<PinCount>, TpmError> {
        let count = |index: &PinIndex| PinCount { failures: index.failures, limit: index.limit };
        Ok(self.file.state().index(slot).map(count))
    }

    fn seal(
        &mut self,
        slot: PinSlot,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, TpmError> {
        let id = self.index(slot)?.id;
        self.vault
            .wrap(Kind::Sealed, &[&id, seal_auth.expose()], payload.expose(), &mut *self.rng)
            .map(SealedBlob)
    }

    fn unseal(
        &mut self,
        slot: PinSlot,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, TpmError> {
        self.authorise_index(slot, index_auth)?;
        let id = self.index(slot)?.id;
        self.vault.unwrap_secret(Kind::Sealed, &[&id, seal_auth.expose()], &blob.0)
    }

    fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        keys::create(&self.vault, algorithm, auth, &mut *self.rng)
    }

    fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8; 32]) -> Result<Vec<u8>, TpmError> {
        self.hot.sign(&self.vault, key, auth, digest)
    }

    fn forget_keys(&mut self) {
        self.hot.clear();
    }
}
