//! Requests: the command byte and its parameters.

use crate::cbor::encode::Encode;
use crate::{
    Command, MAX_MESSAGE, Malformed, Status, bio_enrollment, client_pin, config, credential_management,
    get_assertion, large_blobs, make_credential,
};

/// A request to an authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `authenticatorMakeCredential`.
    MakeCredential(make_credential::Request),
    /// `authenticatorGetAssertion`.
    GetAssertion(get_assertion::Request),
    /// `authenticatorGetInfo`.
    GetInfo,
    /// `authenticatorClientPIN`.
    ClientPin(client_pin::Request),
    /// `authenticatorReset`.
    Reset,
    /// `authenticatorGetNextAssertion`.
    GetNextAssertion,
    /// `authenticatorBioEnrollment`.
    BioEnrollment(bio_enrollment::Request),
    /// `authenticatorCredentialManagement`.
    CredentialManagement(credential_management::Request),
    /// `authenticatorSelection`.
    Selection,
    /// `authenticatorLargeBlobs`.
    LargeBlobs(large_blobs::Request),
    /// `authenticatorConfig`.
    Config(config::Request),
}

impl Request {
    /// Reads a request as it came from the transport.
    ///
    /// # Errors
    /// [`Malformed`], whose status is the authenticator's answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_MESSAGE {
            return Err(Malformed::new(Status::REQUEST_TOO_LARGE, "the message is longer than maxMsgSize"));
        }
        let (command, body) = bytes.split_first().ok_or(Malformed::length("there is no command byte"))?;
        match Command(*command) {
            Command::MAKE_CREDENTIAL => make_credential::Request::parse(body).map(Self::MakeCredential),
            Command::GET_ASSERTION => get_assertion::Request::parse(body).map(Self::GetAssertion),
            Command::GET_INFO => bare(body, Self::GetInfo),
            Command::CLIENT_PIN => client_pin::Request::parse(body).map(Self::ClientPin),
            Command::RESET => bare(body, Self::Reset),
            Command::GET_NEXT_ASSERTION => bare(body, Self::GetNextAssertion),
            // The prototypes have the same form.
            Command::BIO_ENROLLMENT | Command::BIO_ENROLLMENT_PREVIEW => {
                bio_enrollment::Request::parse(body).map(Self::BioEnrollment)
            }
            Command::CREDENTIAL_MANAGEMENT | Command::CREDENTIAL_MANAGEMENT_PREVIEW => {
                credential_management::Request::parse(body).map(Self::CredentialManagement)
            }
            Command::SELECTION => bare(body, Self::Selection),
            Command::LARGE_BLOBS => large_blobs::Request::parse(body).map(Self::LargeBlobs),
            Command::CONFIG => config::Request::parse(body).map(Self::Config),
            Command(_) => Err(Malformed::new(Status::INVALID_COMMAND, "the command is not supported")),
        }
    }

    /// The request as it goes to the transport.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(256);
        encoded.push(self.command().0);
        match self {
            Self::MakeCredential(request) => request.encode_into(&mut encoded),
            Self::GetAssertion(request) => request.encode_into(&mut encoded),
            Self::ClientPin(request) => request.encode_into(&mut encoded),
            Self::BioEnrollment(request) => request.encode_into(&mut encoded),
            Self::CredentialManagement(request) => request.encode_into(&mut encoded),
            Self::LargeBlobs(request) => request.encode_into(&mut encoded),
            Self::Config(request) => request.encode_into(&mut encoded),
            Self::GetInfo | Self::Reset | Self::GetNextAssertion | Self::Selection => {}
        }
        encoded
    }

    /// The request's command.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::MakeCredential(_) => Command::MAKE_CREDENTIAL,
            Self::GetAssertion(_) => Command::GET_ASSERTION,
            Self::GetInfo => Command::GET_INFO,
            Self::ClientPin(_) => Command::CLIENT_PIN,
            Self::Reset => Command::RESET,
            Self::GetNextAssertion => Command::GET_NEXT_ASSERTION,
            Self::BioEnrollment(_) => Command::BIO_ENROLLMENT,
            Self::CredentialManagement(_) => Command::CREDENTIAL_MANAGEMENT,
            Self::Selection => Command::SELECTION,
            Self::LargeBlobs(_) => Command::LARGE_BLOBS,
            Self::Config(_) => Command::CONFIG,
        }
    }
}

/// A command without parameters: anything that follows it is not part of the message.
fn bare(body: &[u8], request: Request) -> Result<Request, Malformed> {
    if body.is_empty() {
        Ok(request)
    } else {
        Err(Malformed::length("parameters to a command that has none"))
    }
}
