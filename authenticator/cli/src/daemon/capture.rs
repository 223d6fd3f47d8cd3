//! The sensor while a finger is enrolled over CTAP: it stays claimed from one sample to the next.

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::Biometric;
use latchkey_ctap::{Answer, Capture, Captured, SampleStatus};
use tokio::sync::Mutex;

use crate::biometric::{Learning, SensorError, Service, carried};

/// The finger that is being learnt, if one is.
#[derive(Clone, Default)]
pub struct Lesson(Arc<Mutex<Option<Box<dyn Learning>>>>);

impl Lesson {
    /// Captures one sample. Nobody's finger within the platform's own time is told as a sample, and the enrolment goes on;
    /// none within `patience` ends it.
    pub async fn capture(self, service: Arc<Service>, wanted: Capture, patience: Duration) -> Answer {
        let mut place = self.0.lock().await;
        let time = wanted.timeout.map_or(patience, |timeout| timeout.min(patience));
        match tokio::time::timeout(time, sample(&mut place, &service, wanted.first)).await {
            Ok(captured) => Answer::Captured(captured),
            Err(_elapsed) => match &*place {
                Some(learning) if wanted.timeout.is_some_and(|timeout| timeout <= patience) => {
                    Answer::Captured(Captured::Sample {
                        id: learning.id().to_owned(),
                        status: SampleStatus::NoUserActivity,
                        remaining: learning.remaining(),
                        learnt: None,
                    })
                }
                _ => Answer::TimedOut,
            },
        }
    }

    /// Lets go of the sensor, as soon as nobody captures.
    pub fn end(&self) {
        let this = self.clone();
        tokio::spawn(async move { *this.0.lock().await = None });
    }
}

async fn sample(place: &mut Option<Box<dyn Learning>>, service: &Service, first: bool) -> Captured {
    if first {
        // The one before gives the sensor back first.
        *place = None;
        match service.begin(Biometric::Fingerprint, "").await {
            Ok(learning) => *place = Some(learning),
            Err(error) => return failed(&error),
        }
    }
    let Some(learning) = place else { return Captured::Failed };
    tracing::info!("enrolling over CTAP: {}", learning.instruction());
    match learning.sample().await {
        Ok(sample) => match sample.learnt.as_ref().map(carried).transpose() {
            Ok(learnt) => Captured::Sample {
                id: learning.id().to_owned(),
                status: sample.status,
                remaining: sample.remaining,
                learnt,
            },
            Err(error) => failed(&SensorError::Failed(error.to_string())),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &SensorError) -> Captured {
    tracing::warn!(%error, "no sample was captured");
    match error {
        SensorError::Full => Captured::Full,
        SensorError::Unavailable(_) | SensorError::Unsupported(_) | SensorError::Failed(_) => {
            Captured::Failed
        }
    }
}
