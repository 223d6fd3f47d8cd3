//! getAssertion in a container with many passkeys.

use std::path::{Path, PathBuf};

use latchkey_container::{
    Container, CreateOptions, KeyAlgorithm, NewPasskey, PasskeyExtensions, Pin, Profile, Protection,
    StretchCost, UnixTime, UserAccount,
};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

use crate::device::{Device, PIN};
use crate::measure::Times;
use crate::operations::{assertion, succeed};
use crate::platform::passkey;
use latchkey_tests::figures::{Row, Table, progress};

const FEW: usize = 10;
const MANY: usize = 10_000;
const RP: &str = "one-of-many.example";

/// A data folder as the daemon wants it, with [`MANY`] passkeys in its container.
pub struct Full(TempDir);

impl Full {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Measures getAssertion with few and with many passkeys, in turn.
pub fn measure(table: &Table) -> Full {
    let few = fill(FEW);
    let many = fill(MANY);
    let (mut one, mut other) = (powered(&few), powered(&many));
    let requests = [&mut one, &mut other].map(|device| {
        let descriptor = passkey(device, RP, "alice");
        assertion(device, RP, descriptor)
    });
    let (of_many, of_few) =
        Times::of_pair(3000, || succeed(&mut other, &requests[1]), || succeed(&mut one, &requests[0]));
    table.row(
        &Row::alone(format!("software getAssertion among {MANY} passkeys p50"), of_many.p50(), "us")
            .against("among 10", of_few.p50())
            .at_most(1.2),
    );
    drop((one, other));
    Full(many)
}

fn container_dir(folder: &TempDir) -> PathBuf {
    folder.path().join("container")
}

fn tpm(folder: &TempDir) -> Box<SoftwareTpm> {
    let rng = ChaCha20Rng::seed_from_u64(1);
    Box::new(SoftwareTpm::open(&folder.path().join("software-tpm"), Box::new(rng)).expect("a software TPM"))
}

fn powered(folder: &TempDir) -> Device {
    Device::powered(Container::open(&container_dir(folder), tpm(folder)).expect("the container opens"))
}

/// A container with `count` passkeys, each at a site of its own.
fn fill(count: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let options = CreateOptions {
        stretch: StretchCost { memory_kib: 8, passes: 1 },
        require_tpm: false,
        profile: Profile::Hello,
    };
    let mut container =
        Container::create(&container_dir(&folder), tpm(&folder), &options, UnixTime(1), &mut rng)
            .expect("a container");
    let pin = Pin::parse(PIN.as_bytes(), container.minimum_pin_length()).expect("a PIN");
    let unlocked = container.set_pin(&pin, UnixTime(1), &mut rng).expect("the PIN is set");
    for n in 0..count {
        if n > 0 && n % 2500 == 0 {
            progress(&format!("{n} of {count} passkeys made"));
        }
        let passkey = NewPasskey {
            rp_id: format!("site-{n}.example"),
            user: UserAccount {
                handle: n.to_be_bytes().to_vec(),
                name: Some("ann".to_owned()),
                display_name: None,
            },
            algorithm: KeyAlgorithm::Es256.into(),
            discoverable: true,
            protection: Protection::Required,
            extensions: PasskeyExtensions::default(),
        };
        container.register(&unlocked, passkey, UnixTime(2), &mut rng).expect("a passkey");
    }
    folder
}
