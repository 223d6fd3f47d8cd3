//! The two providers, each on a state that dies with the test.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::Tpm;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tpm::{DeviceOptions, DeviceTpm, SoftwareTpm};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

/// A provider that can be opened again, as after a restart of the daemon.
pub trait Provider {
    fn open(&self) -> Box<dyn Tpm>;
}

pub struct Software {
    dir: TempDir,
    seed: u64,
}

impl Software {
    pub fn new(seed: u64) -> Self {
        Self { dir: TempDir::new().expect("a temporary directory"), seed }
    }
}

impl Provider for Software {
    fn open(&self) -> Box<dyn Tpm> {
        let rng = Box::new(ChaCha20Rng::seed_from_u64(self.seed));
        Box::new(SoftwareTpm::open(self.dir.path(), rng).expect("the software provider opens"))
    }
}

pub struct Device {
    // Before the directory that it lives in.
    pub swtpm: Swtpm,
    _dir: TempDir,
}

impl Device {
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        Self { swtpm: Swtpm::start(dir.path()), _dir: dir }
    }

    pub fn open_device(&self) -> DeviceTpm {
        DeviceTpm::open(&DeviceOptions::new(self.swtpm.tcti())).expect("swtpm answers")
    }
}

impl Provider for Device {
    fn open(&self) -> Box<dyn Tpm> {
        Box::new(self.open_device())
    }
}

/// An authorisation value that a failed test can name.
pub fn auth(fill: u8) -> AuthValue {
    AuthValue::new([fill; 32])
}
