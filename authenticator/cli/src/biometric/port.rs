//! The biometric service as the CTAP engine sees it (CTAP 2.3 §6.7): the same templates, the same protectors.

use std::sync::Arc;

use latchkey_container::{Biometric, Container, Unlocked};
use latchkey_ctap::{BiometricService, EnrolledTemplate, FingerprintSensor, Learnt, ServiceError};

use super::{Rule, Service, Template};
use crate::failure::Failure;

/// The engine's hold on the service.
#[derive(Debug)]
pub struct Port(pub Arc<Service>);

impl Port {
    fn allowed(&self) -> bool {
        self.0.rule() != Rule::Forbidden
    }
}

impl BiometricService for Port {
    fn gestures(&self) -> Vec<Biometric> {
        if self.allowed() { self.0.sensor().gestures() } else { Vec::new() }
    }

    fn fingerprint_sensor(&self) -> Option<FingerprintSensor> {
        self.0.sensor().fingerprints().filter(|_| self.allowed())
    }

    fn fingerprints(&self) -> Vec<EnrolledTemplate> {
        let fingers = self.0.templates().into_iter().filter(|one| one.kind == Biometric::Fingerprint);
        fingers.map(|Template { id, label, .. }| EnrolledTemplate { id, name: label }).collect()
    }

    fn prepare(&self, container: &mut Container) -> Result<(), ServiceError> {
        self.0.lend(container, Some(Biometric::Fingerprint)).map_err(|failure| refused(&failure))
    }

    fn admit(
        &self,
        container: &mut Container,
        unlocked: &Unlocked,
        learnt: Learnt,
    ) -> Result<(), ServiceError> {
        let template = serde_json::from_str(&learnt.0).map_err(|error| ServiceError(error.to_string()))?;
        self.0.admit(container, unlocked, template).map_err(|failure| refused(&failure))
    }

    fn rename(&self, id: &str, name: &str) -> Result<(), ServiceError> {
        self.0.rename(id, name).map_err(|failure| refused(&failure))
    }

    fn forget(&self, container: &mut Container, id: &str) -> Result<(), ServiceError> {
        self.0.forget(container, id).map(drop).map_err(|failure| refused(&failure))
    }

    fn forget_all(&self, container: &mut Container) {
        for template in self.0.templates() {
            // What stays in the file opens nothing: the container has forgotten it.
            drop(self.forget(container, &template.id));
        }
    }
}

/// The peer learns only that it failed; the owner finds the reason in the log.
fn refused(failure: &Failure) -> ServiceError {
    tracing::warn!(%failure, "a biometric template");
    ServiceError(failure.to_string())
}

/// What was learnt, as the engine carries it to [`Port::admit`].
pub fn carried(template: &Template) -> Result<Learnt, serde_json::Error> {
    serde_json::to_string(template).map(Learnt)
}
