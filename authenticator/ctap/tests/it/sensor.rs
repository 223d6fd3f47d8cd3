//! A biometric service that keeps its templates in memory; what it enrols is enrolled in the real container.

use std::sync::{Arc, Mutex};

use latchkey_container::secret::AuthValue;
use latchkey_container::{Biometric, Container, Lifetime, Recognised, TemplateDigest, Unlocked};
use latchkey_ctap::{
    Answer, BiometricService, Captured, EnrolledTemplate, FingerprintKind, FingerprintSensor, Learnt,
    SampleStatus, ServiceError,
};

use crate::device::{Device, rng};

/// Good samples until a finger is learnt.
pub const SAMPLES: u8 = 3;
pub const CAPACITY: usize = 2;

/// The service; its copies are the same.
#[derive(Clone, Default)]
pub struct Sensor(Arc<Mutex<Vec<EnrolledTemplate>>>);

/// A device with [`PIN`](crate::device::PIN) and a sensor that knows nobody yet.
pub fn device_with_sensor() -> (Device, Sensor) {
    let mut device = Device::with_pin();
    let sensor = Sensor::default();
    device.add_biometrics(Box::new(sensor.clone()));
    (device, sensor)
}

/// What the sensor says of a sample of this finger.
pub fn sample(finger: &str, status: SampleStatus, remaining: u8) -> Answer {
    let learnt = (remaining == 0).then(|| Learnt(finger.to_owned()));
    Answer::Captured(Captured::Sample { id: finger.to_owned(), status, remaining, learnt })
}

/// What the service says when it recognises this finger.
pub fn recognised(finger: &str) -> Answer {
    let (kind, secret) = (Biometric::Fingerprint, AuthValue::new([9; 32]));
    Answer::Recognised(Box::new(Recognised { kind, template: digest(finger), secret }))
}

fn digest(finger: &str) -> TemplateDigest {
    TemplateDigest::of("alice", "sensor", Biometric::Fingerprint, finger.as_bytes())
}

impl Sensor {
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|template| template.name.clone()).collect()
    }
}

impl BiometricService for Sensor {
    fn gestures(&self) -> Vec<Biometric> {
        vec![Biometric::Fingerprint]
    }

    fn fingerprint_sensor(&self) -> Option<FingerprintSensor> {
        Some(FingerprintSensor { kind: FingerprintKind::Touch, samples: SAMPLES, capacity: CAPACITY })
    }

    fn fingerprints(&self) -> Vec<EnrolledTemplate> {
        self.0.lock().unwrap().clone()
    }

    fn prepare(&self, container: &mut Container) -> Result<(), ServiceError> {
        container.offer_biometric(Biometric::Fingerprint, AuthValue::new([9; 32]), Lifetime::Boot).unwrap();
        Ok(())
    }

    fn admit(
        &self,
        container: &mut Container,
        unlocked: &Unlocked,
        learnt: Learnt,
    ) -> Result<(), ServiceError> {
        let Learnt(finger) = learnt;
        container
            .enrol_biometric(unlocked, Biometric::Fingerprint, digest(&finger), &mut rng())
            .map_err(|error| ServiceError(error.to_string()))?;
        self.0.lock().unwrap().push(EnrolledTemplate { id: finger.clone(), name: finger });
        Ok(())
    }

    fn rename(&self, id: &str, name: &str) -> Result<(), ServiceError> {
        let mut templates = self.0.lock().unwrap();
        templates.iter_mut().filter(|one| one.id == id).for_each(|one| name.clone_into(&mut one.name));
        Ok(())
    }

    fn forget(&self, container: &mut Container, id: &str) -> Result<(), ServiceError> {
        container.remove_template(Biometric::Fingerprint, digest(id)).unwrap();
        self.0.lock().unwrap().retain(|one| one.id != id);
        Ok(())
    }

    fn forget_all(&self, container: &mut Container) {
        for template in self.fingerprints() {
            self.forget(container, &template.id).unwrap();
        }
    }
}
