//! The biometric service of the daemon: it holds the templates and the secrets, and lends the container a secret for
//! each protector that the next PIN is to make.

use std::sync::{Mutex, MutexGuard, PoisonError};

use latchkey_container::secret::AuthValue;
use latchkey_container::{Biometric, Container, Lifetime, Recognised};
use latchkey_ctap::SampleStatus;

use super::file::TemplateFile;
use super::fprintd::Fprintd;
use super::virtual_sensor::VirtualSensor;
use super::{Learning, Rule, Sensor, SensorChoice, SensorError, Tell, Template, complaint};
use crate::clock;
use crate::failure::{Failure, FailureKind};
use crate::paths::Paths;

/// The service.
#[derive(Debug)]
pub struct Service {
    sensor: Box<dyn Sensor>,
    user: String,
    file: Mutex<TemplateFile>,
    rule: Mutex<Rule>,
    session_secrets: [AuthValue; Biometric::ALL.len()],
}

impl Service {
    /// Starts the service; `None` when no sensor is wanted. Runs within a tokio runtime.
    pub fn start(choice: &SensorChoice, paths: &Paths) -> Result<Option<Self>, Failure> {
        let sensor: Box<dyn Sensor> = match choice {
            SensorChoice::Off => return Ok(None),
            SensorChoice::Fprintd => {
                let fprintd = Fprintd::default();
                fprintd.look();
                Box::new(fprintd)
            }
            SensorChoice::Virtual(path) => {
                tracing::warn!(
                    "biometric gestures come from a virtual sensor, which protects nothing: for tests only"
                );
                Box::new(
                    VirtualSensor::bind(path).map_err(|error| {
                        Failure::io(format!("the virtual sensor {}", path.display()), &error)
                    })?,
                )
            }
        };
        Ok(Some(Self {
            sensor,
            user: format!("uid {}", rustix::process::getuid().as_raw()),
            file: Mutex::new(TemplateFile::open(&paths.biometrics())?),
            rule: Mutex::new(Rule::Session),
            session_secrets: Biometric::ALL.map(|_| AuthValue::random(&mut clock::rng())),
        }))
    }

    /// The templates that are enrolled.
    pub fn templates(&self) -> Vec<Template> {
        self.file().templates().to_vec()
    }

    /// Lends the container the secrets of the gestures that somebody is enrolled for, and of `also`. Called before
    /// anything that may check a PIN, so it is cheap where each has its protector.
    pub fn lend(&self, container: &mut Container, also: Option<Biometric>) -> Result<(), Failure> {
        let Some(lifetime) = self.rule().lifetime() else {
            let enrolled = self.templates();
            return enrolled.iter().try_for_each(|template| self.forget(container, &template.id).map(drop));
        };
        for kind in Biometric::ALL {
            let used = also == Some(kind) || self.file().templates().iter().any(|known| known.kind == kind);
            if used && !container.has_biometric(kind, lifetime) {
                container.offer_biometric(kind, self.secret(kind, lifetime)?, lifetime)?;
            }
        }
        Ok(())
    }

    /// What policy says, from now on.
    pub fn follow(&self, rule: Rule) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = rule;
    }

    /// What policy says.
    pub fn rule(&self) -> Rule {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a finger or a face; `None` for a stranger's.
    pub async fn recognise(&self) -> Result<Option<Recognised>, SensorError> {
        let known = self.templates();
        let Some(template) = self.sensor.recognise(&known).await? else { return Ok(None) };
        let lifetime = self.rule().lifetime().unwrap_or(Lifetime::Boot);
        let secret =
            self.secret(template.kind, lifetime).map_err(|failure| SensorError::Failed(failure.message))?;
        Ok(Some(Recognised { kind: template.kind, template: template.digest(&self.user), secret }))
    }

    /// Begins to learn a finger or a face. What is learnt opens nothing before [`Service::admit`].
    pub async fn begin(&self, kind: Biometric, label: &str) -> Result<Box<dyn Learning>, SensorError> {
        self.sensor.learn(kind, label, &self.templates()).await
    }

    /// Learns a finger or a face, telling the person what to do next.
    pub async fn learn(&self, kind: Biometric, label: &str, tell: Tell<'_>) -> Result<Template, SensorError> {
        let mut learning = self.begin(kind, label).await?;
        tell(learning.instruction());
        loop {
            let sample = learning.sample().await?;
            if let Some(template) = sample.learnt {
                return Ok(template);
            }
            match (sample.status, complaint(sample.status)) {
                (SampleStatus::MergeFailure | SampleStatus::Exists, Some(reason)) => {
                    return Err(SensorError::Failed(reason.to_owned()));
                }
                (_, Some(reason)) => tell(format!("{reason}: touch again")),
                (_, None) => tell(learning.instruction()),
            }
        }
    }

    /// The sensor.
    pub fn sensor(&self) -> &dyn Sensor {
        &*self.sensor
    }

    /// Gives a template another name for people.
    pub fn rename(&self, id: &str, label: &str) -> Result<(), Failure> {
        let template = self.known(id)?;
        self.file().put(Template { label: label.to_owned(), ..template })
    }

    /// Lets what was learnt open the container, in the place of an older one of the same id.
    pub fn admit(
        &self,
        container: &mut Container,
        unlocked: &latchkey_container::Unlocked,
        template: Template,
    ) -> Result<(), Failure> {
        let older = self.templates().into_iter().find(|known| known.id == template.id);
        let digest = template.digest(&self.user);
        container.enrol_biometric(unlocked, template.kind, digest, &mut clock::rng())?;
        self.file().put(template)?;
        if let Some(older) = older.filter(|older| older.digest(&self.user) != digest) {
            container.remove_template(older.kind, older.digest(&self.user))?;
        }
        Ok(())
    }

    /// Takes a template's permission away and forgets it.
    pub fn forget(&self, container: &mut Container, id: &str) -> Result<Template, Failure> {
        let template = self.known(id)?;
        container.remove_template(template.kind, template.digest(&self.user))?;
        self.file().remove(id)?;
        Ok(template)
    }

    fn known(&self, id: &str) -> Result<Template, Failure> {
        self.templates().into_iter().find(|known| known.id == id).ok_or_else(|| {
            let text = format!("nothing is enrolled under {id:?}: see `latchkey biometric list`");
            Failure::new(FailureKind::Usage, text)
        })
    }

    fn secret(&self, kind: Biometric, lifetime: Lifetime) -> Result<AuthValue, Failure> {
        let kept;
        let [fingerprint, face] = match lifetime {
            Lifetime::Boot => &self.session_secrets,
            Lifetime::Persistent => {
                kept = self.file().kept_secrets()?;
                &kept
            }
        };
        let secret = match kind {
            Biometric::Fingerprint => fingerprint,
            Biometric::Face => face,
        };
        Ok(AuthValue::new(*secret.expose()))
    }

    /// Nothing that panics is done under this lock.
    fn file(&self) -> MutexGuard<'_, TemplateFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
