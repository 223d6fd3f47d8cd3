//! The PIN reset protector in use: a new PIN, the same keys, another authentication key.

use latchkey_container::{
    CompartmentId, Container, Error, Passkey, PasskeyPublicKey, PublicKey, RecoveryProtocol, RecoveryPurpose,
    RecoveryService, Unlocked,
};
use latchkey_tests::pin_reset_service;

use crate::rig::{Home, NOW, hash, logged, new_passkey, pin, rng, taken};
use crate::tenant::Tenant;

const OLD: &str = "123456";
const NEW: &str = "654321";

/// A container with a PIN, two passkeys, an enterprise key, a token, and a PIN reset protector.
struct Provisioned {
    home: Home,
    container: Container,
    tenant: Tenant,
    id: CompartmentId,
    before: Everything,
}

/// All that a reset must keep.
#[derive(Debug, PartialEq)]
struct Everything {
    passkeys: Vec<(Vec<u8>, PasskeyPublicKey, Option<[u8; 32]>)>,
    enterprise_key: Option<PublicKey>,
    token: Vec<u8>,
    device: PublicKey,
}

fn provisioned(service: impl FnOnce(&Tenant) -> RecoveryService) -> Provisioned {
    let home = Home::new();
    let mut container = home.create();
    let tenant = Tenant::new("t1");
    let unlocked = container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap();
    for handle in [b"1", b"2"] {
        container.register(&unlocked, new_passkey("a.example", handle), NOW, &mut rng()).unwrap();
    }
    let id = tenant.join(&mut container);
    container.make_device_keys(id, &mut rng()).unwrap();
    container.make_enterprise_key(&unlocked, id, &mut rng()).unwrap();
    container.activate_enterprise_key(&unlocked, id, b"with a key", &mut rng()).unwrap();
    container.put_token(&unlocked, id, "prt", b"secret token", &mut rng()).unwrap();
    container.want_recovery(id, Some(&service(&tenant)), &mut rng()).unwrap();
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let before = everything(&mut container, &unlocked, id);
    Provisioned { home, container, tenant, id, before }
}

fn everything(container: &mut Container, unlocked: &Unlocked, id: CompartmentId) -> Everything {
    let facts = |passkey: Passkey| {
        let secret = passkey.cred_random(true).map(|secret| *secret.expose());
        (passkey.id.0.clone(), passkey.public_key.clone(), secret)
    };
    Everything {
        passkeys: container.passkeys(unlocked).unwrap().into_iter().map(facts).collect(),
        enterprise_key: container.compartments().unwrap()[0].enterprise_key.clone().map(|key| key.public),
        token: container.token(unlocked, id, "prt").unwrap().unwrap().to_vec(),
        device: container.make_device_keys(id, &mut rng()).unwrap().device,
    }
}

fn block(container: &mut Container) {
    for _ in 0..8 {
        container.unlock(&hash("000000"), NOW, &mut rng()).unwrap_err();
    }
    assert_eq!(container.unlock(&hash(OLD), NOW, &mut rng()).err(), Some(Error::PinBlocked));
}

#[test]
fn a_reset_keeps_every_key_and_ends_the_old_pin() {
    for number in 0..2 {
        let mut it = provisioned(|tenant| tenant.both()[number].clone());
        let old = it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
        let first = it.container.passkeys(&old).unwrap().remove(0);
        let count = it.container.next_signature_count(&first.id).unwrap();
        block(&mut it.container);

        let unlocked = it.tenant.reset(&mut it.container, it.id, &pin(NEW)).unwrap();
        assert_eq!(everything(&mut it.container, &unlocked, it.id), it.before);
        assert_eq!(it.container.next_signature_count(&first.id).unwrap(), count + 1);
        assert!(!it.container.sign(&unlocked, &first, &[b"m"]).unwrap().bytes.is_empty());
        assert!(!it.container.enterprise_sign(&unlocked, it.id, &[b"m"]).unwrap().bytes.is_empty());
        assert_eq!(it.container.passkeys(&old).err(), Some(Error::Stale), "what was unlocked before");

        drop(it.container);
        let mut container = it.home.open();
        assert_eq!(
            container.unlock(&hash(OLD), NOW, &mut rng()).err(),
            Some(Error::WrongPin { tries_left: 7 })
        );
        let unlocked = container.unlock(&hash(NEW), NOW, &mut rng()).unwrap();
        assert_eq!(everything(&mut container, &unlocked, it.id), it.before);
        assert!(container.next_signature_count(&first.id).unwrap() > count + 1);
        // The new protector serves as the first did.
        it.tenant.reset(&mut container, it.id, &pin(OLD)).unwrap();
        container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    }
}

#[test]
fn the_tries_come_back_and_nothing_else_opens() {
    for number in 0..2 {
        let mut it = provisioned(|tenant| tenant.both()[number].clone());
        block(&mut it.container);
        it.tenant.rearm(&mut it.container, it.id).unwrap();
        assert_eq!(it.container.tries_left(), Ok(8));
        let wrong = it.container.unlock(&hash("000000"), NOW, &mut rng()).err();
        assert_eq!(wrong, Some(Error::WrongPin { tries_left: 7 }));
        let unlocked = it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
        assert_eq!(everything(&mut it.container, &unlocked, it.id), it.before);

        // The administrative answer in the place of the one that recovers, and the other way round.
        let (request, pending) =
            it.container.begin_recovery(it.id, RecoveryPurpose::Recover, &mut rng()).unwrap();
        let answer = it.tenant.answer(&request, RecoveryPurpose::Administer);
        let refused = it.container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
        assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
        let (request, pending) =
            it.container.begin_recovery(it.id, RecoveryPurpose::Administer, &mut rng()).unwrap();
        let answer = it.tenant.answer(&request, RecoveryPurpose::Administer);
        let refused = it.container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
        assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer), "it can neither sign nor unseal");
        let (request, pending) =
            it.container.begin_recovery(it.id, RecoveryPurpose::Administer, &mut rng()).unwrap();
        let answer = it.tenant.answer(&request, RecoveryPurpose::Recover);
        assert_eq!(it.container.rearm_pin(pending, &answer), Err(Error::WrongRecoveryAnswer));
        it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    }
}

#[test]
fn the_envelope_says_whose_it_is_and_holds_both_secrets() {
    let mut it = provisioned(|tenant| tenant.hpke("k1"));
    let (request, _pending) =
        it.container.begin_recovery(it.id, RecoveryPurpose::Recover, &mut rng()).unwrap();
    let envelope = pin_reset_service::open(&request.protected_secret);
    let said = |name: &str| envelope[name].as_str().unwrap().to_owned();
    assert_eq!((said("tid"), said("oid"), said("deviceId")), ("t1".into(), "u".into(), "d".into()));
    assert_eq!((said("protocol"), said("kid")), ("hpke-p256".into(), "k1".into()));
    assert_eq!(said("containerId"), it.id.hex());
    assert_eq!((&envelope["v"], &envelope["protectorVersion"]), (&1.into(), &1.into()));
    assert_eq!(envelope["created"], NOW.0);
    let secret = |purpose| it.tenant.service.secret(&request.protected_secret, purpose);
    assert_ne!(secret("recover"), secret("administer"));
}

#[test]
fn the_protector_follows_what_is_wanted_at_each_unlocking() {
    let mut it = provisioned(|tenant| tenant.hpke("k1"));
    let state = |container: &mut Container| container.compartments().unwrap()[0].recovery.clone();
    let mut versions = vec![state(&mut it.container).present.unwrap().protector_version];
    let services = [it.tenant.hpke("k2"), it.tenant.blind("k2"), it.tenant.blind("k3")];
    for service in &services {
        it.container.want_recovery(it.id, Some(service), &mut rng()).unwrap();
        assert!(!state(&mut it.container).fits);
        it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
        let state = state(&mut it.container);
        let present = state.present.unwrap();
        assert!(state.fits && present.kid == service.kid() && present.protocol == service.protocol());
        versions.push(present.protector_version);
    }
    assert_eq!(versions, [1, 2, 3, 4]);
    it.container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).unwrap();
    assert_eq!(state(&mut it.container).present.unwrap().protector_version, 4, "it outlives the PIN");
    it.tenant.reset(&mut it.container, it.id, &pin(OLD)).unwrap();
    let after = state(&mut it.container).present.unwrap();
    assert_eq!((after.protector_version, after.protocol), (5, RecoveryProtocol::Blind));

    it.container.want_recovery(it.id, None, &mut rng()).unwrap();
    let unwanted = state(&mut it.container);
    assert!(!unwanted.wanted && unwanted.present.is_some() && !unwanted.fits);
    it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    assert!(state(&mut it.container).present.is_none());
    let begun = it.container.begin_recovery(it.id, RecoveryPurpose::Recover, &mut rng());
    assert_eq!(begun.err(), Some(Error::NoRecoveryProtector));
}

#[test]
fn a_device_that_refuses_the_protector_refuses_no_unlocking() {
    let it = provisioned(|tenant| tenant.hpke("k1"));
    drop(it.container);
    let device = crate::rig::Watched::new(it.home.device(), Box::new(|_, name| name != "seal_under"));
    let mut container = Container::open(&it.home.container_dir(), Box::new(device)).unwrap();
    container.want_recovery(it.id, Some(&it.tenant.hpke("k2")), &mut rng()).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let state = container.compartments().unwrap()[0].recovery.clone();
    assert!(state.wanted && !state.fits && state.present.unwrap().kid == "k1", "the older one stays");
    drop(container);
    let mut container = it.home.open();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    assert!(container.compartments().unwrap()[0].recovery.fits);
}

/// container.md: one authentication key, of which every protector holds a copy. Seen from outside: what one protector
/// opens, every other one opens too, for every tenant and after every change.
#[test]
fn every_protector_opens_the_same_key() {
    let mut it = provisioned(|tenant| tenant.hpke("k1"));
    let other = Tenant::new("t2");
    let second = other.join(&mut it.container);
    it.container.want_recovery(second, Some(&other.blind("k9")), &mut rng()).unwrap();
    it.container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let turns: [(&Tenant, CompartmentId); 4] =
        [(&it.tenant, it.id), (&other, second), (&other, second), (&it.tenant, it.id)];
    for (turn, (tenant, id)) in turns.into_iter().enumerate() {
        let text = format!("9000{turn:02}");
        let by_service = tenant.reset(&mut it.container, id, &pin(&text)).unwrap();
        assert_eq!(everything(&mut it.container, &by_service, it.id), it.before);
        let by_pin = it.container.unlock(&hash(&text), NOW, &mut rng()).unwrap();
        assert_eq!(everything(&mut it.container, &by_pin, it.id), it.before);
        assert!(it.container.compartments().unwrap().iter().all(|found| found.recovery.fits));
    }
}

#[test]
fn a_reset_costs_no_more_calls_than_it_must() {
    let it = provisioned(|tenant| tenant.hpke("k1"));
    drop(it.container);
    let (device, log) = logged(it.home.device());
    let mut container = Container::open(&it.home.container_dir(), device).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    taken(&log);
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    assert_eq!(taken(&log), ["unseal"], "a protector that fits costs an unlocking nothing");
    it.tenant.reset(&mut container, it.id, &pin(NEW)).unwrap();
    let calls = ["unseal_under", "define_pin_index", "seal", "undefine_pin_index", "seal_under"];
    assert_eq!(taken(&log), calls);
}

#[test]
fn authenticator_reset_leaves_the_registration_and_nothing_that_the_old_key_opened() {
    let mut it = provisioned(|tenant| tenant.hpke("k1"));
    it.container.reset().unwrap();
    let found = it.container.compartments().unwrap().remove(0);
    assert!(found.device_keys && found.enterprise_key.is_none() && found.recovery.present.is_none());
    let begun = it.container.begin_recovery(it.id, RecoveryPurpose::Recover, &mut rng());
    assert_eq!(begun.err(), Some(Error::NoRecoveryProtector));
    let unlocked = it.container.set_pin(&pin(NEW), NOW, &mut rng()).unwrap();
    assert!(it.container.token(&unlocked, it.id, "prt").unwrap().is_none());
    assert!(it.container.compartments().unwrap()[0].recovery.fits, "made with the new PIN");
    it.tenant.reset(&mut it.container, it.id, &pin(OLD)).unwrap();
}
