//! authenticatorMakeCredential (CTAP 2.3 §6.1.2). Step numbers in comments are those of that algorithm.

use latchkey_container::{
    Access, CredentialId, Error as ContainerError, NewPasskey, Passkey, PasskeyAlgorithm, Protection,
    UserAccount,
};
use latchkey_protocol::UserEntity;
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::make_credential::Request;
use sha2::{Digest, Sha256};

use crate::aaguid;
use crate::attestation::Enterprise;
use crate::engine::{Authenticator, Flow, Parameter, Pending, approved_in_time};
use crate::extensions::{Registering, large_blob_key};
use crate::gesture::Gesture;
use crate::get_info::MAX_CREDENTIALS_IN_LIST;
use crate::keys::cose_key;
use crate::status::Failure;
use crate::step::{Ambient, Answer, Notice, Operation, Prompt, Want};
use crate::user_verification::{Authorised, Evidence, Verification};

/// Discoverable passkeys that the container takes; getAssertion was measured with fewer.
pub(crate) const MAX_PASSKEYS: u32 = 100_000;

/// Discoverable passkeys of one relying party: far more accounts than a person has at one site, and few enough
/// that no site fills the container or makes a sign-in slow.
pub(crate) const MAX_PASSKEYS_PER_RP: usize = 64;

/// What the user is asked for.
pub(crate) enum Paused {
    /// Built-in user verification.
    Gesture(Registration),
    /// A touch, after which we tell that a passkey of the exclude list is here.
    Excluded,
    /// A touch, after which the passkey is made.
    Presence(Registration, Evidence),
}

/// A request whose parameters make sense.
pub(crate) struct Registration {
    request: Request,
    algorithm: PasskeyAlgorithm,
    extensions: Registering,
    enterprise: Option<Enterprise>,
}

impl Authenticator {
    pub(crate) fn make_credential(
        &mut self,
        request: Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let proof = match Self::parameter(request.pin_uv_auth_param.as_deref(), request.pin_uv_auth_protocol)?
        {
            Parameter::Empty => return Ok(Self::ask_bare_touch()),
            Parameter::Absent => None,
            Parameter::Present(proof) => Some(proof),
        };
        let algorithm = self.chosen_algorithm(&request.pub_key_cred_params)?;
        if request.options.up == Some(false) {
            return Err(Failure::InvalidOption);
        }
        let gesture = self.wants_gesture(proof.is_some(), request.options.uv, self.always_uv())?;
        let extensions = self.registering(&request)?;
        // Step 8, since makeCredUvNotRqd is false: who has a PIN is asked for it. A passkey that demands verification
        // opens with the authentication key alone, which there is from the first PIN on.
        let unverified = proof.is_none() && !gesture;
        if unverified && (self.container.has_pin() || extensions.protection() == Protection::Required) {
            return Err(Failure::TokenRequired);
        }
        let enterprise = self.enterprise(request.enterprise_attestation)?;
        if request.exclude_list.len() > MAX_CREDENTIALS_IN_LIST {
            return Err(Failure::ListTooLong);
        }
        let wanted = Authorised {
            permission: Permissions::MAKE_CREDENTIAL,
            rp_id: &request.rp.id,
            client_data_hash: &request.client_data_hash,
        };
        let verification = self.verification(proof, gesture, &wanted, ambient.uptime)?;
        let registration = Registration { request, algorithm, extensions, enterprise };
        match verification {
            Verification::Gesture => Ok(ask_gesture(registration, None)),
            Verification::Shown(evidence) => self.check_exclusions(registration, evidence, ambient),
        }
    }

    pub(crate) fn resume_make_credential(
        &mut self,
        paused: Paused,
        answer: Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        match paused {
            Paused::Gesture(registration) => match self.gesture(answer, ambient)? {
                Gesture::Again(notice) => Ok(ask_gesture(registration, Some(notice))),
                Gesture::Recognised(unlocked) => {
                    self.check_exclusions(registration, Evidence::of_gesture(unlocked), ambient)
                }
            },
            // Step 12: whether or not the touch came. Only a platform that no longer listens is told so.
            Paused::Excluded => match answer {
                Answer::Cancelled => Err(Failure::Cancelled),
                Answer::Approved
                | Answer::Pin(_)
                | Answer::Recognised(_)
                | Answer::Captured(_)
                | Answer::Denied
                | Answer::TimedOut => Err(Failure::Excluded),
            },
            Paused::Presence(registration, evidence) => {
                approved_in_time(&answer)?;
                self.register(&registration, &evidence, ambient).map(Flow::Done)
            }
        }
    }

    /// Step 12. What the user must be verified for is not here for a request that shows no verification.
    fn check_exclusions(
        &mut self,
        registration: Registration,
        evidence: Evidence,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let request = &registration.request;
        let excluded = self.first_of(&request.exclude_list, &request.rp.id, evidence.access())?.is_some();
        if excluded && evidence.is_present() {
            if evidence.token().is_some() {
                self.token.clear_user_present();
            }
            return Err(Failure::Excluded);
        }
        if excluded {
            let prompt = Prompt {
                operation: Operation::Excluded,
                rp_id: Some(request.rp.id.clone()),
                user: None,
                want: Want::Approval,
                notice: None,
            };
            return Ok(Flow::Ask(prompt, Pending::MakeCredential(Box::new(Paused::Excluded))));
        }
        if evidence.is_present() {
            return self.register(&registration, &evidence, ambient).map(Flow::Done);
        }
        let prompt = prompt(&registration, Want::Approval, None);
        Ok(Flow::Ask(prompt, Pending::MakeCredential(Box::new(Paused::Presence(registration, evidence)))))
    }

    /// Steps 14 to 19. One gesture makes one passkey, whatever becomes of it.
    fn register(
        &mut self,
        registration: &Registration,
        evidence: &Evidence,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let request = &registration.request;
        self.spend(evidence);
        let discoverable = request.options.rk == Some(true);
        if discoverable {
            self.make_sure_of_room(evidence.access(), &request.rp.id, &request.user.id)?;
        }
        let new = NewPasskey {
            rp_id: request.rp.id.clone(),
            user: account(&request.user),
            algorithm: registration.algorithm,
            discoverable,
            protection: registration.extensions.protection(),
            extensions: registration.extensions.kept(),
        };
        let passkey = self.container.register(evidence.access(), new, ambient.now, ambient.rng)?;
        let attested = self.respond(registration, &passkey, evidence, ambient);
        self.or_forget(evidence.access(), &passkey.id, attested)
    }

    /// The answer about a new passkey. If it failed, nobody will ever know the passkey's ID, so it must not stay.
    pub(crate) fn or_forget<T, E: From<ContainerError>>(
        &mut self,
        access: Access<'_>,
        id: &CredentialId,
        answer: Result<T, E>,
    ) -> Result<T, E> {
        if answer.is_err() {
            self.container.delete(access, id)?;
        }
        answer
    }

    /// Step 17. A passkey that takes the place of the account's older one needs no room.
    fn make_sure_of_room(
        &mut self,
        access: Access<'_>,
        rp_id: &str,
        user_handle: &[u8],
    ) -> Result<(), Failure> {
        let here = self.container.passkeys_for(access, rp_id)?;
        let replaces = here.iter().any(|passkey| passkey.user.handle == user_handle);
        if replaces
            || (here.len() < MAX_PASSKEYS_PER_RP && self.container.discoverable_count()? < MAX_PASSKEYS)
        {
            Ok(())
        } else {
            Err(Failure::StoreFull)
        }
    }

    fn respond(
        &mut self,
        registration: &Registration,
        passkey: &Passkey,
        evidence: &Evidence,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let request = &registration.request;
        let flags = evidence.flags(true);
        let auth_data = AuthenticatorData {
            rp_id_hash: Sha256::digest(&request.rp.id).into(),
            flags,
            sign_count: self.container.next_signature_count(&passkey.id)?,
            attested: Some(AttestedCredential {
                aaguid: aaguid::of(self.container.class()),
                credential_id: passkey.id.0.clone(),
                public_key: cose_key(&passkey.public_key),
            }),
            extensions: registration.extensions.outputs(passkey, flags, ambient.rng),
        }
        .encode();
        let access = evidence.access();
        let mut response =
            self.attest(request, registration.enterprise, passkey, auth_data, access, ambient)?;
        response.large_blob_key = large_blob_key::of(passkey);
        Ok(response.encode())
    }
}

fn ask_gesture(registration: Registration, notice: Option<Notice>) -> Flow {
    let prompt = prompt(&registration, Want::Pin, notice);
    Flow::Ask(prompt, Pending::MakeCredential(Box::new(Paused::Gesture(registration))))
}

fn prompt(registration: &Registration, want: Want, notice: Option<Notice>) -> Prompt {
    let Request { rp, user, .. } = &registration.request;
    let user = user.name.as_ref().or(user.display_name.as_ref()).cloned();
    Prompt { operation: Operation::Register, rp_id: Some(rp.id.clone()), user, want, notice }
}

/// Empty names are no names, and of long ones the beginning is kept: "authenticators MAY truncate" them
/// (§6.1.2), and a name must not make a later response longer than a message can be.
pub(crate) fn account(user: &UserEntity) -> UserAccount {
    let kept = |text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.is_empty())?;
        let (kept, _) = text.split_at(text.floor_char_boundary(LONGEST_NAME));
        Some(kept.to_owned())
    };
    UserAccount { handle: user.id.clone(), name: kept(&user.name), display_name: kept(&user.display_name) }
}

/// In bytes; the specification wants at least 64.
const LONGEST_NAME: usize = 255;
