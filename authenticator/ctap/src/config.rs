//! authenticatorConfig (CTAP 2.3 §6.11).

use std::sync::Arc;

use latchkey_container::{Profile, Settings, Unlocked};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::config::{Params, PinParams, Request, SubCommand};
use latchkey_protocol::{Command, Status};

use crate::engine::{Authenticator, Flow, Pending, approved, prompt};
use crate::status::Failure;
use crate::step::{Ambient, Answer, Operation, Want};
use crate::token::{Proof, Scope};

/// Relying parties that can be told what PINs are held to (maxRPIDsForSetMinPINLength).
pub(crate) const MAX_PIN_FACTS_FOR: usize = 32;

/// A change that the user must approve, because no token came with it.
pub(crate) struct Paused {
    request: Request,
}

impl Authenticator {
    /// The subcommands that can do something (getInfo, authenticatorConfigCommands).
    pub(crate) fn config_commands(&self) -> Vec<SubCommand> {
        let toggles = match self.container.profile() {
            Profile::Hello => None,
            Profile::SecurityKey => Some(SubCommand::TOGGLE_ALWAYS_UV),
        };
        let enterprise = self.can_attest_enterprise().then_some(SubCommand::ENABLE_ENTERPRISE_ATTESTATION);
        let always = [SubCommand::SET_MIN_PIN_LENGTH, SubCommand::ENABLE_LONG_TOUCH_FOR_RESET];
        enterprise.into_iter().chain(toggles).chain(always).collect()
    }

    pub(crate) fn configure(&mut self, request: Request, ambient: &mut Ambient<'_>) -> Result<Flow, Failure> {
        // Where alwaysUv stands fast, its subcommand is known all the same and has an answer of its own (§6.11.2).
        let known = self.config_commands().contains(&request.subcommand)
            || request.subcommand == SubCommand::TOGGLE_ALWAYS_UV;
        if !known {
            return Err(Failure::BadParameter);
        }
        if self.may_configure_without_token(request.subcommand) && request.pin_uv_auth_param.is_none() {
            // The specification asks for nothing; we do not let a program change things behind the user's back.
            let asked = prompt(Operation::Configure, Want::Approval);
            return Ok(Flow::Ask(asked, Pending::Configure(Box::new(Paused { request }))));
        }
        let unlocked = self.authorised_to_configure(&request)?;
        self.change(&request, Some(&unlocked), ambient)?;
        Ok(Flow::Done(Status::OK.response()))
    }

    pub(crate) fn resume_configure(
        &mut self,
        paused: &Paused,
        answer: &Answer,
        ambient: &mut Ambient<'_>,
    ) -> Result<Vec<u8>, Failure> {
        approved(answer)?;
        if !self.may_configure_without_token(paused.request.subcommand) {
            return Err(Failure::TokenRequired);
        }
        self.change(&paused.request, None, ambient)?;
        Ok(Status::OK.response())
    }

    /// Steps 3 and 4: a token is due where anything verifies the user, and where alwaysUv is on; except that whoever has no
    /// PIN may turn that off again.
    fn may_configure_without_token(&self, subcommand: SubCommand) -> bool {
        !self.container.has_pin() && (!self.always_uv() || subcommand == SubCommand::TOGGLE_ALWAYS_UV)
    }

    /// Step 4: the MAC covers 32 bytes 0xFF, the command, the subcommand and its parameters as they were sent.
    fn authorised_to_configure(&mut self, request: &Request) -> Result<Arc<Unlocked>, Failure> {
        let proof = Proof::required(request.pin_uv_auth_param.as_deref(), request.protocol)?;
        let head = [Command::CONFIG.0, request.subcommand.0];
        let params = request.params.as_ref().map(Params::raw);
        let message: [&[u8]; 3] = [&[0xFF; 32], &head, params.unwrap_or_default()];
        let permission = Permissions::AUTHENTICATOR_CONFIGURATION;
        self.token.authorise(proof, &message, permission, Scope::Later).ok_or(Failure::TokenRefused)
    }

    fn change(
        &mut self,
        request: &Request,
        unlocked: Option<&Unlocked>,
        ambient: &mut Ambient<'_>,
    ) -> Result<(), Failure> {
        let mut new = self.container.settings().clone();
        match request.subcommand {
            SubCommand::ENABLE_ENTERPRISE_ATTESTATION => new.enterprise_attestation = true,
            SubCommand::TOGGLE_ALWAYS_UV => match self.container.profile() {
                Profile::Hello => return Err(Failure::Denied),
                Profile::SecurityKey => new.always_uv = !new.always_uv,
            },
            SubCommand::SET_MIN_PIN_LENGTH => {
                let pin = request.params.as_ref().map(|params| params.members.clone()).unwrap_or_default();
                return self.set_pin_requirements(pin, unlocked, ambient);
            }
            SubCommand::ENABLE_LONG_TOUCH_FOR_RESET => new.long_touch_for_reset = true,
            SubCommand(_) => return Err(Failure::BadParameter),
        }
        Ok(self.container.change_settings(new, ambient.rng)?)
    }

    /// setMinPINLength (§6.11.4): requirements grow, and never shrink before a reset. A PIN that does not keep them must be
    /// changed, which ends every token, the persistent one too.
    fn set_pin_requirements(
        &mut self,
        wanted: PinParams,
        unlocked: Option<&Unlocked>,
        ambient: &mut Ambient<'_>,
    ) -> Result<(), Failure> {
        let old = self.container.settings();
        let new = Settings {
            minimum_pin_length: match wanted.new_min_pin_length {
                Some(length) => self.possible_minimum(length)?,
                None => old.minimum_pin_length,
            },
            pin_facts_for: match wanted.min_pin_length_rp_ids {
                Some(rp_ids) if rp_ids.len() > MAX_PIN_FACTS_FOR => return Err(Failure::StoreFull),
                Some(rp_ids) => rp_ids,
                None => old.pin_facts_for.clone(),
            },
            pin_complexity: old.pin_complexity || wanted.pin_complexity_policy == Some(true),
            ..old.clone()
        };
        let stricter =
            (new.minimum_pin_length, new.pin_complexity) != (old.minimum_pin_length, old.pin_complexity);
        let demanded = wanted.force_change_pin == Some(true);
        if demanded && !self.container.has_pin() {
            return Err(Failure::PinNotSet);
        }
        let falls_short = match unlocked {
            Some(unlocked) if stricter => !self.container.pin_keeps(unlocked, &new)?,
            Some(_) | None => false,
        };
        if demanded || falls_short {
            self.container.demand_new_pin(new, ambient.rng)?;
            self.end_tokens();
            return Ok(());
        }
        Ok(self.container.change_settings(new, ambient.rng)?)
    }

    /// A minimum is never lowered, and some PIN must be long enough for it.
    fn possible_minimum(&self, length: u64) -> Result<u8, Failure> {
        let possible = u64::from(self.container.minimum_pin_length())..=self.maximum_pin_length();
        if !possible.contains(&length) {
            return Err(Failure::PinPolicy);
        }
        u8::try_from(length).map_err(|_| Failure::PinPolicy)
    }
}
