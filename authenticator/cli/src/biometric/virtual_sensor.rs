//! A sensor without hardware: a socket on which fingers and faces are presented by name (`finger 1`, `face 1`), one a
//! line. For tests, and to try biometric gestures on a machine without a reader. It is as good a lock as its socket: who
//! may write there, and knows a name that was enrolled, is recognised.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_container::Biometric;
use latchkey_ctap::{FingerprintKind, FingerprintSensor, SampleStatus};
use rand_core::Rng;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use super::{FINGERS, Learning, Sample, Sensor, SensorError, Template, Work};
use crate::clock;

/// How often a finger is presented until it is learnt.
const STAGES: u8 = 3;
/// No name of a finger is longer.
const LONGEST_LINE: u64 = 256;
/// Presentations that wait for one who reads them.
const QUEUE: usize = 16;

/// The bound socket. Dropping it removes it.
#[derive(Debug)]
pub struct VirtualSensor {
    path: PathBuf,
    presented: broadcast::Sender<String>,
    accepting: AbortHandle,
}

impl Drop for VirtualSensor {
    fn drop(&mut self) {
        self.accepting.abort();
        let _gone_already = fs::remove_file(&self.path);
    }
}

impl VirtualSensor {
    /// Listens on `path`, for programs of the same user.
    pub fn bind(path: &Path) -> std::io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        let (presented, _) = broadcast::channel(QUEUE);
        let accepting = tokio::spawn(accept(listener, presented.clone())).abort_handle();
        Ok(Self { path: path.to_owned(), presented, accepting })
    }

    fn name(&self) -> String {
        format!("virtual sensor {}", self.path.display())
    }

    /// The next finger or face of this moment: what was presented before counts for nothing.
    async fn next(presented: &mut broadcast::Receiver<String>) -> Result<String, SensorError> {
        loop {
            match presented.recv().await {
                Ok(sample) => return Ok(sample),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => {
                    return Err(SensorError::Unavailable("the virtual sensor is gone".to_owned()));
                }
            }
        }
    }
}

impl Sensor for VirtualSensor {
    fn gestures(&self) -> Vec<Biometric> {
        Biometric::ALL.to_vec()
    }

    fn fingerprints(&self) -> Option<FingerprintSensor> {
        Some(FingerprintSensor { kind: FingerprintKind::Touch, samples: STAGES, capacity: FINGERS })
    }

    fn learn<'a>(
        &'a self,
        kind: Biometric,
        label: &'a str,
        known: &'a [Template],
    ) -> Work<'a, Box<dyn Learning>> {
        Box::pin(async move {
            if known.iter().filter(|template| template.kind == kind).count() >= FINGERS {
                return Err(SensorError::Full);
            }
            let (mut id, mut salt) = ([0; 6], [0; 16]);
            clock::rng().fill_bytes(&mut id);
            clock::rng().fill_bytes(&mut salt);
            let learning: Box<dyn Learning> = Box::new(Presentations {
                presented: self.presented.subscribe(),
                known: known.to_vec(),
                first: None,
                stage: 0,
                salt: URL_SAFE_NO_PAD.encode(salt),
                template: Template {
                    id: URL_SAFE_NO_PAD.encode(id),
                    kind,
                    sensor: self.name(),
                    label: if label.is_empty() { kind.name().to_owned() } else { label.to_owned() },
                    data: String::new(),
                },
            });
            Ok(learning)
        })
    }

    fn recognise<'a>(&'a self, known: &'a [Template]) -> Work<'a, Option<Template>> {
        Box::pin(async move {
            let sample = Self::next(&mut self.presented.subscribe()).await?;
            Ok(known.iter().find(|template| matches(template, &sample)).cloned())
        })
    }
}

/// The same finger, presented [`STAGES`] times.
struct Presentations {
    presented: broadcast::Receiver<String>,
    known: Vec<Template>,
    first: Option<String>,
    stage: u8,
    salt: String,
    template: Template,
}

impl Presentations {
    fn judge(&mut self, sample: &str) -> SampleStatus {
        if kind_of(sample) != Some(self.template.kind) {
            return SampleStatus::PoorQuality;
        }
        if self.known.iter().any(|template| matches(template, sample)) {
            return SampleStatus::Exists;
        }
        if self.first.get_or_insert_with(|| sample.to_owned()) != sample {
            return SampleStatus::MergeFailure;
        }
        self.stage = self.stage.saturating_add(1);
        SampleStatus::Good
    }
}

impl Learning for Presentations {
    fn id(&self) -> &str {
        &self.template.id
    }

    fn remaining(&self) -> u8 {
        STAGES.saturating_sub(self.stage)
    }

    fn instruction(&self) -> String {
        format!(
            "present the {} ({} of {STAGES})",
            self.template.kind.name(),
            self.stage.saturating_add(1).min(STAGES)
        )
    }

    fn sample(&mut self) -> Work<'_, Sample> {
        Box::pin(async move {
            let presented = VirtualSensor::next(&mut self.presented).await?;
            let (status, remaining) = (self.judge(&presented), self.remaining());
            let learnt = (remaining == 0)
                .then(|| Template { data: template(&self.salt, &presented), ..self.template.clone() });
            Ok(Sample { status, remaining, learnt })
        })
    }
}

fn kind_of(sample: &str) -> Option<Biometric> {
    match sample.split_ascii_whitespace().next()? {
        "finger" => Some(Biometric::Fingerprint),
        "face" => Some(Biometric::Face),
        _ => None,
    }
}

/// A salted hash: the file does not tell which finger it is.
fn template(salt: &str, sample: &str) -> String {
    let hash = Sha256::new().chain_update(salt).chain_update([0]).chain_update(sample).finalize();
    format!("{salt}.{}", URL_SAFE_NO_PAD.encode(hash))
}

fn matches(known: &Template, sample: &str) -> bool {
    let salt = known.data.split('.').next().unwrap_or_default();
    kind_of(sample) == Some(known.kind) && template(salt, sample) == known.data
}

async fn accept(listener: UnixListener, presented: broadcast::Sender<String>) {
    while let Ok((stream, _)) = listener.accept().await {
        let own = rustix::process::geteuid().as_raw();
        if stream.peer_cred().is_ok_and(|peer| peer.uid() == own) {
            tokio::spawn(read(stream, presented.clone()));
        }
    }
}

/// Each line is a presentation; the answer says whether somebody waited for it.
async fn read(stream: UnixStream, presented: broadcast::Sender<String>) {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input.take(LONGEST_LINE));
    let mut line = String::new();
    while matches!(input.read_line(&mut line).await, Ok(read) if read > 0) {
        let seen = presented.send(line.trim().to_owned()).is_ok();
        let answer: &[u8] = if seen { b"seen\n" } else { b"nobody waits\n" };
        if output.write_all(answer).await.is_err() {
            return;
        }
        line.clear();
        input.get_mut().set_limit(LONGEST_LINE);
    }
}
