//! Commands that a token administers the authenticator with: each signs another message (CTAP 2.3 §6.7, §6.8, §6.10 and §6.11).

use super::{Session, Token};
use crate::case::Stop;
use crate::cbor::{Value, encode};
use crate::ctap::{Command, Request, command, permission, sha256};

/// The message that begins with 32 bytes of 0xFF, so that no client data hash can stand for it.
const FENCE: [u8; 32] = [0xFF; 32];

impl Session {
    /// A subcommand of credential management, configuration or bio enrolment, authorized by a token that is permitted it.
    ///
    /// # Errors
    /// When the authenticator gives no token.
    pub fn administer(
        &mut self,
        command: Command,
        subcommand: u8,
        parameters: Option<Value>,
    ) -> Result<Request, Stop> {
        let token = self.token(needed_permission(command))?;
        Ok(administered(&token, command, subcommand, parameters))
    }

    /// A fragment of the large blob array, authorized.
    ///
    /// # Errors
    /// When the authenticator gives no token.
    pub fn write_large_blobs(
        &mut self,
        offset: u32,
        length: Option<u64>,
        fragment: &[u8],
    ) -> Result<Request, Stop> {
        let token = self.token(permission::LBW)?;
        let digest = sha256(fragment);
        let message = [&FENCE[..], &[command::LARGE_BLOBS.0, 0], &offset.to_le_bytes(), &digest].concat();
        let request = Request::new(
            command::LARGE_BLOBS,
            vec![(0x02, fragment.into()), (0x03, u64::from(offset).into())],
        )
        .with(0x05, token.authenticate(&message))
        .with(0x06, token.protocol.number());
        Ok(match length {
            Some(length) => request.with(0x04, length),
            None => request,
        })
    }
}

/// A subcommand authorized by this token.
pub fn administered(token: &Token, command: Command, subcommand: u8, parameters: Option<Value>) -> Request {
    let body = parameters.as_ref().map(encode).unwrap_or_default();
    let prefix: &[u8] = match command {
        command::CONFIG => &[&FENCE[..], &[command.0]].concat(),
        // The modality: fingerprint.
        command::BIO_ENROLLMENT => &[0x01],
        Command(_) => &[],
    };
    let tag = token.authenticate(&[prefix, &[subcommand], &body].concat());
    let request = subcommand_request(command, subcommand, parameters);
    let first = if command == command::BIO_ENROLLMENT { 0x04 } else { 0x03 };
    request.with(first, token.protocol.number()).with(first + 1, tag)
}

/// A subcommand without authorization.
pub fn subcommand_request(command: Command, subcommand: u8, parameters: Option<Value>) -> Request {
    let bio = command == command::BIO_ENROLLMENT;
    let first = if bio { 0x02 } else { 0x01 };
    let request = Request::new(command, vec![(first, subcommand.into())]);
    let request = if bio { request.with(0x01, 1) } else { request };
    match parameters {
        Some(parameters) => request.with(first + 1, parameters),
        None => request,
    }
}

fn needed_permission(command: Command) -> u64 {
    match command {
        command::CONFIG => permission::ACFG,
        command::BIO_ENROLLMENT => permission::BE,
        Command(_) => permission::CM,
    }
}
