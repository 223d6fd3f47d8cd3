//! What becomes known of a request with a primary token, for the logs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use uuid::Uuid;

use super::super::error::Refusal;
use super::super::token::TokenRequest;
use crate::audit_chain::Event;
use crate::domain::{ClientId, DeviceId, TenantId, User};
use crate::provider::Provider;
use crate::storage::{Error, SignIn};

/// Who asks, and by which name support finds the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer<'a> {
    pub(crate) address: IpAddr,
    pub(crate) agent: &'a str,
    pub(crate) correlation: Uuid,
}

/// What was found out so far. What a refused request says of itself is not in it, unless a signature vouches for it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(super) tenant: Option<TenantId>,
    pub(super) device: Option<DeviceId>,
    pub(super) user: Option<User>,
    pub(super) client: Option<ClientId>,
    /// Whether the sign-in log has it already.
    pub(super) logged: bool,
}

impl<'a> Peer<'a> {
    pub(super) const fn of(request: &TokenRequest<'a>) -> Self {
        Self { address: request.address, agent: request.agent, correlation: request.correlation }
    }
}

impl Known {
    /// Notes a refusal in the audit log, and in the sign-in log if the user is known. What is our own fault is no sign of an
    /// attack.
    pub(crate) async fn refused(
        &mut self,
        provider: &Provider,
        peer: &Peer<'_>,
        refusal: &Refusal,
    ) -> Result<(), Error> {
        let row = refusal.row();
        if row.status >= 429 {
            return Ok(());
        }
        let reason = if let Refusal::Primary(refusal) = refusal {
            refusal.word()
        } else if let Refusal::Device(refusal) = refusal {
            if let (None, Some((tenant, device))) = (self.device, refusal.device()) {
                (self.tenant, self.device) = (Some(tenant), Some(device));
            }
            refusal.word()
        } else {
            row.error
        };
        let detail = [
            ("reason", reason.to_owned()),
            ("error", row.code.to_string()),
            ("address", peer.address.to_string()),
            ("correlation", peer.correlation.to_string()),
        ];
        self.note(provider, "primary_token.refused", detail).await?;
        if self.logged { Ok(()) } else { self.log(provider, peer, "", row.code).await }
    }

    /// Appends to the audit log.
    pub(super) async fn note<const N: usize>(
        &self,
        provider: &Provider,
        action: &str,
        detail: [(&str, String); N],
    ) -> Result<(), Error> {
        let device = self.device.map(|device| device.to_string());
        let user = self.user.as_ref().map(|user| user.id.to_string());
        let mut detail: BTreeMap<_, _> =
            detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(device) = &device {
            detail.insert("device".to_owned(), device.clone());
        }
        let event = Event {
            at: provider.now(),
            tenant: self.tenant.map(TenantId::guid),
            actor: user.clone().or(device).unwrap_or_else(|| "unknown".to_owned()),
            action: action.to_owned(),
            target: user.unwrap_or_else(|| "unknown".to_owned()),
            detail,
        };
        provider.audit(&event).await
    }

    /// Writes a line of the sign-in log about a user who is known; 0 is success.
    pub(crate) async fn log(
        &self,
        provider: &Provider,
        peer: &Peer<'_>,
        methods: &str,
        error: u32,
    ) -> Result<(), Error> {
        let Some(user) = &self.user else { return Ok(()) };
        let sign_in = SignIn {
            id: provider.guid(),
            correlation: peer.correlation,
            at: provider.now(),
            tenant: Some(user.tenant),
            user: Some(user.id),
            upn: user.upn.clone(),
            client: self.client,
            address: peer.address.to_string(),
            agent: peer.agent.chars().take(256).collect(),
            methods: methods.to_owned(),
            error: error.into(),
        };
        provider.database.sign_in_log().add(&sign_in).await
    }
}
