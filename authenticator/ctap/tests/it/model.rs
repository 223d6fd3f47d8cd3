//! Random steps of a platform and its user, on the engine and on a model of the rules: status, prompts, account and flags
//! must be the same at every step.
//!
//! The steps are the same in every run; `LATCHKEY_MODEL_SEED` (a number) makes others, `PROPTEST_CASES` more.

use std::env;

use latchkey_ctap::{Answer, ChannelId};
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::SubCommand;
use latchkey_protocol::credential_management::{self, Params};
use latchkey_protocol::{CredentialDescriptor, Request, Status, get_assertion, make_credential};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::device::{CHANNEL, Device, status, typed};
use crate::platform::{
    HASH, Session, Token, attested, authentication, pin_hash, received, registration, user,
};

mod command;
mod rules;

use command::{Command, Evidence, Guess, PINS, RPS, USERS, Which, command};
use rules::{Expected, Model};

/// Sequences, and the longest of them.
const CASES: u32 = 48;
const STEPS: usize = 120;

#[test]
fn the_engine_keeps_the_rules_of_the_model() {
    let seed = env::var("LATCHKEY_MODEL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_226);
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let cases = if env::var_os("PROPTEST_CASES").is_some() { config.cases } else { CASES };
    let mut runner = TestRunner::new(Config { cases, ..config });
    let outcome = runner.run(&vec(command(), 1..STEPS), |commands| {
        let (mut platform, mut model) = (Platform::new(), Model::new(0));
        for (number, command) in commands.iter().enumerate() {
            let pin = model.pin;
            let expected = model.step(command);
            let came_to = platform.step(command, pin);
            proptest::prop_assert_eq!(came_to, expected, "step {}: {:?}", number, command);
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// The random platform.
struct Platform {
    device: Device,
    newest: Token,
    older: Token,
    /// All that were ever made.
    passkeys: Vec<CredentialDescriptor>,
}

impl Platform {
    fn new() -> Self {
        let unknown = Token { protocol: 2, secret: vec![0; 32] };
        Self { device: Device::with_pin(), newest: unknown.clone(), older: unknown, passkeys: Vec::new() }
    }

    /// Carries a step out. `pin`: the one that is right, by number.
    fn step(&mut self, command: &Command, pin: Option<usize>) -> Expected {
        self.device.asked();
        let right = PINS[pin.unwrap_or_default()];
        let text = |guess: Guess| if guess == Guess::Right { right } else { "000000" };
        let gesture = |guesses: &[Guess]| {
            guesses.iter().map(|guess| typed(text(*guess))).chain([Answer::Denied]).collect::<Vec<_>>()
        };
        match command {
            Command::TokenByPin { guess, permissions, rp, consent } => {
                self.device.user([touched(*consent)]);
                let session = Session::new(&mut self.device, 2);
                let mut request =
                    session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS);
                request.pin_hash_enc = Some(session.encrypt(&pin_hash(text(*guess))));
                (request.permissions, request.rp_id) = (Some(*permissions), rp.map(|rp| RPS[rp].to_owned()));
                self.issued(&session, request)
            }
            Command::TokenByGesture { guesses, permissions, rp } => {
                self.device.user(gesture(guesses));
                let session = Session::new(&mut self.device, 2);
                let mut request =
                    session.request(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS);
                (request.permissions, request.rp_id) = (Some(*permissions), rp.map(|rp| RPS[rp].to_owned()));
                self.issued(&session, request)
            }
            Command::Make { rp, user: account, discoverable, evidence } => {
                let mut request = registration();
                RPS[*rp].clone_into(&mut request.rp.id);
                request.user = user(USERS[*account]);
                request.options.rk = Some(*discoverable);
                if let Some((param, protocol)) = self.prepare(evidence, &gesture) {
                    (request.pin_uv_auth_param, request.pin_uv_auth_protocol) = (Some(param), Some(protocol));
                }
                self.made(&request)
            }
            Command::Get { rp, silent, channel, evidence } => {
                let mut request = authentication();
                RPS[*rp].clone_into(&mut request.rp_id);
                request.options.up = silent.then_some(false);
                if let Some((param, protocol)) = self.prepare(evidence, &gesture) {
                    (request.pin_uv_auth_param, request.pin_uv_auth_protocol) = (Some(param), Some(protocol));
                }
                self.asserted(*channel, &Request::GetAssertion(request))
            }
            Command::Next { channel } => {
                let seen = self.asserted(*channel, &Request::GetNextAssertion);
                Expected { present: false, ..seen }
            }
            Command::Count { which } => {
                let response =
                    self.manage(credential_management::SubCommand::GET_CREDS_METADATA, None, *which);
                let counted = credential_management::Response::parse(&response).ok();
                let number = counted.and_then(|answer| answer.existing_resident_credentials_count);
                Expected { number: number.map(|number| number.try_into().unwrap()), ..self.seen(&response) }
            }
            Command::Delete { passkey, which, touch } => {
                self.device.user([touched(*touch)]);
                let unknown = CredentialDescriptor::public_key(vec![0; 32]);
                let named = self.passkeys.get(*passkey).cloned().unwrap_or(unknown);
                let params = Params::new(None, Some(named), None);
                let command = credential_management::SubCommand::DELETE_CREDENTIAL;
                let response = self.manage(command, Some(params), *which);
                self.seen(&response)
            }
            Command::SetPin { new } => self.new_pin(None, PINS[*new]),
            Command::ChangePin { old, new } => self.new_pin(Some(text(*old)), PINS[*new]),
            Command::Select { touch } => {
                self.device.user([touched(*touch)]);
                let response = self.device.send(&Request::Selection);
                self.seen(&response)
            }
            Command::Reset { touch } => {
                self.device.user([touched(*touch)]);
                let response = self.device.send(&Request::Reset);
                self.seen(&response)
            }
            Command::Pass { seconds } => {
                self.device.pass(*seconds);
                self.seen(&[0])
            }
            Command::PowerCycle => {
                self.device.power_cycle();
                self.seen(&[0])
            }
        }
    }

    fn seen(&self, response: &[u8]) -> Expected {
        let prompts = self.device.prompts.len();
        Expected { status: status(response), prompts, user: None, number: None, present: false }
    }

    fn issued(&mut self, session: &Session, request: latchkey_protocol::client_pin::Request) -> Expected {
        match received(&mut self.device, session, request) {
            Ok(token) => {
                self.older = std::mem::replace(&mut self.newest, token);
                self.seen(&[0])
            }
            Err(refused) => self.seen(&[refused.0]),
        }
    }

    /// What the user will do, and the proof that a request carries.
    fn prepare(
        &mut self,
        evidence: &Evidence,
        gesture: &dyn Fn(&[Guess]) -> Vec<Answer>,
    ) -> Option<(Vec<u8>, u64)> {
        match evidence {
            Evidence::Token { which, touch } => {
                self.device.user([touched(*touch)]);
                Some(self.proof(*which, &HASH))
            }
            Evidence::Gesture(guesses) => {
                self.device.user(gesture(guesses));
                None
            }
        }
    }

    fn proof(&self, which: Which, message: &[u8]) -> (Vec<u8>, u64) {
        let token = if which == Which::Older { &self.older } else { &self.newest };
        let mut mac = token.mac(message);
        mac[0] ^= u8::from(which == Which::Damaged);
        (mac, token.protocol)
    }

    fn made(&mut self, request: &make_credential::Request) -> Expected {
        let response = self.device.send(&Request::MakeCredential(request.clone()));
        if status(&response) == Status::OK {
            let made = attested(&make_credential::Response::parse(&response).unwrap());
            self.passkeys.push(CredentialDescriptor::public_key(made.credential_id));
        }
        self.seen(&response)
    }

    fn asserted(&mut self, channel: u64, request: &Request) -> Expected {
        let response = self.device.send_on(ChannelId(channel), request);
        let seen = self.seen(&response);
        let Ok(asserted) = get_assertion::Response::parse(&response) else { return seen };
        let flags = AuthenticatorData::parse(&asserted.auth_data).unwrap().flags;
        assert!(flags.contains(Flags::UV), "hello verifies always");
        let account = asserted.user.unwrap();
        let user = USERS.iter().position(|name| name.as_bytes() == account.id);
        let number = asserted.number_of_credentials.map(|number| number.try_into().unwrap());
        Expected { user, number, present: flags.contains(Flags::UP), ..seen }
    }

    fn manage(
        &mut self,
        subcommand: credential_management::SubCommand,
        params: Option<Params>,
        which: Which,
    ) -> Vec<u8> {
        let raw = params.as_ref().map(Params::raw).unwrap_or_default();
        let (param, protocol) = self.proof(which, &[&[subcommand.0], raw].concat());
        let request = credential_management::Request {
            subcommand,
            params,
            protocol: Some(protocol),
            pin_uv_auth_param: Some(param),
        };
        self.device.send_on(CHANNEL, &Request::CredentialManagement(request))
    }

    /// setPIN, or changePIN where there is an old one.
    fn new_pin(&mut self, old: Option<&str>, new: &str) -> Expected {
        let session = Session::new(&mut self.device, 2);
        let mut request =
            session.request(if old.is_some() { SubCommand::CHANGE_PIN } else { SubCommand::SET_PIN });
        let mut padded = new.as_bytes().to_vec();
        padded.resize(64, 0);
        let sealed = session.encrypt(&padded);
        let hash = old.map(|old| session.encrypt(&pin_hash(old)));
        request.pin_uv_auth_param =
            Some(session.mac(&[sealed.as_slice(), hash.as_deref().unwrap_or_default()].concat()));
        (request.new_pin_enc, request.pin_hash_enc) = (Some(sealed), hash);
        let response = self.device.send(&Request::ClientPin(request));
        self.seen(&response)
    }
}

fn touched(touch: bool) -> Answer {
    if touch { Answer::Approved } else { Answer::Denied }
}
