//! What crosses the wire to the TPM: how many commands an operation costs, and that no secret is among the bytes.

use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;
use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{
    AdminKeyBlob, CredentialChallenge, DeviceKeys, KeyAlgorithm, Lifetime, PinSlot, SealedBlob, Tpm, TpmError,
};
use latchkey_tests::tpm_proxy::{CommandRecord, TpmProxy};
use latchkey_tpm::{DeviceOptions, DeviceTpm};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::attestation::verifier::{make_credential, name};
use crate::contract::device_keys::encrypted;
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

/// A secret under a value has the storage root key as its parent, which stays in the TPM; one that dies at a restart has
/// none, and is made, saved and loaded itself.
#[test]
fn secrets_under_a_value_cost_what_the_design_allows() {
    let mut watched = watched();
    let (commands, kept) = watched.cost(|tpm| tpm.seal_under(&[7; 60], &auth(1), Lifetime::Persistent));
    let kept = kept.expect("sealed");
    assert_eq!(commands, ["Create"], "a persistent protector, at most 1");
    let (commands, opened) = watched.cost(|tpm| tpm.unseal_under(&kept, &auth(1), Lifetime::Persistent));
    opened.expect("opened");
    assert_eq!(commands, ["Load", "Unseal", "FlushContext"], "unwrap, at most 3");

    let (commands, dying) = watched.cost(|tpm| tpm.seal_under(&[7; 60], &auth(1), Lifetime::Boot));
    let dying = dying.expect("sealed");
    assert_eq!(commands, ["CreatePrimary", "ContextSave", "FlushContext"], "a protector of this boot");
    let (commands, opened) = watched.cost(|tpm| tpm.unseal_under(&dying, &auth(1), Lifetime::Boot));
    opened.expect("opened");
    assert_eq!(commands, ["ContextLoad", "Unseal", "FlushContext"], "unwrap, at most 3");

    let admin = watched.tpm.create_admin_key(&auth(0xAD)).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    watched.tpm.define_pin_index(a, &auth(1), 8, &auth(0xAD)).expect("defined");
    let (commands, armed) = watched.cost(|tpm| tpm.rearm_pin_index(a, &auth(0xAD)));
    armed.expect("armed again");
    let rearm = ["NV_Read", "Load", "StartAuthSession", "PolicySecret", "NV_Write", "FlushContext"];
    assert_eq!(commands, rearm);
}

#[test]
fn registration_costs_what_it_costs() {
    let mut watched = watched();
    let (commands, transport) = watched.cost(|tpm| tpm.create_transport_key(&auth(3)).expect("a key"));
    assert_eq!(commands, ["Create"]);
    let refused = watched.tpm.decrypt(&transport.blob, &auth(3), &[1; 256]);
    assert_eq!(refused, Err(TpmError::BadCiphertext));
    let (commands, signer) = watched.cost(|tpm| tpm.create_attestation_key(&auth(4)).expect("a key"));
    assert_eq!(commands, ["Create"]);
    let certify = |tpm: &mut DeviceTpm| {
        tpm.certify((&signer.blob, &auth(4)), (&transport.blob, &auth(3)), &[0; 32]).expect("certified")
    };
    let loaded = ["Load", "StartAuthSession", "Certify", "FlushContext"];
    let (commands, _) = watched.cost(certify);
    assert_eq!(commands, [&["Load"], loaded.as_slice()].concat(), "the attestation key is loaded first");
    let (commands, _) = watched.cost(certify);
    assert_eq!(commands, loaded, "attest, attestation key loaded: at most 4");

    let challenge = |tpm: &mut DeviceTpm| {
        let endorsement = tpm.endorsement().expect("answered").expect("a TPM attests").public_area;
        make_credential(&endorsement, &name(&signer.public_area), &[5; 32])
    };
    let (commands, challenge) = watched.cost(challenge);
    let made = ["NV_ReadPublic", "NV_ReadPublic", "CreatePrimary", "ContextSave", "FlushContext"];
    assert_eq!(commands, made, "no certificate, of either kind");
    let (commands, opened) =
        watched.cost(|tpm| tpm.activate_credential(&signer.blob, &auth(4), &challenge).map(drop));
    opened.expect("opened");
    let activate = ["StartAuthSession", "PolicySecret", "ActivateCredential", "FlushContext"];
    let both = ["FlushContext", "ContextLoad", "Load"];
    assert_eq!(commands, [both.as_slice(), &activate].concat(), "the endorsement key is not made again");
    let (commands, _) = watched.cost(certify);
    assert_eq!(commands, loaded, "what proved itself stays loaded");
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
    let auths: Vec<AuthValue> = (0..6).map(|_| AuthValue::random(&mut rng)).collect();
    let [index_auth, seal, admin_auth, key_auth, under_auth, wrong] = auths.as_slice() else {
        panic!("six values")
    };
    let secrets: Vec<Secret32> = (0..5).map(|_| Secret32::random(&mut rng)).collect();
    let [payload, bound, under, message, credential] = secrets.as_slice() else { panic!("five secrets") };
    let device = Device::new();
    let proxy = TpmProxy::start(&device.swtpm.socket());
    let mut tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");

    let admin = tpm.create_admin_key(admin_auth).expect("an administrative key");
    let a = index(PinSlot::A, &admin);
    tpm.define_pin_index(a, index_auth, 8, admin_auth).expect("defined");
    // A refused command must not leave the session with other flags (tpm2-tss 3.2.1 does not restore them).
    tpm.define_pin_index(a, index_auth, 8, admin_auth).expect_err("taken");
    let blob = tpm.seal(a, payload, seal).expect("sealed");
    tpm.unseal(a, &blob, index_auth, seal).expect("opened");
    tpm.unseal(a, &blob, wrong, seal).expect_err("wrong");
    tpm.unseal(a, &blob, index_auth, wrong).expect_err("wrong");
    tpm.unseal(a, &blob, index_auth, seal).expect("opened");
    tpm.rearm_pin_index(a, wrong).expect_err("wrong");
    tpm.rearm_pin_index(a, admin_auth).expect("armed again");
    let blob = tpm.bind(bound).expect("bound");
    assert_eq!(tpm.unbind(&blob).expect("opened").expose(), bound.expose());
    for algorithm in [KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
        let key = tpm.create_key(algorithm, key_auth).expect("a key");
        tpm.sign(&key.blob, wrong, &[1; 32]).expect_err("wrong");
        tpm.sign(&key.blob, key_auth, &[1; 32]).expect("signed");
    }
    for lifetime in [Lifetime::Persistent, Lifetime::Boot] {
        let blob = tpm.seal_under(under.expose(), under_auth, lifetime).expect("sealed");
        tpm.unseal_under(&blob, wrong, lifetime).expect_err("wrong");
        tpm.unseal_under(&blob, under_auth, lifetime).expect("opened");
    }
    let transport = tpm.create_transport_key(key_auth).expect("a key");
    let ciphertext = encrypted(&transport.public, &OAEP_SHA1_MGF1SHA1, message.expose());
    tpm.decrypt(&transport.blob, wrong, &ciphertext).expect_err("wrong");
    let opened = tpm.decrypt(&transport.blob, key_auth, &ciphertext).expect("decrypted");
    assert_eq!(*opened, message.expose());
    let signer = tpm.create_attestation_key(key_auth).expect("a key");
    tpm.certify((&signer.blob, key_auth), (&transport.blob, key_auth), &[0; 32]).expect("certified");
    let endorsement = tpm.endorsement().expect("answered").expect("a TPM attests").public_area;
    let challenge = make_credential(&endorsement, &name(&signer.public_area), credential.expose());
    let opened = tpm.activate_credential(&signer.blob, key_auth, &challenge).expect("opened");
    assert_eq!(*opened, credential.expose());
    drop(tpm);

    let log = proxy.take_log();
    assert!(log.len() > 60, "the proxy has seen the commands");
    for secret in auths.iter().map(AuthValue::expose).chain(secrets.iter().map(Secret32::expose)) {
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
    let blob = watched.tpm.seal_under(&[1], &auth(3), Lifetime::Boot).expect("sealed");
    watched.tpm.unseal_under(&blob, &auth(4), Lifetime::Boot).expect_err("wrong");
    let signer = watched.tpm.create_attestation_key(&auth(3)).expect("a key");
    let good = (&signer.blob, &auth(3));
    watched.tpm.certify(good, (&key.blob, &auth(4)), &[0; 32]).expect_err("wrong");
    watched.tpm.certify(good, (&key.blob, &auth(3)), &[0; 32]).expect("certified");
    let nonsense = CredentialChallenge { credential_blob: vec![0, 1, 0], secret: vec![0, 1, 0] };
    watched.tpm.activate_credential(good.0, good.1, &nonsense).expect_err("nonsense");
    watched.tpm.rearm_pin_index(a, &auth(9)).expect_err("wrong");
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
