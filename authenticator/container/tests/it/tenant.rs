//! A tenant of a played identity provider: a compartment, and the PIN reset service that it uses.

use std::sync::OnceLock;

use latchkey_container::{
    Binding, CompartmentId, Container, Error, Pin, RecoveryAnswer, RecoveryPurpose, RecoveryRequest,
    RecoveryService, Unlocked,
};
use latchkey_tests::pin_reset_service::{Asked, PinResetService};

use crate::rig::{NOW, rng};

/// The hash of the signed request, which the device's own signature makes unforgeable.
pub const REQUEST: [u8; 32] = [7; 32];

pub struct Tenant {
    pub name: &'static str,
    pub service: PinResetService,
}

/// A tenant whose keys last as long as the tests, for what begins in one home and ends in a copy of it.
pub fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::new("t1"))
}

impl Tenant {
    pub fn new(name: &'static str) -> Self {
        Self { name, service: PinResetService::new(&mut rng()) }
    }

    /// The service as the device learns of it, with either protocol.
    pub fn hpke(&self, kid: &str) -> RecoveryService {
        RecoveryService::Hpke { kid: kid.into(), key: self.service.key(), binding: self.binding() }
    }

    pub fn blind(&self, kid: &str) -> RecoveryService {
        let (recover, administer) = self.service.points();
        RecoveryService::Blind { kid: kid.into(), recover, administer, binding: self.binding() }
    }

    pub fn both(&self) -> [RecoveryService; 2] {
        [self.hpke("k1"), self.blind("k1")]
    }

    fn binding(&self) -> Binding {
        Binding { tenant: self.name.into(), user: "u".into(), device: "d".into() }
    }

    /// Adds the tenant's compartment.
    pub fn join(&self, container: &mut Container) -> CompartmentId {
        container.add_compartment(self.name.as_bytes(), &mut rng()).unwrap()
    }

    /// An honest answer.
    pub fn answer(&self, request: &RecoveryRequest, purpose: RecoveryPurpose) -> RecoveryAnswer {
        answer_with(&self.plaintext(request, purpose), request)
    }

    pub fn plaintext(&self, request: &RecoveryRequest, purpose: RecoveryPurpose) -> Vec<u8> {
        let asked = Asked {
            protected_secret: &request.protected_secret,
            purpose: purpose.name(),
            blinded: request.blinded.as_ref(),
        };
        self.service.plaintext(asked, &mut rng())
    }

    /// The whole of a PIN reset.
    pub fn reset(&self, container: &mut Container, id: CompartmentId, new: &Pin) -> Result<Unlocked, Error> {
        let (request, pending) = container.begin_recovery(id, RecoveryPurpose::Recover, &mut rng())?;
        let answer = self.answer(&request, RecoveryPurpose::Recover);
        container.reset_pin(pending, &answer, new, NOW, &mut rng())
    }

    /// The whole of giving the tries back.
    pub fn rearm(&self, container: &mut Container, id: CompartmentId) -> Result<(), Error> {
        let (request, pending) = container.begin_recovery(id, RecoveryPurpose::Administer, &mut rng())?;
        let answer = self.answer(&request, RecoveryPurpose::Administer);
        container.rearm_pin(pending, &answer)
    }
}

/// Any answer to a request.
pub fn answer_with(plaintext: &[u8], request: &RecoveryRequest) -> RecoveryAnswer {
    let sealed = PinResetService::seal(plaintext, &request.response_key, &REQUEST, &mut rng());
    RecoveryAnswer { sealed, request_hash: REQUEST }
}
