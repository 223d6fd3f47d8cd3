//! Containers with passkeys in them, in memory or on a disk.

use std::path::{Path, PathBuf};

use latchkey_container::{
    Access, Container, CreateOptions, CredentialId, KeyAlgorithm, NewPasskey, PasskeyExtensions, Pin,
    Profile, Protection, StretchCost, UnixTime, UserAccount,
};
use latchkey_tests::figures::progress;
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

use crate::device::{Device, PIN};

/// Where a container lies.
#[derive(Debug, Clone, Copy)]
pub enum Storage {
    /// On a tmpfs, where a sync has nothing to wait for. Everything else is as on a disk.
    Memory,
    /// Below the folder of what is built.
    Disk,
}

impl Storage {
    /// What the rows say of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "in memory",
            Self::Disk => "on the disk",
        }
    }

    fn folder(self) -> TempDir {
        let place = match self {
            Self::Memory => "/dev/shm",
            Self::Disk => env!("CARGO_TARGET_TMPDIR"),
        };
        tempfile::tempdir_in(place).expect("a folder")
    }
}

/// A data folder as the daemon wants it, with a container on the software provider; removed in the end.
pub struct Filled(TempDir);

impl Filled {
    /// A container with [`PIN`] and these passkeys, which are returned in the same order.
    pub fn new(
        storage: Storage,
        passkeys: impl IntoIterator<Item = NewPasskey>,
    ) -> (Self, Vec<CredentialId>) {
        let filled = Self(storage.folder());
        let mut container = filled.create(Profile::Hello);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let pin = Pin::parse(PIN.as_bytes(), container.minimum_pin_length()).expect("a PIN");
        let unlocked = container.set_pin(&pin, UnixTime(1), &mut rng).expect("the PIN is set");
        let ids = keep(&mut container, Access::Verified(&unlocked), passkeys, &mut rng);
        (filled, ids)
    }

    /// A security key without a PIN, with one passkey that signs for whoever holds it.
    pub fn security_key(storage: Storage, passkey: NewPasskey) -> (Self, Vec<CredentialId>) {
        let filled = Self(storage.folder());
        let mut container = filled.create(Profile::SecurityKey);
        let ids = keep(&mut container, Access::Presence, [passkey], &mut ChaCha20Rng::seed_from_u64(2));
        (filled, ids)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// An authenticator on the container, just powered up.
    pub fn powered(&self) -> Device {
        Device::powered(Container::open(&self.container(), self.tpm()).expect("the container opens"))
    }

    fn create(&self, profile: Profile) -> Container {
        let stretch = StretchCost { memory_kib: 8, passes: 1 };
        let options = CreateOptions { stretch, require_tpm: false, profile };
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        Container::create(&self.container(), self.tpm(), &options, UnixTime(1), &mut rng)
            .expect("a container")
    }

    fn container(&self) -> PathBuf {
        self.path().join("container")
    }

    fn tpm(&self) -> Box<SoftwareTpm> {
        let rng = Box::new(ChaCha20Rng::seed_from_u64(1));
        Box::new(SoftwareTpm::open(&self.path().join("software-tpm"), rng).expect("a software TPM"))
    }
}

fn keep(
    container: &mut Container,
    access: Access<'_>,
    passkeys: impl IntoIterator<Item = NewPasskey>,
    rng: &mut ChaCha20Rng,
) -> Vec<CredentialId> {
    let mut ids = Vec::new();
    for passkey in passkeys {
        ids.push(container.register(access, passkey, UnixTime(2), rng).expect("a passkey").id);
        if ids.len() % 2500 == 0 {
            progress(&format!("{} passkeys made", ids.len()));
        }
    }
    ids
}

/// The passkey of the `n`th account, of the verified class and discoverable.
pub fn passkey(rp_id: &str, n: usize) -> NewPasskey {
    NewPasskey {
        rp_id: rp_id.to_owned(),
        user: UserAccount {
            handle: n.to_be_bytes().to_vec(),
            name: Some("ann".to_owned()),
            display_name: None,
        },
        algorithm: KeyAlgorithm::Es256.into(),
        discoverable: true,
        protection: Protection::Required,
        extensions: PasskeyExtensions::default(),
    }
}
