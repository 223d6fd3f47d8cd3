//! authenticatorBioEnrollment (CTAP 2.3 §6.7), and its prototype (§6.12): fingers. A face has no modality in CTAP.
//!
//! A finger that is enrolled here is the same as one that the owner enrols with the daemon's own command: it opens the
//! container.

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{Biometric, Unlocked};
use latchkey_protocol::Status;
use latchkey_protocol::bio_enrollment::{FINGERPRINT, Params, Request, Response, SubCommand, TemplateInfo};
use latchkey_protocol::client_pin::Permissions;

use crate::biometrics::{BiometricService, Capture, Captured, FingerprintKind, FingerprintSensor};
use crate::continuation::{Continuation, Enrolment, take_up};
use crate::engine::{Authenticator, Flow, Pending, approved, prompt};
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Operation, Want};
use crate::token::{Proof, Scope, TokenId};

/// The longest friendly name, in bytes.
const MAX_FRIENDLY_NAME: usize = 64;

/// `USER_VERIFY_*` of the FIDO registry of predefined values.
const UV_FINGERPRINT: u64 = 0x0000_0002;
/// A PIN typed at our own prompt.
const UV_PASSCODE: u64 = 0x0000_0004;
const UV_FACEPRINT: u64 = 0x0000_0010;

/// An enrolment that waits for the user, or for their finger.
pub(crate) struct PausedEnrolment {
    enrolment: Option<Enrolment>,
    unlocked: Arc<Unlocked>,
    /// The token that authorised it; the enrolment ends with it.
    token: Option<TokenId>,
    timeout: Option<Duration>,
    consented: bool,
}

impl Authenticator {
    /// The authenticator with a biometric service.
    #[must_use]
    pub fn with_biometrics(mut self, service: Box<dyn BiometricService>) -> Self {
        self.biometrics = Some(service);
        self
    }

    /// Whether an enrolment waits for its next sample. A driver may let go of the sensor when there is none.
    #[must_use]
    pub const fn is_enrolling(&self) -> bool {
        self.continuations.enrolment.is_some()
    }

    /// The sensor that learns fingers, if there is one.
    pub(crate) fn fingerprint_sensor(&self) -> Option<FingerprintSensor> {
        self.biometrics.as_ref().and_then(|service| service.fingerprint_sensor())
    }

    /// What getInfo says of biometric enrolment; nothing without a sensor (§6.4).
    pub(crate) fn biometric_options(&self) -> Vec<(&'static str, bool)> {
        if self.fingerprint_sensor().is_none() {
            return Vec::new();
        }
        let enrolled = self.biometrics.as_ref().is_some_and(|service| !service.fingerprints().is_empty());
        vec![("bioEnroll", enrolled), ("userVerificationMgmtPreview", enrolled), ("uvBioEnroll", true)]
    }

    /// `uvModality` of getInfo: the PIN at our own prompt, and what the sensor can recognise.
    pub(crate) fn uv_modality(&self) -> u64 {
        let gestures = self.biometrics.as_ref().map(|service| service.gestures()).unwrap_or_default();
        gestures.into_iter().fold(UV_PASSCODE, |modality, gesture| {
            modality
                | match gesture {
                    Biometric::Fingerprint => UV_FINGERPRINT,
                    Biometric::Face => UV_FACEPRINT,
                }
        })
    }

    /// Whoever asks for a token to enrol fingers gives the PIN for it, which then makes their protector.
    pub(crate) fn prepare_enrolment(&mut self, permissions: Permissions) {
        if permissions.intersects(Permissions::BIO_ENROLLMENT)
            && let Some(service) = &self.biometrics
        {
            // Without it the finger opens the container from the next PIN on.
            drop(service.prepare(&mut self.container));
        }
    }

    pub(crate) fn bio_enrollment(
        &mut self,
        channel: ChannelId,
        request: &Request,
        ambient: &Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let sensor = self.fingerprint_sensor().ok_or(Failure::NoSensor)?;
        if request.get_modality == Some(true) {
            let response = Response { modality: Some(FINGERPRINT), ..Response::default() };
            return Ok(Flow::Done(response.encode()));
        }
        let modality = request.modality.ok_or(Failure::MissingParameter)?;
        let subcommand = request.subcommand.ok_or(Failure::MissingParameter)?;
        if modality != FINGERPRINT {
            return Err(Failure::BadParameter);
        }
        match subcommand {
            SubCommand::ENROLL_BEGIN => self.enroll_begin(request, sensor),
            SubCommand::ENROLL_CAPTURE_NEXT_SAMPLE => self.capture_next(channel, request, ambient.uptime),
            SubCommand::CANCEL_CURRENT_ENROLLMENT => {
                self.continuations.cancel_enrolment(channel);
                Ok(Flow::Done(Status::OK.response()))
            }
            SubCommand::ENUMERATE_ENROLLMENTS => self.enumerate_enrollments(request).map(Flow::Done),
            SubCommand::SET_FRIENDLY_NAME => self.set_friendly_name(request).map(Flow::Done),
            SubCommand::REMOVE_ENROLLMENT => self.remove_enrollment(request).map(Flow::Done),
            SubCommand::GET_FINGERPRINT_SENSOR_INFO => Ok(Flow::Done(info(sensor))),
            SubCommand(_) => Err(Failure::UnknownSubCommand),
        }
    }

    /// §6.7.4. The user is asked before the sensor listens: a touch that they mean for a sign-in must not teach it a
    /// finger.
    fn enroll_begin(&mut self, request: &Request, sensor: FingerprintSensor) -> Result<Flow, Failure> {
        let unlocked = self.enrolment_authorised(request)?;
        self.continuations.enrolment = None;
        if self.service()?.fingerprints().len() >= sensor.capacity {
            return Err(Failure::FingerprintsFull);
        }
        let paused = PausedEnrolment {
            enrolment: None,
            unlocked,
            token: self.token.id(),
            timeout: timeout(request),
            consented: false,
        };
        Ok(Flow::Ask(prompt(Operation::Enrol, Want::Approval), Pending::Enrolment(Box::new(paused))))
    }

    /// §6.7.4, every further sample.
    fn capture_next(
        &mut self,
        channel: ChannelId,
        request: &Request,
        now: Duration,
    ) -> Result<Flow, Failure> {
        let unlocked = self.enrolment_authorised(request)?;
        let id = named(request)?;
        if take_up(&mut self.continuations.enrolment, channel, now)?.template != id {
            return Err(Failure::BadParameter);
        }
        // While the sensor waits the enrolment is this transaction's alone.
        let enrolment = self.continuations.enrolment.take().map(Continuation::into_rest);
        let token = self.token.id();
        let paused =
            PausedEnrolment { enrolment, unlocked, token, timeout: timeout(request), consented: true };
        Ok(capture(paused))
    }

    /// Goes on with an enrolment after the user's consent, or with what the sensor has captured. Any other answer ends
    /// it.
    pub(crate) fn resume_enrolment(
        &mut self,
        channel: ChannelId,
        mut paused: PausedEnrolment,
        answer: Answer,
        now: Duration,
    ) -> Result<Flow, Failure> {
        // The PIN was changed meanwhile, or the token's time is over.
        if self.token.id() != paused.token {
            return Err(Failure::TokenRefused);
        }
        if !paused.consented {
            approved(&answer)?;
            paused.consented = true;
            return Ok(capture(paused));
        }
        let Answer::Captured(captured) = answer else {
            return Err(approved(&answer).err().unwrap_or(Failure::Denied));
        };
        let (id, status, remaining, learnt) = match captured {
            Captured::Sample { id, status, remaining, learnt } => {
                (id.into_bytes(), status, remaining, learnt)
            }
            Captured::Full => return Err(Failure::FingerprintsFull),
            Captured::Failed => return Err(Failure::SensorFailed),
        };
        let first = paused.enrolment.is_none();
        if let Some(learnt) = learnt {
            let service = self.biometrics.as_ref().ok_or(Failure::NoSensor)?;
            service.admit(&mut self.container, &paused.unlocked, learnt)?;
        } else {
            let rest = Enrolment { template: id.clone() };
            self.continuations.enrolment = Some(Continuation::new(channel, now, paused.token, rest));
        }
        let response = Response {
            template_id: first.then_some(id),
            last_enroll_sample_status: Some(u64::from(status.number())),
            remaining_samples: Some(remaining.into()),
            ..Response::default()
        };
        Ok(Flow::Done(response.encode()))
    }

    /// §6.7.6.
    fn enumerate_enrollments(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        self.enrolment_authorised(request)?;
        let templates = self.service()?.fingerprints();
        if templates.is_empty() {
            return Err(Failure::NoEnrolment);
        }
        let infos = templates.into_iter().map(|template| TemplateInfo {
            template_id: template.id.into_bytes(),
            friendly_name: Some(template.name),
        });
        Ok(Response { template_infos: Some(infos.collect()), ..Response::default() }.encode())
    }

    /// §6.7.7.
    fn set_friendly_name(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        self.enrolment_authorised(request)?;
        let id = named(request)?;
        let name = request.params.as_ref().and_then(|params| params.members.friendly_name.as_deref());
        let name = name.ok_or(Failure::MissingParameter)?;
        if name.len() > MAX_FRIENDLY_NAME {
            return Err(Failure::NameTooLong);
        }
        let id = self.enrolled(id)?;
        self.service()?.rename(&id, name)?;
        Ok(Status::OK.response())
    }

    /// §6.7.8.
    fn remove_enrollment(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        self.enrolment_authorised(request)?;
        let id = self.enrolled(named(request)?)?;
        let service = self.biometrics.as_ref().ok_or(Failure::NoSensor)?;
        service.forget(&mut self.container, &id)?;
        Ok(Status::OK.response())
    }

    /// The service's word for a finger that is enrolled.
    fn enrolled(&self, id: &[u8]) -> Result<String, Failure> {
        let mut templates = self.service()?.fingerprints().into_iter();
        let found = templates.find(|template| template.id.as_bytes() == id);
        Ok(found.ok_or(Failure::NoEnrolment)?.id)
    }

    fn service(&self) -> Result<&dyn BiometricService, Failure> {
        self.biometrics.as_deref().ok_or(Failure::NoSensor)
    }

    /// The MAC covers modality, subcommand and, where there are any, the parameters as they were sent. The permission
    /// knows no relying party (§6.5.5.7).
    fn enrolment_authorised(&mut self, request: &Request) -> Result<Arc<Unlocked>, Failure> {
        let proof = Proof::required(request.pin_uv_auth_param.as_deref(), request.protocol)?;
        let head = [1, request.subcommand.map_or(0, |subcommand| subcommand.0)];
        let message: [&[u8]; 2] = [&head, request.params.as_ref().map(Params::raw).unwrap_or_default()];
        self.token
            .authorise(proof, &message, Permissions::BIO_ENROLLMENT, Scope::Later)
            .ok_or(Failure::TokenRefused)
    }
}

fn capture(paused: PausedEnrolment) -> Flow {
    let capture = Capture { first: paused.enrolment.is_none(), timeout: paused.timeout };
    Flow::Capture(capture, Pending::Enrolment(Box::new(paused)))
}

fn timeout(request: &Request) -> Option<Duration> {
    let milliseconds = request.params.as_ref().and_then(|params| params.members.timeout_milliseconds);
    milliseconds.map(Duration::from_millis)
}

/// The template that the request names.
fn named(request: &Request) -> Result<&[u8], Failure> {
    let id = request.params.as_ref().and_then(|params| params.members.template_id.as_deref());
    id.ok_or(Failure::MissingParameter)
}

/// getFingerprintSensorInfo (§6.7.3).
fn info(sensor: FingerprintSensor) -> Vec<u8> {
    let kind = match sensor.kind {
        FingerprintKind::Touch => 1,
        FingerprintKind::Swipe => 2,
    };
    Response {
        modality: Some(FINGERPRINT),
        fingerprint_kind: Some(kind),
        max_capture_samples_required_for_enroll: Some(sensor.samples.into()),
        max_template_friendly_name: u64::try_from(MAX_FRIENDLY_NAME).ok(),
        ..Response::default()
    }
    .encode()
}
