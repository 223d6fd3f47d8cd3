//! The rules of CTAP for PINs, tokens and passkeys, as far as profile "hello" has them: what each step must come to.
//! Written from the specification and DESIGN.md, apart from the engine: no cryptography, no bytes.

use latchkey_protocol::Status;
use latchkey_protocol::client_pin::Permissions;

use super::command::{Command, Evidence, Guess, Which};

const MC: Permissions = Permissions::MAKE_CREDENTIAL;
const GA: Permissions = Permissions::GET_ASSERTION;
const CM: Permissions = Permissions::CREDENTIAL_MANAGEMENT;

/// Seconds: a token's first use, and the presence of its gesture; a token's life; a stateful command's pause; the window
/// for a reset.
const FIRST_USE: u64 = 30;
const LIFE: u64 = 600;
const PAUSE: u64 = 30;
const WINDOW: u64 = 10;
/// Tries of the PIN, in all and between two power-ups.
const TRIES: u8 = 8;
const IN_A_ROW: u8 = 3;

/// What a step must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub status: Status,
    /// How often the user is asked.
    pub prompts: usize,
    /// The account of an assertion.
    pub user: Option<usize>,
    /// `numberOfCredentials`, or the count of discoverable passkeys.
    pub number: Option<usize>,
    /// Whether an assertion says that the user was present.
    pub present: bool,
}

#[derive(Debug)]
struct Token {
    serial: u32,
    permissions: Permissions,
    rp: Option<usize>,
    present: bool,
    spent: bool,
    begun: u64,
    used: bool,
}

#[derive(Debug, Clone, Copy)]
struct Passkey {
    serial: usize,
    rp: usize,
    user: usize,
    discoverable: bool,
}

/// What getNextAssertion continues: passkeys by their serial.
#[derive(Debug)]
struct Rest {
    channel: u64,
    token: Option<u32>,
    last_used: u64,
    passkeys: Vec<Passkey>,
}

#[derive(Debug)]
pub struct Model {
    pub pin: Option<usize>,
    tries: u8,
    wrong: u8,
    now: u64,
    powered_up: u64,
    tokens: u32,
    token: Option<Token>,
    passkeys: Vec<Passkey>,
    made: usize,
    rest: Option<Rest>,
    prompts: usize,
}

type Outcome = Result<Expected, Status>;

const FINE: Expected = Expected { status: Status::OK, prompts: 0, user: None, number: None, present: false };

impl Model {
    /// With this PIN, powered up long ago.
    pub const fn new(pin: usize) -> Self {
        Self {
            pin: Some(pin),
            tries: TRIES,
            wrong: 0,
            now: 3600,
            powered_up: 0,
            tokens: 0,
            token: None,
            passkeys: Vec::new(),
            made: 0,
            rest: None,
            prompts: 0,
        }
    }

    pub fn step(&mut self, command: &Command) -> Expected {
        self.expire();
        self.prompts = 0;
        let outcome = match command {
            Command::TokenByPin { guess, permissions, rp, consent } => {
                self.token_by_pin(*guess, *permissions, *rp, *consent)
            }
            Command::TokenByGesture { guesses, permissions, rp } => {
                self.token_by_gesture(guesses, *permissions, *rp)
            }
            Command::Make { rp, user, discoverable, evidence } => {
                self.make(*rp, *user, *discoverable, evidence)
            }
            Command::Get { rp, silent, channel, evidence } => self.get(*rp, *silent, *channel, evidence),
            Command::Next { channel } => self.next(*channel),
            Command::Count { which } => self.count(*which),
            Command::Delete { passkey, which, touch } => self.delete(*passkey, *which, *touch),
            Command::SetPin { new } => self.set_pin(*new),
            Command::ChangePin { old, new } => self.change_pin(*old, *new),
            Command::Select { touch } => self.ask(*touch).map(|()| FINE),
            Command::Reset { touch } => self.reset(*touch),
            Command::Pass { seconds } => {
                self.now += seconds;
                Ok(FINE)
            }
            Command::PowerCycle => {
                (self.token, self.rest, self.wrong, self.powered_up) = (None, None, 0, self.now);
                Ok(FINE)
            }
        };
        let expected = outcome.unwrap_or_else(|status| Expected { status, ..FINE });
        Expected { prompts: self.prompts, ..expected }
    }

    /// §6.5.2.1 (pinUvAuthTokenUsageTimerObserver) and §6 (stateful commands).
    fn expire(&mut self) {
        let now = self.now;
        self.token.take_if(|token| now >= token.begun + if token.used { LIFE } else { FIRST_USE });
        let current = self.token.as_ref().map(|token| token.serial);
        self.rest.take_if(|rest| {
            now >= rest.last_used + PAUSE || rest.token.is_some_and(|serial| Some(serial) != current)
        });
    }

    fn ask(&mut self, touch: bool) -> Result<(), Status> {
        self.prompts += 1;
        if touch { Ok(()) } else { Err(Status::OPERATION_DENIED) }
    }

    fn can_try(&self) -> Result<(), Status> {
        match (self.pin, self.tries) {
            (None, _) => Err(Status::PIN_NOT_SET),
            (_, 0) => Err(Status::PIN_BLOCKED),
            _ if self.wrong >= IN_A_ROW => Err(Status::PIN_AUTH_BLOCKED),
            _ => Ok(()),
        }
    }

    /// §6.5.5.6 step 7.
    fn try_pin(&mut self, guess: Guess) -> Result<(), Status> {
        self.can_try()?;
        if guess == Guess::Right {
            (self.tries, self.wrong) = (TRIES, 0);
            return Ok(());
        }
        self.tries -= 1;
        if self.tries == 0 {
            return Err(Status::PIN_BLOCKED);
        }
        self.wrong += 1;
        Err(if self.wrong >= IN_A_ROW { Status::PIN_AUTH_BLOCKED } else { Status::PIN_INVALID })
    }

    /// Built-in user verification; `gave_up` after a wrong PIN, or at once.
    fn gesture(&mut self, guesses: &[Guess], gave_up: [Status; 2]) -> Result<(), Status> {
        self.can_try()?;
        for guess in guesses {
            self.prompts += 1;
            match self.try_pin(*guess) {
                Err(Status::PIN_INVALID) => {}
                decided => return decided,
            }
        }
        self.prompts += 1;
        Err(gave_up[usize::from(guesses.is_empty())])
    }

    fn begin(&mut self, permissions: Permissions, rp: Option<usize>, present: bool) -> Expected {
        self.tokens += 1;
        let (serial, begun) = (self.tokens, self.now);
        self.token = Some(Token { serial, permissions, rp, present, spent: false, begun, used: false });
        self.expire();
        FINE
    }

    /// §6.5.5.7.2.
    fn token_by_pin(
        &mut self,
        guess: Guess,
        permissions: Permissions,
        rp: Option<usize>,
        consent: bool,
    ) -> Outcome {
        for_one_rp(permissions, rp)?;
        self.can_try()?;
        self.ask(consent)?;
        self.try_pin(guess)?;
        Ok(self.begin(permissions, rp, false))
    }

    /// §6.5.5.7.3.
    fn token_by_gesture(
        &mut self,
        guesses: &[Guess],
        permissions: Permissions,
        rp: Option<usize>,
    ) -> Outcome {
        for_one_rp(permissions, rp)?;
        let blocked = |status| match status {
            Status::PIN_NOT_SET => Status::NOT_ALLOWED,
            Status::PIN_BLOCKED | Status::PIN_AUTH_BLOCKED => Status::UV_BLOCKED,
            other => other,
        };
        let gave_up = [Status::UV_INVALID, Status::OPERATION_DENIED];
        self.gesture(guesses, gave_up).map_err(blocked)?;
        Ok(self.begin(permissions, rp, true))
    }

    /// MAC, permission, relying party. A permission for one relying party binds the token to it.
    fn authorise(
        &mut self,
        which: Which,
        permission: Permissions,
        rp: Option<usize>,
    ) -> Result<bool, Status> {
        let now = self.now;
        let token = self
            .token
            .as_mut()
            .filter(|token| which == Which::Newest && !token.spent && token.permissions.contains(permission));
        let token = token.ok_or(Status::PIN_AUTH_INVALID)?;
        match (rp, token.rp) {
            (Some(asked), Some(bound)) if asked != bound => return Err(Status::PIN_AUTH_INVALID),
            (None, Some(_)) => return Err(Status::PIN_AUTH_INVALID),
            _ => {}
        }
        (token.rp, token.used) = (token.rp.or(rp), true);
        Ok(token.present && now < token.begun + FIRST_USE)
    }

    fn spend(&mut self) {
        if let Some(token) = &mut self.token {
            (token.present, token.spent) = (false, true);
        }
    }

    fn evidence(&mut self, evidence: &Evidence, permission: Permissions, rp: usize) -> Result<(), Status> {
        match evidence {
            Evidence::Token { which, touch } => {
                if !self.authorise(*which, permission, Some(rp))? {
                    self.ask(*touch)?;
                }
                self.spend();
                Ok(())
            }
            Evidence::Gesture(guesses) => self.gesture(guesses, [Status::OPERATION_DENIED; 2]),
        }
    }

    /// §6.1.2.
    fn make(&mut self, rp: usize, user: usize, discoverable: bool, evidence: &Evidence) -> Outcome {
        self.pin.ok_or(Status::PUAT_REQUIRED)?;
        self.evidence(evidence, MC, rp)?;
        if discoverable {
            self.passkeys.retain(|old| !(old.discoverable && old.rp == rp && old.user == user));
        }
        self.passkeys.push(Passkey { serial: self.made, rp, user, discoverable });
        self.made += 1;
        Ok(FINE)
    }

    /// §6.2.2. Whoever can be told that there is nothing is told so before anybody is asked.
    fn get(&mut self, rp: usize, silent: bool, channel: u64, evidence: &Evidence) -> Outcome {
        if !silent {
            self.pin.ok_or(Status::PUAT_REQUIRED)?;
        }
        let mut found: Vec<Passkey> =
            self.passkeys.iter().rev().filter(|one| one.discoverable && one.rp == rp).copied().collect();
        let token = match evidence {
            Evidence::Token { which, touch } => {
                let present = self.authorise(*which, GA, Some(rp))?;
                if found.is_empty() {
                    return Err(Status::NO_CREDENTIALS);
                }
                if !silent {
                    if !present {
                        self.ask(*touch)?;
                    }
                    self.spend();
                }
                self.token.as_ref().map(|token| token.serial)
            }
            Evidence::Gesture(_) if silent => return Err(Status::NO_CREDENTIALS),
            Evidence::Gesture(guesses) => {
                self.gesture(guesses, [Status::OPERATION_DENIED; 2])?;
                None
            }
        };
        if found.is_empty() {
            return Err(Status::NO_CREDENTIALS);
        }
        let first = found.remove(0);
        let number = (!found.is_empty()).then_some(found.len() + 1);
        self.rest = number.map(|_| Rest { channel, token, last_used: self.now, passkeys: found });
        Ok(Expected { user: Some(first.user), number, present: !silent, ..FINE })
    }

    /// §6.3.
    fn next(&mut self, channel: u64) -> Outcome {
        let rest = self.rest.as_mut().filter(|rest| rest.channel == channel).ok_or(Status::NOT_ALLOWED)?;
        rest.last_used = self.now;
        let passkey = rest.passkeys.remove(0);
        if rest.passkeys.is_empty() {
            self.rest = None;
        }
        if !self.passkeys.iter().any(|one| one.serial == passkey.serial) {
            self.rest = None;
            return Err(Status::NO_CREDENTIALS);
        }
        Ok(Expected { user: Some(passkey.user), ..FINE })
    }

    /// §6.8.2.
    fn count(&mut self, which: Which) -> Outcome {
        self.authorise(which, CM, None)?;
        let number = self.passkeys.iter().filter(|one| one.discoverable).count();
        Ok(Expected { number: Some(number), ..FINE })
    }

    /// §6.8.5, and that the user is asked.
    fn delete(&mut self, serial: usize, which: Which, touch: bool) -> Outcome {
        let bound = self.token.as_ref().and_then(|token| token.rp);
        self.authorise(which, CM, bound)?;
        let found = self.passkeys.iter().find(|one| one.serial == serial && one.discoverable).copied();
        let passkey = found.ok_or(Status::NO_CREDENTIALS)?;
        if bound.is_some_and(|rp| rp != passkey.rp) {
            return Err(Status::PIN_AUTH_INVALID);
        }
        self.ask(touch)?;
        self.passkeys.retain(|one| one.serial != serial);
        self.rest = None;
        Ok(FINE)
    }

    /// §6.5.5.5.
    fn set_pin(&mut self, new: usize) -> Outcome {
        if self.pin.is_some() {
            return Err(Status::PIN_AUTH_INVALID);
        }
        (self.pin, self.tries, self.token, self.rest) = (Some(new), TRIES, None, None);
        Ok(FINE)
    }

    /// §6.5.5.6.
    fn change_pin(&mut self, old: Guess, new: usize) -> Outcome {
        self.try_pin(old)?;
        (self.pin, self.token, self.rest) = (Some(new), None, None);
        Ok(FINE)
    }

    /// §6.6.
    fn reset(&mut self, touch: bool) -> Outcome {
        if self.now > self.powered_up + WINDOW {
            return Err(Status::NOT_ALLOWED);
        }
        self.ask(touch)?;
        (self.pin, self.token, self.rest, self.wrong) = (None, None, None, 0);
        self.passkeys.clear();
        Ok(FINE)
    }
}

fn for_one_rp(permissions: Permissions, rp: Option<usize>) -> Result<(), Status> {
    if permissions.intersects(MC | GA) && rp.is_none() { Err(Status::MISSING_PARAMETER) } else { Ok(()) }
}
