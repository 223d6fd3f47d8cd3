//! Issuing pinUvAuthTokens (CTAP 2.3 §6.5.5.7): for the PIN that the platform collected, or for a gesture
//! here.

use std::time::Duration;

use latchkey_container::Unlocked;
use latchkey_protocol::client_pin::{Permissions, Request, Response};
use rand_core::CryptoRng;

use crate::client_pin::{open_pin_hash, supported};
use crate::engine::{Authenticator, Flow, Pending};
use crate::gesture::Gesture;
use crate::pin_protocol::SharedSecret;
use crate::status::Failure;
use crate::step::{Ambient, Answer, Notice, Operation, Prompt, Want};
use crate::token::Grant;

/// Permissions of getPinToken, which names none (§6.5.5.7.1).
const DEFAULT_PERMISSIONS: Permissions =
    Permissions(Permissions::MAKE_CREDENTIAL.0 | Permissions::GET_ASSERTION.0);
/// What getInfo advertises the options for.
const SUPPORTED: Permissions = Permissions(DEFAULT_PERMISSIONS.0 | Permissions::CREDENTIAL_MANAGEMENT.0);
/// What the specification defines but this authenticator does not do. Undefined permissions are ignored.
const UNSUPPORTED: Permissions = Permissions(
    Permissions::BIO_ENROLLMENT.0
        | Permissions::LARGE_BLOB_WRITE.0
        | Permissions::AUTHENTICATOR_CONFIGURATION.0
        | Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY.0,
);

/// A token that the user must still make the gesture for.
pub(crate) struct Paused {
    grant: Grant,
    shared: SharedSecret,
    /// Whether a wrong PIN was typed already.
    again: bool,
}

impl Authenticator {
    /// getPinToken (§6.5.5.7.1). A token without a relying party gets that of its first use.
    pub(crate) fn pin_token(
        &mut self,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        if request.protocol.is_none() || request.key_agreement.is_none() || request.pin_hash_enc.is_none() {
            return Err(Failure::MissingParameter);
        }
        supported(request.protocol.unwrap_or_default())?;
        if request.permissions.is_some() || request.rp_id.is_some() {
            return Err(Failure::BadParameter);
        }
        self.issue_for_pin(request, DEFAULT_PERMISSIONS, ambient)
    }

    /// getPinUvAuthTokenUsingPinWithPermissions (§6.5.5.7.2).
    pub(crate) fn token_using_pin(
        &mut self,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let Some(permissions) = request.permissions else {
            return Err(Failure::MissingParameter);
        };
        if request.protocol.is_none() || request.key_agreement.is_none() || request.pin_hash_enc.is_none() {
            return Err(Failure::MissingParameter);
        }
        supported(request.protocol.unwrap_or_default())?;
        self.issue_for_pin(request, granted(permissions)?, ambient)
    }

    /// Deviation: "if the authenticator has a display, request user consent" (step 7) waits until the token
    /// is used: there the prompt can name what is going to happen, and one prompt is read where two are
    /// clicked away.
    fn issue_for_pin(
        &mut self,
        request: &Request,
        permissions: Permissions,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let (Some(protocol), Some(point), Some(pin_hash_enc)) =
            (request.protocol, &request.key_agreement, &request.pin_hash_enc)
        else {
            return Err(Failure::MissingParameter);
        };
        let protocol = supported(protocol)?;
        self.pin_can_be_tried()?;
        let shared = self.shared_secret(protocol, point)?;
        let pin_hash = open_pin_hash(&shared, pin_hash_enc, ambient.rng);
        let outcome = self.container.unlock(&pin_hash);
        let unlocked = self.checked(protocol, outcome, ambient.rng)?;
        let grant = Grant { protocol, permissions, rp_id: request.rp_id.clone(), user_is_present: false };
        Ok(self.issue(grant, &shared, unlocked, ambient.uptime, ambient.rng))
    }

    /// getPinUvAuthTokenUsingUvWithPermissions (§6.5.5.7.3).
    pub(crate) fn token_using_gesture(&mut self, request: &Request) -> Result<Flow, Failure> {
        let (Some(protocol), Some(point), Some(permissions)) =
            (request.protocol, &request.key_agreement, request.permissions)
        else {
            return Err(Failure::MissingParameter);
        };
        let protocol = supported(protocol)?;
        let permissions = granted(permissions)?;
        if !self.container.has_pin() {
            return Err(Failure::GestureNotConfigured);
        }
        if self.gesture_tries()? == 0 {
            return Err(Failure::GestureBlocked);
        }
        let shared = self.shared_secret(protocol, point)?;
        let grant = Grant { protocol, permissions, rp_id: request.rp_id.clone(), user_is_present: true };
        Ok(ask(Paused { grant, shared, again: false }, None))
    }

    pub(crate) fn resume_token(
        &mut self,
        paused: Paused,
        answer: Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        match self.gesture(answer) {
            Ok(Gesture::Recognised(unlocked)) => {
                let Paused { grant, shared, .. } = paused;
                Ok(Flow::Done(self.issue(grant, &shared, unlocked, ambient.uptime, ambient.rng)))
            }
            Ok(Gesture::Again(notice)) => Ok(ask(Paused { again: true, ..paused }, Some(notice))),
            // Step 10: here, unlike in makeCredential, no tries left is UV_BLOCKED, and giving up after a
            // wrong PIN is UV_INVALID; giving up at once declines the consent of step 8.
            Err(Failure::PinBlocked | Failure::PinBlockedUntilPowerUp) => Err(Failure::GestureBlocked),
            Err(Failure::Denied) if paused.again => Err(Failure::GestureInvalid),
            Err(failure) => Err(failure),
        }
    }

    /// Ends every token there was and answers the new one, encrypted.
    fn issue(
        &mut self,
        grant: Grant,
        shared: &SharedSecret,
        unlocked: Unlocked,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let token = self.token.begin(grant, unlocked, now, rng);
        let encrypted = shared.encrypt(token, rng);
        self.continuations.observe(now, self.token.id());
        Response { pin_uv_auth_token: Some(encrypted), ..Response::default() }.encode()
    }
}

/// Steps 3, 4 and 15.
fn granted(requested: Permissions) -> Result<Permissions, Failure> {
    if requested.is_empty() {
        return Err(Failure::BadParameter);
    }
    if requested.intersects(UNSUPPORTED) {
        return Err(Failure::PermissionUnsupported);
    }
    Ok(requested & SUPPORTED)
}

fn ask(paused: Paused, notice: Option<Notice>) -> Flow {
    let operation = match paused.grant.permissions {
        Permissions::MAKE_CREDENTIAL => Operation::Register,
        Permissions::GET_ASSERTION => Operation::SignIn,
        Permissions::CREDENTIAL_MANAGEMENT => Operation::Manage,
        Permissions(_) => Operation::Verify,
    };
    let prompt = Prompt { operation, rp_id: paused.grant.rp_id.clone(), user: None, want: Want::Pin, notice };
    Flow::Ask(prompt, Pending::Token(Box::new(paused)))
}
