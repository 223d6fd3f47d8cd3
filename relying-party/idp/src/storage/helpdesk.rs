//! Cases of the helpdesk: one administrator asks that a device's count of wrong PINs be set to zero, another one approves.

use uuid::Uuid;

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::domain::{DeviceId, OpaqueHash, TenantId, UserId};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpdeskCase {
    /// Its name.
    pub id: Uuid,
    /// The tenant.
    pub tenant: TenantId,
    /// Whose PIN it is.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Why, in the words of whoever opened it.
    pub reason: String,
    /// Who opened it, as the audit log names them.
    pub opened_by: String,
    /// When.
    pub opened_at: UnixTime,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<UnixTime>,
    /// How; `None`: nobody did yet.
    pub approved: Option<bool>,
    /// When the case ends, or, once it is approved, its code.
    pub expires_at: UnixTime,
    /// When the code was used.
    pub used_at: Option<UnixTime>,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseState {
    /// It waits for a decision.
    Open,
    /// Nobody decided in time.
    Expired,
    /// It was turned down, or taken back.
    Declined,
    /// Its code waits for its use.
    Approved,
    /// Its code was not used in time.
    Unused,
    /// Its code was used.
    Used,
}

impl CaseState {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Declined => "declined",
            Self::Approved => "approved",
            Self::Unused => "unused",
            Self::Used => "used",
        }
    }
}

impl HelpdeskCase {
    /// What became of it by now.
    #[must_use]
    pub fn state(&self, now: UnixTime) -> CaseState {
        match (self.approved, self.used_at) {
            (None, _) if self.expires_at > now => CaseState::Open,
            (None, _) => CaseState::Expired,
            (Some(false), _) => CaseState::Declined,
            (Some(true), Some(_)) => CaseState::Used,
            (Some(true), None) if self.expires_at > now => CaseState::Approved,
            (Some(true), None) => CaseState::Unused,
        }
    }
}

/// A case, with the names of what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHelpdeskCase {
    /// The case.
    pub case: HelpdeskCase,
    /// The user name of whose PIN it is.
    pub upn: String,
    /// What the device is called; `None`: it was deleted.
    pub device: Option<String>,
}

/// Cases of the helpdesk.
pub struct Helpdesk<'a>(pub(super) &'a Pool);

macro_rules! columns {
    () => {
        "SELECT c.id, c.tenant, c.user_id, c.device, c.reason, c.opened_by, c.opened_at, c.decided_by, c.decided_at,
                c.approved, c.expires_at, c.used_at, u.upn, d.name
         FROM helpdesk_cases c JOIN users u ON u.id = c.user_id LEFT JOIN devices d ON d.id = c.device "
    };
}

impl Helpdesk<'_> {
    /// Opens a case.
    pub async fn open(&self, case: &HelpdeskCase) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO helpdesk_cases (id, tenant, user_id, device, reason, opened_by, opened_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                values![
                    case.id.to_string(),
                    case.tenant,
                    case.user,
                    case.device,
                    case.reason.as_str(),
                    case.opened_by.as_str(),
                    case.opened_at,
                    case.expires_at
                ],
            )
            .await
            .map(drop)
    }

    /// A tenant's case.
    pub async fn find(&self, tenant: TenantId, id: Uuid) -> Result<Option<NamedHelpdeskCase>, Error> {
        const SQL: &str = concat!(columns!(), "WHERE c.tenant = $1 AND c.id = $2");
        self.0.row(SQL, values![tenant, id.to_string()]).await?.as_ref().map(named).transpose()
    }

    /// A tenant's cases, newest first, at most `most`.
    pub async fn newest(&self, tenant: TenantId, most: u32) -> Result<Vec<NamedHelpdeskCase>, Error> {
        const SQL: &str = concat!(columns!(), "WHERE c.tenant = $1 ORDER BY c.opened_at DESC, c.id LIMIT $2");
        self.0.rows(SQL, values![tenant, most]).await?.iter().map(named).collect()
    }

    /// Decides an open case: with a code it is approved, and the code is good until `expires_at`. Of two decisions at once one
    /// counts; whoever opened it may take it back, not approve it. Whether this one did.
    pub async fn decide(
        &self,
        (id, by): (Uuid, &str),
        code: Option<(&OpaqueHash, UnixTime)>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let id = id.to_string();
        let decided = if let Some((code, expires_at)) = code {
            const SQL: &str = "UPDATE helpdesk_cases SET decided_by = $2, decided_at = $3, approved = 1, code = $4,
                               expires_at = $5 WHERE id = $1 AND approved IS NULL AND expires_at > $3 AND opened_by <> $2";
            self.0.write(SQL, values![id, by, now, code, expires_at]).await?
        } else {
            const SQL: &str = "UPDATE helpdesk_cases SET decided_by = $2, decided_at = $3, approved = 0
                               WHERE id = $1 AND approved IS NULL AND expires_at > $3";
            self.0.write(SQL, values![id, by, now]).await?
        };
        Ok(decided > 0)
    }

    /// The approved case whose code this is, while the code is good.
    pub async fn by_code(&self, code: &OpaqueHash, now: UnixTime) -> Result<Option<HelpdeskCase>, Error> {
        const SQL: &str = concat!(
            columns!(),
            "WHERE c.code = $1 AND c.approved = 1 AND c.used_at IS NULL AND c.expires_at > $2"
        );
        self.0.row(SQL, values![code, now]).await?.as_ref().map(case).transpose()
    }

    /// Uses a case's code up. Of two at once one does. Whether this one.
    pub async fn use_up(&self, id: Uuid, now: UnixTime) -> Result<bool, Error> {
        let sql = "UPDATE helpdesk_cases SET used_at = $2, code = NULL
                   WHERE id = $1 AND used_at IS NULL AND code IS NOT NULL AND expires_at > $2";
        Ok(self.0.write(sql, values![id.to_string(), now]).await? > 0)
    }
}

fn named(row: &Row) -> Result<NamedHelpdeskCase, Error> {
    Ok(NamedHelpdeskCase { case: case(row)?, upn: row.text(12)?, device: row.optional_text(13)? })
}

fn case(row: &Row) -> Result<HelpdeskCase, Error> {
    Ok(HelpdeskCase {
        id: row.parse(0)?,
        tenant: row.parse(1)?,
        user: row.parse(2)?,
        device: row.parse(3)?,
        reason: row.text(4)?,
        opened_by: row.text(5)?,
        opened_at: row.time(6)?,
        decided_by: row.optional_text(7)?,
        decided_at: row.optional_time(8)?,
        approved: row.optional_int(9)?.map(|approved| approved != 0),
        expires_at: row.time(10)?,
        used_at: row.optional_time(11)?,
    })
}
