//! The port to the biometric service: which sensor there is, and what is enrolled. Samples do not come through it,
//! because a person takes their time: the driver captures them ([`Step::Capture`](crate::Step::Capture)).

use std::fmt;
use std::time::Duration;

use latchkey_container::{Biometric, Container, Unlocked};

/// How a finger meets the sensor (CTAP 2.3 §6.7.3, `fingerprintKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FingerprintKind {
    /// It is laid on.
    Touch,
    /// It is swiped over.
    Swipe,
}

/// A sensor that can learn fingers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FingerprintSensor {
    /// How a finger meets it.
    pub kind: FingerprintKind,
    /// Good samples until it has learnt a finger, at most.
    pub samples: u8,
    /// Templates that it can hold.
    pub capacity: usize,
}

/// A template that may open the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledTemplate {
    /// Names it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What a sensor has learnt, in the words of its service: the engine carries it from the last sample to
/// [`BiometricService::admit`] and does not look at it.
#[derive(Clone, PartialEq, Eq)]
pub struct Learnt(pub String);

impl fmt::Debug for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learnt(redacted)")
    }
}

/// The biometric service could not do it. The peer can do nothing about it; the text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the biometric service: {0}")]
pub struct ServiceError(pub String);

/// The biometric service.
pub trait BiometricService: Send {
    /// The gestures that its sensor can recognise.
    fn gestures(&self) -> Vec<Biometric>;

    /// The sensor that learns fingers; `None` while there is none, or policy forbids it.
    fn fingerprint_sensor(&self) -> Option<FingerprintSensor>;

    /// The fingers that are enrolled.
    fn fingerprints(&self) -> Vec<EnrolledTemplate>;

    /// Lends the container the secret for fingers, so that the PIN that is checked next makes their protector.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn prepare(&self, container: &mut Container) -> Result<(), ServiceError>;

    /// Lets what was learnt open the container.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn admit(
        &self,
        container: &mut Container,
        unlocked: &Unlocked,
        learnt: Learnt,
    ) -> Result<(), ServiceError>;

    /// Gives a template another name.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn rename(&self, id: &str, name: &str) -> Result<(), ServiceError>;

    /// Takes a template's permission away and forgets it.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn forget(&self, container: &mut Container, id: &str) -> Result<(), ServiceError>;

    /// Forgets every template, also of other gestures than fingers: the authenticator was reset.
    fn forget_all(&self, container: &mut Container);
}

/// One sample that the driver must have the sensor capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// The first of an enrolment: what is left of one before is given up.
    pub first: bool,
    /// How long to wait for the finger, where the platform says so.
    pub timeout: Option<Duration>,
}

/// How a capture ended.
#[derive(Debug)]
pub enum Captured {
    /// The sensor has said something about a sample.
    Sample {
        /// The template that is being made; the same in the whole enrolment.
        id: String,
        /// How the sample was.
        status: SampleStatus,
        /// Good samples that are still wanted.
        remaining: u8,
        /// What was learnt, with the last good sample.
        learnt: Option<Learnt>,
    },
    /// The sensor knows as many fingers as it can.
    Full,
    /// The sensor gave up, or is not there.
    Failed,
}

/// How a sample was: `lastEnrollSampleStatus` (CTAP 2.3 §6.7, "Types of samples"), as far as our sensors tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleStatus {
    /// Good.
    Good,
    /// The finger was not in the middle.
    NotCentred,
    /// Not readable.
    PoorQuality,
    /// The swipe was too short.
    TooShort,
    /// Another finger than in the samples before.
    MergeFailure,
    /// The finger is enrolled already.
    Exists,
    /// Nobody touched the sensor.
    NoUserActivity,
    /// The finger was not lifted in between.
    NotLifted,
}

impl SampleStatus {
    /// The number that stands for it on the wire.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Good => 0x00,
            Self::NotCentred => 0x03,
            Self::PoorQuality => 0x07,
            Self::TooShort => 0x09,
            Self::MergeFailure => 0x0A,
            Self::Exists => 0x0B,
            Self::NoUserActivity => 0x0D,
            Self::NotLifted => 0x0E,
        }
    }
}
