//! Who asks the registration service, and the rows of the audit log about it: one for each answer that changed something, and
//! one for each refusal.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use serde_json::Value;

use super::refused::RegistrationRefusal;
use crate::audit_chain::Event;
use crate::domain::{Device, TenantId};
use crate::provider::Provider;

/// What happened, for the audit log, and what is answered.
pub(super) struct Done {
    pub(super) target: String,
    pub(super) detail: BTreeMap<String, String>,
    pub(super) answer: Value,
}

/// A tenant, and the name of whom or what is of it.
type Proven = (TenantId, String);

/// Whoever asks: what a token of ours or a device's signature vouches for, never what the request only claims.
pub(super) struct Asker {
    address: IpAddr,
    proven: Option<Proven>,
}

impl Asker {
    /// Somebody of whom nothing is known but the address.
    pub(super) const fn at(address: IpAddr) -> Self {
        Self { address, proven: None }
    }

    /// A token of ours names this user or application.
    pub(super) fn is(&mut self, tenant: TenantId, subject: impl Display) {
        self.proven = Some((tenant, subject.to_string()));
    }

    /// This device signed. With a user's token it is the user who asks.
    pub(super) fn signed(&mut self, device: &Device) {
        self.proven.get_or_insert_with(|| (device.tenant, format!("device:{}", device.id)));
    }

    /// Notes what came of a request: what was done, or why it was refused.
    pub(super) async fn noted(
        &self,
        provider: &Provider,
        (done, denied): (&str, &str),
        result: Result<Done, RegistrationRefusal>,
    ) -> Result<Value, RegistrationRefusal> {
        let Done { target, detail, answer } = self.refused(provider, denied, result).await?;
        self.record(provider, (done, target), (self.proven.clone(), detail)).await?;
        Ok(answer)
    }

    /// Notes why a request was refused, if it was. What is our own fault is no sign of an attack.
    pub(super) async fn refused<T>(
        &self,
        provider: &Provider,
        action: &str,
        result: Result<T, RegistrationRefusal>,
    ) -> Result<T, RegistrationRefusal> {
        let Err(refusal) = &result else { return result };
        let row = refusal.row();
        if row.status < 500 {
            let mut detail = BTreeMap::from([
                ("reason".to_owned(), row.code.to_owned()),
                ("address".to_owned(), self.address.to_string()),
            ]);
            let device = refusal.device().map(|(tenant, device)| (tenant, format!("device:{device}")));
            if let Some((_, device)) = &device {
                detail.insert("device".to_owned(), device.clone());
            }
            let who = self.proven.clone().or(device);
            let target = who.as_ref().map_or_else(unknown, |(_, name)| name.clone());
            self.record(provider, (action, target), (who, detail)).await?;
        }
        result
    }

    async fn record(
        &self,
        provider: &Provider,
        (action, target): (&str, String),
        (who, detail): (Option<Proven>, BTreeMap<String, String>),
    ) -> Result<(), RegistrationRefusal> {
        let (tenant, actor) =
            who.map_or_else(|| (None, unknown()), |(tenant, name)| (Some(tenant.guid()), name));
        let event = Event { at: provider.now(), tenant, actor, action: action.to_owned(), target, detail };
        Ok(provider.audit(&event).await?)
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
