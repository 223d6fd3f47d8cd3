//! A PIN reset from this side of the wire: nothing is left of the lockout that it ends.

use latchkey_container::{
    Binding, CompartmentId, Error as ContainerError, PendingRecovery, Pin, PinHash, RecoveryAnswer,
    RecoveryPurpose, RecoveryService,
};
use latchkey_ctap::PinRefused;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{Request, Status};
use latchkey_tests::pin_reset_service::{Asked, PinResetService};

use crate::device::{Device, NOW, PIN, rng, status};
use crate::platform::{RP, ask_token_by_pin, authentication, passkey, prove_authentication, token};

const GA: Permissions = Permissions::GET_ASSERTION;
const NEW: &str = "another pin";
const HASH: [u8; 32] = [7; 32];

/// A device with a passkey whose PIN can be reset.
fn recoverable() -> (Device, PinResetService, CompartmentId) {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    let service = PinResetService::new(&mut rng());
    let id = device.container().add_compartment(b"facts", &mut rng()).unwrap();
    let binding = Binding { tenant: "t".into(), user: "u".into(), device: "d".into() };
    let wanted = RecoveryService::Hpke { kid: "k".into(), key: service.key(), binding };
    device.container().want_recovery(id, Some(&wanted), &mut rng()).unwrap();
    device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng()).unwrap();
    (device, service, id)
}

fn answered(
    device: &mut Device,
    service: &PinResetService,
    id: CompartmentId,
    purpose: RecoveryPurpose,
) -> (PendingRecovery, RecoveryAnswer) {
    let (request, pending) = device.container().begin_recovery(id, purpose, &mut rng()).unwrap();
    let asked = Asked { protected_secret: &request.protected_secret, purpose: purpose.name(), blinded: None };
    let plaintext = service.plaintext(asked, &mut rng());
    let sealed = PinResetService::seal(&plaintext, &request.response_key, &HASH, &mut rng());
    (pending, RecoveryAnswer { sealed, request_hash: HASH })
}

/// Three wrong PINs in a row stop every further try until a restart; eight stop them for good.
fn lock_out(device: &mut Device, tries: u8) {
    for wrong in 1..=tries {
        device.engine().unlock(&PinHash::typed("000000"), NOW, &mut rng()).unwrap_err();
        if wrong % 3 == 0 && wrong < tries {
            device.power_cycle();
        }
    }
}

#[test]
fn a_reset_ends_the_lockout_and_every_token() {
    for tries in [3, 8] {
        let (mut device, service, id) = recoverable();
        let before = token(&mut device, GA, Some(RP));
        lock_out(&mut device, tries);
        let refused = device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng());
        assert!(refused.is_err(), "even the right PIN");
        let (pending, answer) = answered(&mut device, &service, id, RecoveryPurpose::Recover);
        let new = Pin::parse(NEW.as_bytes(), 6).unwrap();
        drop(device.engine().reset_pin(pending, &answer, &new, NOW, &mut rng()).unwrap());
        assert_eq!(device.engine().next_deadline(), None, "no token is left");
        let mut request = authentication();
        prove_authentication(&mut request, &before);
        assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::PIN_AUTH_INVALID);

        // Without a restart: by the daemon's commands, and by CTAP.
        device.engine().unlock(&PinHash::typed(NEW), NOW, &mut rng()).unwrap();
        assert!(ask_token_by_pin(&mut device, 2, NEW, GA, Some(RP)).is_ok());
        let old = device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng());
        assert!(matches!(old, Err(PinRefused::Container(ContainerError::WrongPin { tries_left: 7 }))));
    }
}

#[test]
fn tries_that_come_back_end_the_lockout() {
    for tries in [3, 8] {
        let (mut device, service, id) = recoverable();
        lock_out(&mut device, tries);
        let (pending, answer) = answered(&mut device, &service, id, RecoveryPurpose::Administer);
        device.engine().rearm_pin(pending, &answer).unwrap();
        assert_eq!(device.container().tries_left().unwrap(), 8);
        assert!(ask_token_by_pin(&mut device, 2, PIN, GA, Some(RP)).is_ok());
    }
}

#[test]
fn a_refused_answer_ends_nothing() {
    let (mut device, service, id) = recoverable();
    lock_out(&mut device, 3);
    let (pending, mut answer) = answered(&mut device, &service, id, RecoveryPurpose::Recover);
    answer.request_hash = [8; 32];
    let new = Pin::parse(NEW.as_bytes(), 6).unwrap();
    let refused = device.engine().reset_pin(pending, &answer, &new, NOW, &mut rng());
    assert_eq!(refused.err(), Some(ContainerError::WrongRecoveryAnswer));
    let (pending, mut answer) = answered(&mut device, &service, id, RecoveryPurpose::Administer);
    answer.request_hash = [8; 32];
    assert_eq!(device.engine().rearm_pin(pending, &answer).err(), Some(ContainerError::WrongRecoveryAnswer));
    let still = device.engine().unlock(&PinHash::typed(PIN), NOW, &mut rng());
    assert!(matches!(still, Err(PinRefused::NeedsPowerUp)));
}
