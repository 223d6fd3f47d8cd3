//! What a PIN reset refuses, and that nothing has changed then.

use latchkey_container::{
    CompartmentId, Container, Error, RecoveryAnswer, RecoveryPurpose, RecoveryRequest, RecoveryService,
};
use latchkey_tests::pin_reset_service::PinResetService;

use crate::rig::{Home, NOW, hash, logged, new_passkey, pin, rng, taken};
use crate::tenant::{REQUEST, Tenant, answer_with};

const OLD: &str = "123456";
const NEW: &str = "654321";
const RECOVER: RecoveryPurpose = RecoveryPurpose::Recover;

fn provisioned(home: &Home, tenant: &Tenant, service: &RecoveryService) -> (Container, CompartmentId) {
    let mut container = home.create();
    let unlocked = container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap();
    container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(service), &mut rng()).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    (container, id)
}

/// The old PIN works with all its tries, the new one does not, the passkey is there, and the protector still serves.
fn nothing_has_changed(container: &mut Container, id: CompartmentId, tenant: &Tenant) {
    assert_eq!(container.tries_left(), Ok(8));
    let refused = container.unlock(&hash(NEW), NOW, &mut rng()).err();
    assert_eq!(refused, Some(Error::WrongPin { tries_left: 7 }));
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    assert_eq!(container.passkeys(&unlocked).unwrap().len(), 1);
    tenant.reset(container, id, &pin(OLD)).unwrap();
}

/// Every lie, for both purposes; `lie` sees the honest plaintext.
fn refuses(
    service: impl Fn(&Tenant) -> RecoveryService,
    lie: impl Fn(Vec<u8>, &RecoveryRequest) -> RecoveryAnswer,
) {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let (mut container, id) = provisioned(&home, &tenant, &service(&tenant));
    let (request, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    let answer = lie(tenant.plaintext(&request, RECOVER), &request);
    let refused = container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
    let purpose = RecoveryPurpose::Administer;
    let (request, pending) = container.begin_recovery(id, purpose, &mut rng()).unwrap();
    let answer = lie(tenant.plaintext(&request, purpose), &request);
    assert_eq!(container.rearm_pin(pending, &answer), Err(Error::WrongRecoveryAnswer));
    nothing_has_changed(&mut container, id, &tenant);
}

#[test]
fn a_service_that_answers_a_wrong_key() {
    for blind in [false, true] {
        let service = |tenant: &Tenant| if blind { tenant.blind("k1") } else { tenant.hpke("k1") };
        for changed in [0, 31, 64, 65, 96, 97, 128] {
            refuses(service, |mut honest, request| {
                let length = honest.len();
                honest[changed % length] ^= 1;
                answer_with(&honest, request)
            });
        }
        refuses(service, |honest, request| answer_with(&honest[1..], request));
        refuses(service, |mut honest, request| {
            honest.push(0);
            // One byte more is another length for the one protocol and a broken proof for the other.
            answer_with(&honest, request)
        });
        refuses(service, |_, request| answer_with(&[], request));
    }
}

/// The proof is right, but for a scalar that is not this device's: only the pinned point tells.
#[test]
fn a_blind_service_with_another_scalar() {
    let other = Tenant::new("t1");
    refuses(
        |tenant| tenant.blind("k1"),
        |_, request| answer_with(&other.plaintext(request, RECOVER), request),
    );
}

#[test]
fn an_answer_to_another_request() {
    for blind in [false, true] {
        let service = |tenant: &Tenant| if blind { tenant.blind("k1") } else { tenant.hpke("k1") };
        refuses(service, |honest, request| RecoveryAnswer {
            request_hash: [8; 32],
            ..answer_with(&honest, request)
        });
        refuses(service, |honest, request| {
            let mut key = request.response_key;
            // Its negative is a point as well, whose secret nobody here has.
            key = negative(&key);
            RecoveryAnswer {
                sealed: PinResetService::seal(&honest, &key, &REQUEST, &mut rng()),
                request_hash: REQUEST,
            }
        });
        refuses(service, |honest, request| {
            let mut answer = answer_with(&honest, request);
            answer.sealed.truncate(64);
            answer
        });
    }
}

#[test]
fn an_answer_that_was_recorded_opens_no_later_recovery() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let (mut container, id) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    let (request, _dropped) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    let recorded = tenant.answer(&request, RECOVER);
    let (again, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    assert_eq!(request.protected_secret, again.protected_secret);
    let refused = container.reset_pin(pending, &recorded, &pin(NEW), NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
    nothing_has_changed(&mut container, id, &tenant);
}

#[test]
fn a_recovery_that_was_overtaken() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let (mut container, id) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    let (request, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    container.want_recovery(id, Some(&tenant.hpke("k2")), &mut rng()).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let answer = tenant.answer(&request, RECOVER);
    let refused = container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::StaleRecovery));
    nothing_has_changed(&mut container, id, &tenant);
}

#[test]
fn a_key_that_is_no_point() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let mut container = home.create();
    let id = tenant.join(&mut container);
    let RecoveryService::Hpke { kid, binding, .. } = tenant.hpke("k1") else { unreachable!() };
    let service = RecoveryService::Hpke { kid, key: [4; 65], binding };
    assert_eq!(container.want_recovery(id, Some(&service), &mut rng()), Err(Error::BadRecoveryKey));
    let RecoveryService::Blind { kid, recover, binding, .. } = tenant.blind("k1") else { unreachable!() };
    let service = RecoveryService::Blind { kid, recover, administer: [4; 65], binding };
    assert_eq!(container.want_recovery(id, Some(&service), &mut rng()), Err(Error::BadRecoveryKey));
    assert!(!container.compartments().unwrap()[0].recovery.wanted);
}

/// Two tenants of one container: neither's answer opens the other's protector, wherever its parts are put.
#[test]
fn an_envelope_or_object_of_another_compartment() {
    let (home, tenant, other) = (Home::new(), Tenant::new("t1"), Tenant::new("t2"));
    let (mut container, id) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    let second = other.join(&mut container);
    container.want_recovery(second, Some(&other.hpke("k1")), &mut rng()).unwrap();
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let (_, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    let (theirs, _) = container.begin_recovery(second, RECOVER, &mut rng()).unwrap();
    let answer = other.answer(&theirs, RECOVER);
    let refused = container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
    drop(container);

    // The device's objects change places: the answer is the right one, and what it opens is not.
    let swapped = home.copy();
    swapped.swap("protectors", "sealed", "pin reset");
    let mut container = swapped.open();
    assert_eq!(tenant.reset(&mut container, id, &pin(NEW)).err(), Some(Error::WrongRecoveryAnswer));
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    drop(container);
    // The records change places.
    let swapped = home.copy();
    swapped.swap("protectors", "details", "pin reset");
    let mut container = swapped.open();
    let begun = container.begin_recovery(id, RECOVER, &mut rng());
    assert_eq!(begun.err(), Some(Error::Damaged { what: "PIN reset protector" }));
    // Whoever knows the PIN mends it.
    container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    tenant.reset(&mut container, id, &pin(NEW)).unwrap();
}

/// The service's answer alone is worth nothing: the files on another device stay closed.
#[test]
fn files_on_another_device() {
    let (home, tenant, stranger) = (Home::new(), Tenant::new("t1"), Home::new());
    let (container, _) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    drop(container);
    let (copy, device) = (home.copy(), stranger.device());
    assert_eq!(Container::open(&copy.container_dir(), device).err(), Some(Error::OtherTpm));
}

/// A thief with a backup from before the reset, on the machine as it is now.
#[test]
fn an_older_copy_of_the_files_does_not_bring_the_old_pin_back() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let (mut container, id) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    drop(container);
    let backup = home.copy();
    container = home.open();
    tenant.reset(&mut container, id, &pin(NEW)).unwrap();
    drop(container);
    let current = home.copy();

    home.restore_container(&backup);
    container = home.open();
    assert_eq!(container.unlock(&hash(OLD), NOW, &mut rng()).err(), Some(Error::PinLost));
    assert_eq!(container.unlock(&hash(NEW), NOW, &mut rng()).err(), Some(Error::PinLost));
    drop(container);

    // After a second reset the PIN is in the slot that the backup names, under the same administrative key.
    home.restore_container(&current);
    container = home.open();
    tenant.reset(&mut container, id, &pin("777777")).unwrap();
    drop(container);
    home.restore_container(&backup);
    container = home.open();
    for (text, tries_left) in [(OLD, 7), (NEW, 6), ("777777", 5)] {
        let refused = container.unlock(&hash(text), NOW, &mut rng()).err();
        assert_eq!(refused, Some(Error::WrongPin { tries_left }));
    }
}

/// A lie costs the device one call, and none that could change anything.
#[test]
fn a_lie_reaches_nothing_that_writes() {
    let (home, tenant) = (Home::new(), Tenant::new("t1"));
    let (container, id) = provisioned(&home, &tenant, &tenant.hpke("k1"));
    drop(container);
    let (device, log) = logged(home.device());
    let mut container = Container::open(&home.container_dir(), device).unwrap();
    taken(&log);
    let (request, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    let refused = container.reset_pin(pending, &answer_with(&[1; 32], &request), &pin(NEW), NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
    assert_eq!(taken(&log), ["unseal_under"]);
}

/// What a service answers to a request.
type Lie<'a> = &'a dyn Fn(&RecoveryRequest) -> Vec<u8>;

/// The proof is looked at before the device: without it each lie about a blinded point would be tried out there.
#[test]
fn a_proof_that_does_not_hold_reaches_no_device() {
    let (home, tenant, other) = (Home::new(), Tenant::new("t1"), Tenant::new("t1"));
    let (container, id) = provisioned(&home, &tenant, &tenant.blind("k1"));
    drop(container);
    let (device, log) = logged(home.device());
    let mut container = Container::open(&home.container_dir(), device).unwrap();
    let (another, _) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
    let lies: [Lie<'_>; 4] = [
        // Proved, for a scalar that is not this device's.
        &|request| other.plaintext(request, RECOVER),
        // Proved, for the scalar of the other purpose.
        &|request| tenant.plaintext(request, RecoveryPurpose::Administer),
        // Proved, for the point of another request.
        &|_| tenant.plaintext(&another, RECOVER),
        // The right point, with the proof for another one.
        &|request| {
            let (right, proof) = (tenant.plaintext(request, RECOVER), tenant.plaintext(&another, RECOVER));
            [&right[..65], &proof[65..]].concat()
        },
    ];
    taken(&log);
    for lie in lies {
        let (request, pending) = container.begin_recovery(id, RECOVER, &mut rng()).unwrap();
        let answer = answer_with(&lie(&request), &request);
        let refused = container.reset_pin(pending, &answer, &pin(NEW), NOW, &mut rng());
        assert_eq!(refused.err(), Some(Error::WrongRecoveryAnswer));
        assert_eq!(taken(&log), [""; 0]);
    }
    drop(container);
    nothing_has_changed(&mut home.open(), id, &tenant);
}

fn negative(point: &[u8; 65]) -> [u8; 65] {
    use p256::elliptic_curve::sec1::ToSec1Point;
    let point = -p256::PublicKey::from_sec1_bytes(point).unwrap().to_projective();
    point.to_affine().to_sec1_point(false).as_bytes().try_into().unwrap()
}
