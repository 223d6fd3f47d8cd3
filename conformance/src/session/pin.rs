//! The PIN and its tokens.

use std::time::{Duration, Instant};

use super::{RP_ID, Session};
use crate::case::{Stop, present, status};
use crate::cbor::Value;
use crate::ctap::{Agreement, Answer, Protocol, Request, Status, command, permission, pin_hash, subcommand};

/// The PIN that the runner sets.
pub const PIN: &str = "conform-4711";

/// A token that was not used for so long may be over (CTAP 2.3 §6.5.2.1: 30 s).
const TOKEN_KEEPS: Duration = Duration::from_secs(15);

/// A pinUvAuthToken.
#[derive(Debug, Clone)]
pub struct Token {
    /// Under which protocol.
    pub protocol: Protocol,
    /// Its bytes.
    pub value: Vec<u8>,
    permissions: u64,
    since: Instant,
}

impl Token {
    /// The pinUvAuthParam of a message.
    pub fn authenticate(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&self.value, message)
    }
}

/// A padded PIN, as it travels (CTAP 2.3 §6.5.5.5).
pub fn padded(pin: &str) -> Vec<u8> {
    let mut bytes = pin.as_bytes().to_vec();
    bytes.resize(bytes.len().max(64), 0);
    bytes
}

impl Session {
    /// A request of authenticatorClientPIN.
    pub fn pin_request(subcommand: u64) -> Request {
        Request::new(command::CLIENT_PIN, vec![(0x02, subcommand.into())])
    }

    /// The protocol that the authenticator prefers.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] if there is none that this runner knows.
    pub fn protocol(&self) -> Result<Protocol, Stop> {
        let found = self.info.protocols().into_iter().find_map(Protocol::from_number);
        found.ok_or_else(|| Stop::NotApplicable("pinUvAuthProtocols (0x06) lists none".to_owned()))
    }

    /// A fresh key agreement.
    ///
    /// # Errors
    /// When the authenticator gives no key.
    pub fn agree(&mut self, protocol: Protocol) -> Result<Agreement, Stop> {
        let request = Self::pin_request(subcommand::KEY_AGREEMENT).with(0x01, protocol.number());
        let answer = self.send(&request)?;
        status(&answer, Status::OK)?;
        let key = present(answer.member(0x01), "keyAgreement (0x01)")?;
        Agreement::with(protocol, key).ok_or_else(|| {
            Stop::failed("keyAgreement (0x01) is no P-256 key", "a COSE key for ECDH-ES+HKDF-256")
        })
    }

    /// setPIN.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn set_pin(&mut self, pin: &str) -> Result<Answer, Stop> {
        let request = self.set_pin_request(&padded(pin))?;
        self.send(&request)
    }

    /// setPIN of any padded bytes.
    ///
    /// # Errors
    /// When key agreement fails.
    pub fn set_pin_request(&mut self, padded: &[u8]) -> Result<Request, Stop> {
        let agreement = self.agree(self.protocol()?)?;
        let sealed = agreement.encrypt(padded);
        Ok(Self::pin_request(subcommand::SET_PIN)
            .with(0x01, agreement.protocol.number())
            .with(0x03, agreement.platform_key.clone())
            .with(0x04, agreement.authenticate(&sealed))
            .with(0x05, sealed))
    }

    /// changePIN.
    ///
    /// # Errors
    /// When key agreement fails.
    pub fn change_pin_request(&mut self, protocol: Protocol, old: &str, new: &[u8]) -> Result<Request, Stop> {
        let agreement = self.agree(protocol)?;
        let (new, old) = (agreement.encrypt(new), agreement.encrypt(&pin_hash(old)));
        Ok(Self::pin_request(subcommand::CHANGE_PIN)
            .with(0x01, protocol.number())
            .with(0x03, agreement.platform_key.clone())
            .with(0x04, agreement.authenticate(&[new.clone(), old.clone()].concat()))
            .with(0x05, new)
            .with(0x06, old))
    }

    /// A request for a token by PIN, with permissions where the authenticator has them, and the agreement that opens the
    /// answer.
    ///
    /// # Errors
    /// When key agreement fails.
    pub fn token_request(
        &mut self,
        protocol: Protocol,
        pin: &str,
        permissions: u64,
        rp_id: Option<&str>,
    ) -> Result<(Request, Agreement), Stop> {
        let (request, agreement) = self.legacy_token_request(protocol, pin)?;
        if self.info.option("pinUvAuthToken") != Some(true) {
            return Ok((request, agreement));
        }
        let request = request.with(0x02, subcommand::TOKEN_USING_PIN).with(0x09, permissions);
        let request = match rp_id {
            Some(rp_id) => request.with(0x0A, rp_id),
            None => request,
        };
        Ok((request, agreement))
    }

    /// getPinToken, as CTAP 2.0 has it, and the agreement that opens the answer.
    ///
    /// # Errors
    /// When key agreement fails.
    pub fn legacy_token_request(
        &mut self,
        protocol: Protocol,
        pin: &str,
    ) -> Result<(Request, Agreement), Stop> {
        let agreement = self.agree(protocol)?;
        let request = Self::pin_request(subcommand::PIN_TOKEN)
            .with(0x01, protocol.number())
            .with(0x03, agreement.platform_key.clone())
            .with(0x06, agreement.encrypt(&pin_hash(pin)));
        Ok((request, agreement))
    }

    /// A new token by PIN, of any permissions.
    ///
    /// # Errors
    /// When the authenticator gives none.
    pub fn new_token(
        &mut self,
        protocol: Protocol,
        permissions: u64,
        rp_id: Option<&str>,
    ) -> Result<Token, Stop> {
        let (request, agreement) = self.token_request(protocol, PIN, permissions, rp_id)?;
        let answer = self.send(&request)?;
        status(&answer, Status::OK)?;
        let sealed = present(answer.member(0x02).and_then(Value::bytes), "pinUvAuthToken (0x02)")?;
        let value = agreement.decrypt(sealed);
        let value =
            present(value.filter(|value| matches!(value.len(), 16 | 32)), "a token of 16 or 32 bytes")?;
        // Any earlier token ended when this one came.
        self.token = None;
        Ok(Token { protocol, value, permissions, since: Instant::now() })
    }

    /// A token for [`RP_ID`] or for the whole authenticator; one of before serves again while it is fresh.
    ///
    /// # Errors
    /// When the authenticator gives none.
    pub fn token(&mut self, permissions: u64) -> Result<Token, Stop> {
        if let Some(token) = &self.token
            && token.permissions & permissions == permissions
            && token.since.elapsed() < TOKEN_KEEPS
        {
            return Ok(token.clone());
        }
        let bound = permission::MC | permission::GA;
        let (permissions, rp_id) =
            if permissions & bound == 0 { (permissions, None) } else { (bound, Some(RP_ID)) };
        let token = self.new_token(self.protocol()?, permissions, rp_id)?;
        self.token = Some(token.clone());
        Ok(token)
    }
}
