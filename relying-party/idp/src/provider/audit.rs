//! The audit log of the whole provider: one chain, appended to and verified here.

use std::sync::PoisonError;

use super::Provider;
use crate::administration::AuditState;
use crate::audit_chain::{Broken, Event, Fault, Head, Row};
use crate::domain::TenantId;
use crate::storage::{AuditEntry, Error};

/// Rows that are read at once.
const BATCH: u32 = 1000;

impl Provider {
    /// Appends to the audit log.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn audit(&self, event: &Event) -> Result<(), Error> {
        let chain = |seq: i64, before: &[u8], record: &str| self.audit_key.hash(seq, before, record);
        let tenant = event.tenant.map(TenantId::new);
        self.database.audit().append((tenant, &event.record()), event.at, chain).await
    }

    /// The entries of the audit log from place `from` on, at most `most`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn audit_entries(&self, from: i64, most: u32) -> Result<Vec<AuditEntry>, Error> {
        self.database.audit().entries(from, most).await
    }

    /// The place of the newest entry of the audit log; 0 when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn newest_audit_entry(&self) -> Result<i64, Error> {
        self.database.audit().newest().await
    }

    /// Follows the whole chain: its end, or the first row that is not as it was written. `kept` is an end that it had
    /// earlier, from outside the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit(&self, kept: Option<Head>) -> Result<Result<Head, Broken>, Error> {
        self.verify_audit_with(kept, |_| {}).await
    }

    /// The same, with a sign of life after each batch of rows: the number of the last one that is as it was written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit_with(
        &self,
        kept: Option<Head>,
        progress: impl Fn(i64) + Send,
    ) -> Result<Result<Head, Broken>, Error> {
        let mut verifier = self.audit_key.verifier(Head::START, kept);
        let mut next = 1;
        loop {
            let rows = self.database.audit().entries(next, BATCH).await?;
            let Some(last) = rows.last().map(|row| row.seq) else { return Ok(verifier.end()) };
            for row in rows {
                if !of_its_tenant(&row) {
                    return Ok(Err(Broken { number: row.seq, fault: Fault::Changed }));
                }
                let row = Row { number: row.seq, at: row.at, record: row.record, hash: row.hash };
                if let Err(broken) = verifier.next(&row) {
                    return Ok(Err(broken));
                }
            }
            progress(last);
            next = last.saturating_add(1);
        }
    }

    /// Keeps what a check found.
    pub(crate) fn audit_checked(&self, state: AuditState) -> AuditState {
        *self.audit_state.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        state
    }

    /// What the last check found.
    pub(crate) fn audit_state(&self) -> Option<AuditState> {
        *self.audit_state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The column that says whose row it is is not hashed, so it must agree with the record, which is.
fn of_its_tenant(row: &AuditEntry) -> bool {
    let event: Result<Event, _> = serde_json::from_str(&row.record);
    event.is_ok_and(|event| event.tenant.map(TenantId::new) == row.tenant)
}
