//! authenticatorMakeCredential (CTAP 2.3 §6.1.2). Step numbers in comments are those of that algorithm.

use std::sync::Arc;

use latchkey_container::{CredentialId, NewPasskey, Passkey, PasskeyAlgorithm, Unlocked, UserAccount};
use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::make_credential::{Request, Response};
use latchkey_protocol::{CredentialParameter, UserEntity};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use crate::aaguid;
use crate::engine::{Authenticator, Flow, Parameter, Pending, approved_in_time};
use crate::extensions::{Registering, large_blob_key};
use crate::gesture::Gesture;
use crate::get_info::MAX_CREDENTIALS_IN_LIST;
use crate::keys::{cose_algorithm, cose_key, key_algorithm};
use crate::status::Failure;
use crate::step::{Ambient, Answer, Notice, Operation, Prompt, Want};
use crate::token::Scope;

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
    Presence(Registration, Arc<Unlocked>),
}

/// A request whose parameters make sense.
pub(crate) struct Registration {
    request: Request,
    algorithm: PasskeyAlgorithm,
    extensions: Registering,
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
        let algorithm = chosen_algorithm(&request.pub_key_cred_params)?;
        // Step 5: with a pinUvAuthParam, uv counts as false.
        if proof.is_none() && request.options.uv == Some(true) && !self.container.has_pin() {
            return Err(Failure::InvalidOption);
        }
        if request.options.up == Some(false) {
            return Err(Failure::InvalidOption);
        }
        // Step 6, alwaysUv: without a PIN nothing can verify the user, and clientPin is how to set one.
        if !self.container.has_pin() {
            return Err(Failure::TokenRequired);
        }
        // Step 9: no enterprise attestation here.
        if request.enterprise_attestation.is_some() {
            return Err(Failure::BadParameter);
        }
        if request.exclude_list.len() > MAX_CREDENTIALS_IN_LIST {
            return Err(Failure::ListTooLong);
        }
        let extensions = self.registering(&request)?;
        // Step 11.1.
        let authorised = match proof {
            Some(proof) => {
                let scope = Scope::Bind(&request.rp.id);
                let permission = Permissions::MAKE_CREDENTIAL;
                let unlocked = self.token.authorise(proof, &[&request.client_data_hash], permission, scope);
                Some(unlocked.ok_or(Failure::TokenRefused)?)
            }
            None => None,
        };
        let registration = Registration { request, algorithm, extensions };
        // Steps 6.3 and 11.2: alwaysUv turns an absent uv into true.
        let Some(unlocked) = authorised else {
            self.pin_can_be_tried()?;
            return Ok(ask_gesture(registration, None));
        };
        let present = self.token.user_present(ambient.uptime);
        self.check_exclusions(registration, unlocked, present, ambient)
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
                // The gesture is evidence of user presence too (step 13).
                Gesture::Recognised(unlocked) => {
                    self.check_exclusions(registration, Arc::new(unlocked), true, ambient)
                }
            },
            // Step 12: whether or not the touch came. Only a platform that no longer listens is told so.
            Paused::Excluded => match answer {
                Answer::Cancelled => Err(Failure::Cancelled),
                Answer::Approved
                | Answer::Pin(_)
                | Answer::Recognised(_)
                | Answer::Denied
                | Answer::TimedOut => Err(Failure::Excluded),
            },
            Paused::Presence(registration, unlocked) => {
                approved_in_time(&answer)?;
                self.register(&registration, &unlocked, ambient).map(Flow::Done)
            }
        }
    }

    /// Step 12. The user is verified whenever we get here, so credProtect hides nothing.
    fn check_exclusions(
        &mut self,
        registration: Registration,
        unlocked: Arc<Unlocked>,
        present: bool,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let request = &registration.request;
        for descriptor in request.exclude_list.iter().filter(|descriptor| descriptor.is_public_key()) {
            let found = self.container.passkey(&unlocked, &CredentialId(descriptor.id.clone()))?;
            if found.is_some_and(|passkey| passkey.rp_id == request.rp.id) {
                if present {
                    if request.pin_uv_auth_param.is_some() {
                        self.token.clear_user_present();
                    }
                    return Err(Failure::Excluded);
                }
                let prompt = Prompt {
                    operation: Operation::Excluded,
                    rp_id: Some(request.rp.id.clone()),
                    user: None,
                    want: Want::Approval,
                    notice: None,
                };
                return Ok(Flow::Ask(prompt, Pending::MakeCredential(Box::new(Paused::Excluded))));
            }
        }
        if present {
            return self.register(&registration, &unlocked, ambient).map(Flow::Done);
        }
        let prompt = prompt(&registration, Want::Approval, None);
        Ok(Flow::Ask(prompt, Pending::MakeCredential(Box::new(Paused::Presence(registration, unlocked)))))
    }

    /// Steps 14 to 19. One gesture makes one passkey, whatever becomes of it.
    fn register(
        &mut self,
        registration: &Registration,
        unlocked: &Unlocked,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let request = &registration.request;
        self.spend(request.pin_uv_auth_param.as_deref());
        let discoverable = request.options.rk == Some(true);
        if discoverable {
            self.make_sure_of_room(unlocked, &request.rp.id, &request.user.id)?;
        }
        let new = NewPasskey {
            rp_id: request.rp.id.clone(),
            user: account(&request.user),
            algorithm: registration.algorithm,
            discoverable,
            protection: registration.extensions.protection(),
            extensions: registration.extensions.kept(),
        };
        let passkey = self.container.register(unlocked, new, ambient.now, ambient.rng)?;
        let attested = self.attest(registration, &passkey, unlocked, ambient.rng);
        if attested.is_err() {
            // Nobody will ever know the ID of this passkey, so it must not stay.
            self.container.delete(unlocked, &passkey.id)?;
        }
        attested
    }

    /// Step 17. A passkey that takes the place of the account's older one needs no room.
    fn make_sure_of_room(
        &mut self,
        unlocked: &Unlocked,
        rp_id: &str,
        user_handle: &[u8],
    ) -> Result<(), Failure> {
        let here = self.container.passkeys_for(unlocked, rp_id)?;
        let replaces = here.iter().any(|passkey| passkey.user.handle == user_handle);
        if replaces
            || (here.len() < MAX_PASSKEYS_PER_RP && self.container.discoverable_count()? < MAX_PASSKEYS)
        {
            Ok(())
        } else {
            Err(Failure::StoreFull)
        }
    }

    fn attest(
        &mut self,
        registration: &Registration,
        passkey: &Passkey,
        unlocked: &Unlocked,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, Failure> {
        let request = &registration.request;
        let flags = Flags::UP | Flags::UV;
        let auth_data = AuthenticatorData {
            rp_id_hash: Sha256::digest(&request.rp.id).into(),
            flags,
            sign_count: self.container.next_signature_count(&passkey.id)?,
            attested: Some(AttestedCredential {
                aaguid: aaguid::of(self.container.class()),
                credential_id: passkey.id.0.clone(),
                public_key: cose_key(&passkey.public_key),
            }),
            extensions: registration.extensions.outputs(passkey, flags, rng),
        }
        .encode();
        // Step 17: "none" only where it is preferred to all formats that we have.
        let preferred = request.attestation_formats_preference.iter();
        let statement = match preferred.map(String::as_str).find(|format| ["packed", "none"].contains(format))
        {
            Some("none") => AttestationStatement::None,
            Some(_) | None => AttestationStatement::PackedSelf {
                alg: cose_algorithm(registration.algorithm),
                sig: self.container.sign(unlocked, passkey, &[&auth_data, &request.client_data_hash])?.bytes,
            },
        };
        let mut response = Response::new(auth_data, statement);
        response.large_blob_key = large_blob_key::of(passkey);
        Ok(response.encode())
    }
}

/// Step 3: the first algorithm of the request that we can make.
fn chosen_algorithm(parameters: &[CredentialParameter]) -> Result<PasskeyAlgorithm, Failure> {
    let mut known = parameters.iter().filter(|parameter| parameter.is_public_key());
    known.find_map(|parameter| key_algorithm(parameter.alg)).ok_or(Failure::UnsupportedAlgorithm)
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
