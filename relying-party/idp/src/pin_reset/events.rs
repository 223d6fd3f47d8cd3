//! What the service did, twice: an entry of the audit chain, which nobody can change unseen, and a row by which administrators
//! find it and the user is told.

use std::collections::BTreeMap;
use std::net::IpAddr;

use uuid::Uuid;

use super::envelope::{Protocol, Purpose};
use super::refusal::ResetRefusal;
use crate::audit_chain::Event;
use crate::domain::{DeviceId, TenantId, UserId};
use crate::provider::Provider;
use crate::storage::{self, ResetEvent};

/// The code of an event that is no refusal.
pub const RELEASED: &str = "released";

/// A request, and what is known about it so far. Tenant and user are those of the token or the case, never what the request only
/// claims.
pub(super) struct Attempt {
    address: IpAddr,
    trace: Uuid,
    pub(super) tenant: Option<TenantId>,
    pub(super) user: Option<UserId>,
    pub(super) device: Option<DeviceId>,
    pub(super) case: Option<Uuid>,
    pub(super) purpose: Option<Purpose>,
    pub(super) protocol: Option<Protocol>,
    pub(super) kid: String,
}

impl Attempt {
    pub(super) const fn begin(address: IpAddr, trace: Uuid) -> Self {
        Self {
            address,
            trace,
            tenant: None,
            user: None,
            device: None,
            case: None,
            purpose: None,
            protocol: None,
            kid: String::new(),
        }
    }

    /// The secret is about to be released. It is not, when this fails.
    pub(super) async fn released(&self, provider: &Provider) -> Result<(), storage::Error> {
        self.record(provider, RELEASED).await
    }

    /// The request was refused. That stands, whether it can be written down or not.
    pub(super) async fn refused(&mut self, provider: &Provider, refusal: &ResetRefusal) {
        self.device = self.device.or_else(|| refusal.device());
        let code = refusal.code();
        tracing::warn!(code, trace = %self.trace, address = %self.address, "a PIN reset was refused");
        if let Err(error) = self.record(provider, code).await {
            tracing::error!(%error, code, "a refused PIN reset could not be written down");
        }
    }

    async fn record(&self, provider: &Provider, code: &str) -> Result<(), storage::Error> {
        let (at, id) = (provider.now(), provider.guid());
        let action = if code == RELEASED { "pin_reset.released" } else { "pin_reset.refused" };
        provider.audit(&self.event(at, action, code)).await?;
        let Some(tenant) = self.tenant else { return Ok(()) };
        let event = ResetEvent {
            id,
            at,
            tenant,
            user: self.user,
            device: self.device,
            purpose: self.purpose.map_or("", Purpose::name).to_owned(),
            protocol: self.protocol.map_or("", Protocol::name).to_owned(),
            kid: self.kid.clone(),
            code: code.to_owned(),
            address: self.address.to_string(),
            trace: self.trace,
        };
        provider.database.reset_events().add(&event).await
    }

    fn event(&self, at: crate::clock::UnixTime, action: &str, code: &str) -> Event {
        let whoever = || "unknown".to_owned();
        let actor = self.device.map_or_else(whoever, |device| format!("device:{device}"));
        let mut detail = BTreeMap::from([
            ("code".to_owned(), code.to_owned()),
            ("address".to_owned(), self.address.to_string()),
            ("trace".to_owned(), self.trace.to_string()),
        ]);
        let more = [
            ("purpose", self.purpose.map(|purpose| purpose.to_string())),
            ("protocol", self.protocol.map(|protocol| protocol.to_string())),
            ("kid", Some(self.kid.clone()).filter(|kid| !kid.is_empty())),
            ("case", self.case.map(|case| case.to_string())),
        ];
        detail.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Event {
            at,
            tenant: self.tenant.map(TenantId::guid),
            actor,
            action: action.to_owned(),
            target: self.user.map_or_else(whoever, |user| user.to_string()),
            detail,
        }
    }
}
