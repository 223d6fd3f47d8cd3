//! A conversation with one authenticator: what was said, how the authenticator stands, and the parts of CTAP that most cases
//! need before they come to their own.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::{Judged, Need, State, Stop};
use crate::cbor::{Value, decode, diagnostic, hex};
use crate::ctap::u2f::Registration;
use crate::ctap::{Answer, Command, Info, Request, Status, command, subcommand};
use crate::hook::Hook;
use crate::target::{Channel, Command as Hid, Flow, Frame, Greeting, Target, Waiting};

mod credentials;
mod management;
mod pin;
mod standing;
mod u2f;

pub use credentials::{ACCOUNTS, CLIENT_DATA_HASH, Credential, RP_ID, proved};
pub use management::{administered, subcommand_request};
pub use pin::{PIN, Token, padded};
pub use u2f::{APPLICATION, CHALLENGE};

/// How long an authenticator may take to come back after a power cycle.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(20);

/// One message and its answer, for the report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exchange {
    /// What was sent: its name, and its parameters in diagnostic notation.
    pub request: String,
    /// All of its bytes, in hexadecimal.
    pub request_bytes: String,
    /// What came back: its status, and what follows in diagnostic notation.
    pub answer: String,
    /// All of its bytes, in hexadecimal.
    pub answer_bytes: String,
}

/// A conversation with one authenticator.
pub struct Session {
    target: Target,
    hook: Hook,
    channel: Channel,
    info: Info,
    standing: standing::Standing,
    withheld: bool,
    token: Option<Token>,
    credential: Option<Credential>,
    accounts: Option<Vec<Credential>>,
    registration: Option<Registration>,
    remembered: BTreeMap<&'static str, (Answer, Vec<Exchange>)>,
    trace: Vec<Exchange>,
}

impl Session {
    /// Opens the authenticator and asks what it is.
    ///
    /// # Errors
    /// When it does not answer as a CTAP2 authenticator.
    pub fn open(target: Target, hook: Hook) -> Result<Self, Stop> {
        let carrier =
            target.open().map_err(|error| Stop::Broken(format!("cannot open {target}: {error}")))?;
        let mut session = Self {
            channel: Channel::open(carrier)?,
            target,
            hook,
            info: Info::default(),
            standing: standing::Standing::Unknown,
            withheld: false,
            token: None,
            credential: None,
            accounts: None,
            registration: None,
            remembered: BTreeMap::new(),
            trace: Vec::new(),
        };
        session.hook.presence(true)?;
        session.refresh()?;
        Ok(session)
    }

    /// What authenticatorGetInfo said last.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Asks authenticatorGetInfo again.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn refresh(&mut self) -> Result<&Info, Stop> {
        let answer = self.send(&Request::bare(command::GET_INFO))?;
        match (answer.status, answer.body) {
            (Status::OK, Some(body)) => self.info = Info::new(&body.value),
            (status, _) => return Err(Stop::Broken(format!("authenticatorGetInfo answers {status}"))),
        }
        Ok(&self.info)
    }

    /// From now to the end of the case nobody touches the authenticator.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn withhold_presence(&mut self) -> Result<(), Stop> {
        self.withheld = true;
        Ok(self.hook.presence(false)?)
    }

    /// Touches the authenticator again when it asks.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn give_presence(&mut self) -> Result<(), Stop> {
        self.withheld = false;
        Ok(self.hook.presence(true)?)
    }

    /// Sends a well-formed request.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn send(&mut self, request: &Request) -> Result<Answer, Stop> {
        self.send_bytes(&request.bytes())
    }

    /// Sends a CTAP2 message of any bytes.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn send_bytes(&mut self, message: &[u8]) -> Result<Answer, Stop> {
        self.send_watched(message, &mut |_| Flow::Wait)
    }

    /// Sends a CTAP2 message; `watch` hears of keepalives and may call it off.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn send_watched(
        &mut self,
        message: &[u8],
        watch: &mut dyn FnMut(Waiting) -> Flow,
    ) -> Result<Answer, Stop> {
        let (mut asked, mut hook_failed, withheld) = (false, None, self.withheld);
        let hook = &self.hook;
        let mut waiting = |status| {
            if status == Waiting::ForUser && !asked && !withheld {
                asked = true;
                hook_failed = hook.touch().err();
            }
            watch(status)
        };
        let outcome = self.channel.exchange(Hid::CBOR, message, &mut waiting);
        let sent = described(message);
        let bytes = match outcome {
            Ok(bytes) => bytes,
            Err(error) => {
                self.note(sent, message, error.to_string(), &[]);
                return Err(error.into());
            }
        };
        let answer = Answer::parse(bytes);
        self.note(sent, message, answered(&answer), &answer.bytes);
        self.forget_spent(message, &answer, asked);
        match hook_failed {
            Some(error) => Err(error.into()),
            None => Ok(answer),
        }
    }

    /// An answer that several cases look at, each from another side: asked for once, and again after a reset.
    ///
    /// # Errors
    /// As `ask`.
    pub fn remembered(
        &mut self,
        what: &'static str,
        ask: impl FnOnce(&mut Self) -> Result<Answer, Stop>,
    ) -> Result<Answer, Stop> {
        if let Some((answer, exchanges)) = self.remembered.get(what) {
            self.trace.extend_from_slice(exchanges);
            return Ok(answer.clone());
        }
        let before = self.trace.len();
        let answer = ask(self)?;
        let exchanges = self.trace.get(before..).unwrap_or_default().to_vec();
        self.remembered.insert(what, (answer.clone(), exchanges));
        Ok(answer)
    }

    /// The channel, for cases about CTAPHID itself.
    pub fn channel(&mut self) -> &mut Channel {
        &mut self.channel
    }

    /// Sends one frame, and notes it.
    ///
    /// # Errors
    /// When the authenticator is gone.
    pub fn send_frame(&mut self, frame: &Frame) -> Result<(), Stop> {
        self.note(format!("{frame:?}"), &frame.report(), "(a single packet)".to_owned(), &[]);
        Ok(self.channel.send(frame)?)
    }

    /// The next frame, or none within `wait`; noted.
    ///
    /// # Errors
    /// When the authenticator is gone.
    pub fn frame_within(&mut self, wait: Duration) -> Result<Option<Frame>, Stop> {
        let frame = self.channel.receive(wait)?;
        let (text, bytes) = frame.as_ref().map_or(("nothing".to_owned(), Vec::new()), |frame| {
            (format!("{frame:?}"), frame.report().to_vec())
        });
        self.note(format!("(listening for {} ms)", wait.as_millis()), &[], text, &bytes);
        Ok(frame)
    }

    /// What INIT says of the authenticator.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn greeting(&mut self) -> Result<Greeting, Stop> {
        let cid = self.channel.cid;
        Ok(self.channel.init(cid)?)
    }

    /// Notes for the report what went over the channel beside CTAP2 messages.
    pub fn note(&mut self, request: String, request_bytes: &[u8], answer: String, answer_bytes: &[u8]) {
        let (request_bytes, answer_bytes) = (hex(request_bytes), hex(answer_bytes));
        self.trace.push(Exchange { request, request_bytes, answer, answer_bytes });
    }

    /// A further channel of the same connection.
    ///
    /// # Errors
    /// When the authenticator gives none.
    pub fn second_channel(&mut self) -> Result<u32, Stop> {
        Ok(self.channel.init(crate::target::BROADCAST)?.cid)
    }

    fn reopen(&mut self) -> Result<(), Stop> {
        let carrier =
            self.target.open_within(COMES_BACK_WITHIN).map_err(|error| Stop::Broken(error.to_string()))?;
        self.channel = Channel::open(carrier)?;
        Ok(())
    }

    /// A token serves one request with presence, and none after the PIN changed (CTAP 2.3 §6.5.5.7).
    fn forget_spent(&mut self, message: &[u8], answer: &Answer, asked: bool) {
        let Some((command, body)) = message.split_first() else { return };
        let spends = match Command(*command) {
            command::MAKE_CREDENTIAL | command::GET_ASSERTION | command::RESET => true,
            command::CLIENT_PIN => {
                let subcommand = decode(body).ok().and_then(|body| body.value.at(0x02)?.unsigned());
                !matches!(
                    subcommand,
                    Some(subcommand::PIN_RETRIES | subcommand::KEY_AGREEMENT | subcommand::UV_RETRIES)
                )
            }
            Command(_) => false,
        };
        // A touch spends it even if the command fails afterwards, and a refused token is none.
        let over = matches!(answer.status, Status::OK | Status::PIN_AUTH_INVALID) || asked;
        if spends && over {
            self.token = None;
        }
    }
}

/// A message as the report shows it.
fn described(message: &[u8]) -> String {
    let (command, body) = message.split_first().map_or((0, [].as_slice()), |(first, body)| (*first, body));
    let name = Command(command).to_string();
    match decode(body) {
        Ok(decoded) => format!("{name} {}{}", diagnostic(&decoded.value), breaches(&decoded.breaches)),
        Err(_) if body.is_empty() => name,
        Err(error) => format!("{name} {error}"),
    }
}

fn answered(answer: &Answer) -> String {
    match &answer.body {
        Some(body) => format!("{} {}{}", answer.status, diagnostic(&body.value), breaches(&body.breaches)),
        None => answer.status.to_string(),
    }
}

fn breaches(breaches: &[String]) -> String {
    if breaches.is_empty() { String::new() } else { format!("\nnot canonical: {}", breaches.join("; ")) }
}

/// The first public-key algorithm that the authenticator offers; ES256 if it does not say.
fn preferred_algorithm(info: &Info) -> Value {
    info.algorithms().first().copied().unwrap_or(-7).into()
}

impl Judged for Session {
    const NAME: &'static str = "authenticator";
    const STANDARD: &'static str = "CTAP 2.3";

    /// Brings the channel into step and the authenticator into the state, and forgets what was said before.
    fn begin(&mut self, state: State) -> Result<(), Stop> {
        self.trace.clear();
        let cid = self.channel.cid;
        if self.channel.init(cid).is_err() {
            self.reopen()?;
        }
        self.stand(state)?;
        self.trace.clear();
        Ok(())
    }

    fn unmet(&self, needs: &[Need]) -> Option<String> {
        needs.iter().find_map(|need| need.unmet(&self.info))
    }

    /// Presence is given again.
    fn end(&mut self) -> Result<Vec<Exchange>, Stop> {
        if self.withheld {
            self.withheld = false;
            self.hook.presence(true)?;
        }
        Ok(std::mem::take(&mut self.trace))
    }

    fn disturb(&mut self) {
        Self::disturb(self);
    }
}
