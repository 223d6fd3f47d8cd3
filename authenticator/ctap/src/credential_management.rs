//! authenticatorCredentialManagement (CTAP 2.3 §6.8).

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{CredentialId, Passkey, Unlocked};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::credential_management::{Params, Request, Response, SubCommand};
use latchkey_protocol::{CredentialDescriptor, RpEntity, Status, UserEntity};
use sha2::{Digest, Sha256};

use crate::continuation::{Continuation, Continuations, Listing, take_up};
use crate::engine::{Authenticator, Flow, Pending, approved};
use crate::extensions::large_blob_key;
use crate::keys::cose_key;
use crate::make_credential::{MAX_PASSKEYS, account};
use crate::pin_protocol::PinProtocol;
use crate::status::Failure;
use crate::step::{Ambient, Answer, ChannelId, Operation, Prompt, Want};
use crate::token::{Proof, Scope};

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
        self.authorised(request, None, Scope::Everything)?;
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
        let unlocked = self.authorised(request, None, Scope::Everything)?;
        let passkeys = self.container.passkeys(&unlocked)?;
        let mut rp_ids: Vec<String> = passkeys
            .into_iter()
            .filter(|passkey| passkey.discoverable)
            .map(|passkey| passkey.rp_id)
            .collect();
        rp_ids.sort_unstable();
        rp_ids.dedup();
        let total = u64::try_from(rp_ids.len()).unwrap_or(u64::MAX);
        let mut rest = rp_ids.into_iter();
        let first = rest.next().ok_or(Failure::NoCredentials)?;
        self.continuations.relying_parties = Some(Continuation::new(channel, now, self.token.id(), rest));
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
        let rp_id_hash = params.rp_id_hash.ok_or(Failure::MissingParameter)?;
        let unlocked = self.authorised(request, Some(params), Scope::Hashed(&rp_id_hash))?;
        let passkeys = self.container.passkeys(&unlocked)?;
        let mut found = passkeys.into_iter().filter(|passkey| {
            passkey.discoverable && Sha256::digest(&passkey.rp_id).as_slice() == rp_id_hash.as_slice()
        });
        let first = found.next().ok_or(Failure::NoCredentials)?;
        let rest: Vec<CredentialId> = found.map(|passkey| passkey.id).collect();
        let total = u64::try_from(rest.len()).unwrap_or(u64::MAX).saturating_add(1);
        let listing = Listing { unlocked, ids: rest.into_iter() };
        self.continuations.passkeys = Some(Continuation::new(channel, now, self.token.id(), listing));
        Ok(listed(first, Some(total)))
    }

    fn next_passkey(&mut self, channel: ChannelId, now: Duration) -> Result<Vec<u8>, Failure> {
        let listing = take_up(&mut self.continuations.passkeys, channel, now)?;
        let id = listing.ids.next().ok_or(Failure::NothingPending)?;
        let passkey = self.container.passkey(&listing.unlocked, &id)?.ok_or(Failure::NothingPending)?;
        Ok(listed(passkey, None))
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
        let user = request.params.as_ref().and_then(|params| params.user.as_ref());
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
        let descriptor = params.credential_id.as_ref().ok_or(Failure::MissingParameter)?;
        let unlocked = self.authorised(request, Some(params), Scope::Later)?;
        let found = self.container.passkey(&unlocked, &CredentialId(descriptor.id.clone()))?;
        let passkey = found.filter(|passkey| passkey.discoverable).ok_or(Failure::NoCredentials)?;
        if !self.token.allows_rp(&passkey.rp_id) {
            return Err(Failure::TokenRefused);
        }
        Ok((unlocked, passkey))
    }

    /// The MAC covers the subcommand and, where there are any, its parameters as they were sent.
    fn authorised(
        &mut self,
        request: &Request,
        params: Option<&Params>,
        scope: Scope<'_>,
    ) -> Result<Arc<Unlocked>, Failure> {
        let param = request.pin_uv_auth_param.as_deref().ok_or(Failure::TokenRequired)?;
        let number = request.protocol.ok_or(Failure::MissingParameter)?;
        let protocol = PinProtocol::from_number(number).ok_or(Failure::UnsupportedProtocol)?;
        let subcommand = [request.subcommand.0];
        let message: [&[u8]; 2] = [&subcommand, params.map(Params::raw).unwrap_or_default()];
        self.token
            .authorise(Proof { protocol, param }, &message, Permissions::CREDENTIAL_MANAGEMENT, scope)
            .ok_or(Failure::TokenRefused)
    }
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

fn listed(passkey: Passkey, total: Option<u64>) -> Vec<u8> {
    let large_blob_key = large_blob_key::of(&passkey);
    let public_key = cose_key(&passkey.public_key);
    let latchkey_container::UserAccount { handle, name, display_name } = passkey.user;
    Response {
        user: Some(UserEntity { id: handle, name, display_name }),
        credential_id: Some(CredentialDescriptor::public_key(passkey.id.0)),
        public_key: Some(public_key),
        total_credentials: total,
        cred_protect: Some(u8::from(passkey.protection).into()),
        large_blob_key,
        third_party_payment: Some(passkey.extensions.third_party_payment),
        ..Response::default()
    }
    .encode()
}
