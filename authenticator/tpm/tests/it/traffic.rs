//! What crosses the wire to the TPM: how many commands an operation costs, and that no secret is among the bytes.

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{AdminKeyBlob, KeyAlgorithm, PinSlot, SealedBlob, Tpm, TpmError};
use latchkey_tests::tpm_proxy::{CommandRecord, TpmProxy};
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::providers::{Device, auth, index};

struct Watched {
    tpm: DeviceTpm,
    proxy: TpmProxy,
    _device: Device,
}

fn watched() -> Watched {
    let device = Device::new();
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers through the proxy");
    let _opening = proxy.take_log();
    Watched { tpm, proxy, _device: device }
}

impl Watched {
    /// The names of the commands that `operation` costs, and what it returns.
    fn cost<T>(&mut self, operation: impl FnOnce(&mut DeviceTpm) -> T) -> (Vec<&'static str>, T) {
        let _before = self.proxy.take_log();
        let value = operation(&mut self.tpm);
        (self.proxy.take_log().iter().map(|record| record.name).collect(), value)
    }
}

fn set_first_pin(tpm: &mut DeviceTpm) -> (AdminKeyBlob, SealedBlob) {
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD)).expect("defined");
    let blob = tpm.seal(a, &Secret32::new([7; 32]), &auth(2)).expect("sealed");
    (admin, blob)
}

/// The first dictionary-attack-protected authorisation after a boot is answered with `TPM_RC_RETRY` once
/// (container.md): tpm2-tss sends that command again, which the ceilings do not count.
fn once_after_boot(tpm: &mut DeviceTpm, (admin, blob): &(AdminKeyBlob, SealedBlob)) {
    tpm.unseal(index(PinSlot::A, admin), blob, &auth(1), &auth(2)).expect("opened");
}

/// The ceilings of container.md, "Operations and their cost in TPM commands". The lists are exact, so that a command
/// more is a decision and not an accident.
#[test]
fn operations_cost_what_the_design_allows() {
    let mut watched = watched();

    let (commands, pin) = watched.cost(set_first_pin);
    let define = ["Load", "NV_DefineSpace", "StartAuthSession", "PolicySecret", "NV_Write", "FlushContext"];
    assert_eq!(commands, [&["Create"], define.as_slice(), &["Create"]].concat(), "set PIN, at most 9");

    once_after_boot(&mut watched.tpm, &pin);
    let (admin, blob) = pin;
    let [a, b] = PinSlot::BOTH.map(|slot| index(slot, &admin));
    let (commands, opened) = watched.cost(|tpm| tpm.unseal(a, &blob, &auth(1), &auth(2)));
    opened.expect("opened");
    let unlock = ["StartAuthSession", "PolicySecret", "PolicyAuthValue", "Load", "Unseal", "FlushContext"];
    assert_eq!(commands, unlock, "unlock by PIN, at most 6");

    let (commands, refused) = watched.cost(|tpm| tpm.unseal(a, &blob, &auth(9), &auth(2)));
    assert_eq!(refused.err(), Some(TpmError::WrongAuth));
    assert_eq!(commands, ["StartAuthSession", "PolicySecret", "FlushContext"], "wrong PIN, at most 3");

    let (commands, count) = watched.cost(|tpm| tpm.pin_count(a));
    assert_eq!(count.expect("readable").expect("defined").failures, 1);
    assert_eq!(commands, ["NV_Read"], "read the retry count, at most 1");

    // An index is looked up at most once a connection, as opening is: the lookup of slot B is not part of the change.
    assert_eq!(watched.tpm.pin_count(b), Ok(None));
    let (commands, ()) = watched.cost(|tpm| {
        tpm.define_pin_index(b, &auth(3), 8, &auth(0xAD)).expect("defined");
        tpm.seal(b, &Secret32::new([7; 32]), &auth(4)).expect("sealed");
        tpm.undefine_pin_index(a).expect("removed");
    });
    let change = [define.as_slice(), &["Create", "NV_UndefineSpace"]].concat();
    assert_eq!(commands, change, "change PIN, at most 9");
}

#[test]
fn keys_cost_what_the_design_allows() {
    let mut watched = watched();
    for algorithm in [KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
        let (commands, key) = watched.cost(|tpm| tpm.create_key(algorithm, &auth(3)).expect("a key"));
        assert_eq!(commands, ["Create"], "register, at most 4 with a self attestation");

        watched.tpm.forget_keys();
        let (commands, signed) = watched.cost(|tpm| {
            let signed = tpm.sign(&key.blob, &auth(3), &[1; 32]);
            tpm.forget_keys();
            signed
        });
        signed.expect("signed");
        assert_eq!(commands, ["Load", "Sign", "FlushContext"], "sign, key not loaded, at most 3");

        watched.tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
        let (commands, signed) = watched.cost(|tpm| tpm.sign(&key.blob, &auth(3), &[2; 32]));
        signed.expect("signed");
        assert_eq!(commands, ["Sign"], "sign, key in the hot cache, at most 1");

        let (commands, refused) = watched.cost(|tpm| tpm.sign(&key.blob, &auth(4), &[2; 32]));
        assert_eq!(refused.err(), Some(TpmError::WrongAuth));
        assert!(commands.is_empty(), "the cache knows the right value");
    }
}

#[test]
fn unlocking_has_its_cost_also_with_a_hot_key() {
    let mut watched = watched();
    let pin = set_first_pin(&mut watched.tpm);
    once_after_boot(&mut watched.tpm, &pin);
    let (admin, blob) = pin;
    let a = index(PinSlot::A, &admin);
    for n in 1..=4 {
        let key = watched.tpm.create_key(KeyAlgorithm::Es256, &auth(n)).expect("a key");
        watched.tpm.sign(&key.blob, &auth(n), &[1; 32]).expect("signed");
    }
    let (commands, opened) = watched.cost(|tpm| tpm.unseal(a, &blob, &auth(1), &auth(2)));
    opened.expect("opened");
    assert_eq!(commands.len(), 6, "the cache leaves room for one more object: {commands:?}");
}

#[test]
fn no_secret_is_seen_on_the_wire() {
    let mut rng = ChaCha20Rng::seed_from_u64(42);
    let mut auths: Vec<AuthValue> = (0..5).map(|_| AuthValue::random(&mut rng)).collect();
    let [index_auth, seal, admin_auth, key_auth, wrong] = auths.as_mut_slice() else { panic!("five values") };
    let (payload, bound) = (Secret32::random(&mut rng), Secret32::random(&mut rng));
    let device = Device::new();
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");

    let admin = tpm.create_admin_key(admin_auth).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    tpm.define_pin_index(a, index_auth, 8, admin_auth).expect("defined");
    // A refused command must not leave the session with other flags (tpm2-tss 3.2.1 does not restore them).
    tpm.define_pin_index(a, index_auth, 8, admin_auth).expect_err("taken");
    let blob = tpm.seal(a, &payload, seal).expect("sealed");
    tpm.unseal(a, &blob, index_auth, seal).expect("opened");
    tpm.unseal(a, &blob, wrong, seal).expect_err("wrong");
    tpm.unseal(a, &blob, index_auth, wrong).expect_err("wrong");
    tpm.unseal(a, &blob, index_auth, seal).expect("opened");
    let blob = tpm.bind(&bound).expect("bound");
    assert_eq!(tpm.unbind(&blob).expect("opened").expose(), bound.expose());
    for algorithm in [KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
        let key = tpm.create_key(algorithm, key_auth).expect("a key");
        tpm.sign(&key.blob, wrong, &[1; 32]).expect_err("wrong");
        tpm.sign(&key.blob, key_auth, &[1; 32]).expect("signed");
    }
    drop(tpm);

    let log = proxy.take_log();
    assert!(log.len() > 30, "the proxy has seen the commands");
    for secret in auths.iter().map(AuthValue::expose).chain([payload.expose(), bound.expose()]) {
        let leak = log.iter().find(|record| contains(record, secret));
        assert_eq!(leak.map(|record| record.name), None, "a secret is on the wire");
    }
}

/// Half a secret is a leak too.
fn contains(record: &CommandRecord, secret: &[u8; 32]) -> bool {
    [&record.request, &record.response]
        .iter()
        .any(|bytes| bytes.windows(16).any(|window| window == &secret[..16] || window == &secret[16..]))
}

#[test]
fn closing_leaves_nothing_in_the_tpm() {
    let mut watched = watched();
    let key = watched.tpm.create_key(KeyAlgorithm::Es256, &auth(3)).expect("a key");
    let (admin, blob) = set_first_pin(&mut watched.tpm);
    let a = index(PinSlot::A, &admin);
    watched.tpm.unseal(a, &blob, &auth(9), &auth(2)).expect_err("wrong");
    watched.tpm.unseal(a, &blob, &auth(1), &auth(9)).expect_err("wrong");
    watched.tpm.sign(&key.blob, &auth(3), &[1; 32]).expect("signed");
    let Watched { tpm, proxy, _device } = watched;
    drop(tpm);
    let _closing = proxy.take_log();
    for first in [0x8000_0000_u32, 0x0200_0000] {
        let handles = loaded_handles(&proxy, first);
        assert!(handles.is_empty(), "left behind: {handles:x?}");
    }
}

/// Asks for the handles from `first` on, in plain bytes: `TPM2_GetCapability(TPM_CAP_HANDLES)`.
fn loaded_handles(proxy: &TpmProxy, first: u32) -> Vec<u32> {
    use std::io::{Read, Write};
    let mut socket = std::os::unix::net::UnixStream::connect(proxy.socket()).expect("the proxy listens");
    let mut command = vec![0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7A, 0, 0, 0, 1];
    command.extend_from_slice(&first.to_be_bytes());
    command.extend_from_slice(&16_u32.to_be_bytes());
    socket.write_all(&command).expect("sent");
    let mut header = [0; 19];
    socket.read_exact(&mut header).expect("answered");
    let count = u32::from_be_bytes(header[15..19].try_into().expect("four bytes"));
    (0..count)
        .map(|_| {
            let mut handle = [0; 4];
            socket.read_exact(&mut handle).expect("one handle each");
            u32::from_be_bytes(handle)
        })
        .collect()
}
