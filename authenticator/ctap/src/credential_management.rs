//! authenticatorCredentialManagement (CTAP 2.3 §6.8).

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{CredentialId, Passkey, PasskeyListing, Unlocked};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::credential_management::{Params, Request, Response, SubCommand};
use latchkey_protocol::{CredentialDescriptor, RpEntity, Status, UserEntity};
use sha2::{Digest, Sha256};

use crate::continuation::{Continuation, Continuations, Listing, take_up};
use crate::engine::{Authenticator, Flow, Pending, approved};
use crate::extensions::large_blob_key;
use crate::keys::cose_key;
use crate::make_credential::{MAX_PASSKEYS, account};
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Operation, Prompt, Want};
use crate::token::{Proof, Scope, TokenId};

/// Who asks for a list.
enum Reader {
    /// The holder of a pinUvAuthToken, for which the container is open.
    Verified(Arc<Unlocked>),
    /// The holder of the persistent token: what was written down for that, and nothing else.
    ReadOnly,
}

/// A passkey that goes when the user says so.
pub(crate) struct PausedDelete {
    unlocked: Arc<Unlocked>,
    id: CredentialId,
}

impl Authenticator {
    pub(crate) fn credential_management(
        &mut self,
        channel: ChannelId,
        request: &Request,
        ambient: &mut Ambient<'_>,
    ) -> Result<Flow, Failure> {
        let now = ambient.uptime;
        match request.subcommand {
            SubCommand::GET_CREDS_METADATA => self.metadata(request).map(Flow::Done),
            SubCommand::ENUMERATE_RPS_BEGIN => {
                self.first_relying_party(channel, request, now).map(Flow::Done)
            }
            SubCommand::ENUMERATE_RPS_GET_NEXT_RP => self.next_relying_party(channel, now).map(Flow::Done),
            SubCommand::ENUMERATE_CREDENTIALS_BEGIN => {
                self.first_passkey(channel, request, now).map(Flow::Done)
            }
            SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL => {
                self.next_passkey(channel, now).map(Flow::Done)
            }
            SubCommand::DELETE_CREDENTIAL => self.delete(request),
            SubCommand::UPDATE_USER_INFORMATION => self.update_user(request, ambient).map(Flow::Done),
            SubCommand(_) => Err(Failure::UnknownSubCommand),
        }
    }

    /// §6.8.2.
    fn metadata(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        self.reader(request, None, Scope::Everything)?;
        let existing = self.container.discoverable_count()?;
        let response = Response {
            existing_resident_credentials_count: Some(existing.into()),
            max_possible_remaining_resident_credentials_count: Some(
                MAX_PASSKEYS.saturating_sub(existing).into(),
            ),
            ..Response::default()
        };
        Ok(response.encode())
    }

    /// enumerateRPsBegin (§6.8.3).
    fn first_relying_party(
        &mut self,
        channel: ChannelId,
        request: &Request,
        now: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let reader = self.reader(request, None, Scope::Everything)?;
        let mut rp_ids: Vec<String> = match &reader {
            Reader::Verified(unlocked) => {
                self.discoverable(unlocked)?.into_iter().map(|passkey| passkey.rp_id).collect()
            }
            Reader::ReadOnly => self.container.listings()?.into_iter().map(|listing| listing.rp_id).collect(),
        };
        rp_ids.sort_unstable();
        rp_ids.dedup();
        let total = u64::try_from(rp_ids.len()).unwrap_or(u64::MAX);
        let mut rest = rp_ids.into_iter();
        let first = rest.next().ok_or(Failure::NoCredentials)?;
        let token = self.token_of(&reader);
        self.continuations.relying_parties = Some(Continuation::new(channel, now, token, rest));
        Ok(relying_party(first, Some(total)))
    }

    fn next_relying_party(&mut self, channel: ChannelId, now: Duration) -> Result<Vec<u8>, Failure> {
        let rest = take_up(&mut self.continuations.relying_parties, channel, now)?;
        let rp_id = rest.next().ok_or(Failure::NothingPending)?;
        Ok(relying_party(rp_id, None))
    }

    /// enumerateCredentialsBegin (§6.8.4). A token that is bound to a relying party may list that one: §6.8.4
    /// speaks of tokens without one only, but §6.8 and CTAP 2.1 describe exactly this use.
    fn first_passkey(
        &mut self,
        channel: ChannelId,
        request: &Request,
        now: Duration,
    ) -> Result<Vec<u8>, Failure> {
        // A missing pinUvAuthParam is reported before a missing parameter.
        if request.pin_uv_auth_param.is_none() {
            return Err(Failure::TokenRequired);
        }
        let params = request.params.as_ref().ok_or(Failure::MissingParameter)?;
        let rp_id_hash = params.members.rp_id_hash.ok_or(Failure::MissingParameter)?;
        let reader = self.reader(request, Some(params), Scope::Hashed(&rp_id_hash))?;
        let token = self.token_of(&reader);
        let wanted = |rp_id: &str| Sha256::digest(rp_id).as_slice() == rp_id_hash.as_slice();
        let (first, rest, left) = match reader {
            Reader::Verified(unlocked) => {
                let found = self.discoverable(&unlocked)?.into_iter();
                let mut found = found.filter(|passkey| wanted(&passkey.rp_id));
                let first = found.next().ok_or(Failure::NoCredentials)?;
                let ids: Vec<CredentialId> = found.map(|passkey| passkey.id).collect();
                let left = ids.len();
                (listed(&first), Listing::Verified { unlocked, ids: ids.into_iter() }, left)
            }
            Reader::ReadOnly => {
                let mut found = self.container.listings()?;
                found.retain(|listing| wanted(&listing.rp_id));
                let mut found = found.into_iter();
                let first = found.next().ok_or(Failure::NoCredentials)?;
                let left = found.len();
                (read_only(first), Listing::ReadOnly(found), left)
            }
        };
        self.continuations.passkeys = Some(Continuation::new(channel, now, token, rest));
        let total = u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1);
        Ok(Response { total_credentials: Some(total), ..first }.encode())
    }

    fn next_passkey(&mut self, channel: ChannelId, now: Duration) -> Result<Vec<u8>, Failure> {
        let next = match take_up(&mut self.continuations.passkeys, channel, now)? {
            Listing::Verified { unlocked, ids } => {
                let id = ids.next().ok_or(Failure::NothingPending)?;
                let passkey = self.container.passkey(&*unlocked, &id)?.ok_or(Failure::NothingPending)?;
                listed(&passkey)
            }
            Listing::ReadOnly(rest) => read_only(rest.next().ok_or(Failure::NothingPending)?),
        };
        Ok(next.encode())
    }

    fn discoverable(&mut self, unlocked: &Unlocked) -> Result<Vec<Passkey>, Failure> {
        let mut passkeys = self.container.passkeys(unlocked)?;
        passkeys.retain(|passkey| passkey.discoverable);
        Ok(passkeys)
    }

    /// §6.8.5. The specification asks for no user presence; we do, naming the passkey, because an application
    /// that got a token to list passkeys could otherwise delete them all.
    fn delete(&mut self, request: &Request) -> Result<Flow, Failure> {
        let (unlocked, passkey) = self.named(request)?;
        let prompt = Prompt {
            operation: Operation::Delete,
            rp_id: Some(passkey.rp_id),
            user: passkey.user.name.or(passkey.user.display_name),
            want: Want::Approval,
            notice: None,
        };
        Ok(Flow::Ask(prompt, Pending::Delete(PausedDelete { unlocked, id: passkey.id })))
    }

    pub(crate) fn resume_delete(
        &mut self,
        paused: &PausedDelete,
        answer: &Answer,
    ) -> Result<Vec<u8>, Failure> {
        approved(answer)?;
        self.continuations = Continuations::default();
        if !self.container.delete(&paused.unlocked, &paused.id)? {
            return Err(Failure::NoCredentials);
        }
        Ok(Status::OK.response())
    }

    /// §6.8.6: names that are absent, or empty, are removed.
    fn update_user(&mut self, request: &Request, ambient: &mut Ambient<'_>) -> Result<Vec<u8>, Failure> {
        let user = request.params.as_ref().and_then(|params| params.members.user.as_ref());
        if request.pin_uv_auth_param.is_some() && user.is_none() {
            return Err(Failure::MissingParameter);
        }
        let (unlocked, passkey) = self.named(request)?;
        let user = account(user.ok_or(Failure::MissingParameter)?);
        if user.handle != passkey.user.handle {
            return Err(Failure::BadParameter);
        }
        self.container.update_user(&unlocked, &passkey.id, user, ambient.rng)?;
        Ok(Status::OK.response())
    }

    /// The discoverable passkey that a request names, if its token may act on it.
    fn named(&mut self, request: &Request) -> Result<(Arc<Unlocked>, Passkey), Failure> {
        if request.pin_uv_auth_param.is_none() {
            return Err(Failure::TokenRequired);
        }
        let params = request.params.as_ref().ok_or(Failure::MissingParameter)?;
        let descriptor = params.members.credential_id.as_ref().ok_or(Failure::MissingParameter)?;
        let unlocked = self.authorised(request, Some(params), Scope::Later)?;
        let found = self.container.passkey(&unlocked, &CredentialId(descriptor.id.clone()))?;
        let passkey = found.filter(|passkey| passkey.discoverable).ok_or(Failure::NoCredentials)?;
        if !self.token.allows_rp(&passkey.rp_id) {
            return Err(Failure::TokenRefused);
        }
        Ok((unlocked, passkey))
    }

    /// Whoever may list passkeys (§6.8.2 to §6.8.4): with the permission cm, or pcmr of the persistent token.
    fn reader(
        &mut self,
        request: &Request,
        params: Option<&Params>,
        scope: Scope<'_>,
    ) -> Result<Reader, Failure> {
        let subcommand = [request.subcommand.0];
        let (proof, message) = evidence(request, &subcommand, params)?;
        if self.holds_persistent_token(proof, &message) {
            return Ok(Reader::ReadOnly);
        }
        self.authorised(request, params, scope).map(Reader::Verified)
    }

    /// The token that a list ends with. The persistent one ends with everything that was begun.
    fn token_of(&self, reader: &Reader) -> Option<TokenId> {
        match reader {
            Reader::Verified(_) => self.token.id(),
            Reader::ReadOnly => None,
        }
    }

    fn authorised(
        &mut self,
        request: &Request,
        params: Option<&Params>,
        scope: Scope<'_>,
    ) -> Result<Arc<Unlocked>, Failure> {
        let subcommand = [request.subcommand.0];
        let (proof, message) = evidence(request, &subcommand, params)?;
        self.token
            .authorise(proof, &message, Permissions::CREDENTIAL_MANAGEMENT, scope)
            .ok_or(Failure::TokenRefused)
    }
}

/// What proves who asks, and what the MAC covers: the subcommand and, where there are any, its parameters as they were sent.
fn evidence<'a>(
    request: &'a Request,
    subcommand: &'a [u8; 1],
    params: Option<&'a Params>,
) -> Result<(Proof<'a>, [&'a [u8]; 2]), Failure> {
    let proof = Proof::required(request.pin_uv_auth_param.as_deref(), request.protocol)?;
    Ok((proof, [subcommand, params.map(Params::raw).unwrap_or_default()]))
}

fn relying_party(rp_id: String, total: Option<u64>) -> Vec<u8> {
    let rp_id_hash = Sha256::digest(&rp_id).into();
    Response {
        rp: Some(RpEntity { id: rp_id, name: None }),
        rp_id_hash: Some(rp_id_hash),
        total_rps: total,
        ..Response::default()
    }
    .encode()
}

fn listed(passkey: &Passkey) -> Response {
    Response { large_blob_key: large_blob_key::of(passkey), ..read_only(PasskeyListing::from(passkey)) }
}

/// Without what is secret.
fn read_only(listing: PasskeyListing) -> Response {
    let latchkey_container::UserAccount { handle, name, display_name } = listing.user;
    Response {
        user: Some(UserEntity { id: handle, name, display_name }),
        credential_id: Some(CredentialDescriptor::public_key(listing.id.0)),
        public_key: Some(cose_key(&listing.public_key)),
        cred_protect: Some(u8::from(listing.protection).into()),
        third_party_payment: Some(listing.third_party_payment),
        ..Response::default()
    }
}
