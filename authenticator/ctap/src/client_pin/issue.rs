//! Issuing pinUvAuthTokens (CTAP 2.3 §6.5.5.7): for the PIN that the platform collected, or for a gesture
//! here.

use latchkey_container::{Error as ContainerError, Unlocked};
use latchkey_protocol::client_pin::{Permissions, Request, Response};
use latchkey_protocol::cose::KeyAgreement;

use crate::client_pin::{open_pin_hash, supported};
use crate::engine::{Authenticator, Flow, Pending, approved_in_time};
use crate::gesture::Gesture;
use crate::pin_protocol::SharedSecret;
use crate::status::Failure;
use crate::step::{Ambient, Answer, Notice, Operation, Prompt, Want};
use crate::token::Grant;

/// Permissions of getPinToken, which names none (§6.5.5.7.1).
const DEFAULT_PERMISSIONS: Permissions =
    Permissions(Permissions::MAKE_CREDENTIAL.0 | Permissions::GET_ASSERTION.0);
/// What getInfo advertises the options for.
const SUPPORTED: Permissions = Permissions(
    DEFAULT_PERMISSIONS.0
        | Permissions::CREDENTIAL_MANAGEMENT.0
        | Permissions::BIO_ENROLLMENT.0
        | Permissions::LARGE_BLOB_WRITE.0
        | Permissions::AUTHENTICATOR_CONFIGURATION.0
        | PERSISTENT.0,
);
/// Of another token, which outlives this one; so it is asked for alone.
const PERSISTENT: Permissions = Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;

/// Permissions that are for one relying party, which the request must therefore name.
const FOR_ONE_RP: Permissions = DEFAULT_PERMISSIONS;

/// A token that waits for the user.
pub(crate) struct Paused {
    grant: Grant,
    shared: SharedSecret,
    wait: Wait,
}

/// What the user must still give.
enum Wait {
    /// Consent to the permissions; the PIN is here, and is not tried before. `superseded`: by getPinToken.
    Consent { pin_hash_enc: Vec<u8>, superseded: bool },
    /// The gesture. `again`: a wrong PIN was typed already.
    Gesture { again: bool },
}

impl Authenticator {
    /// getPinToken (§6.5.5.7.1). A token without a relying party gets that of its first use.
    pub(crate) fn pin_token(&mut self, request: &Request) -> Result<Flow, Failure> {
        let (protocol, point, pin_hash_enc) = mandatory(request)?;
        let protocol = supported(protocol)?;
        if request.permissions.is_some() || request.rp_id.is_some() {
            return Err(Failure::BadParameter);
        }
        let grant = Grant { protocol, permissions: DEFAULT_PERMISSIONS, rp_id: None, user_is_present: false };
        self.ask_consent(grant, point, pin_hash_enc, true)
    }

    /// getPinUvAuthTokenUsingPinWithPermissions (§6.5.5.7.2).
    pub(crate) fn token_using_pin(&mut self, request: &Request) -> Result<Flow, Failure> {
        let (protocol, point, pin_hash_enc) = mandatory(request)?;
        let permissions = request.permissions.ok_or(Failure::MissingParameter)?;
        let protocol = supported(protocol)?;
        let permissions = self.granted(permissions, request.rp_id.as_deref())?;
        let rp_id = request.rp_id.clone();
        let grant = Grant { protocol, permissions, rp_id, user_is_present: false };
        self.ask_consent(grant, point, pin_hash_enc, false)
    }

    /// Steps 5 to 7: we have a display, so nobody gets a token, or tries a PIN, behind the user's back.
    fn ask_consent(
        &mut self,
        grant: Grant,
        point: &KeyAgreement,
        pin_hash_enc: &[u8],
        superseded: bool,
    ) -> Result<Flow, Failure> {
        self.pin_can_be_tried()?;
        let shared = self.shared_secret(grant.protocol, point)?;
        self.prepare_enrolment(grant.permissions);
        let wait = Wait::Consent { pin_hash_enc: pin_hash_enc.to_vec(), superseded };
        Ok(ask(Paused { grant, shared, wait }, None))
    }

    /// getPinUvAuthTokenUsingUvWithPermissions (§6.5.5.7.3).
    pub(crate) fn token_using_gesture(&mut self, request: &Request) -> Result<Flow, Failure> {
        let (Some(protocol), Some(point), Some(permissions)) =
            (request.protocol, &request.key_agreement, request.permissions)
        else {
            return Err(Failure::MissingParameter);
        };
        let protocol = supported(protocol)?;
        let permissions = self.granted(permissions, request.rp_id.as_deref())?;
        if !self.container.has_pin() {
            return Err(Failure::GestureNotConfigured);
        }
        self.pin_can_be_tried().map_err(gesture_blocked)?;
        let shared = self.shared_secret(protocol, point)?;
        self.prepare_enrolment(permissions);
        let grant = Grant { protocol, permissions, rp_id: request.rp_id.clone(), user_is_present: true };
        Ok(ask(Paused { grant, shared, wait: Wait::Gesture { again: false } }, None))
    }

    pub(crate) fn resume_token(
        &mut self,
        paused: Paused,
        answer: Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let Paused { grant, shared, wait } = paused;
        match wait {
            // Steps 7 to 11.
            Wait::Consent { pin_hash_enc, superseded } => {
                approved_in_time(&answer)?;
                let pin_hash = open_pin_hash(&shared, &pin_hash_enc, ambient.rng);
                let (now, rng) = (ambient.now, &mut *ambient.rng);
                let outcome = self.try_pin(|container| container.unlock(&pin_hash, now, rng));
                let unlocked = match self.checked(grant.protocol, outcome, ambient.rng) {
                    Err(Failure::Container(ContainerError::PinOverdue(_))) if superseded => {
                        return Err(Failure::PinMustChange);
                    }
                    outcome => outcome?,
                };
                self.issue(grant, &shared, unlocked, ambient).map(Flow::Done)
            }
            // A finger must not let in another: the driver offers none here.
            Wait::Gesture { .. }
                if matches!(answer, Answer::Recognised(_))
                    && grant.permissions.intersects(Permissions::BIO_ENROLLMENT) =>
            {
                Ok(ask(Paused { grant, shared, wait }, Some(Notice::PinNeeded)))
            }
            Wait::Gesture { again } => match self.gesture(answer, ambient) {
                Ok(Gesture::Recognised(unlocked)) => {
                    self.issue(grant, &shared, unlocked, ambient).map(Flow::Done)
                }
                Ok(Gesture::Again(notice)) => {
                    Ok(ask(Paused { grant, shared, wait: Wait::Gesture { again: true } }, Some(notice)))
                }
                // Step 10: here, unlike in makeCredential, no tries left is UV_BLOCKED, and giving up after a
                // wrong PIN is UV_INVALID; giving up at once declines the consent of step 8.
                Err(Failure::Denied) if again => Err(Failure::GestureInvalid),
                Err(failure) => Err(gesture_blocked(failure)),
            },
        }
    }

    /// Steps 3, 4 and 15: undefined permissions are ignored, and fingers want a sensor. That mc and ga need an RP ID stands
    /// in the list of permissions (§6.5.5.7), not in the steps: without one it is a mandatory parameter that is missing.
    fn granted(&self, requested: Permissions, rp_id: Option<&str>) -> Result<Permissions, Failure> {
        if requested.is_empty() {
            return Err(Failure::BadParameter);
        }
        if requested.intersects(Permissions::BIO_ENROLLMENT) && self.fingerprint_sensor().is_none() {
            return Err(Failure::PermissionUnsupported);
        }
        let requested = requested & SUPPORTED;
        if requested.contains(PERSISTENT) && requested != PERSISTENT {
            return Err(Failure::PermissionUnsupported);
        }
        if requested.intersects(FOR_ONE_RP) && rp_id.is_none() {
            return Err(Failure::MissingParameter);
        }
        Ok(requested)
    }

    /// Answers the token, encrypted: the persistent one (step 12 for the PIN, 11 for a gesture), or a new one, which ends
    /// the one that there was.
    fn issue(
        &mut self,
        grant: Grant,
        shared: &SharedSecret,
        unlocked: Unlocked,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let (now, rng) = (ambient.uptime, &mut *ambient.rng);
        let encrypted = if grant.permissions == PERSISTENT {
            let token = self.container.grant_persistent_token(&unlocked, rng)?;
            shared.encrypt(token.expose(), rng)
        } else {
            let token = self.token.begin(grant, unlocked, now, rng);
            shared.encrypt(token, rng)
        };
        self.continuations.observe(now, self.token.id());
        Ok(Response { pin_uv_auth_token: Some(encrypted), ..Response::default() }.encode())
    }
}

/// What both subcommands with a PIN cannot do without (step 1).
fn mandatory(request: &Request) -> Result<(u64, &KeyAgreement, &[u8]), Failure> {
    match (request.protocol, &request.key_agreement, &request.pin_hash_enc) {
        (Some(protocol), Some(point), Some(pin_hash_enc)) => Ok((protocol, point, pin_hash_enc)),
        _ => Err(Failure::MissingParameter),
    }
}

/// No try is left, in the words of built-in user verification (steps 7 and 10.2).
fn gesture_blocked(failure: Failure) -> Failure {
    if matches!(failure, Failure::PinBlocked | Failure::PinBlockedUntilPowerUp) {
        Failure::GestureBlocked
    } else {
        failure
    }
}

/// A consent speaks of the application and not of the operation: that is asked for when it comes, by name.
fn ask(paused: Paused, notice: Option<Notice>) -> Flow {
    let want = match paused.wait {
        Wait::Consent { .. } => Want::Approval,
        Wait::Gesture { .. } => Want::Pin,
    };
    let operation = match (paused.grant.permissions, want) {
        // Who may enrol a finger may do everything that a finger opens.
        (permissions, _) if permissions.intersects(Permissions::BIO_ENROLLMENT) => Operation::ManageFingers,
        (Permissions::CREDENTIAL_MANAGEMENT, _) => Operation::Manage,
        (Permissions::AUTHENTICATOR_CONFIGURATION, _) => Operation::Configure,
        (PERSISTENT, _) => Operation::KeepListing,
        (Permissions::MAKE_CREDENTIAL, Want::Pin) => Operation::Register,
        (Permissions::GET_ASSERTION, Want::Pin) => Operation::SignIn,
        (Permissions(_), Want::Pin | Want::Approval | Want::Insistence) => Operation::Verify,
    };
    let prompt = Prompt { operation, rp_id: paused.grant.rp_id.clone(), user: None, want, notice };
    Flow::Ask(prompt, Pending::Token(Box::new(paused)))
}
