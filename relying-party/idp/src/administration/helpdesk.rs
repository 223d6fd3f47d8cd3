//! The helpdesk: a device's count of wrong PINs is set to zero, when two administrators want it. What the device gets then opens
//! nothing and signs nothing.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::{Actor, Administrator, Refused, bounded};
use crate::domain::{Device, DeviceId, Opaque, UserId};
use crate::pin_reset::code;
use crate::storage::{CaseState, HelpdeskCase, NamedHelpdeskCase};

/// How long a case waits for a decision, and then its code for its use.
const LASTS: Duration = Duration::from_hours(1);

impl Administrator<'_> {
    /// The tenant's cases, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn helpdesk_cases(&self, most: u32) -> Result<Vec<NamedHelpdeskCase>, Refused> {
        Ok(self.provider.database.helpdesk().newest(self.tenant, most).await?)
    }

    /// A case of the tenant.
    ///
    /// # Errors
    /// When there is none of this ID.
    pub async fn helpdesk_case(&self, id: Uuid) -> Result<NamedHelpdeskCase, Refused> {
        let found = self.provider.database.helpdesk().find(self.tenant, id).await?;
        found.ok_or(Refused::NotFound("case"))
    }

    /// A device of a user by its ID or, if only one is called so, by its name.
    ///
    /// # Errors
    /// When the user has none, or several of that name.
    pub async fn device_of(&self, user: UserId, named: &str) -> Result<DeviceId, Refused> {
        let (devices, _) = self.devices_of(user).await?;
        let is = |device: &&Device| device.id.to_string() == named || device.name == named;
        match devices.iter().filter(is).collect::<Vec<_>>().as_slice() {
            [one] => Ok(one.id),
            [] => Err(Refused::NotFound("device of the user")),
            _ => Err(Refused::Invalid("The user has several devices of that name: write its ID.".to_owned())),
        }
    }

    /// Asks that the count of wrong PINs of a user's device be set to zero. It is for another administrator to approve within
    /// an hour.
    ///
    /// # Errors
    /// When the tenant has no such user or device, the device is another user's, or it is an application that asks.
    pub async fn open_case(&self, user: UserId, device: DeviceId, reason: &str) -> Result<Uuid, Refused> {
        self.is_person("helpdesk.opening_refused", user).await?;
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

    /// Whether this one may approve the case: nobody approves what they opened, or what is about themselves.
    #[must_use]
    pub fn may_approve(&self, case: &HelpdeskCase) -> bool {
        let by = self.actor.to_string();
        case.opened_by != by && case.user.to_string() != by
    }

    /// What became of a case by now.
    #[must_use]
    pub fn state_of(&self, case: &HelpdeskCase) -> CaseState {
        case.state(self.now())
    }

    /// Approves a case: the code, good once within an hour, which is shown to nobody again. It is read out to the user.
    ///
    /// # Errors
    /// When the case is not open any more, was opened by this administrator, is about this administrator, or it is an
    /// application that approves.
    pub async fn approve_case(&self, id: Uuid) -> Result<Opaque, Refused> {
        self.is_person("helpdesk.approval_refused", id).await?;
        let case = self.open_helpdesk_case(id).await?;
        let by = self.actor.to_string();
        if !self.may_approve(&case) {
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
        let found = self.provider.database.helpdesk().find(self.tenant, id).await?;
        let open = |case: &HelpdeskCase| self.state_of(case) == CaseState::Open;
        found.map(|named| named.case).filter(open).ok_or(Refused::NotFound("open case"))
    }

    /// Whoever holds the secret of an application could be both administrators.
    async fn is_person(&self, action: &str, target: impl fmt::Display) -> Result<(), Refused> {
        match self.actor {
            Actor::User(_) | Actor::Operator => Ok(()),
            Actor::Application(_) => {
                self.record(action, target, [("code", "not_person".to_owned())]).await?;
                Err(Refused::NotPerson)
            }
        }
    }
}
