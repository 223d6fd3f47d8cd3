//! The state file: the storage root key and the two PIN indices, replaced atomically.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use latchkey_container::tpm::{PinSlot, TpmError};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const STATE_FILE: &str = "software-tpm.state";
const NEW_STATE_FILE: &str = "software-tpm.new";
const VERSION: u8 = 1;
/// Far above what two indices need; a larger file is not ours.
const MAX_LENGTH: u64 = 4096;

/// What the file holds.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct State {
    version: u8,
    root: [u8; 32],
    slot_a: Option<PinIndex>,
    slot_b: Option<PinIndex>,
}

/// One PIN index.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct PinIndex {
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

    /// The index of `slot`.
    pub fn index(&self, slot: PinSlot) -> Option<&PinIndex> {
        match slot {
            PinSlot::A => self.slot_a.as_ref(),
            PinSlot::B => self.slot_b.as_ref(),
        }
    }

    /// Defines `slot`.
    pub fn define(&mut self, slot: PinSlot, index: PinIndex) {
        *self.slot(slot) = Some(index);
    }

    /// Undefines `slot`.
    pub fn undefine(&mut self, slot: PinSlot) {
        *self.slot(slot) = None;
    }

    /// Adds one failure to `slot`.
    pub fn count_failure(&mut self, slot: PinSlot) {
        if let Some(index) = self.slot(slot) {
            index.failures = index.failures.saturating_add(1);
        }
    }

    /// Sets the failures of `slot` to zero.
    pub fn clear_failures(&mut self, slot: PinSlot) {
        if let Some(index) = self.slot(slot) {
            index.failures = 0;
        }
    }

    fn slot(&mut self, slot: PinSlot) -> &mut Option<PinIndex> {
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
            Ok(file) => Ok(Self { state: read(file)?, dir }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&dir)
                    .map_err(|e| failed("create", &dir, &e))?;
                let mut root = [0; 32];
                rng.fill_bytes(&mut root);
                let made = Self { dir, state: State { version: VERSION, root, slot_a: None, slot_b: None } };
                root.zeroize();
                made.write(&made.state)?;
                Ok(made)
            }
            Err(error) => Err(failed("read", &dir.join(STATE_FILE), &error)),
        }
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
            std::fs::rename(&new, self.dir.join(STATE_FILE))?;
            File::open(&self.dir)?.sync_all()
        };
        replace().map_err(|error| failed("write", &self.dir.join(STATE_FILE), &error))
    }
}

fn read(file: File) -> Result<State, TpmError> {
    let damaged = || TpmError::Unexpected(format!("with a damaged {STATE_FILE}: restore it from a backup"));
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    file.take(MAX_LENGTH)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read", Path::new(STATE_FILE), &error))?;
    let state: State = ciborium::from_reader(bytes.as_slice()).map_err(|_| damaged())?;
    if state.version == VERSION { Ok(state) } else { Err(damaged()) }
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> TpmError {
    TpmError::Unreachable(format!("cannot {verb} {}: {error}", path.display()))
}
