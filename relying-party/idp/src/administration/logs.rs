//! What has happened in the tenant: sign-ins and changes.

use uuid::Uuid;

use super::slice::From;
use super::{Actor, Administrator, Refused, Slice};
use crate::audit_chain::{Broken, Event, Head};
use crate::clock::UnixTime;
use crate::domain::{ClientId, UserId};
use crate::storage::{AuditEntry, LogCursor, SignIn, SignInFilter};

/// An entry of the audit log, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityEntry {
    /// The entry as it is stored.
    pub entry: AuditEntry,
    /// What happened.
    pub event: Event,
}

/// What a check of the whole audit chain found, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditState {
    /// Its end, or the first broken row.
    pub found: Result<Head, Broken>,
    /// When it was checked.
    pub checked_at: UnixTime,
}

impl Administrator<'_> {
    /// A page of the tenant's sign-ins, newest first. The cursor names an entry by its time and ID.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sign_ins(
        &self,
        filter: &SignInFilter,
        cursor: LogCursor<(UnixTime, Uuid)>,
        most: u32,
    ) -> Result<Slice<SignIn>, Refused> {
        let log = self.provider.database.sign_in_log();
        let rows = log.page_at(self.tenant, filter, cursor, most.saturating_add(1)).await?;
        Ok(Slice::cut(rows, most, direction(&cursor)))
    }

    /// A page of the changes in the tenant, newest first. The cursor names an entry by its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changes(&self, cursor: LogCursor<i64>, most: u32) -> Result<Slice<ActivityEntry>, Refused> {
        let rows =
            self.provider.database.audit().page_at(self.tenant, cursor, most.saturating_add(1)).await?;
        let Slice { rows, before, after } = Slice::cut(rows, most, direction(&cursor));
        // The column says whose entry it is; the record, which is hashed, must say the same.
        let read = |entry: AuditEntry| {
            let event: Event = serde_json::from_str(&entry.record).ok()?;
            (event.tenant == Some(self.tenant.guid())).then_some(ActivityEntry { entry, event })
        };
        Ok(Slice { rows: rows.into_iter().filter_map(read).collect(), before, after })
    }

    /// The name of whom or what an entry of the log speaks of: a user or an application of the tenant, or the operator.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn name_of(&self, id: &str) -> Result<Option<String>, Refused> {
        if id == Actor::Operator.to_string() {
            return Ok(Some("The operator".to_owned()));
        }
        let id = id.strip_prefix("app:").unwrap_or(id);
        let Ok(guid) = Uuid::try_parse(id) else { return Ok(None) };
        if guid == self.tenant.guid() {
            return Ok(Some(self.tenant().await?.name));
        }
        match self.find_user(UserId::new(guid)).await {
            Ok(user) => return Ok(Some(user.upn)),
            Err(Refused::NotFound(_)) => {}
            Err(refused) => return Err(refused),
        }
        match self.app(ClientId::new(guid)).await {
            Ok(app) => Ok(Some(app.name)),
            Err(Refused::NotFound(_)) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Follows the whole chain of the audit log, of all tenants.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn check_audit(&self) -> Result<AuditState, Refused> {
        let found = self.provider.verify_audit(None).await?;
        Ok(self.provider.audit_checked(AuditState { found, checked_at: self.now() }))
    }

    /// What the last check found; `None`: there was none since the start.
    #[must_use]
    pub fn audit_state(&self) -> Option<AuditState> {
        self.provider.audit_state()
    }
}

pub(super) const fn direction<K>(cursor: &LogCursor<K>) -> From {
    match cursor {
        LogCursor::Newest => From::Start,
        LogCursor::OlderThan(_) => From::Forward,
        LogCursor::NewerThan(_) => From::Backward,
    }
}
