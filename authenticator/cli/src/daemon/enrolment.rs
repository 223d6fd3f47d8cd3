//! Enrolling a finger or a face: the PIN first, then the sensor, then the container.

use std::sync::Arc;

use latchkey_container::{Biometric, PinHash};

use super::engine::{Job, Jobs, answer};
use crate::biometric::{SensorError, Service, Tell};
use crate::control::Answer;
use crate::failure::{Failure, FailureKind};

/// Learns and admits. `tell` hears what the person is to do next.
pub async fn enrol(
    service: &Service,
    jobs: &Jobs,
    pin: PinHash,
    (kind, label): (Biometric, &str),
    tell: Tell<'_>,
) -> Result<Answer, Failure> {
    // A wrong PIN is told before anybody touches the sensor five times; the protector is made with the right one.
    let pin = Arc::new(pin);
    let check = Arc::clone(&pin);
    answer(jobs, |reply| Job::Enrol { pin: check, kind, learnt: None, reply }).await.into_result()?;
    let learnt = service.learn(kind, label, tell).await?;
    answer(jobs, |reply| Job::Enrol { pin, kind, learnt: Some(learnt), reply }).await.into_result()
}

/// Forgets what is enrolled under `id`.
pub async fn forget(jobs: &Jobs, id: String) -> Answer {
    answer(jobs, |reply| Job::Forget { id, reply }).await
}

impl From<SensorError> for Failure {
    fn from(error: SensorError) -> Self {
        Self::new(FailureKind::Refused, error.to_string())
    }
}
