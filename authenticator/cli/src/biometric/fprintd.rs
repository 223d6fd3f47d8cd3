//! The fingerprint reader behind fprintd, over the system bus (`net.reactivated.Fprint`, fprintd's D-Bus interface).
//!
//! fprintd keeps the fingers itself, where only root reads them. What is kept here is which fingers of this user the
//! reader knew when they were enrolled: one more, or one less, is another template, and the container refuses it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use latchkey_container::Biometric;
use tokio::sync::{Mutex, OwnedMutexGuard};
use zbus::{Connection, OwnedObjectPath, proxy};

use super::{Sensor, SensorError, Tell, Template, Work};

/// Our own user, in the words of fprintd.
const OURSELVES: &str = "";
/// Any finger of the user's.
const ANY: &str = "any";
/// The finger that is enrolled unless another is named.
const USUAL: &str = "right-index-finger";
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
#[derive(Debug, Default)]
pub struct Fprintd {
    /// Held while the reader is ours.
    reader: Arc<Mutex<()>>,
}

impl Sensor for Fprintd {
    fn enrol<'a>(
        &'a self,
        kind: Biometric,
        label: &'a str,
        _known: &'a [Template],
        tell: Tell<'a>,
    ) -> Work<'a, Template> {
        Box::pin(async move {
            if kind != Biometric::Fingerprint {
                return Err(SensorError::Unsupported("a fingerprint reader knows no faces".to_owned()));
            }
            let finger = if label.is_empty() { USUAL } else { label };
            let claim = self.claim().await?;
            // A finger that fprintd knows already (for signing in to the machine, say) is not learnt a second time; whoever
            // enrols it here must have it.
            if claim.fingers().await?.iter().any(|known| known == finger) {
                tell(format!("fprintd knows your {finger} already: touch the reader with it"));
                if !claim.verify(finger).await? {
                    return Err(SensorError::Failed(format!("this is not the {finger} that fprintd knows")));
                }
            } else {
                claim.learn(finger, tell).await?;
            }
            claim.template().await
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
    async fn claim(&self) -> Result<Claim, SensorError> {
        let held = Arc::clone(&self.reader).lock_owned().await;
        let claimed = async {
            let bus = Connection::system().await?;
            let path = ManagerProxy::new(&bus).await?.get_default_device().await?;
            let device = DeviceProxy::builder(&bus).path(path).build().await?;
            device.claim(OURSELVES).await?;
            Ok(device)
        };
        let device = tokio::time::timeout(ANSWER_LIMIT, claimed)
            .await
            .map_err(|_elapsed| SensorError::Unavailable("fprintd does not answer".to_owned()))?
            .map_err(|error| unavailable(&error))?;
        Ok(Claim { device, held: Some(held) })
    }
}

/// The reader while it is ours; given back when this is dropped.
struct Claim {
    device: DeviceProxy<'static>,
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

    async fn learn(&self, finger: &str, tell: Tell<'_>) -> Result<(), SensorError> {
        let mut statuses = self.device.receive_enroll_status().await.map_err(|error| failed(&error))?;
        self.device.enroll_start(finger).await.map_err(|error| failed(&error))?;
        tell(format!("touch the reader with your {finger}, several times"));
        while let Some(signal) = statuses.next().await {
            let status = signal.args().map_err(|error| failed(&error))?;
            match *status.result() {
                "enroll-completed" => return Ok(()),
                ended if *status.done() => return Err(SensorError::Failed(ended.to_owned())),
                "enroll-stage-passed" => tell("good: once more".to_owned()),
                _ => tell("not readable: lift the finger and touch again".to_owned()),
            }
        }
        Err(went_away())
    }
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
