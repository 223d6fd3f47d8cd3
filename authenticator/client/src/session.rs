//! One ceremony's conversation with the authenticator: getInfo first, then key agreement, token and silent look-ups
//! as needed (CTAP 2.3 §6.1.1, §6.2.1: what the platform does).

use latchkey_protocol::client_pin::{self, Permissions, SubCommand};
use latchkey_protocol::{
    CredentialDescriptor, Options, Request, ResponseError, Status, extensions, get_assertion, get_info,
};
use rand_core::CryptoRng;
use std::time::Duration;

use crate::client_data::Ceremony;
use crate::options::UserVerification;
use crate::pin_uv::{PinUvAuthToken, Protocol, SharedSecret};
use crate::{Authenticator, DomException, ErrorName};

/// The authenticator during one ceremony.
pub(crate) struct Session<'a> {
    authenticator: &'a mut dyn Authenticator,
    /// What it said about itself.
    pub(crate) info: get_info::Response,
}

/// How the user is verified in this ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Not at all.
    None,
    /// The option `uv` in the request itself.
    Option,
    /// Beforehand, by the authenticator, which hands out a token for it.
    Token,
}

/// What a request carries to show that the user is, or is to be, verified.
#[derive(Default)]
pub(crate) struct Proof {
    token: Option<PinUvAuthToken>,
    option: Option<bool>,
}

impl Proof {
    /// `pinUvAuthProtocol` and `pinUvAuthParam` over a message: in the ceremony's own requests, the client data hash.
    pub(crate) fn over(&self, message: &[u8]) -> (Option<u64>, Option<Vec<u8>>) {
        self.token.as_ref().map(|token| token.authenticate(message)).unzip()
    }

    /// The option `uv`.
    pub(crate) const fn option(&self) -> Option<bool> {
        self.option
    }
}

impl<'a> Session<'a> {
    /// Begins a ceremony.
    pub(crate) fn begin(
        authenticator: &'a mut dyn Authenticator,
        limit: Duration,
    ) -> Result<Self, DomException> {
        authenticator.ceremony_begins(limit);
        let info = get_info::Response::parse(&authenticator.transact(&Request::GetInfo.encode())?)?;
        Ok(Self { authenticator, info })
    }

    /// Sends a request and returns the raw response.
    pub(crate) fn transact(&mut self, request: &Request) -> Result<Vec<u8>, DomException> {
        let encoded = request.encode();
        // An authenticator that says nothing takes 1024 bytes (CTAP 2.3 §6.4, maxMsgSize).
        let limit = self.info.max_msg_size.unwrap_or(1024);
        if u64::try_from(encoded.len()).is_ok_and(|length| length > limit) {
            return Err(Status::REQUEST_TOO_LARGE.into());
        }
        Ok(self.authenticator.transact(&encoded)?)
    }

    /// Whether the authenticator has this extension.
    pub(crate) fn supports(&self, extension: &str) -> bool {
        self.info.extensions.iter().any(|name| name == extension)
    }

    /// Whether passkeys can have large blobs here (CTAP 2.3 §6.10.3).
    pub(crate) fn large_blobs(&self) -> bool {
        self.supports(extensions::name::LARGE_BLOB_KEY) && self.info.option("largeBlobs")
    }

    /// How the user will be verified.
    ///
    /// `needed` says that the ceremony will not work without, whatever the relying party wishes.
    pub(crate) fn verification(
        &self,
        ceremony: Ceremony,
        wish: UserVerification,
        needed: bool,
    ) -> Result<Verification, DomException> {
        let built_in = self.info.option("uv");
        let method = match (built_in, self.info.option("pinUvAuthToken")) {
            (true, true) => Some(Verification::Token),
            (true, false) => Some(Verification::Option),
            (false, _) => None,
        };
        let forced = needed || self.info.option("alwaysUv");
        match (wish, method) {
            (UserVerification::Discouraged, _) | (UserVerification::Preferred, None) if !forced => {
                Ok(Verification::None)
            }
            (_, Some(method)) => Ok(method),
            (wish, None) => Err(self.no_verification(ceremony, wish)),
        }
    }

    /// `create()` says "constraint" when user verification is required and there is none; `get()` must not tell
    /// (§5.1.3 and §5.1.4, tables of exceptions).
    fn no_verification(&self, ceremony: Ceremony, wish: UserVerification) -> DomException {
        let name = match (ceremony, wish) {
            (Ceremony::Create, UserVerification::Required) => ErrorName::ConstraintError,
            (Ceremony::Create, UserVerification::Preferred | UserVerification::Discouraged)
            | (Ceremony::Get, _) => ErrorName::NotAllowedError,
        };
        let message = if self.info.option("clientPin") {
            "The authenticator cannot verify the user by itself at the moment."
        } else {
            "No PIN is set. Run `latchkey pin set`, then try again."
        };
        DomException::new(name, message)
    }

    /// Has the user verified, as `verification` says; with a token, the authenticator asks now.
    pub(crate) fn prove(
        &mut self,
        verification: Verification,
        permissions: Permissions,
        rp_id: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Proof, DomException> {
        match verification {
            Verification::None => Ok(Proof::default()),
            Verification::Option => Ok(Proof { token: None, option: Some(true) }),
            Verification::Token => {
                let token = self.token(permissions, rp_id, rng)?;
                Ok(Proof { token: Some(token), option: None })
            }
        }
    }

    /// getPinUvAuthTokenUsingUvWithPermissions (CTAP 2.3 §6.5.5.7.3).
    fn token(
        &mut self,
        permissions: Permissions,
        rp_id: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<PinUvAuthToken, DomException> {
        let secret = self.shared_secret(rng)?;
        let response = self.client_pin(client_pin::Request {
            protocol: Some(secret.protocol().number()),
            key_agreement: Some(secret.platform_key.clone()),
            permissions: Some(permissions),
            rp_id: Some(rp_id.to_owned()),
            ..client_pin::Request::new(SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS)
        })?;
        let encrypted = response
            .pin_uv_auth_token
            .ok_or_else(|| DomException::unknown("The authenticator gave no token for a verified user."))?;
        PinUvAuthToken::decrypt(&secret, &encrypted)
    }

    /// Agrees on a secret. Each use has its own: an authenticator may change its key when a wrong PIN is typed, so a
    /// secret from before user verification can be worthless after it.
    pub(crate) fn shared_secret(&mut self, rng: &mut dyn CryptoRng) -> Result<SharedSecret, DomException> {
        let protocol = Protocol::preferred(&self.info.pin_uv_auth_protocols).ok_or_else(|| {
            DomException::unknown("The authenticator speaks no PIN/UV auth protocol that is known here.")
        })?;
        let response = self.client_pin(client_pin::Request {
            protocol: Some(protocol.number()),
            ..client_pin::Request::new(SubCommand::GET_KEY_AGREEMENT)
        })?;
        let key = response
            .key_agreement
            .ok_or_else(|| DomException::unknown("The authenticator gave no key-agreement key."))?;
        SharedSecret::encapsulate(protocol, &key, rng)
    }

    fn client_pin(&mut self, request: client_pin::Request) -> Result<client_pin::Response, DomException> {
        let response = self.transact(&Request::ClientPin(request))?;
        Ok(client_pin::Response::parse(&response)?)
    }

    /// How many credentials go into one list. An authenticator that does not say takes at least one.
    pub(crate) fn batch(&self) -> usize {
        self.info
            .max_credential_count_in_list
            .and_then(|count| usize::try_from(count).ok())
            .map_or(1, |count| count.max(1))
    }

    /// The credentials that can be on this authenticator at all: no id is longer than its longest.
    pub(crate) fn plausible(&self, credentials: &[CredentialDescriptor]) -> Vec<CredentialDescriptor> {
        let longest = self.info.max_credential_id_length.and_then(|length| usize::try_from(length).ok());
        credentials
            .iter()
            .filter(|credential| longest.is_none_or(|longest| credential.id.len() <= longest))
            .cloned()
            .collect()
    }

    /// The first of these credentials that is on the authenticator, without asking the user for presence.
    ///
    /// What is signed on the way is of no use to anybody: the hash is of no client data.
    pub(crate) fn find(
        &mut self,
        rp_id: &str,
        credentials: &[CredentialDescriptor],
        proof: &Proof,
    ) -> Result<Option<CredentialDescriptor>, DomException> {
        const NO_CLIENT_DATA: [u8; 32] = [0; 32];
        for batch in credentials.chunks(self.batch()) {
            let (pin_uv_auth_protocol, pin_uv_auth_param) = proof.over(&NO_CLIENT_DATA);
            let response = self.transact(&Request::GetAssertion(get_assertion::Request {
                rp_id: rp_id.to_owned(),
                client_data_hash: NO_CLIENT_DATA,
                allow_list: Some(batch.to_vec()),
                extensions: extensions::AuthenticationExtensions::default(),
                options: Options { rk: None, up: Some(false), uv: None },
                pin_uv_auth_param,
                pin_uv_auth_protocol,
            }))?;
            match get_assertion::Response::parse(&response) {
                Ok(found) => return used(found.credential, batch).map(Some),
                Err(ResponseError::Refused(Status::NO_CREDENTIALS | Status::INVALID_CREDENTIAL)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// The credential that signed: it may go unnamed when there was only one to choose from (CTAP 2.3 §6.2.2), and it must
/// be one of those that were allowed.
pub(crate) fn used(
    named: Option<CredentialDescriptor>,
    allowed: &[CredentialDescriptor],
) -> Result<CredentialDescriptor, DomException> {
    let credential = match (named, allowed) {
        (Some(named), _) => Some(named),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    credential
        .filter(|used| allowed.is_empty() || allowed.iter().any(|credential| credential.id == used.id))
        .ok_or_else(|| {
            DomException::unknown("The authenticator signed with a credential that was not asked for.")
        })
}
