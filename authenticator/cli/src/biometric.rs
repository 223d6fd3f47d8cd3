//! Biometric gestures: the sensors, what is kept of a finger or a face, and the service that turns a match into
//! evidence for the container.
//!
//! ```text
//! finger ──▶ sensor (fprintd | virtual) ──template──▶ service ──Recognised { digest, secret }──▶ container
//! ```
//! A sensor says whom it recognised. The service adds its secret, without which no protector opens; the container opens
//! only for templates that were enrolled with the PIN (`authenticator/DESIGN.md`, "Biometric gestures").

mod file;
pub mod fprintd;
mod port;
pub mod requests;
mod rule;
pub mod service;
pub mod virtual_sensor;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;

use latchkey_container::{Biometric, TemplateDigest};
use latchkey_ctap::{FingerprintSensor, SampleStatus};
use serde::{Deserialize, Serialize};

pub use port::{Port, carried};
pub use rule::Rule;
pub use service::Service;

/// Templates of one gesture that may be enrolled at once: a person's fingers.
pub const FINGERS: usize = 10;

/// Which sensor `--biometric` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SensorChoice {
    /// No biometric gesture.
    Off,
    /// The fingerprint reader that fprintd serves.
    Fprintd,
    /// A socket on which a test, or a machine without a sensor, presents fingers and faces.
    Virtual(PathBuf),
}

impl FromStr for SensorChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("virtual:")) {
            ("off", _) => Ok(Self::Off),
            ("fprintd", _) => Ok(Self::Fprintd),
            (_, Some(socket)) if !socket.is_empty() => Ok(Self::Virtual(socket.into())),
            _ => Err("say fprintd, off or virtual:SOCKET".to_owned()),
        }
    }
}

/// What a sensor knows somebody by, as it is kept in the user's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Names it among those of its sensor; enrolling the same again replaces it.
    pub id: String,
    /// Which gesture.
    pub kind: Biometric,
    /// The sensor in its own words.
    pub sensor: String,
    /// What people call it.
    pub label: String,
    /// What the sensor compares with: for fprintd, which keeps the fingers itself, their names.
    pub data: String,
}

impl Template {
    /// What the container knows it by.
    pub fn digest(&self, user: &str) -> TemplateDigest {
        TemplateDigest::of(user, &self.sensor, self.kind, self.data.as_bytes())
    }
}

/// Why a sensor did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// There is no such sensor, or its service does not answer.
    #[error("no sensor can be used: {0}")]
    Unavailable(String),
    /// It cannot do this gesture, or does not know this finger.
    #[error("{0}")]
    Unsupported(String),
    /// It gave up.
    #[error("the sensor gave up: {0}")]
    Failed(String),
    /// It knows as many fingers as it can.
    #[error("as many fingers are enrolled as there can be: remove one (`latchkey biometric remove ID`)")]
    Full,
}

/// What people are told of a sample that the sensor could not use; `None` when it was good.
pub const fn complaint(status: SampleStatus) -> Option<&'static str> {
    Some(match status {
        SampleStatus::Good => return None,
        SampleStatus::NotCentred => "the finger was not in the middle of the sensor",
        SampleStatus::PoorQuality => "not readable",
        SampleStatus::TooShort => "that was too short",
        SampleStatus::MergeFailure => "this is another one than before",
        SampleStatus::Exists => "this one is enrolled already",
        SampleStatus::NoUserActivity => "nobody touched the sensor",
        SampleStatus::NotLifted => "lift the finger in between",
    })
}

/// What a sensor does takes as long as the person does. Dropping it ends it, and frees the sensor.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, SensorError>> + Send + 'a>>;

/// One presentation, as the sensor saw it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    /// How it was.
    pub status: SampleStatus,
    /// Good ones that are still wanted.
    pub remaining: u8,
    /// What was learnt, with the last one.
    pub learnt: Option<Template>,
}

/// A finger or a face that is being learnt. Dropping it ends it, and frees the sensor.
pub trait Learning: Send {
    /// Names the template that this will be.
    fn id(&self) -> &str;

    /// Good samples that are still wanted, as far as the sensor can tell.
    fn remaining(&self) -> u8;

    /// What the person is to do next.
    fn instruction(&self) -> String;

    /// Waits for the next presentation.
    fn sample(&mut self) -> Work<'_, Sample>;
}

/// Where a sensor tells the person what to do next.
pub type Tell<'a> = &'a (dyn Fn(String) + Send + Sync);

/// A sensor.
pub trait Sensor: Send + Sync + fmt::Debug {
    /// The gestures that it can recognise.
    fn gestures(&self) -> Vec<Biometric>;

    /// What it is as a sensor for fingers; `None` while it cannot be used.
    fn fingerprints(&self) -> Option<FingerprintSensor>;

    /// Begins to learn a finger or a face that `label` names; any finger if it is empty. `known` is what is enrolled
    /// already.
    fn learn<'a>(
        &'a self,
        kind: Biometric,
        label: &'a str,
        known: &'a [Template],
    ) -> Work<'a, Box<dyn Learning>>;

    /// Waits until somebody presents a finger or a face, and says by which template it is recognised; `None` for a
    /// stranger's.
    fn recognise<'a>(&'a self, known: &'a [Template]) -> Work<'a, Option<Template>>;
}
