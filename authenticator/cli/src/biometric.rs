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
pub mod requests;
mod rule;
pub mod service;
pub mod virtual_sensor;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;

use latchkey_container::{Biometric, TemplateDigest};
use serde::{Deserialize, Serialize};

pub use rule::Rule;
pub use service::Service;

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
}

/// What a sensor does takes as long as the person does. Dropping it ends it, and frees the sensor.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, SensorError>> + Send + 'a>>;

/// Where a sensor tells the person what to do next.
pub type Tell<'a> = &'a (dyn Fn(String) + Send + Sync);

/// A sensor.
pub trait Sensor: Send + Sync + fmt::Debug {
    /// Learns a finger or a face that `label` names. `known` is what is enrolled already.
    fn enrol<'a>(
        &'a self,
        kind: Biometric,
        label: &'a str,
        known: &'a [Template],
        tell: Tell<'a>,
    ) -> Work<'a, Template>;

    /// Waits until somebody presents a finger or a face, and says by which template it is recognised; `None` for a
    /// stranger's.
    fn recognise<'a>(&'a self, known: &'a [Template]) -> Work<'a, Option<Template>>;
}
