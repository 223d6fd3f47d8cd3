//! The helpdesk: a device's count of wrong PINs is set to zero, when two administrators want it. What the device gets then opens
//! nothing and signs nothing.

use std::time::Duration;

use uuid::Uuid;

use super::{Administrator, Refused, bounded};
use crate::domain::{DeviceId, Opaque, UserId};
use crate::pin_reset::code;
use crate::storage::HelpdeskCase;

/// How long a case waits for a decision, and then its code for its use.
const LASTS: Duration = Duration::from_hours(1);

impl Administrator<'_> {
    /// The tenant's cases, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn helpdesk_cases(&self, most: u32) -> Result<Vec<HelpdeskCase>, Refused> {
        Ok(self.provider.database.helpdesk().newest(self.tenant, most).await?)
    }

    /// Asks that the count of wrong PINs of a user's device be set to zero. It is for another administrator to approve within
    /// an hour.
    ///
    /// # Errors
    /// When the tenant has no such user or device, or the device is another user's.
    pub async fn open_case(&self, user: UserId, device: DeviceId, reason: &str) -> Result<Uuid, Refused> {
        let user = self.find_user(user).await?;
        let found = self.provider.database.devices().find(device).await?;
        let device = found.filter(|found| found.tenant == self.tenant).ok_or(Refused::NotFound("device"))?;
        if device.owner != user.id {
            return Err(Refused::Invalid("The device is another user's.".to_owned()));
        }
        let now = self.now();
        let case = HelpdeskCase {
            id: self.provider.guid(),
            tenant: self.tenant,
            user: user.id,
            device: device.id,
            reason: bounded("The reason", reason, 256)?.to_owned(),
            opened_by: self.actor.to_string(),
            opened_at: now,
            decided_by: None,
            decided_at: None,
            approved: None,
            expires_at: now.plus(LASTS),
            used_at: None,
        };
        self.provider.database.helpdesk().open(&case).await?;
        let detail =
            [("user", user.id.to_string()), ("device", device.id.to_string()), ("reason", case.reason)];
        self.record("helpdesk.case_opened", case.id, detail).await?;
        Ok(case.id)
    }

    /// Approves a case: the code, good once within an hour, which is shown to nobody again. It is read out to the user.
    ///
    /// # Errors
    /// When the case is not open any more, was opened by this administrator, or is about this administrator.
    pub async fn approve_case(&self, id: Uuid) -> Result<Opaque, Refused> {
        let case = self.open_helpdesk_case(id).await?;
        let by = self.actor.to_string();
        if case.opened_by == by || case.user.to_string() == by {
            self.record("helpdesk.approval_refused", id, [("code", "own_case".to_owned())]).await?;
            return Err(Refused::OwnCase);
        }
        let code = self.provider.draw(code::random);
        let until = self.now().plus(LASTS);
        let helpdesk = self.provider.database.helpdesk();
        if !helpdesk.decide((id, &by), Some((&code::hash(code.expose()), until)), self.now()).await? {
            return Err(Refused::NotFound("open case"));
        }
        self.record("helpdesk.case_approved", id, [("user", case.user.to_string())]).await?;
        Ok(code)
    }

    /// Turns a case down; whoever opened it takes it back so.
    ///
    /// # Errors
    /// When the case is not open any more.
    pub async fn decline_case(&self, id: Uuid) -> Result<(), Refused> {
        self.open_helpdesk_case(id).await?;
        let by = self.actor.to_string();
        if !self.provider.database.helpdesk().decide((id, &by), None, self.now()).await? {
            return Err(Refused::NotFound("open case"));
        }
        self.record("helpdesk.case_declined", id, []).await
    }

    async fn open_helpdesk_case(&self, id: Uuid) -> Result<HelpdeskCase, Refused> {
        let case = self.provider.database.helpdesk().find(self.tenant, id).await?;
        let open = |case: &HelpdeskCase| case.approved.is_none() && case.expires_at > self.now();
        case.filter(open).ok_or(Refused::NotFound("open case"))
    }
}
