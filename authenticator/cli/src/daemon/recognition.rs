//! The sensor beside the prompt.

use std::sync::Arc;

use latchkey_container::Recognised;

use super::engine::{Job, Jobs, ask};
use crate::biometric::Service;
use crate::prompt::{Question, Want};

/// Waits for somebody whom the sensor recognises, while `question` waits for a PIN. A stranger's finger is counted; when
/// only the PIN helps, or the sensor fails, this waits for ever and leaves the question to the prompt.
pub fn recognised(
    service: Option<Arc<Service>>,
    question: &Question,
    jobs: Jobs,
) -> impl Future<Output = Recognised> + use<> {
    let offered = question.want == Want::Pin && !question.gestures.is_empty();
    async move {
        if let Some(service) = service.filter(|_| offered) {
            loop {
                match service.recognise().await {
                    Ok(Some(seen)) => return seen,
                    Ok(None) if count(&jobs).await > 0 => {
                        tracing::info!("the sensor did not recognise the gesture");
                    }
                    Ok(None) => {
                        tracing::warn!("too many gestures in a row were not recognised: the PIN is needed");
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no biometric gesture for this question");
                        break;
                    }
                }
            }
        }
        std::future::pending().await
    }
}

/// The tries that are left, none when the engine is gone.
async fn count(jobs: &Jobs) -> u8 {
    ask(jobs, |reply| Job::FailedMatch { reply }).await.unwrap_or(0)
}
