//! The two providers, each on a state that dies with the test.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{AdminKeyBlob, PinIndex, PinSlot, Tpm};
use latchkey_tests::swtpm::{self, Swtpm};
use latchkey_tpm::{DeviceOptions, DeviceTpm, SoftwareTpm};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

/// A provider that can be opened again, as after a restart of the daemon.
pub trait Provider {
    fn open(&self) -> Box<dyn Tpm>;

    /// Whether two open at once see what the other does. The software provider reads its file once: a container's
    /// lock keeps others away from it.
    fn shared(&self) -> bool;

    /// Restarts the machine.
    fn restart(&mut self);
}

pub struct Software {
    dir: TempDir,
    /// On a tmpfs, as a user's runtime directory is.
    boot: TempDir,
    seed: u64,
}

impl Software {
    pub fn new(seed: u64) -> Self {
        Self { dir: TempDir::new().expect("a temporary directory"), boot: boot_dir(), seed }
    }
}

impl Provider for Software {
    fn open(&self) -> Box<dyn Tpm> {
        let rng = Box::new(ChaCha20Rng::seed_from_u64(self.seed));
        let tpm = SoftwareTpm::open(self.dir.path(), rng).and_then(|tpm| tpm.with_boot_dir(self.boot.path()));
        Box::new(tpm.expect("the software provider opens"))
    }

    fn shared(&self) -> bool {
        false
    }

    fn restart(&mut self) {
        self.boot = boot_dir();
    }
}

fn boot_dir() -> TempDir {
    TempDir::new_in("/dev/shm").expect("a directory on a tmpfs")
}

pub struct Device {
    // Before the directory that it lives in.
    pub swtpm: Swtpm,
    dir: TempDir,
}

impl Device {
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        Self { swtpm: Swtpm::start(dir.path()), dir }
    }

    /// A TPM whose maker has certified its endorsement key.
    pub fn certified() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        Self { swtpm: Swtpm::start_certified(&dir.path().join("tpm"), &dir.path().join("maker")), dir }
    }

    /// The certificate of the authority that issues endorsement certificates, PEM.
    pub fn maker(&self) -> String {
        let issuer = swtpm::authority_issuer(&self.dir.path().join("maker"));
        std::fs::read_to_string(issuer).expect("made with the TPM")
    }

    pub fn open_device(&self) -> DeviceTpm {
        DeviceTpm::open(&DeviceOptions::new(self.swtpm.tcti())).expect("swtpm answers")
    }
}

impl Provider for Device {
    fn open(&self) -> Box<dyn Tpm> {
        Box::new(self.open_device())
    }

    fn shared(&self) -> bool {
        true
    }

    fn restart(&mut self) {
        self.swtpm.restart();
    }
}

/// An authorisation value that a failed test can name.
pub fn auth(fill: u8) -> AuthValue {
    AuthValue::new([fill; 32])
}

/// The PIN index of `slot` under `admin`.
pub fn index(slot: PinSlot, admin: &AdminKeyBlob) -> PinIndex<'_> {
    PinIndex { slot, admin }
}
