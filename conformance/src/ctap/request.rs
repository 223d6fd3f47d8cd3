//! Requests that a case may bend: members in any order, missing, twice, of any type.

use crate::cbor::{Value, encode};

/// A command byte of CTAP2 (CTAP 2.3 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command(pub u8);

/// The commands.
pub mod command {
    use super::Command;
    /// authenticatorMakeCredential
    pub const MAKE_CREDENTIAL: Command = Command(0x01);
    /// authenticatorGetAssertion
    pub const GET_ASSERTION: Command = Command(0x02);
    /// authenticatorGetInfo
    pub const GET_INFO: Command = Command(0x04);
    /// authenticatorClientPIN
    pub const CLIENT_PIN: Command = Command(0x06);
    /// authenticatorReset
    pub const RESET: Command = Command(0x07);
    /// authenticatorGetNextAssertion
    pub const GET_NEXT_ASSERTION: Command = Command(0x08);
    /// authenticatorBioEnrollment
    pub const BIO_ENROLLMENT: Command = Command(0x09);
    /// authenticatorCredentialManagement
    pub const CREDENTIAL_MANAGEMENT: Command = Command(0x0A);
    /// authenticatorSelection
    pub const SELECTION: Command = Command(0x0B);
    /// authenticatorLargeBlobs
    pub const LARGE_BLOBS: Command = Command(0x0C);
    /// authenticatorConfig
    pub const CONFIG: Command = Command(0x0D);
}

/// The subcommands of authenticatorClientPIN (CTAP 2.3 §6.5.5).
pub mod subcommand {
    /// getPINRetries
    pub const PIN_RETRIES: u64 = 0x01;
    /// getKeyAgreement
    pub const KEY_AGREEMENT: u64 = 0x02;
    /// setPIN
    pub const SET_PIN: u64 = 0x03;
    /// changePIN
    pub const CHANGE_PIN: u64 = 0x04;
    /// getPinToken
    pub const PIN_TOKEN: u64 = 0x05;
    /// getUVRetries
    pub const UV_RETRIES: u64 = 0x07;
    /// getPinUvAuthTokenUsingPinWithPermissions
    pub const TOKEN_USING_PIN: u64 = 0x09;
}

/// The permissions of a pinUvAuthToken (CTAP 2.3 §6.5.5.7).
pub mod permission {
    /// makeCredential
    pub const MC: u64 = 0x01;
    /// getAssertion
    pub const GA: u64 = 0x02;
    /// credential management
    pub const CM: u64 = 0x04;
    /// bio enrolment
    pub const BE: u64 = 0x08;
    /// large blob write
    pub const LBW: u64 = 0x10;
    /// authenticator configuration
    pub const ACFG: u64 = 0x20;
    /// persistent read-only credential management
    pub const PCMR: u64 = 0x40;
}

/// A command with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The command.
    pub command: Command,
    /// The parameters, sorted when they are sent with [`Request::bytes`]; none for a command that has none.
    pub members: Option<Vec<(Value, Value)>>,
}

impl Request {
    /// A command without parameters.
    pub fn bare(command: Command) -> Self {
        Self { command, members: None }
    }

    /// A command with parameters.
    pub fn new(command: Command, members: Vec<(u64, Value)>) -> Self {
        let members = members.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self { command, members: Some(members) }
    }

    /// The same with this parameter, in place of the one that was there.
    #[must_use]
    pub fn with(mut self, key: u64, value: impl Into<Value>) -> Self {
        let members = self.members.get_or_insert_default();
        members.retain(|(present, _)| *present != Value::Unsigned(key));
        members.push((key.into(), value.into()));
        self
    }

    /// The same without this parameter.
    #[must_use]
    pub fn without(mut self, key: u64) -> Self {
        self.members.get_or_insert_default().retain(|(present, _)| *present != Value::Unsigned(key));
        self
    }

    /// A parameter.
    pub fn member(&self, key: u64) -> Option<&Value> {
        self.members
            .as_ref()?
            .iter()
            .find(|(present, _)| *present == Value::Unsigned(key))
            .map(|(_, value)| value)
    }

    /// The same with a change to a parameter that is there.
    #[must_use]
    pub fn changed(self, key: u64, change: impl FnOnce(&Value) -> Value) -> Self {
        let value = self.member(key).map_or(Value::Null, change);
        self.with(key, value)
    }

    /// The parameters as a map in canonical order.
    pub fn map(&self) -> Option<Value> {
        self.members.clone().map(Value::sorted)
    }

    /// Command and parameters, well formed.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_of(self.map().as_ref())
    }

    /// The command followed by another body.
    pub fn bytes_of(&self, body: Option<&Value>) -> Vec<u8> {
        std::iter::once(self.command.0).chain(body.map(encode).unwrap_or_default()).collect()
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match *self {
            command::MAKE_CREDENTIAL => "MakeCredential",
            command::GET_ASSERTION => "GetAssertion",
            command::GET_INFO => "GetInfo",
            command::CLIENT_PIN => "ClientPIN",
            command::RESET => "Reset",
            command::GET_NEXT_ASSERTION => "GetNextAssertion",
            command::BIO_ENROLLMENT => "BioEnrollment",
            command::CREDENTIAL_MANAGEMENT => "CredentialManagement",
            command::SELECTION => "Selection",
            command::LARGE_BLOBS => "LargeBlobs",
            command::CONFIG => "Config",
            Self(other) => return write!(out, "command 0x{other:02x}"),
        };
        write!(out, "authenticator{name} (0x{:02x})", self.0)
    }
}
