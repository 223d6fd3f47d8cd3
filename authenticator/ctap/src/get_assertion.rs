//! authenticatorGetAssertion (CTAP 2.3 §6.2.2) and authenticatorGetNextAssertion (§6.3). Step numbers in
//! comments are those of §6.2.2.

use latchkey_container::{Access, CredentialId, Passkey, Protection};
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::get_assertion::{Request, Response};
use latchkey_protocol::{CredentialDescriptor, UserEntity};
use sha2::{Digest, Sha256};

use crate::continuation::{Continuation, take_up};
use crate::engine::{Authenticator, Flow, Parameter, Pending, approved_in_time};
use crate::extensions::Asserting;
use crate::gesture::Gesture;
use crate::get_info::MAX_CREDENTIALS_IN_LIST;
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Notice, Operation, Prompt, Want};
use crate::user_verification::{Authorised, Evidence, Verification};

/// What the user is asked for.
pub(crate) enum Paused {
    /// Built-in user verification.
    Gesture(Request),
    /// A touch, after which the first of these passkeys signs.
    Presence(Candidates),
}

/// A request, who may answer it, and what has been shown of the user.
pub(crate) struct Candidates {
    request: Request,
    evidence: Evidence,
    passkeys: Vec<Passkey>,
}

/// What the assertions of one request have in common, and the passkeys that are still to sign.
pub(crate) struct Assertions {
    rp_id_hash: [u8; 32],
    client_data_hash: [u8; 32],
    flags: Flags,
    evidence: Evidence,
    extensions: Asserting,
    /// Whether there are several accounts to tell apart.
    several: bool,
    rest: std::vec::IntoIter<CredentialId>,
}

impl Authenticator {
    pub(crate) fn get_assertion(
        &mut self,
        channel: ChannelId,
        request: Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let proof = match Self::parameter(request.pin_uv_auth_param.as_deref(), request.pin_uv_auth_protocol)?
        {
            Parameter::Empty => return Ok(Self::ask_bare_touch()),
            Parameter::Absent => None,
            Parameter::Present(proof) => Some(proof),
        };
        // Step 4: rk is not an option of this command.
        if request.options.rk.is_some() {
            return Err(Failure::UnsupportedOption);
        }
        let up = request.options.up != Some(false);
        // Step 5: alwaysUv is about requests with user presence.
        let gesture = self.wants_gesture(proof.is_some(), request.options.uv, up && self.always_uv())?;
        if request.allow_list.as_ref().is_some_and(|list| list.len() > MAX_CREDENTIALS_IN_LIST) {
            return Err(Failure::ListTooLong);
        }
        let wanted = Authorised {
            permission: Permissions::GET_ASSERTION,
            rp_id: &request.rp_id,
            client_data_hash: &request.client_data_hash,
        };
        let evidence = match self.verification(proof, gesture, &wanted, ambient.uptime)? {
            Verification::Gesture => return Ok(ask_gesture(request, None)),
            Verification::Shown(evidence) => evidence,
        };
        let candidates = self.locate(request, evidence)?;
        if !up {
            return self.assert(channel, candidates, false, ambient).map(Flow::Done);
        }
        if candidates.evidence.is_present() {
            return self.assert_present(channel, candidates, ambient).map(Flow::Done);
        }
        let prompt = prompt(&candidates.request, candidates.only_user(), Want::Approval, None);
        Ok(Flow::Ask(prompt, Pending::GetAssertion(Box::new(Paused::Presence(candidates)))))
    }

    pub(crate) fn resume_get_assertion(
        &mut self,
        channel: ChannelId,
        paused: Paused,
        answer: Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        match paused {
            Paused::Gesture(request) => match self.gesture(answer, ambient)? {
                Gesture::Again(notice) => Ok(ask_gesture(request, Some(notice))),
                // It is evidence of user presence, also where `up` was false.
                Gesture::Recognised(unlocked) => {
                    let candidates = self.locate(request, Evidence::of_gesture(unlocked))?;
                    self.assert_present(channel, candidates, ambient).map(Flow::Done)
                }
            },
            Paused::Presence(candidates) => {
                approved_in_time(&answer)?;
                self.assert_present(channel, candidates, ambient).map(Flow::Done)
            }
        }
    }

    pub(crate) fn get_next_assertion(
        &mut self,
        channel: ChannelId,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        take_up(&mut self.continuations.assertions, channel, ambient.uptime)?;
        // Out of its slot while it is used: what fails is not continued.
        let mut state = self.continuations.assertions.take().ok_or(Failure::NothingPending)?;
        let assertions = state.rest_mut();
        let id = assertions.rest.next().ok_or(Failure::NothingPending)?;
        let passkey =
            self.container.passkey(assertions.evidence.access(), &id)?.ok_or(Failure::NoCredentials)?;
        let response = self.sign_assertion(assertions, passkey, None, ambient)?;
        if !assertions.rest.as_slice().is_empty() {
            self.continuations.assertions = Some(state);
        }
        Ok(response)
    }

    /// Step 7. Without user verification, credProtect hides a passkey at level 2 unless it is named, and at level 3 always:
    /// of the verified class none is here then.
    fn locate(&mut self, request: Request, evidence: Evidence) -> Result<Candidates, Failure> {
        // Platforms must not send an empty list; one that does means "no list".
        let allow_list = request.allow_list.as_deref().filter(|list| !list.is_empty());
        let mut passkeys = match allow_list {
            None => self.container.passkeys_for(evidence.access(), &request.rp_id)?,
            Some(list) => self.first_of(list, &request.rp_id, evidence.access())?.into_iter().collect(),
        };
        if allow_list.is_none() && !evidence.is_verified() {
            passkeys.retain(|passkey| passkey.protection == Protection::Optional);
        }
        if passkeys.is_empty() {
            return Err(Failure::NoCredentials);
        }
        Ok(Candidates { request, evidence, passkeys })
    }

    /// The first passkey of a list that is here for this relying party; by its hash, because U2F's keys know no more. From
    /// an allow list one is as good as another (step 11).
    pub(crate) fn first_of(
        &mut self,
        list: &[CredentialDescriptor],
        rp_id: &str,
        access: Access<'_>,
    ) -> Result<Option<Passkey>, Failure> {
        let rp_id_hash: [u8; 32] = Sha256::digest(rp_id).into();
        for descriptor in list.iter().filter(|descriptor| descriptor.is_public_key()) {
            let found = self.container.passkey(access, &CredentialId(descriptor.id.clone()))?;
            if let Some(passkey) = found.filter(|passkey| passkey.rp_id_hash() == rp_id_hash) {
                return Ok(Some(passkey));
            }
        }
        Ok(None)
    }

    /// Step 9: one gesture or touch serves one request.
    fn assert_present(
        &mut self,
        channel: ChannelId,
        candidates: Candidates,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        self.spend(&candidates.evidence);
        self.assert(channel, candidates, true, ambient)
    }

    /// Steps 10 to 13.
    fn assert(
        &mut self,
        channel: ChannelId,
        candidates: Candidates,
        present: bool,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        // What was left of an earlier request ends here, whatever becomes of this one.
        self.continuations.assertions = None;
        let Candidates { request, evidence, passkeys } = candidates;
        let extensions = Asserting::check(&request, &self.key_agreements)?;
        let total = u64::try_from(passkeys.len()).ok().filter(|total| *total > 1);
        let mut passkeys = passkeys.into_iter();
        let first = passkeys.next().ok_or(Failure::NoCredentials)?;
        let rest: Vec<CredentialId> = passkeys.map(|passkey| passkey.id).collect();
        let assertions = Assertions {
            rp_id_hash: Sha256::digest(&request.rp_id).into(),
            client_data_hash: request.client_data_hash,
            flags: evidence.flags(present),
            evidence,
            extensions,
            several: total.is_some(),
            rest: rest.into_iter(),
        };
        let response = self.sign_assertion(&assertions, first, total, ambient)?;
        let token = assertions.evidence.token();
        self.continuations.assertions =
            total.map(|_| Continuation::new(channel, ambient.uptime, token, assertions));
        Ok(response)
    }

    fn sign_assertion(
        &mut self,
        assertions: &Assertions,
        passkey: Passkey,
        total: Option<u64>,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let auth_data = AuthenticatorData {
            rp_id_hash: assertions.rp_id_hash,
            flags: assertions.flags,
            sign_count: self.container.next_signature_count(&passkey.id)?,
            attested: None,
            extensions: assertions.extensions.outputs(&passkey, assertions.flags, ambient.rng),
        }
        .encode();
        let message: [&[u8]; 2] = [&auth_data, &assertions.client_data_hash];
        let signature = self.container.sign(assertions.evidence.access(), &passkey, &message)?;
        let user = entity(&passkey, assertions.several && assertions.evidence.is_verified());
        let large_blob_key = assertions.extensions.large_blob_key(&passkey);
        let mut response =
            Response::new(CredentialDescriptor::public_key(passkey.id.0), auth_data, signature.bytes);
        response.user = user;
        response.large_blob_key = large_blob_key;
        response.number_of_credentials = total;
        Ok(response.encode())
    }
}

impl Assertions {
    /// Whether the opened authentication key is in here.
    pub(crate) const fn hold_key(&self) -> bool {
        self.evidence.is_verified()
    }
}

impl Candidates {
    /// The account to name in the prompt, if there is only one.
    fn only_user(&self) -> Option<String> {
        match self.passkeys.as_slice() {
            [only] => only.user.name.as_ref().or(only.user.display_name.as_ref()).cloned(),
            [] | [..] => None,
        }
    }
}

/// The account of a discoverable credential: names only where the platform has to tell several apart, and
/// never without user verification (step 12). An empty user handle is left out, because clients refuse an entity without one.
fn entity(passkey: &Passkey, with_names: bool) -> Option<UserEntity> {
    if !passkey.discoverable || passkey.user.handle.is_empty() {
        return None;
    }
    let mut user = UserEntity { id: passkey.user.handle.clone(), name: None, display_name: None };
    if with_names {
        user.name.clone_from(&passkey.user.name);
        user.display_name.clone_from(&passkey.user.display_name);
    }
    Some(user)
}

fn ask_gesture(request: Request, notice: Option<Notice>) -> Flow {
    let prompt = prompt(&request, None, Want::Pin, notice);
    Flow::Ask(prompt, Pending::GetAssertion(Box::new(Paused::Gesture(request))))
}

fn prompt(request: &Request, user: Option<String>, want: Want, notice: Option<Notice>) -> Prompt {
    Prompt { operation: Operation::SignIn, rp_id: Some(request.rp_id.clone()), user, want, notice }
}
