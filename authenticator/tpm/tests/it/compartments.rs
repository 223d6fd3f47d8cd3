//! What an organisation adds, on an emulated TPM: its keys, their attestation, and the PIN reset.

use latchkey_container::{
    Binding, CompartmentId, Container, Error, RecoveryAnswer, RecoveryPurpose, RecoveryService, TpmError,
};
use latchkey_tests::pin_reset_service::{Asked, PinResetService};
use latchkey_tests::tpm_proxy::TpmProxy;
use latchkey_tpm::{DeviceOptions, DeviceTpm};

use crate::container::{Machine, NOW, OPTIONS, hash, pin, register, rng};
use crate::providers::Device;

const HASH: [u8; 32] = [7; 32];

/// Both protocols, under one service's keys.
fn services(service: &PinResetService) -> [RecoveryService; 2] {
    let binding = Binding { tenant: "t".into(), user: "u".into(), device: "d".into() };
    let (recover, administer) = service.points();
    [
        RecoveryService::Hpke { kid: "k".into(), key: service.key(), binding: binding.clone() },
        RecoveryService::Blind { kid: "k".into(), recover, administer, binding },
    ]
}

fn join(container: &mut Container, service: &RecoveryService) -> CompartmentId {
    let id = container.add_compartment(b"facts", &mut rng()).expect("joined");
    container.want_recovery(id, Some(service), &mut rng()).expect("wanted");
    id
}

/// Asks the service, and hands its answer over.
fn recover(
    container: &mut Container,
    id: CompartmentId,
    service: &PinResetService,
    purpose: RecoveryPurpose,
    new: &str,
) -> Result<(), Error> {
    let (request, pending) = container.begin_recovery(id, purpose, &mut rng())?;
    let asked = Asked {
        protected_secret: &request.protected_secret,
        purpose: purpose.name(),
        blinded: request.blinded.as_ref(),
    };
    let plaintext = service.plaintext(asked, &mut rng());
    let sealed = PinResetService::seal(&plaintext, &request.response_key, &HASH, &mut rng());
    let answer = RecoveryAnswer { sealed, request_hash: HASH };
    match purpose {
        RecoveryPurpose::Recover => {
            container.reset_pin(pending, &answer, &pin(new), NOW, &mut rng()).map(drop)
        }
        RecoveryPurpose::Administer => container.rearm_pin(pending, &answer),
    }
}

fn block(container: &mut Container) {
    while container.tries_left().expect("readable") > 0 {
        container.unlock(&hash("0000"), NOW, &mut rng()).expect_err("wrong");
    }
}

/// The ceiling of container.md for a PIN reset that keeps everything is 14: 3 to unwrap, 9 for the PIN, 2 for the new
/// protector.
#[test]
fn a_pin_reset_costs_what_the_design_allows() {
    let machine = Machine::new();
    let proxy = TpmProxy::start(&machine.device.swtpm.socket());
    let tpm = DeviceTpm::open(&DeviceOptions::new(proxy.tcti())).expect("swtpm answers");
    let mut container =
        Container::create(&machine.dir(), Box::new(tpm), &OPTIONS, NOW, &mut rng()).expect("created");
    let took = || -> Vec<&'static str> { proxy.take_log().iter().map(|record| record.name).collect() };
    let service = PinResetService::new(&mut rng());
    let id = join(&mut container, &services(&service)[0]);
    let unlocked = container.set_pin(&pin("1234"), NOW, &mut rng()).expect("set");
    let _set = took();
    container.want_recovery(id, Some(&services(&service)[1]), &mut rng()).expect("wanted");
    container.unlock(&hash("1234"), NOW, &mut rng()).expect("the first after a boot, with its retry");
    assert_eq!(took().last(), Some(&"Create"), "a protector costs an unlocking 1 when it is made");
    container.unlock(&hash("1234"), NOW, &mut rng()).expect("unlocked");
    assert_eq!(took().len(), 6, "and nothing after that");

    register(&mut container, &unlocked, 1);
    block(&mut container);
    let _before = took();
    recover(&mut container, id, &service, RecoveryPurpose::Recover, "5678").expect("reset");
    let reset = [
        &["Load", "Unseal", "FlushContext"][..],
        &["Load", "NV_DefineSpace", "StartAuthSession", "PolicySecret", "NV_Write", "FlushContext"],
        &["Create", "NV_UndefineSpace", "Create"],
    ];
    assert_eq!(took(), reset.concat(), "PIN reset: at most 14");

    block(&mut container);
    let _before = took();
    recover(&mut container, id, &service, RecoveryPurpose::Administer, "").expect("rearmed");
    let rearm = took();
    assert!(rearm.len() <= 6 && rearm.contains(&"NV_Write"), "{rearm:?}");
    container.unlock(&hash("5678"), NOW, &mut rng()).expect("unlocked");
}

#[test]
fn a_blocked_pin_is_reset_and_every_key_is_what_it_was() {
    let keys = PinResetService::new(&mut rng());
    for service in services(&keys) {
        let machine = Machine::new();
        machine.with_pin("1111");
        let mut container = machine.open();
        let id = join(&mut container, &service);
        let unlocked = container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
        let passkey = register(&mut container, &unlocked, 1);
        let device = container.make_device_keys(id, &mut rng()).expect("made");
        let enterprise = container.make_enterprise_key(&unlocked, id, &mut rng()).expect("made");
        container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).expect("active");
        let signed = container.enterprise_sign(&unlocked, id, &[b"m"]).expect("signed");
        block(&mut container);
        assert_eq!(container.unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::PinBlocked));
        let backup = machine.backup();

        recover(&mut container, id, &keys, RecoveryPurpose::Recover, "2222").expect("reset");
        drop(container);
        let mut container = machine.open();
        assert_eq!(
            container.unlock(&hash("1111"), NOW, &mut rng()).err(),
            Some(Error::WrongPin { tries_left: 7 })
        );
        let unlocked = container.unlock(&hash("2222"), NOW, &mut rng()).expect("unlocked");
        let found = container.passkey(&unlocked, &passkey.id).expect("readable").expect("there");
        assert_eq!(found.public_key, passkey.public_key);
        container.sign(&unlocked, &found, &[b"m"]).expect("signed");
        assert_eq!(container.make_device_keys(id, &mut rng()).expect("there"), device);
        let compartment = container.compartments().expect("readable").remove(0);
        assert_eq!(compartment.enterprise_key, Some(enterprise));
        assert_eq!(container.enterprise_sign(&unlocked, id, &[b"m"]).expect("signed"), signed);
        drop(container);

        // The thief with a backup: the old PIN's index is gone.
        machine.restore(&backup);
        assert_eq!(machine.open().unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::PinLost));
    }
}

/// Whoever has the owner authorisation removes the index and defines one of their own: the reset finds its way round it.
#[test]
fn a_pin_that_the_owner_removed_is_reset() {
    let machine = Machine::new();
    machine.with_pin("1111");
    let service = PinResetService::new(&mut rng());
    let mut container = machine.open();
    let id = join(&mut container, &services(&service)[0]);
    let unlocked = container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
    let passkey = register(&mut container, &unlocked, 1);
    machine.run("tpm2_nvundefine", &["-C", "o", "0x01801A50"]);
    machine.run("tpm2_nvdefine", &["-C", "o", "-s", "8", "0x01801A50"]);
    assert_eq!(container.unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::PinLost));
    let rearmed = recover(&mut container, id, &service, RecoveryPurpose::Administer, "");
    assert_eq!(rearmed, Err(Error::PinLost), "the count of somebody else's index is not touched");
    recover(&mut container, id, &service, RecoveryPurpose::Recover, "2222").expect("reset");
    let unlocked = container.unlock(&hash("2222"), NOW, &mut rng()).expect("unlocked");
    let found = container.passkey(&unlocked, &passkey.id).expect("readable").expect("there");
    container.sign(&unlocked, &found, &[b"m"]).expect("signed");
}

/// An older copy of the files, and the PIN has moved since: to the slot that the reset wants, under the same administrative
/// key; or everything was begun anew there, under another one.
#[test]
fn an_older_copy_is_reset_whatever_pin_the_tpm_has() {
    let machine = Machine::new();
    machine.with_pin("1111");
    let service = PinResetService::new(&mut rng());
    let mut container = machine.open();
    let id = join(&mut container, &services(&service)[0]);
    let unlocked = container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
    let passkey = register(&mut container, &unlocked, 1);
    drop(container);
    let backup = machine.backup();
    for begun_anew in [false, true] {
        let mut container = machine.open();
        if begun_anew {
            container.reset().expect("reset");
            container.set_pin(&pin("2222"), NOW, &mut rng()).expect("set");
            container.change_pin(&hash("2222"), &pin("3333"), NOW, &mut rng()).expect("changed");
        } else {
            container.change_pin(&hash("1111"), &pin("3333"), NOW, &mut rng()).expect("changed");
        }
        drop(container);
        machine.restore(&backup);
        let mut container = machine.open();
        assert_eq!(container.unlock(&hash("1111"), NOW, &mut rng()).err(), Some(Error::PinLost));
        recover(&mut container, id, &service, RecoveryPurpose::Recover, "1111").expect("reset");
        let unlocked = container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
        let found = container.passkey(&unlocked, &passkey.id).expect("readable").expect("there");
        container.sign(&unlocked, &found, &[b"m"]).expect("signed");
    }
}

/// The files and the service's honest answer on another TPM.
#[test]
fn another_tpm_opens_nothing() {
    let (machine, thief) = (Machine::new(), Device::new());
    machine.with_pin("1111");
    let backup = machine.backup();
    let tpm = Box::new(thief.open_device());
    let refused = Container::open(&backup.path().join("container"), tpm);
    assert_eq!(refused.err(), Some(Error::OtherTpm));
}

#[test]
fn each_compartment_attests_with_a_key_of_its_own() {
    let machine = Machine::new();
    machine.with_pin("1111");
    let mut container = machine.open();
    let unlocked = container.unlock(&hash("1111"), NOW, &mut rng()).expect("unlocked");
    let [first, second] =
        [b"f", b"g"].map(|facts| container.add_compartment(facts, &mut rng()).expect("joined"));
    let keys = container.make_device_keys(first, &mut rng()).expect("made");
    let others = container.make_device_keys(second, &mut rng()).expect("made");
    assert!(keys.attestation_key.is_some() && others.attestation_key.is_some());
    assert_ne!(keys.attestation_key, others.attestation_key, "a shared one would name the device to both");
    assert!(keys.device != others.device && keys.transport != others.transport);
    assert!(container.endorsement().expect("readable").is_some());

    let qualifying = [9; 32];
    let device = container.certify_device_key(first, &qualifying).expect("certified");
    let transport = container.certify_transport_key(first, &qualifying).expect("certified");
    assert!(device.attest.windows(32).any(|window| window == qualifying));
    assert_ne!(device.public_area, transport.public_area);
    let missing = container.certify_enterprise_key(&unlocked, first, &qualifying);
    assert_eq!(missing.err(), Some(Error::NoEnterpriseKey));
    container.make_enterprise_key(&unlocked, first, &mut rng()).expect("made");
    let enterprise = container.certify_enterprise_key(&unlocked, first, &qualifying).expect("certified");
    assert_ne!(enterprise.public_area, device.public_area);
    container.remove_compartment(first).expect("left");
    let gone = container.certify_device_key(first, &qualifying).err();
    assert_eq!(gone, Some(Error::NoDeviceKeys));
    container.certify_device_key(second, &qualifying).expect("the other one's work on");
    let refused = container.transport_decrypt(second, &[1; 256]).err();
    assert_eq!(refused, Some(Error::Tpm(TpmError::BadCiphertext)));
}
