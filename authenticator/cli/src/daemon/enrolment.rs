//! Enrolling a finger or a face: the PIN first, then the sensor, then the container.

use std::sync::Arc;

use latchkey_container::{Biometric, PinHash};
use tokio::sync::oneshot;

use super::engine::{Job, Jobs};
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
    ask(jobs, |reply| Job::Enrol { pin: check, kind, learnt: None, reply }).await.into_result()?;
    let learnt = service.learn(kind, label, tell).await?;
    ask(jobs, |reply| Job::Enrol { pin, kind, learnt: Some(learnt), reply }).await.into_result()
}

/// Forgets what is enrolled under `id`.
pub async fn forget(jobs: &Jobs, id: String) -> Answer {
    ask(jobs, |reply| Job::Forget { id, reply }).await
}

async fn ask(jobs: &Jobs, job: impl FnOnce(oneshot::Sender<Answer>) -> Job) -> Answer {
    let (reply, answer) = oneshot::channel();
    let ended = || Answer::Error(Failure::new(FailureKind::Refused, "the daemon is stopping"));
    if jobs.send(job(reply)).is_err() {
        return ended();
    }
    answer.await.unwrap_or_else(|_dropped| ended())
}

impl From<SensorError> for Failure {
    fn from(error: SensorError) -> Self {
        Self::new(FailureKind::Refused, error.to_string())
    }
}
