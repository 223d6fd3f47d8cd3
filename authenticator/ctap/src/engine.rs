//! The engine: one request in, one [`Step`] out.

use std::time::Duration;

use latchkey_container::{Container, Profile};
use latchkey_protocol::{Request, Status};
use rand_core::CryptoRng;

use crate::biometrics::{BiometricService, Capture};
use crate::continuation::Continuations;
use crate::pin_protocol::{KeyAgreement, PinProtocol};
use crate::policy::Policy;
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Operation, Prompt, Step, Suspended, Want};
use crate::token::{Proof, TokenSlot};
use crate::u2f::TouchSlot;
use crate::{bio_enrollment, client_pin, config, credential_management, get_assertion, make_credential};
use latchkey_container::Unlocked;

/// Wrong PINs after which a power cycle is needed (CTAP 2.3 §6.5.5.6 step 7).
pub(crate) const WRONG_PINS_PER_POWER_UP: u8 = 3;

/// A CTAP 2.3 authenticator over one container.
pub struct Authenticator {
    pub(crate) container: Container,
    pub(crate) powered_up: Duration,
    /// What administrators decide.
    pub(crate) policy: Policy,
    /// Tells this run from every other one: what waits for the user does not outlive it.
    run: RunId,
    pub(crate) key_agreements: KeyAgreements,
    pub(crate) token: TokenSlot<Unlocked>,
    /// Consecutive wrong PINs since power-up.
    pub(crate) wrong_pins: u8,
    /// Whether no try is left for good, as far as it is known: the device is asked at power-up, and after that
    /// every try tells. Asking it before each prompt would be one TPM command more for every gesture.
    pub(crate) blocked: Option<bool>,
    pub(crate) continuations: Continuations,
    pub(crate) biometrics: Option<Box<dyn BiometricService>>,
    /// What a U2F client polls for.
    pub(crate) touch: TouchSlot,
    /// Whether the container may hold loaded keys.
    unlocked: bool,
}

/// One run of an authenticator, from power-up to power-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunId([u8; 16]);

/// The key-agreement keys of both protocols.
pub(crate) struct KeyAgreements {
    one: KeyAgreement,
    two: KeyAgreement,
}

/// What a command comes to.
pub(crate) enum Flow {
    /// The whole response.
    Done(Vec<u8>),
    /// The user must answer first.
    Ask(Prompt, Pending),
    /// The sensor must capture a sample first.
    Capture(Capture, Pending),
}

/// A command that waits for the user.
pub(crate) enum Pending {
    /// The touch that a zero-length pinUvAuthParam asks for.
    BareTouch,
    MakeCredential(Box<make_credential::Paused>),
    GetAssertion(Box<get_assertion::Paused>),
    Token(Box<client_pin::Paused>),
    Delete(credential_management::PausedDelete),
    Configure(Box<config::Paused>),
    Enrolment(Box<bio_enrollment::PausedEnrolment>),
    Selection,
    Reset,
}

/// The pinUvAuthParam of makeCredential and getAssertion.
pub(crate) enum Parameter<'a> {
    Absent,
    /// Zero length: an old platform wants a touch (CTAP 2.3 §6.1.2 step 1).
    Empty,
    Present(Proof<'a>),
}

impl Authenticator {
    /// Starts the authenticator: new keys, no token, no wrong PINs counted, the window for a reset open.
    #[must_use]
    pub fn power_up(mut container: Container, ambient: Ambient<'_>) -> Self {
        let Ambient { uptime, rng, .. } = ambient;
        let mut run = RunId([0; 16]);
        rng.fill_bytes(&mut run.0);
        let blocked = container.tries_left().ok().map(|left| left == 0);
        Self {
            container,
            powered_up: uptime,
            policy: Policy::default(),
            run,
            key_agreements: KeyAgreements::generate(rng),
            token: TokenSlot::empty(),
            wrong_pins: 0,
            blocked,
            continuations: Continuations::default(),
            biometrics: None,
            touch: TouchSlot::default(),
            unlocked: false,
        }
    }

    /// Whether every use needs user verification (alwaysUv, CTAP 2.3 §7.2): in the profile hello without a choice.
    #[must_use]
    pub fn always_uv(&self) -> bool {
        match self.container.profile() {
            Profile::Hello => true,
            Profile::SecurityKey => self.container.settings().always_uv,
        }
    }

    /// Handles one request (a command byte, then CBOR) of a channel. The driver hands over one transaction at
    /// a time.
    pub fn handle(&mut self, channel: ChannelId, request: &[u8], mut ambient: Ambient<'_>) -> Step {
        self.tick(ambient.uptime);
        let flow = match Request::parse(request) {
            Err(malformed) => Err(malformed.into()),
            Ok(Request::MakeCredential(request)) => self.make_credential(request, &mut ambient),
            Ok(Request::GetAssertion(request)) => self.get_assertion(channel, request, &mut ambient),
            Ok(Request::GetNextAssertion) => self.get_next_assertion(channel, &mut ambient).map(Flow::Done),
            Ok(Request::GetInfo) => self.get_info(&mut ambient).map(Flow::Done),
            Ok(Request::ClientPin(request)) => self.client_pin(&request, &mut ambient),
            Ok(Request::Reset) => self.reset(ambient.uptime),
            Ok(Request::BioEnrollment(request)) => self.bio_enrollment(channel, &request, &ambient),
            Ok(Request::CredentialManagement(request)) => {
                self.credential_management(channel, &request, &mut ambient)
            }
            Ok(Request::Selection) => Ok(Self::selection()),
            Ok(Request::LargeBlobs(request)) => {
                self.large_blobs(channel, &request, &mut ambient).map(Flow::Done)
            }
            Ok(Request::Config(request)) => self.configure(request, &mut ambient),
        };
        self.step(channel, flow)
    }

    /// Goes on with a transaction when the user has answered. One that was suspended before a power cycle is
    /// refused, whatever the answer: the evidence that it holds belongs to the run that it began in.
    pub fn resume(&mut self, suspended: Suspended, answer: Answer, mut ambient: Ambient<'_>) -> Step {
        self.tick(ambient.uptime);
        let Suspended { channel, run, pending } = suspended;
        if run != self.run {
            return self.step(channel, Err(Failure::NothingPending));
        }
        // It may hold the opened key, although the token that it came from has ended in the meantime.
        self.opened();
        let flow = match pending {
            Pending::BareTouch => self.bare_touch(&answer),
            Pending::MakeCredential(paused) => self.resume_make_credential(*paused, answer, &mut ambient),
            Pending::GetAssertion(paused) => {
                self.resume_get_assertion(channel, *paused, answer, &mut ambient)
            }
            Pending::Token(paused) => self.resume_token(*paused, answer, &mut ambient),
            Pending::Delete(paused) => self.resume_delete(&paused, &answer).map(Flow::Done),
            Pending::Configure(paused) => {
                self.resume_configure(&paused, &answer, &mut ambient).map(Flow::Done)
            }
            Pending::Enrolment(paused) => self.resume_enrolment(channel, *paused, answer, ambient.uptime),
            Pending::Selection => approved(&answer).map(|()| Flow::Done(Status::OK.response())),
            Pending::Reset => self.resume_reset(&answer, &mut ambient).map(Flow::Done),
        };
        self.step(channel, flow)
    }

    /// Forgets what belongs to a channel that is gone.
    pub fn channel_closed(&mut self, channel: ChannelId) {
        self.continuations.close(channel);
        self.touch.close(channel);
        self.relock();
    }

    /// Ends what is over by now: the token, the state of stateful commands. Every request does it too; a
    /// driver calls it at [`Authenticator::next_deadline`] so that keys do not stay in memory only because
    /// nobody asks for anything.
    pub fn tick(&mut self, uptime: Duration) {
        self.token.observe(uptime);
        self.continuations.observe(uptime, self.token.id());
        self.touch.observe(uptime);
        self.relock();
    }

    /// The uptime at which [`Authenticator::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let touch = self.touch.deadline();
        self.token.deadline().into_iter().chain(self.continuations.deadline()).chain(touch).min()
    }

    /// The container, for what is not CTAP. Everything that takes a PIN goes through
    /// [`Authenticator::unlock`], [`Authenticator::set_pin`] and [`Authenticator::change_pin`] instead, which
    /// count wrong ones.
    pub const fn container(&mut self) -> &mut Container {
        &mut self.container
    }

    /// Gives the container back and ends every token.
    #[must_use]
    pub fn into_container(mut self) -> Container {
        self.container.lock();
        self.container
    }

    fn step(&mut self, channel: ChannelId, flow: Result<Flow, Failure>) -> Step {
        match flow {
            Ok(Flow::Ask(prompt, pending)) => {
                self.touch.give_way();
                Step::Ask(prompt, Suspended { channel, run: self.run, pending })
            }
            Ok(Flow::Capture(capture, pending)) => {
                Step::Capture(capture, Suspended { channel, run: self.run, pending })
            }
            Ok(Flow::Done(response)) => {
                self.relock();
                Step::Respond(response)
            }
            Err(failure) => {
                self.relock();
                Step::Respond(failure.status().response())
            }
        }
    }

    /// Tells the container to forget its loaded keys once nobody holds the authentication key any more.
    fn relock(&mut self) {
        let held = self.token.id().is_some() || self.continuations.hold_key();
        if self.unlocked && !held {
            self.container.lock();
        }
        self.unlocked = held;
    }

    /// Remembers that the container was opened, so that it is locked again.
    pub(crate) const fn opened(&mut self) {
        self.unlocked = true;
    }

    fn bare_touch(&self, answer: &Answer) -> Result<Flow, Failure> {
        approved_in_time(answer)?;
        Err(if self.container.has_pin() { Failure::PinIsSet } else { Failure::PinNotSet })
    }

    /// Steps 1 and 2 of makeCredential and getAssertion (CTAP 2.3 §6.1.2, §6.2.2).
    pub(crate) fn parameter(param: Option<&[u8]>, protocol: Option<u64>) -> Result<Parameter<'_>, Failure> {
        match param {
            None => Ok(Parameter::Absent),
            Some([]) => Ok(Parameter::Empty),
            Some(param) => Proof::of(param, protocol).map(Parameter::Present),
        }
    }

    /// The prompt of a platform that sends a zero-length pinUvAuthParam.
    pub(crate) const fn ask_bare_touch() -> Flow {
        Flow::Ask(prompt(Operation::Select, Want::Approval), Pending::BareTouch)
    }

    /// authenticatorSelection (CTAP 2.3 §6.9). The touch counts for nothing else.
    const fn selection() -> Flow {
        Flow::Ask(prompt(Operation::Select, Want::Approval), Pending::Selection)
    }
}

/// A prompt that names nobody.
pub(crate) const fn prompt(operation: Operation, want: Want) -> Prompt {
    Prompt { operation, rp_id: None, user: None, want, notice: None }
}

/// Whether the user said yes. A PIN where a yes was asked for is not a yes: the driver mixed up two prompts.
pub(crate) const fn approved(answer: &Answer) -> Result<(), Failure> {
    match answer {
        Answer::Approved => Ok(()),
        Answer::Pin(_) | Answer::Recognised(_) | Answer::Captured(_) | Answer::Denied => Err(Failure::Denied),
        Answer::Cancelled => Err(Failure::Cancelled),
        Answer::TimedOut => Err(Failure::TimedOut),
    }
}

/// [`approved`] where the specification gives a user who lets the time pass the status of one who says no:
/// the touches of makeCredential and getAssertion (CTAP 2.3 §6.1.2 steps 1 and 14, §6.2.2 steps 1 and 9) and
/// the consent to a token (§6.5.5.7).
pub(crate) const fn approved_in_time(answer: &Answer) -> Result<(), Failure> {
    match answer {
        Answer::TimedOut => Err(Failure::Denied),
        Answer::Approved
        | Answer::Pin(_)
        | Answer::Recognised(_)
        | Answer::Captured(_)
        | Answer::Denied
        | Answer::Cancelled => approved(answer),
    }
}

impl KeyAgreements {
    pub(crate) fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self {
            one: KeyAgreement::generate(PinProtocol::One, rng),
            two: KeyAgreement::generate(PinProtocol::Two, rng),
        }
    }

    pub(crate) const fn of(&self, protocol: PinProtocol) -> &KeyAgreement {
        match protocol {
            PinProtocol::One => &self.one,
            PinProtocol::Two => &self.two,
        }
    }

    pub(crate) fn regenerate(&mut self, protocol: PinProtocol, rng: &mut dyn CryptoRng) {
        let new = KeyAgreement::generate(protocol, rng);
        match protocol {
            PinProtocol::One => self.one = new,
            PinProtocol::Two => self.two = new,
        }
    }
}
