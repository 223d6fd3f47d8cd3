//! An authenticator on the software TPM in a temporary directory, with a user who answers as told.

use std::collections::VecDeque;
use std::time::Duration;

use latchkey_container::{Container, CreateOptions, Pin, PinHash, Profile, StretchCost, Tpm, UnixTime};
use latchkey_ctap::{
    Ambient, Answer, Authenticator, BiometricService, Capture, ChannelId, Prompt, Reply, Step, Suspended,
};
use latchkey_protocol::{Request, Status};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;

pub const PIN: &str = "123456";
pub const CHANNEL: ChannelId = ChannelId(1);
/// What the clock says.
pub const NOW: UnixTime = UnixTime(1000);

pub struct Device {
    authenticator: Option<Authenticator>,
    pub uptime: Duration,
    pub now: UnixTime,
    pub rng: ChaCha20Rng,
    /// What the user will answer; approves when nothing is left.
    pub answers: VecDeque<Answer>,
    /// What the user was asked.
    pub prompts: Vec<Prompt>,
    /// What the sensor was to capture.
    pub captures: Vec<Capture>,
    /// Of the container and, on the software provider, of its state; removed in the end.
    directories: Vec<TempDir>,
}

/// Randomness for what needs some and is not looked at.
pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(45)
}

impl Device {
    /// On the software provider, without a PIN, just powered up.
    pub fn fresh() -> Self {
        Self::of(Profile::Hello)
    }

    /// The same for a profile.
    pub fn of(profile: Profile) -> Self {
        let state = tempfile::tempdir().unwrap();
        let tpm = SoftwareTpm::open(state.path(), Box::new(ChaCha20Rng::seed_from_u64(43))).unwrap();
        let mut device = Self::created(Box::new(tpm), profile);
        device.directories.push(state);
        device
    }

    /// On any device, without a PIN, just powered up.
    pub fn on(tpm: Box<dyn Tpm>) -> Self {
        Self::created(tpm, Profile::Hello)
    }

    fn created(tpm: Box<dyn Tpm>, profile: Profile) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(42);
        let stretch = StretchCost { memory_kib: 8, passes: 1 };
        let options = CreateOptions { stretch, require_tpm: false, profile };
        let path = directory.path().join("container");
        let container = Container::create(&path, tpm, &options, UnixTime(1), &mut rng).unwrap();
        let mut device = Self::powered(container);
        device.directories.push(directory);
        device
    }

    /// On a container that lies elsewhere, just powered up.
    pub fn powered(container: Container) -> Self {
        let mut device = Self {
            authenticator: None,
            uptime: Duration::from_secs(5),
            now: NOW,
            rng: ChaCha20Rng::seed_from_u64(44),
            answers: VecDeque::new(),
            prompts: Vec::new(),
            captures: Vec::new(),
            directories: Vec::new(),
        };
        device.power_up(container);
        device
    }

    /// On the software provider, with [`PIN`], powered up long ago.
    pub fn with_pin() -> Self {
        Self::fresh().set_pin()
    }

    /// On any device, with [`PIN`], powered up long ago.
    #[allow(dead_code, reason = "the benchmarks, which share this file, run on an emulated TPM too")]
    pub fn with_pin_on(tpm: Box<dyn Tpm>) -> Self {
        Self::on(tpm).set_pin()
    }

    /// The same with [`PIN`], powered up long ago.
    pub fn set_pin(mut self) -> Self {
        let mut rng = self.rng.clone();
        let pin = Pin::parse(PIN.as_bytes(), 4).unwrap();
        drop(self.container().set_pin(&pin, NOW, &mut rng).unwrap());
        self.pass(3600);
        self
    }

    /// With a biometric service from now to the next power cycle.
    #[allow(dead_code, reason = "the benchmarks, which share this file, have no sensor")]
    pub fn add_biometrics(&mut self, service: Box<dyn BiometricService>) {
        self.authenticator = self.authenticator.take().map(|engine| engine.with_biometrics(service));
    }

    pub fn container(&mut self) -> &mut Container {
        self.engine().container()
    }

    pub fn engine(&mut self) -> &mut Authenticator {
        self.authenticator.as_mut().unwrap()
    }

    pub fn power_cycle(&mut self) {
        let container = self.authenticator.take().unwrap().into_container();
        self.power_up(container);
    }

    fn power_up(&mut self, container: Container) {
        let ambient = Ambient { uptime: self.uptime, now: UnixTime(7), rng: &mut self.rng };
        self.authenticator = Some(Authenticator::power_up(container, ambient));
    }

    pub fn pass(&mut self, seconds: u64) {
        self.uptime += Duration::from_secs(seconds);
    }

    /// What the user answers to the next prompts.
    pub fn user(&mut self, answers: impl IntoIterator<Item = Answer>) {
        self.answers = answers.into_iter().collect();
    }

    pub fn handle(&mut self, channel: ChannelId, request: &[u8]) -> Step {
        let ambient = Ambient { uptime: self.uptime, now: self.now, rng: &mut self.rng };
        self.authenticator.as_mut().unwrap().handle(channel, request, ambient)
    }

    /// One U2F message.
    pub fn message(&mut self, channel: ChannelId, message: &[u8]) -> Reply {
        let ambient = Ambient { uptime: self.uptime, now: self.now, rng: &mut self.rng };
        self.authenticator.as_mut().unwrap().message(channel, message, ambient)
    }

    pub fn resume(&mut self, suspended: Suspended, answer: Answer) -> Step {
        let ambient = Ambient { uptime: self.uptime, now: self.now, rng: &mut self.rng };
        self.authenticator.as_mut().unwrap().resume(suspended, answer, ambient)
    }

    /// One transaction, the user answering every prompt.
    pub fn bytes_on(&mut self, channel: ChannelId, request: &[u8]) -> Vec<u8> {
        let mut step = self.handle(channel, request);
        loop {
            match step {
                Step::Respond(response) => return response,
                Step::Ask(prompt, suspended) => {
                    self.prompts.push(prompt);
                    let answer = self.answers.pop_front().unwrap_or(Answer::Approved);
                    step = self.resume(suspended, answer);
                }
                Step::Capture(capture, suspended) => {
                    self.captures.push(capture);
                    let answer = self.answers.pop_front().unwrap_or(Answer::TimedOut);
                    step = self.resume(suspended, answer);
                }
            }
        }
    }

    pub fn send_on(&mut self, channel: ChannelId, request: &Request) -> Vec<u8> {
        self.bytes_on(channel, &request.encode())
    }

    pub fn send(&mut self, request: &Request) -> Vec<u8> {
        self.send_on(CHANNEL, request)
    }

    /// The prompts since the last call.
    pub fn asked(&mut self) -> Vec<Prompt> {
        std::mem::take(&mut self.prompts)
    }
}

pub fn status(response: &[u8]) -> Status {
    Status(*response.first().expect("a response has a status byte"))
}

/// The answer of a user who types this PIN.
pub fn typed(pin: &str) -> Answer {
    Answer::Pin(PinHash::typed(pin))
}

/// A driver may keep the engine, and a transaction that waits, in another thread.
const _: fn() = || {
    fn sendable<T: Send>() {}
    sendable::<Authenticator>();
    sendable::<Suspended>();
};
