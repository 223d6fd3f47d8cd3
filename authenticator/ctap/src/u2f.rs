//! U2F, which CTAP calls CTAP1 (FIDO U2F Raw Message Formats 1.2; CTAP 2.3 §10): register, authenticate, version. It is
//! spoken in the profile `security-key` while alwaysUv is off, and reaches passkeys of the presence class alone.

mod apdu;
mod touch;

use std::str::FromStr;

use latchkey_container::{
    Access, CredentialId, Error as ContainerError, KeyAlgorithm, Passkey, PasskeyAlgorithm, PasskeyPublicKey,
    Profile,
};
use latchkey_protocol::Status;
use x509_cert::name::Name;

use crate::certificate::{SelfIssued, Unsigned};
use crate::engine::{Authenticator, prompt};
use crate::keys::sec1_point;
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Operation, Prompt, Want};
use apdu::Command;
use touch::Poll;
pub(crate) use touch::TouchSlot;
pub use touch::{Reply, Touch};

/// The version string, here and in getInfo.
pub(crate) const VERSION: &str = "U2F_V2";

mod instruction {
    pub(super) const REGISTER: u8 = 0x01;
    pub(super) const AUTHENTICATE: u8 = 0x02;
    pub(super) const VERSION: u8 = 0x03;
}

/// P1 of authenticate.
mod control {
    pub(super) const CHECK_ONLY: u8 = 0x07;
    pub(super) const ENFORCE_PRESENCE: u8 = 0x03;
    pub(super) const DO_NOT_ENFORCE_PRESENCE: u8 = 0x08;
}

/// The first byte of a registration, reserved for old reasons.
const REGISTRATION: u8 = 0x05;
/// Challenge parameter and application parameter, SHA-256 each.
const PARAMETERS: usize = 64;

/// How a command ended (ISO/IEC 7816-4:2013 §5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusWord(pub(crate) u16);

impl StatusWord {
    const NO_ERROR: Self = Self(0x9000);
    pub(crate) const WRONG_LENGTH: Self = Self(0x6700);
    const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    const COMMAND_NOT_ALLOWED: Self = Self(0x6986);
    const WRONG_DATA: Self = Self(0x6A80);
    const NO_ROOM: Self = Self(0x6A84);
    const WRONG_PARAMETER: Self = Self(0x6A86);
    const INS_NOT_SUPPORTED: Self = Self(0x6D00);
    pub(crate) const CLA_NOT_SUPPORTED: Self = Self(0x6E00);
    /// Something that only the operator of the machine can mend.
    const NO_PRECISE_DIAGNOSIS: Self = Self(0x6F00);
}

/// Why there is no response data.
enum Refused {
    With(StatusWord),
    /// The user must answer first.
    Asking(Prompt, Touch),
}

impl From<StatusWord> for Refused {
    fn from(word: StatusWord) -> Self {
        Self::With(word)
    }
}

impl From<ContainerError> for Refused {
    fn from(error: ContainerError) -> Self {
        Self::With(match Failure::from(error).status() {
            Status::KEY_STORE_FULL => StatusWord::NO_ROOM,
            _ => StatusWord::NO_PRECISE_DIAGNOSIS,
        })
    }
}

impl From<x509_cert::builder::Error> for Refused {
    fn from(_: x509_cert::builder::Error) -> Self {
        Self::With(StatusWord::NO_PRECISE_DIAGNOSIS)
    }
}

impl Authenticator {
    /// Whether U2F messages are answered: what getInfo's versions and the transport's capabilities must say.
    #[must_use]
    pub fn speaks_u2f(&self) -> bool {
        self.container.profile() == Profile::SecurityKey && !self.always_uv()
    }

    /// Handles one U2F message (a command APDU). It is answered at once: a client that needs the user's touch repeats it.
    pub fn message(&mut self, channel: ChannelId, message: &[u8], mut ambient: Ambient<'_>) -> Reply {
        self.tick(ambient.uptime);
        let (mut response, word, ask) = match self.command(channel, message, &mut ambient) {
            Ok(response) => (response, StatusWord::NO_ERROR, None),
            Err(Refused::With(word)) => (Vec::new(), word, None),
            Err(Refused::Asking(prompt, touch)) => {
                (Vec::new(), StatusWord::CONDITIONS_NOT_SATISFIED, Some((prompt, touch)))
            }
        };
        response.extend_from_slice(&word.0.to_be_bytes());
        Reply { response, ask }
    }

    /// What the user answered to the question of a [`Reply`]. One that nobody polls for any more counts for nothing.
    pub fn touched(&mut self, touch: Touch, answer: &Answer) {
        self.touch.answer(touch, answer);
    }

    /// The question that somebody polls for and nobody has answered; the driver takes back any other.
    #[must_use]
    pub fn awaited_touch(&self) -> Option<Touch> {
        self.touch.awaited()
    }

    fn command(
        &mut self,
        channel: ChannelId,
        message: &[u8],
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Refused> {
        if !self.speaks_u2f() {
            return Err(StatusWord::COMMAND_NOT_ALLOWED.into());
        }
        let command = Command::parse(message)?;
        match command.instruction {
            instruction::REGISTER => self.u2f_register(channel, message, command.data, ambient),
            instruction::AUTHENTICATE => self.u2f_authenticate(channel, message, &command, ambient),
            instruction::VERSION if command.data.is_empty() => Ok(VERSION.as_bytes().to_vec()),
            instruction::VERSION => Err(StatusWord::WRONG_LENGTH.into()),
            _ => Err(StatusWord::INS_NOT_SUPPORTED.into()),
        }
    }

    /// `U2F_REGISTER` (Raw Message Formats §4).
    fn u2f_register(
        &mut self,
        channel: ChannelId,
        message: &[u8],
        data: &[u8],
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Refused> {
        if data.len() != PARAMETERS {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let (challenge, application) = parameters(data).ok_or(StatusWord::WRONG_LENGTH)?;
        self.require_touch(channel, message, ambient, || prompt(Operation::RegisterU2f, Want::Approval))?;
        let passkey = self.container.register_u2f(application, ambient.now, ambient.rng)?;
        let registered = self.u2f_registration(&passkey, challenge, application, ambient);
        self.or_forget(Access::Presence, &passkey.id, registered)
    }

    fn u2f_registration(
        &mut self,
        passkey: &Passkey,
        challenge: &[u8; 32],
        application: &[u8; 32],
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let point = point(passkey).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        let certificate = Unsigned::new(of_itself()?, &point, ambient.now, ambient.rng)?;
        let signature = self.container.sign(Access::Presence, passkey, &[&certificate.message])?;
        let certificate = certificate.signed(&signature.bytes)?;
        let key_handle = passkey.id.0.as_slice();
        let signed: [&[u8]; 5] = [&[0], application, challenge, key_handle, &point];
        let signature = self.container.sign(Access::Presence, passkey, &signed)?;
        let length = u8::try_from(key_handle.len()).map_err(|_| StatusWord::NO_PRECISE_DIAGNOSIS)?;
        Ok([&[REGISTRATION], &point[..], &[length], key_handle, &certificate, &signature.bytes].concat())
    }

    /// `U2F_AUTHENTICATE` (Raw Message Formats §5).
    fn u2f_authenticate(
        &mut self,
        channel: ChannelId,
        message: &[u8],
        command: &Command<'_>,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let (challenge, application) = parameters(command.data).ok_or(StatusWord::WRONG_LENGTH)?;
        let key_handle = match command.data.get(PARAMETERS..) {
            Some([length, key_handle @ ..]) if key_handle.len() == usize::from(*length) => key_handle,
            Some(_) | None => return Err(StatusWord::WRONG_LENGTH.into()),
        };
        let passkey = self.u2f_key(key_handle, application)?.ok_or(StatusWord::WRONG_DATA)?;
        let presence = match command.p1 {
            // "The token knows this key handle" is told with this word.
            control::CHECK_ONLY => return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into()),
            control::ENFORCE_PRESENCE => {
                self.require_touch(channel, message, ambient, || sign_in(&passkey))?;
                1
            }
            control::DO_NOT_ENFORCE_PRESENCE => 0,
            _ => return Err(StatusWord::WRONG_PARAMETER.into()),
        };
        let count = self.container.next_signature_count(&passkey.id)?.to_be_bytes();
        let signed: [&[u8]; 4] = [application, &[presence], &count, challenge];
        let signature = self.container.sign(Access::Presence, &passkey, &signed)?;
        Ok([&[presence], &count[..], &signature.bytes].concat())
    }

    /// The key of a handle: one that was registered by U2F, or a passkey that could have been (CTAP 2.3 §10.3). At credProtect
    /// level 3 it is of the verified class, and not here.
    fn u2f_key(&mut self, key_handle: &[u8], application: &[u8; 32]) -> Result<Option<Passkey>, Refused> {
        let found = self.container.passkey(Access::Presence, &CredentialId(key_handle.to_vec()))?;
        Ok(found.filter(|passkey| {
            !passkey.discoverable
                && passkey.algorithm == PasskeyAlgorithm::from(KeyAlgorithm::Es256)
                && passkey.rp_id_hash() == *application
        }))
    }

    fn require_touch(
        &mut self,
        channel: ChannelId,
        message: &[u8],
        ambient: &Ambient<'_>,
        prompt: impl FnOnce() -> Prompt,
    ) -> Result<(), Refused> {
        match self.touch.poll(channel, message, ambient.uptime) {
            Poll::Touched => Ok(()),
            Poll::Ask(touch) => Err(Refused::Asking(prompt(), touch)),
            Poll::Wait => Err(StatusWord::CONDITIONS_NOT_SATISFIED.into()),
        }
    }
}

fn parameters(data: &[u8]) -> Option<(&[u8; 32], &[u8; 32])> {
    let (challenge, rest) = data.split_first_chunk()?;
    Some((challenge, rest.first_chunk()?))
}

/// The public key as SEC1 writes it, uncompressed.
fn point(passkey: &Passkey) -> Option<[u8; 65]> {
    match &passkey.public_key {
        PasskeyPublicKey::DeviceBound(key) => sec1_point(key),
        PasskeyPublicKey::Ed25519(_) | PasskeyPublicKey::MlDsa44(_) => None,
    }
}

/// The subject of the certificate that a registration must have: the new key signs it, and it says no more. One that all
/// keys of this authenticator share would tell two sites that they have the same visitor.
fn of_itself() -> x509_cert::builder::Result<SelfIssued> {
    Ok(SelfIssued { name: Name::from_str("CN=Latchkey U2F key")?, extensions: Vec::new() })
}

/// A passkey that was made by CTAP2 knows whose it is; a key of U2F knows at most what its owner calls it.
fn sign_in(passkey: &Passkey) -> Prompt {
    if passkey.app_id.is_some() {
        return Prompt { user: passkey.label.clone(), ..prompt(Operation::SignInU2f, Want::Approval) };
    }
    let user = passkey.user.name.as_ref().or(passkey.user.display_name.as_ref()).cloned();
    Prompt { rp_id: Some(passkey.rp_id.clone()), user, ..prompt(Operation::SignIn, Want::Approval) }
}
