//! The state file: the storage root key and the two PIN indices, replaced atomically.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use latchkey_container::tpm::{PinSlot, TpmError};
use latchkey_container::{StorageError, StorageProblem};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const STATE_FILE: &str = "software-tpm.state";
const NEW_STATE_FILE: &str = "software-tpm.new";
const VERSION: u8 = 2;
/// Far above what two indices need; a larger file is not ours.
const MAX_LENGTH: u64 = 4096;

/// What the file holds.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct State {
    version: u8,
    root: [u8; 32],
    slot_a: Option<Definition>,
    slot_b: Option<Definition>,
}

/// One PIN index.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Definition {
    /// The hash of the administrative key that it was defined under.
    pub owner: [u8; 32],
    /// Drawn when the index is defined; what is sealed to the index dies with it.
    pub id: [u8; 32],
    /// What the authorisation value is compared with.
    pub verifier: [u8; 32],
    /// Wrong authorisations since the last right one.
    pub failures: u32,
    /// Failures at which the index refuses.
    pub limit: u32,
}

impl State {
    /// The storage root key.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// What is defined in `slot`.
    pub fn definition(&self, slot: PinSlot) -> Option<&Definition> {
        match slot {
            PinSlot::A => self.slot_a.as_ref(),
            PinSlot::B => self.slot_b.as_ref(),
        }
    }

    /// Defines `slot`.
    pub fn define(&mut self, slot: PinSlot, definition: Definition) {
        *self.slot(slot) = Some(definition);
    }

    /// Undefines `slot`.
    pub fn undefine(&mut self, slot: PinSlot) {
        *self.slot(slot) = None;
    }

    /// Adds one failure to `slot`.
    pub fn count_failure(&mut self, slot: PinSlot) {
        if let Some(definition) = self.slot(slot) {
            definition.failures = definition.failures.saturating_add(1);
        }
    }

    /// Sets the failures of `slot` to zero.
    pub fn clear_failures(&mut self, slot: PinSlot) {
        if let Some(definition) = self.slot(slot) {
            definition.failures = 0;
        }
    }

    fn slot(&mut self, slot: PinSlot) -> &mut Option<Definition> {
        match slot {
            PinSlot::A => &mut self.slot_a,
            PinSlot::B => &mut self.slot_b,
        }
    }
}

/// The file and the state that it holds.
pub struct StateFile {
    dir: PathBuf,
    state: State,
}

impl StateFile {
    /// Reads the state of `dir`, or makes it.
    pub fn open(dir: &Path, rng: &mut dyn CryptoRng) -> Result<Self, TpmError> {
        let dir = dir.to_owned();
        match File::open(dir.join(STATE_FILE)) {
            Ok(file) => Ok(Self { state: read(file, &dir.join(STATE_FILE))?, dir }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&dir)
                    .map_err(|error| StorageError::io(&dir, &error))?;
                let mut root = [0; 32];
                rng.fill_bytes(&mut root);
                let made = Self { dir, state: State { version: VERSION, root, slot_a: None, slot_b: None } };
                root.zeroize();
                made.write(&made.state)?;
                Ok(made)
            }
            Err(error) => Err(StorageError::io(dir.join(STATE_FILE), &error).into()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.dir.join(STATE_FILE)
    }

    /// The state as the file has it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Changes the state, on disk first: what could not be written did not happen.
    pub fn change(&mut self, edit: impl FnOnce(&mut State)) -> Result<(), TpmError> {
        let mut next = self.state.clone();
        edit(&mut next);
        self.write(&next)?;
        self.state = next;
        Ok(())
    }

    fn write(&self, state: &State) -> Result<(), TpmError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        ciborium::into_writer(state, &mut *bytes)
            .map_err(|_| TpmError::Unexpected("a state that cannot be encoded".to_owned()))?;
        let new = self.dir.join(NEW_STATE_FILE);
        let replace = || -> std::io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, self.path())?;
            File::open(&self.dir)?.sync_all()
        };
        Ok(replace().map_err(|error| StorageError::io(self.path(), &error))?)
    }
}

fn read(file: File, path: &Path) -> Result<State, TpmError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    file.take(MAX_LENGTH).read_to_end(&mut bytes).map_err(|error| StorageError::io(path, &error))?;
    let state: Option<State> = ciborium::from_reader(bytes.as_slice()).ok();
    state
        .filter(|state| state.version == VERSION)
        .ok_or_else(|| StorageError { path: path.to_owned(), problem: StorageProblem::Damaged }.into())
}
