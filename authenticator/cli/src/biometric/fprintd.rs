//! The fingerprint reader behind fprintd, over the system bus (`net.reactivated.Fprint`, fprintd's D-Bus interface).
//!
//! fprintd keeps the fingers itself, where only root reads them. What is kept here is which fingers of this user the
//! reader knew when they were enrolled: one more, or one less, is another template, and the container refuses it.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use latchkey_container::Biometric;
use latchkey_ctap::{FingerprintKind, FingerprintSensor, SampleStatus};
use tokio::sync::{Mutex, OwnedMutexGuard};
use zbus::{Connection, OwnedObjectPath, proxy};

use super::{FINGERS, Learning, Sample, Sensor, SensorError, Template, Work};

/// Our own user, in the words of fprintd.
const OURSELVES: &str = "";
/// Any finger of the user's.
const ANY: &str = "any";
/// The fingers that fprintd knows, in the order in which they are enrolled unless one is named.
const ALL_FINGERS: [&str; FINGERS] = [
    "right-index-finger",
    "left-index-finger",
    "right-thumb",
    "left-thumb",
    "right-middle-finger",
    "left-middle-finger",
    "right-ring-finger",
    "left-ring-finger",
    "right-little-finger",
    "left-little-finger",
];
/// How long fprintd may take to start and to answer a question that waits for nobody.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// All fingers of one user are one template.
const ID: &str = "fprintd";

#[proxy(
    interface = "net.reactivated.Fprint.Manager",
    default_service = "net.reactivated.Fprint",
    default_path = "/net/reactivated/Fprint/Manager"
)]
trait Manager {
    fn get_default_device(&self) -> zbus::Result<OwnedObjectPath>;
}

#[proxy(interface = "net.reactivated.Fprint.Device", default_service = "net.reactivated.Fprint")]
trait Device {
    #[zbus(property, name = "name")]
    fn name(&self) -> zbus::Result<String>;
    #[zbus(property, name = "scan-type")]
    fn scan_type(&self) -> zbus::Result<String>;
    /// Known only while the reader is claimed.
    #[zbus(property, name = "num-enroll-stages")]
    fn num_enroll_stages(&self) -> zbus::Result<i32>;
    fn claim(&self, user: &str) -> zbus::Result<()>;
    fn release(&self) -> zbus::Result<()>;
    fn list_enrolled_fingers(&self, user: &str) -> zbus::Result<Vec<String>>;
    fn verify_start(&self, finger: &str) -> zbus::Result<()>;
    fn verify_stop(&self) -> zbus::Result<()>;
    fn enroll_start(&self, finger: &str) -> zbus::Result<()>;
    fn enroll_stop(&self) -> zbus::Result<()>;
    #[zbus(signal)]
    fn verify_status(&self, result: &str, done: bool) -> zbus::Result<()>;
    #[zbus(signal)]
    fn enroll_status(&self, result: &str, done: bool) -> zbus::Result<()>;
}

/// The reader that fprintd calls the default one.
#[derive(Debug, Clone, Default)]
pub struct Fprintd {
    /// Held while the reader is ours.
    reader: Arc<Mutex<()>>,
    /// What the reader was when it was last ours.
    facts: Arc<StdMutex<Option<FingerprintSensor>>>,
}

impl Sensor for Fprintd {
    fn gestures(&self) -> Vec<Biometric> {
        self.fingerprints().map(|_| Biometric::Fingerprint).into_iter().collect()
    }

    fn fingerprints(&self) -> Option<FingerprintSensor> {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn<'a>(
        &'a self,
        kind: Biometric,
        label: &'a str,
        known: &'a [Template],
    ) -> Work<'a, Box<dyn Learning>> {
        Box::pin(async move {
            if kind != Biometric::Fingerprint {
                return Err(SensorError::Unsupported("a fingerprint reader knows no faces".to_owned()));
            }
            let claim = self.claim().await?;
            let fingers = claim.fingers().await?;
            // Fingers that fprintd knows already (for signing in to the machine, say) are not learnt a second time; whoever
            // enrols one here must have it.
            let lesson = if fingers.iter().any(|finger| finger == label) {
                Lesson::Verify(label.to_owned())
            } else if !label.is_empty() {
                claim.begin(label).await?
            } else if !fingers.is_empty() && !known.contains(&claim.template().await?) {
                Lesson::Verify(ANY.to_owned())
            } else {
                let free = ALL_FINGERS.iter().find(|finger| !fingers.iter().any(|known| known == *finger));
                claim.begin(free.ok_or(SensorError::Full)?).await?
            };
            let learning: Box<dyn Learning> = Box::new(Reading { claim, lesson });
            Ok(learning)
        })
    }

    fn recognise<'a>(&'a self, _known: &'a [Template]) -> Work<'a, Option<Template>> {
        Box::pin(async move {
            let claim = self.claim().await?;
            let template = claim.template().await?;
            Ok(claim.verify(ANY).await?.then_some(template))
        })
    }
}

impl Fprintd {
    /// Asks fprintd, meanwhile, what reader there is. Runs within a tokio runtime.
    pub fn look(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            match this.claim().await {
                Ok(_given_back) => tracing::info!("fprintd has a fingerprint reader"),
                Err(error) => tracing::debug!(%error, "no fingerprint reader"),
            }
        });
    }

    async fn claim(&self) -> Result<Claim, SensorError> {
        let held = Arc::clone(&self.reader).lock_owned().await;
        let claimed = async {
            let bus = Connection::system().await?;
            let path = ManagerProxy::new(&bus).await?.get_default_device().await?;
            let device = DeviceProxy::builder(&bus).path(path).build().await?;
            device.claim(OURSELVES).await?;
            let kind = match device.scan_type().await?.as_str() {
                "swipe" => FingerprintKind::Swipe,
                _ => FingerprintKind::Touch,
            };
            let samples = u8::try_from(device.num_enroll_stages().await?).unwrap_or(1).max(1);
            Ok((device, FingerprintSensor { kind, samples, capacity: FINGERS }))
        };
        let claimed = tokio::time::timeout(ANSWER_LIMIT, claimed)
            .await
            .map_err(|_elapsed| SensorError::Unavailable("fprintd does not answer".to_owned()))?
            .map_err(|error| unavailable(&error));
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        *facts = claimed.as_ref().ok().map(|(_, sensor)| *sensor).or(*facts);
        let (device, sensor) = claimed?;
        Ok(Claim { device, stages: sensor.samples, held: Some(held) })
    }
}

/// The reader while it is ours; given back when this is dropped.
struct Claim {
    device: DeviceProxy<'static>,
    /// Good samples until it has learnt a finger.
    stages: u8,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let (device, held) = (self.device.clone(), self.held.take());
        tokio::spawn(async move {
            // Whichever of the two goes on; the other is refused, which does no harm.
            let _idle = device.verify_stop().await;
            let _idle = device.enroll_stop().await;
            if let Err(error) = device.release().await {
                tracing::warn!(%error, "the fingerprint reader could not be given back");
            }
            drop(held);
        });
    }
}

impl Claim {
    /// The fingers that fprintd knows of this user, in alphabetical order.
    async fn fingers(&self) -> Result<Vec<String>, SensorError> {
        match self.device.list_enrolled_fingers(OURSELVES).await {
            Ok(mut fingers) => {
                fingers.sort();
                Ok(fingers)
            }
            Err(zbus::Error::MethodError(name, _, _)) if name.ends_with(".NoEnrolledPrints") => {
                Ok(Vec::new())
            }
            Err(error) => Err(failed(&error)),
        }
    }

    async fn template(&self) -> Result<Template, SensorError> {
        let fingers = self.fingers().await?.join(", ");
        let name = self.device.name().await.map_err(|error| failed(&error))?;
        Ok(Template {
            id: ID.to_owned(),
            kind: Biometric::Fingerprint,
            sensor: format!("fprintd: {name}"),
            label: fingers.clone(),
            data: fingers,
        })
    }

    /// Waits for a finger; whether it is one that was asked for.
    async fn verify(&self, finger: &str) -> Result<bool, SensorError> {
        let mut statuses = self.device.receive_verify_status().await.map_err(|error| failed(&error))?;
        self.device.verify_start(finger).await.map_err(|error| failed(&error))?;
        while let Some(signal) = statuses.next().await {
            let status = signal.args().map_err(|error| failed(&error))?;
            match *status.result() {
                "verify-match" => return Ok(true),
                "verify-no-match" => return Ok(false),
                ended if *status.done() => return Err(SensorError::Failed(ended.to_owned())),
                // The finger was too short or beside the reader: the same finger again.
                _ => {}
            }
        }
        Err(went_away())
    }

    /// Has the reader learn a finger that it does not know.
    async fn begin(&self, finger: &str) -> Result<Lesson, SensorError> {
        let statuses = self.device.receive_enroll_status().await.map_err(|error| failed(&error))?;
        self.device.enroll_start(finger).await.map_err(|error| failed(&error))?;
        Ok(Lesson::Enrol { finger: finger.to_owned(), statuses: Box::new(statuses), passed: 0 })
    }
}

/// What the reader is doing with a finger.
enum Lesson {
    /// Compares it with what it knows: one finger, or any.
    Verify(String),
    /// Learns it, touch by touch.
    Enrol { finger: String, statuses: Box<EnrollStatusStream>, passed: u8 },
}

/// A reader that is ours until a finger is learnt.
struct Reading {
    claim: Claim,
    lesson: Lesson,
}

impl Learning for Reading {
    fn id(&self) -> &str {
        ID
    }

    fn remaining(&self) -> u8 {
        match &self.lesson {
            Lesson::Verify(_) => 1,
            Lesson::Enrol { passed, .. } => self.claim.stages.saturating_sub(*passed).max(1),
        }
    }

    fn instruction(&self) -> String {
        match &self.lesson {
            Lesson::Verify(finger) if finger == ANY => {
                "fprintd knows fingers of yours already: touch the reader with one of them".to_owned()
            }
            Lesson::Verify(finger) => {
                format!("fprintd knows your {finger} already: touch the reader with it")
            }
            Lesson::Enrol { finger, passed: 0, .. } => {
                format!("touch the reader with your {finger}, several times")
            }
            Lesson::Enrol { .. } => "good: once more".to_owned(),
        }
    }

    fn sample(&mut self) -> Work<'_, Sample> {
        Box::pin(async move {
            let status = match &mut self.lesson {
                Lesson::Verify(finger) if self.claim.verify(finger).await? => None,
                Lesson::Verify(_) => {
                    let text = "this is not a finger that fprintd knows as yours";
                    return Err(SensorError::Failed(text.to_owned()));
                }
                Lesson::Enrol { statuses, passed, .. } => {
                    let Some(signal) = statuses.next().await else { return Err(went_away()) };
                    let status = signal.args().map_err(|error| failed(&error))?;
                    let judged = judge(status.result(), *status.done())?;
                    *passed = passed.saturating_add(u8::from(judged == Some(SampleStatus::Good)));
                    judged
                }
            };
            let Some(status) = status else {
                let learnt = Some(self.claim.template().await?);
                return Ok(Sample { status: SampleStatus::Good, remaining: 0, learnt });
            };
            Ok(Sample { status, remaining: self.remaining(), learnt: None })
        })
    }
}

/// What fprintd says of one touch; `None` when the finger is learnt.
fn judge(result: &str, done: bool) -> Result<Option<SampleStatus>, SensorError> {
    Ok(Some(match result {
        "enroll-completed" => return Ok(None),
        "enroll-data-full" => return Err(SensorError::Full),
        "enroll-duplicate" => SampleStatus::Exists,
        ended if done => return Err(SensorError::Failed(ended.to_owned())),
        "enroll-stage-passed" => SampleStatus::Good,
        "enroll-swipe-too-short" => SampleStatus::TooShort,
        "enroll-finger-not-centered" => SampleStatus::NotCentred,
        "enroll-remove-and-retry" => SampleStatus::NotLifted,
        _ => SampleStatus::PoorQuality,
    }))
}

fn unavailable(error: &zbus::Error) -> SensorError {
    SensorError::Unavailable(format!("fprintd (package fprintd) says: {error}"))
}

fn failed(error: &zbus::Error) -> SensorError {
    SensorError::Failed(error.to_string())
}

fn went_away() -> SensorError {
    SensorError::Failed("fprintd went away".to_owned())
}
