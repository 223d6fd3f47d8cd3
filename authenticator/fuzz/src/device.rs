//! An authenticator on the software provider that does the same whenever it is sent the same: its randomness is
//! seeded, so that an input can hold a token, and a clock that only inputs move.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use latchkey_container::{Container, CreateOptions, Pin, PinHash, Profile, StretchCost, UnixTime};
use latchkey_ctap::{Ambient, Answer, Authenticator, Captured, ChannelId, Prompt, Step};
use latchkey_protocol::{Request, Status};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

/// The PIN that is set.
pub const PIN: &str = "123456";
/// The channel that [`Device::send`] uses.
pub const CHANNEL: ChannelId = ChannelId(1);
/// What the clock says.
const NOW: UnixTime = UnixTime(1_767_225_600);

/// The device, and a user who answers as told.
pub struct Device {
    authenticator: Option<Authenticator>,
    rng: ChaCha20Rng,
    /// Time since it was made.
    pub uptime: Duration,
    /// What the user will answer; approves when nothing is left.
    pub answers: VecDeque<Answer>,
    /// What the user was asked.
    pub prompts: Vec<Prompt>,
    /// What was sent on [`CHANNEL`], in order.
    pub requests: Vec<Vec<u8>>,
    folder: TempDir,
    /// How the files looked when it was new.
    new: Vec<(u64, u64, i64)>,
}

impl Device {
    /// With [`PIN`] and no passkeys.
    ///
    /// # Panics
    /// When its files cannot be made.
    #[must_use]
    pub fn new() -> Self {
        // In memory, where there is such a place: a device is made for every input that changes one.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a folder can be made");
        let tpm = SoftwareTpm::open(&folder.path().join("tpm"), Box::new(ChaCha20Rng::seed_from_u64(43)))
            .expect("a software TPM can be made");
        let mut rng = ChaCha20Rng::seed_from_u64(42);
        let stretch = StretchCost { memory_kib: 8, passes: 1 };
        let options = CreateOptions { stretch, require_tpm: false, profile: Profile::Hello };
        let path = folder.path().join("container");
        let mut container = Container::create(&path, Box::new(tpm), &options, NOW, &mut rng)
            .expect("a container can be made");
        let pin = Pin::parse(PIN.as_bytes(), 4).expect("a PIN");
        drop(container.set_pin(&pin, NOW, &mut rng).expect("the PIN can be set"));
        let mut device = Self {
            authenticator: None,
            rng,
            uptime: Duration::ZERO,
            answers: VecDeque::new(),
            prompts: Vec::new(),
            requests: Vec::new(),
            folder,
            new: Vec::new(),
        };
        device.power_up(container);
        device.new = device.files();
        device
    }

    /// As new: powered up again, or made again when anything of it was written. One that is gone by a panic of its own
    /// is made again too.
    #[must_use]
    pub fn renewed(mut self) -> Self {
        if self.files() != self.new {
            return Self::new();
        }
        let Some(authenticator) = self.authenticator.take() else { return Self::new() };
        self.uptime = Duration::ZERO;
        self.answers.clear();
        self.prompts.clear();
        self.requests.clear();
        self.power_up(authenticator.into_container());
        self
    }

    fn power_up(&mut self, container: Container) {
        self.rng = ChaCha20Rng::seed_from_u64(44);
        let ambient = Ambient { uptime: self.uptime, now: NOW, rng: &mut self.rng };
        self.authenticator = Some(Authenticator::power_up(container, ambient));
    }

    /// Inode, length and time of change of everything on the disk.
    fn files(&self) -> Vec<(u64, u64, i64)> {
        let folders = ["tpm", "container"].map(|name| self.folder.path().join(name));
        let mut files: Vec<(u64, u64, i64)> = folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .map(|file| (file.ino(), file.len(), file.mtime_nsec()))
            .collect();
        files.sort_unstable();
        files
    }

    /// One transaction, the user answering every prompt.
    ///
    /// # Panics
    /// When the engine does.
    pub fn bytes_on(&mut self, channel: ChannelId, request: &[u8]) -> Vec<u8> {
        if channel == CHANNEL {
            self.requests.push(request.to_vec());
        }
        let authenticator = self.authenticator.as_mut().expect("it is powered up");
        let ambient = Ambient { uptime: self.uptime, now: NOW, rng: &mut self.rng };
        let mut step = authenticator.handle(channel, request, ambient);
        loop {
            match step {
                Step::Respond(response) => return response,
                Step::Ask(prompt, suspended) => {
                    self.prompts.push(prompt);
                    let answer = self.answers.pop_front().unwrap_or(Answer::Approved);
                    let ambient = Ambient { uptime: self.uptime, now: NOW, rng: &mut self.rng };
                    step = authenticator.resume(suspended, answer, ambient);
                }
                // There is no sensor, so nobody is asked for a sample.
                Step::Capture(_, suspended) => {
                    let ambient = Ambient { uptime: self.uptime, now: NOW, rng: &mut self.rng };
                    step = authenticator.resume(suspended, Answer::Captured(Captured::Failed), ambient);
                }
            }
        }
    }

    /// The same on any channel.
    pub fn send_on(&mut self, channel: ChannelId, request: &Request) -> Vec<u8> {
        self.bytes_on(channel, &request.encode())
    }

    /// The same on [`CHANNEL`].
    pub fn send(&mut self, request: &Request) -> Vec<u8> {
        self.send_on(CHANNEL, request)
    }

    /// What the user answers to the next prompts.
    pub fn user(&mut self, answers: impl IntoIterator<Item = Answer>) {
        self.answers = answers.into_iter().collect();
    }

    /// The prompts since the last call.
    pub fn asked(&mut self) -> Vec<Prompt> {
        std::mem::take(&mut self.prompts)
    }

    /// A channel is gone.
    pub fn close(&mut self, channel: ChannelId) {
        if let Some(authenticator) = &mut self.authenticator {
            authenticator.channel_closed(channel);
        }
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}

/// The status of a response.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn status(response: &[u8]) -> Status {
    Status(*response.first().expect("a response has a status byte"))
}

/// The answer of a user who types this PIN.
#[must_use]
pub fn typed(pin: &str) -> Answer {
    Answer::Pin(PinHash::typed(pin))
}
