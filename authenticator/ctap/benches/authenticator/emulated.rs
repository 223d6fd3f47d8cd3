//! The engine on swtpm, beside the same TPM commands alone: on a second swtpm, in turn with the engine's.

use latchkey_container::secret::AuthValue;
use latchkey_container::{KeyAlgorithm, Tpm};
use latchkey_protocol::CredentialDescriptor;
use latchkey_protocol::client_pin::Permissions;
use latchkey_tests::swtpm::Swtpm;
use latchkey_tests::tpm_proxy::TpmProxy;
use latchkey_tpm::{DeviceOptions, DeviceTpm};

use crate::device::Device;
use crate::measure::Times;
use crate::operations::{assertion_with, registrations, succeed};
use crate::platform::{RP, passkey, token};
use latchkey_tests::figures::{Row, Table};

/// More keys than stay loaded, so that each use has to load its key.
const COLD_KEYS: usize = 8;
const AUTH: [u8; 32] = [0x21; 32];
const DIGEST: [u8; 32] = [0x42; 32];
/// The most that the engine may add to the TPM's own time.
const GOAL: f64 = 1.15;

/// Measures both operations, and counts the TPM commands of each.
pub fn measure(table: &Table) {
    let folder = tempfile::tempdir().expect("a folder");
    let one = Swtpm::start(&folder.path().join("engine"));
    let other = Swtpm::start(&folder.path().join("bare"));
    let mut device = Device::with_pin_on(open(&one.tcti()));
    let mut bare = open(&other.tcti());
    assertions(table, &mut device, &mut *bare);
    make(table, &mut device, &mut *bare);
    drop(device);
    let counted = Swtpm::start(&folder.path().join("counted"));
    commands(table, &counted);
}

fn open(tcti: &str) -> Box<dyn Tpm> {
    Box::new(DeviceTpm::open(&DeviceOptions::new(tcti)).expect("swtpm answers"))
}

fn assertions(table: &Table, device: &mut Device, bare: &mut dyn Tpm) {
    let passkeys: Vec<CredentialDescriptor> =
        (0..COLD_KEYS).map(|n| passkey(device, RP, &format!("cold-{n}"))).collect();
    let token = token(device, Permissions::GET_ASSERTION, Some(RP));
    let requests: Vec<Vec<u8>> =
        passkeys.into_iter().map(|passkey| assertion_with(&token, RP, vec![passkey])).collect();
    let auth = AuthValue::new(AUTH);
    let keys: Vec<_> =
        (0..COLD_KEYS).map(|_| bare.create_key(KeyAlgorithm::Es256, &auth).expect("a key").blob).collect();
    let (mut n, mut m) = (0, 0);
    let (engine, floor) = Times::of_pair(
        200,
        || {
            succeed(device, &requests[n % COLD_KEYS]);
            n += 1;
        },
        || {
            bare.sign(&keys[m % COLD_KEYS], &auth, &DIGEST).expect("it signs");
            m += 1;
        },
    );
    engine.print(table, "swtpm getAssertion", |row| row.against("bare commands", floor.p50()).at_most(GOAL));
    let (engine, floor) = Times::of_pair(
        500,
        || succeed(device, &requests[0]),
        || drop(bare.sign(&keys[0], &auth, &DIGEST).expect("it signs")),
    );
    engine.print(table, "swtpm-hot getAssertion", |row| {
        row.against("bare commands", floor.p50()).at_most(GOAL)
    });
}

fn make(table: &Table, device: &mut Device, bare: &mut dyn Tpm) {
    let auth = AuthValue::new(AUTH);
    let floor = Times::of(
        100,
        || (),
        |()| {
            let key = bare.create_key(KeyAlgorithm::Es256, &auth).expect("a key");
            bare.sign(&key.blob, &auth, &DIGEST).expect("it signs");
        },
    );
    let engine = registrations(device, 100, &[]);
    engine
        .print(table, "swtpm makeCredential", |row| row.against("bare commands", floor.p50()).at_most(GOAL));
}

/// Counts commands on a TPM of their own, because the proxy that counts takes time.
fn commands(table: &Table, swtpm: &Swtpm) {
    let proxy = TpmProxy::start(&swtpm.socket());
    let mut device = Device::with_pin_on(open(&proxy.tcti()));
    let count = |name: &str, ceiling: f64, device: &mut Device, work: &mut dyn FnMut(&mut Device)| {
        let _before = proxy.take_log();
        work(device);
        let commands = u32::try_from(proxy.take_log().len()).expect("few");
        table.row(&Row::alone(format!("TPM commands: {name}"), f64::from(commands), "").at_most(ceiling));
    };
    let mut made = None;
    count("unlock and makeCredential", 10.0, &mut device, &mut |device| {
        made = Some(passkey(device, RP, "alice"));
    });
    let made = made.expect("a passkey");
    let mut ready = None;
    count("unlock", 6.0, &mut device, &mut |device| {
        ready = Some(token(device, Permissions::GET_ASSERTION, Some(RP)));
    });
    let request = assertion_with(&ready.expect("a token"), RP, vec![made]);
    device.container().lock();
    count("getAssertion, key not loaded", 3.0, &mut device, &mut |device| succeed(device, &request));
    count("getAssertion, key loaded", 1.0, &mut device, &mut |device| succeed(device, &request));
}
