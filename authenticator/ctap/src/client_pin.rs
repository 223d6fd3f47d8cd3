//! authenticatorClientPIN (CTAP 2.3 §6.5.5), except the tokens, which are in `client_pin/issue.rs`.

use latchkey_container::{Error as ContainerError, Pin, PinHash};
use latchkey_protocol::Status;
use latchkey_protocol::client_pin::{Request, Response, SubCommand};
use latchkey_protocol::cose::KeyAgreement;
use rand_core::CryptoRng;

use crate::continuation::Continuations;
use crate::engine::{Authenticator, Flow, WRONG_PINS_PER_POWER_UP};
use crate::pin_protocol::{PinProtocol, SharedSecret};
use crate::status::Failure;
use crate::step::Ambient;

mod issue;

pub(crate) use issue::Paused;

/// A new PIN travels padded to this length (§6.5.5.5).
const PADDED_PIN: usize = 64;

impl Authenticator {
    pub(crate) fn client_pin(
        &mut self,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        match request.subcommand {
            SubCommand::GET_PIN_RETRIES => self.pin_retries().map(Flow::Done),
            SubCommand::GET_KEY_AGREEMENT => self.key_agreement(request).map(Flow::Done),
            SubCommand::SET_PIN => self.handle_set_pin(request, ambient).map(Flow::Done),
            SubCommand::CHANGE_PIN => self.handle_change_pin(request, ambient).map(Flow::Done),
            SubCommand::GET_PIN_TOKEN => self.pin_token(request),
            SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS => self.token_using_gesture(request),
            SubCommand::GET_UV_RETRIES => self.uv_retries().map(Flow::Done),
            SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS => self.token_using_pin(request),
            SubCommand(_) => Err(Failure::UnknownSubCommand),
        }
    }

    /// §6.5.5.2. Without a PIN there is nothing to retry (conformance point: `PIN_NOT_SET`).
    fn pin_retries(&mut self) -> Result<Vec<u8>, Failure> {
        if !self.container.has_pin() {
            return Err(Failure::PinNotSet);
        }
        let response = Response {
            pin_retries: Some(self.container.tries_left()?.into()),
            power_cycle_state: Some(self.wrong_pins >= WRONG_PINS_PER_POWER_UP),
            ..Response::default()
        };
        Ok(response.encode())
    }

    /// §6.5.5.3.
    fn uv_retries(&mut self) -> Result<Vec<u8>, Failure> {
        let response = Response { uv_retries: Some(self.gesture_tries()?.into()), ..Response::default() };
        Ok(response.encode())
    }

    /// §6.5.5.4.
    fn key_agreement(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        let protocol = supported(request.protocol.ok_or(Failure::MissingParameter)?)?;
        let (x, y) = self.key_agreements.of(protocol).public();
        Ok(Response { key_agreement: Some(KeyAgreement { x, y }), ..Response::default() }.encode())
    }

    /// §6.5.5.5.
    fn handle_set_pin(&mut self, request: &Request, ambient: &mut Ambient<'_>) -> Result<Vec<u8>, Failure> {
        let (Some(protocol), Some(point), Some(new_pin_enc), Some(param)) =
            (request.protocol, &request.key_agreement, &request.new_pin_enc, &request.pin_uv_auth_param)
        else {
            return Err(Failure::MissingParameter);
        };
        let protocol = supported(protocol)?;
        if self.container.has_pin() {
            return Err(Failure::PinAlreadySet);
        }
        let shared = self.shared_secret(protocol, point)?;
        if !shared.verify(&[new_pin_enc], param) {
            return Err(Failure::TokenRefused);
        }
        let pin = open_new_pin(&shared, new_pin_enc, self.container.minimum_pin_length())?;
        // Setting a PIN opens the container, but a platform gets a token only for the PIN itself.
        drop(self.container.set_pin(&pin, ambient.now, ambient.rng)?);
        self.end_tokens();
        Ok(Status::OK.response())
    }

    /// §6.5.5.6.
    fn handle_change_pin(
        &mut self,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let (Some(protocol), Some(point), Some(new_pin_enc), Some(pin_hash_enc), Some(param)) = (
            request.protocol,
            &request.key_agreement,
            &request.new_pin_enc,
            &request.pin_hash_enc,
            &request.pin_uv_auth_param,
        ) else {
            return Err(Failure::MissingParameter);
        };
        let protocol = supported(protocol)?;
        self.pin_can_be_tried()?;
        let shared = self.shared_secret(protocol, point)?;
        if !shared.verify(&[new_pin_enc, pin_hash_enc], param) {
            return Err(Failure::TokenRefused);
        }
        let old = open_pin_hash(&shared, pin_hash_enc, ambient.rng);
        // The old PIN is checked, and counted, before the new one is looked at (steps 6 to 9).
        match open_new_pin(&shared, new_pin_enc, self.container.minimum_pin_length()) {
            Ok(new) => {
                let (now, rng) = (ambient.now, &mut *ambient.rng);
                let outcome = self.try_pin(|container| container.change_pin(&old, &new, now, rng));
                drop(self.checked(protocol, outcome, ambient.rng)?);
            }
            Err(unusable) => {
                let outcome = self.try_pin(|container| container.unlock(&old, ambient.now, ambient.rng));
                drop(self.checked(protocol, outcome, ambient.rng)?);
                return Err(unusable);
            }
        }
        self.end_tokens();
        Ok(Status::OK.response())
    }

    fn shared_secret(&self, protocol: PinProtocol, point: &KeyAgreement) -> Result<SharedSecret, Failure> {
        self.key_agreements.of(protocol).decapsulate(&point.x, &point.y).ok_or(Failure::BadParameter)
    }

    /// A wrong PIN costs the platform its shared secret (`regenerate`), so that every guess needs a new key
    /// agreement. A right one that must be changed, or a new one that breaks a rule, is no guess.
    fn checked<T>(
        &mut self,
        protocol: PinProtocol,
        outcome: Result<T, Failure>,
        rng: &mut dyn CryptoRng,
    ) -> Result<T, Failure> {
        let right = matches!(
            outcome,
            Ok(_) | Err(Failure::Container(ContainerError::PinOverdue(_) | ContainerError::PinRefused(_)))
        );
        if !right {
            self.key_agreements.regenerate(protocol, rng);
        }
        outcome
    }

    /// "All existing pinUvAuthTokens are invalidated", and whatever a PIN that was right before authorised.
    pub(crate) fn end_tokens(&mut self) {
        self.token.stop();
        self.continuations = Continuations::default();
    }
}

fn supported(protocol: u64) -> Result<PinProtocol, Failure> {
    PinProtocol::from_number(protocol).ok_or(Failure::UnsupportedProtocol)
}

fn open_new_pin(shared: &SharedSecret, encrypted: &[u8], minimum: u8) -> Result<Pin, Failure> {
    let padded = shared.decrypt(encrypted).ok_or(Failure::TokenRefused)?;
    if padded.len() != PADDED_PIN {
        return Err(Failure::BadParameter);
    }
    let length = padded.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    Pin::parse(padded.get(..length).unwrap_or_default(), minimum).map_err(|_| Failure::PinPolicy)
}

/// The hash that the platform sent. One that cannot be opened counts as a wrong PIN (§6.5.5.6 step 7.1), and
/// the count is the device's: so the device gets a guess that is wrong.
fn open_pin_hash(shared: &SharedSecret, encrypted: &[u8], rng: &mut dyn CryptoRng) -> PinHash {
    let opened = shared.decrypt(encrypted).and_then(|opened| <[u8; 16]>::try_from(opened.as_slice()).ok());
    PinHash::new(opened.unwrap_or_else(|| {
        let mut wrong = [0; 16];
        rng.fill_bytes(&mut wrong);
        wrong
    }))
}
