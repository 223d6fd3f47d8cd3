//! The port without a TPM: the same objects, held by key derivation and files only.
//!
//! Whoever copies the directory can guess without limit, so every promise that a TPM would enforce is advisory
//! here: the failure count is honest (written before the compare) but an attacker with the file resets it. That
//! is why [`TpmClass::Software`] exists, and why the container stretches PINs harder for it.

mod boot;
mod device_keys;
mod keys;
mod state;
mod vault;

use std::path::Path;

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{
    AdminKeyBlob, CreatedKey, KeyAlgorithm, KeyBlob, Lifetime, Lockout, MAX_SEALED, PinCount, PinIndex,
    PinSlot, SealedBlob, Tpm, TpmClass, TpmError, TpmIdentity,
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use keys::HotKeys;
use state::{Definition, StateFile};
use vault::{Kind, Vault};

/// The software provider. Its whole state is one file in the directory given to [`SoftwareTpm::open`].
pub struct SoftwareTpm {
    identity: TpmIdentity,
    file: StateFile,
    vault: Vault,
    boot_vault: Vault,
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
    /// [`TpmError::Storage`] when the directory or the file cannot be read or written, or the file is damaged.
    pub fn open(dir: &Path, mut rng: Box<dyn CryptoRng + Send>) -> Result<Self, TpmError> {
        let file = StateFile::open(dir, &mut *rng)?;
        let vault = Vault::new(file.state().root());
        let identity = TpmIdentity {
            class: TpmClass::Software,
            storage_root_name: vault.root_name(),
            description: "software provider (no TPM)".to_owned(),
            key_algorithms: KeyAlgorithm::ALL.to_vec(),
        };
        let boot_vault = vault.joined_with(&Secret32::random(&mut *rng))?;
        Ok(Self { identity, file, vault, boot_vault, hot: HotKeys::default(), rng })
    }

    /// Keeps what [`Lifetime::Boot`] objects need in `dir`, which a restart of the machine empties: a directory on a
    /// tmpfs, such as `$XDG_RUNTIME_DIR`. Without this, or when `dir` is on a disk, they die with this value already.
    ///
    /// # Errors
    /// [`TpmError::Storage`] when the secret there cannot be read or written.
    pub fn with_boot_dir(mut self, dir: &Path) -> Result<Self, TpmError> {
        if let Some(secret) = boot::secret(dir, &self.vault.root_name(), &mut *self.rng)? {
            self.boot_vault = self.vault.joined_with(&secret)?;
        }
        Ok(self)
    }

    fn vault_for(&self, lifetime: Lifetime) -> &Vault {
        match lifetime {
            Lifetime::Persistent => &self.vault,
            Lifetime::Boot => &self.boot_vault,
        }
    }

    /// What was defined under the index's administrative key; whatever else is in the slot is not there for us.
    fn definition(&self, index: PinIndex<'_>) -> Result<&Definition, TpmError> {
        let found = self.file.state().definition(index.slot);
        found.filter(|found| found.owner == owner(index.admin)).ok_or(TpmError::SlotEmpty)
    }

    /// Counts a try against an index, compares, and clears the count when it was right (TPM 2.0 Part 2 §13.2,
    /// `TPM_NT_PIN_FAIL`). The count is on disk before the compare, so that killing the program is no free guess.
    fn authorise_index(&mut self, index: PinIndex<'_>, index_auth: &AuthValue) -> Result<(), TpmError> {
        let defined = self.definition(index)?;
        if defined.failures >= defined.limit {
            return Err(TpmError::PinExhausted);
        }
        let expected = defined.verifier;
        let given = self.vault.index_verifier(&defined.id, index_auth);
        self.file.change(|state| state.count_failure(index.slot))?;
        if bool::from(expected.ct_eq(&given)) {
            self.file.change(|state| state.clear_failures(index.slot))
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

    fn require_free(&mut self, slot: PinSlot) -> Result<(), TpmError> {
        if self.file.state().definition(slot).is_none() {
            return Ok(());
        }
        Err(TpmError::SlotTaken(format!(
            "the software provider holds the PIN of a container that is not this one: if no container of yours is left \
             (its files were deleted by hand, say), remove {} too",
            self.file.path().display()
        )))
    }

    fn define_pin_index(
        &mut self,
        index: PinIndex<'_>,
        index_auth: &AuthValue,
        limit: u32,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError> {
        self.require_free(index.slot)?;
        self.vault.unwrap_secret(Kind::Admin, &[admin_auth.expose()], &index.admin.0)?;
        let mut id = [0; 32];
        self.rng.fill_bytes(&mut id);
        let verifier = self.vault.index_verifier(&id, index_auth);
        let definition = Definition { owner: owner(index.admin), id, verifier, failures: 0, limit };
        self.file.change(|state| state.define(index.slot, definition))
    }

    fn undefine_pin_index(&mut self, index: PinIndex<'_>) -> Result<(), TpmError> {
        if self.definition(index).is_err() {
            return Ok(());
        }
        self.file.change(|state| state.undefine(index.slot))
    }

    fn pin_count(&mut self, index: PinIndex<'_>) -> Result<Option<PinCount>, TpmError> {
        let count = |found: &Definition| PinCount { failures: found.failures, limit: found.limit };
        Ok(self.definition(index).ok().map(count))
    }

    fn seal(
        &mut self,
        index: PinIndex<'_>,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, TpmError> {
        let id = self.definition(index)?.id;
        self.vault
            .wrap(Kind::Sealed, &[&id, seal_auth.expose()], payload.expose(), &mut *self.rng)
            .map(SealedBlob)
    }

    fn unseal(
        &mut self,
        index: PinIndex<'_>,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, TpmError> {
        self.authorise_index(index, index_auth)?;
        let id = self.definition(index)?.id;
        self.vault.unwrap_secret(Kind::Sealed, &[&id, seal_auth.expose()], &blob.0)
    }

    fn rearm_pin_index(&mut self, index: PinIndex<'_>, admin_auth: &AuthValue) -> Result<(), TpmError> {
        self.definition(index)?;
        self.vault.unwrap_secret(Kind::Admin, &[admin_auth.expose()], &index.admin.0)?;
        self.file.change(|state| state.clear_failures(index.slot))
    }

    fn seal_under(
        &mut self,
        payload: &[u8],
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<SealedBlob, TpmError> {
        if payload.is_empty() || payload.len() > MAX_SEALED {
            return Err(TpmError::Unexpected(format!("that it seals 1 to {MAX_SEALED} bytes")));
        }
        let vault = match lifetime {
            Lifetime::Persistent => &self.vault,
            Lifetime::Boot => &self.boot_vault,
        };
        vault.wrap(Kind::Under, &[auth.expose()], payload, &mut *self.rng).map(SealedBlob)
    }

    fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.vault_for(lifetime).unwrap(Kind::Under, &[auth.expose()], &blob.0)
    }

    fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        self.hot.create(&self.vault, algorithm, auth, &mut *self.rng)
    }

    fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8]) -> Result<Vec<u8>, TpmError> {
        self.hot.sign(&self.vault, key, auth, digest)
    }

    fn forget_keys(&mut self) {
        self.hot.clear();
    }
}

/// How an index names its administrative key.
fn owner(admin: &AdminKeyBlob) -> [u8; 32] {
    Sha256::digest(&admin.0).into()
}
