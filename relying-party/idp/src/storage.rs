//! What the provider remembers, in SQLite or Postgres. Each table is reached through the words of its domain.
//!
//! Several processes may share one Postgres: whatever may be used once is taken by one statement that finds it or does
//! not, so that of any number of attempts, wherever they come from, one wins.

#![allow(clippy::missing_errors_doc, reason = "every call fails for the same reasons: see Error")]

mod apps;
mod attestations;
mod ceremonies;
mod codes;
mod credentials;
mod database;
mod device_codes;
mod devices;
mod directory;
mod enterprise_keys;
mod grants;
mod groups;
mod helpdesk;
mod high_marks;
mod invitations;
mod logs;
mod nonces;
mod primary_tokens;
mod pushed_requests;
mod refresh_tokens;
mod registrations;
mod reset_events;
mod reset_keys;
mod reset_rules;
mod sealed;
mod sessions;
mod sign_ins;
mod signing_keys;
mod tenants;
mod users;

use std::path::PathBuf;

use crate::clock::UnixTime;
use database::{Pool, values};

pub use apps::{Apps, Consents};
pub use attestations::{Attestations, PendingAttestation};
pub use ceremonies::{Ceremonies, PendingCeremony};
pub use codes::{Codes, IssuedCode, Redemption};
pub use credentials::{NewPasskey, Passes, Passkeys, StoredPass, StoredPasskey, StoredTotp, TotpUse, Totps};
pub(crate) use device_codes::INTERVAL;
pub use device_codes::{Approval, DeviceCodes, DeviceRequest, Poll};
pub use devices::{DeviceCursor, DeviceSummary, Devices, NewDevice, Placed};
pub use directory::{Held, MethodCounts, MethodKind, MethodRemoval, Removal, UserCursor, UserSummary};
pub use enterprise_keys::{EnterpriseKeys, KeyPlaced};
pub use grants::{Grant, Grants};
pub use groups::Groups;
pub use helpdesk::{CaseState, Helpdesk, HelpdeskCase, NamedHelpdeskCase};
pub use high_marks::HighMarks;
pub use invitations::Invitations;
pub use logs::{Audit, AuditEntry, Limits, LogCursor, SignIn, SignInFilter, SignInLog};
pub use nonces::{Nonces, Purpose};
pub use primary_tokens::{NewPrimaryToken, PrimaryTokens, StoredPrimaryToken};
pub use pushed_requests::PushedRequests;
pub use refresh_tokens::{RefreshTokens, Rotation, StoredRefreshToken};
pub use registrations::{Assignment, GivenConsent};
pub use reset_events::{NamedResetEvent, ResetEvent, ResetEventFilter, ResetEvents};
pub use reset_keys::{ResetKeys, StoredResetKey};
pub use reset_rules::{ResetRule, ResetRules, RuleFor, RulesOf};
pub use sealed::{Sealed, SealedRow, SealedTable};
pub use sessions::{BrowserSession, Sessions};
pub use sign_ins::SignIns;
pub use signing_keys::{SigningKeys, StoredSigningKey};
pub use tenants::Tenants;
pub use users::{NewUser, Users};

/// A statement that did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something with this name, domain, identifier URI or credential ID exists already.
    #[error("there is one already")]
    Taken,
    /// The database did not carry out the statement.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// A stored record cannot be read: written by a newer version, or changed by hand.
    #[error("a stored record cannot be read")]
    Damaged,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
            Self::Taken
        } else {
            Self::Database(error)
        }
    }
}

/// Why the database cannot be opened. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no database.
    #[error("the database must be written as sqlite:PATH or postgres://USER@HOST/NAME")]
    Url,
    /// The file cannot be made or opened.
    #[error("cannot open the database {}: {source}; check that its directory exists and is writable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database does not let us in.
    #[error("cannot use the database: {0}; check that it runs, that it is ours, and the name and password")]
    Refused(sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database up to date: {0}; was it used by a newer version?")]
    Migration(sqlx::migrate::MigrateError),
}

/// The open database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
}

macro_rules! tables {
    ($($(#[$meta:meta])* $method:ident: $table:ident)*) => {$(
        $(#[$meta])*
        #[must_use]
        pub fn $method(&self) -> $table<'_> {
            $table(&self.pool)
        }
    )*};
}

impl Database {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { pool: Pool::open(url).await? })
    }

    tables! {
        /// Tenants and their domains.
        tenants: Tenants
        /// Users.
        users: Users
        /// Links for first sign-ins.
        invitations: Invitations
        /// Client applications and APIs, and who is assigned to them.
        apps: Apps
        /// Who consented to what.
        consents: Consents
        /// Browser sessions.
        sessions: Sessions
        /// Sign-ins under way.
        sign_ins: SignIns
        /// What sign-ins gave to clients.
        grants: Grants
        /// Authorization codes.
        codes: Codes
        /// Refresh tokens.
        refresh_tokens: RefreshTokens
        /// Primary refresh tokens.
        primary_tokens: PrimaryTokens
        /// Device codes.
        device_codes: DeviceCodes
        /// Registered devices.
        devices: Devices
        /// The keys that users sign in with on their devices.
        enterprise_keys: EnterpriseKeys
        /// Attestations of devices under way.
        attestations: Attestations
        /// Nonces, and what was seen before.
        nonces: Nonces
        /// Pushed authorization requests.
        pushed_requests: PushedRequests
        /// Passkeys.
        passkeys: Passkeys
        /// Registrations of passkeys under way.
        ceremonies: Ceremonies
        /// TOTP seeds.
        totp: Totps
        /// Temporary Access Passes.
        passes: Passes
        /// Everything that is sealed.
        sealed: Sealed
        /// Signing keys.
        signing_keys: SigningKeys
        /// Keys of the PIN reset service.
        reset_keys: ResetKeys
        /// PIN resets that were released or refused.
        reset_events: ResetEvents
        /// Groups of users.
        groups: Groups
        /// Cases of the helpdesk.
        helpdesk: Helpdesk
        /// Who may reset a PIN.
        reset_rules: ResetRules
        /// Who signed in, and who tried.
        sign_in_log: SignInLog
        /// What administrators did.
        audit: Audit
        /// Counters that survive a restart.
        limits: Limits
        /// Numbers that only grow.
        high_marks: HighMarks
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.pool.row("SELECT 1", &[]).await.map(drop)
    }

    /// Forgets what has expired.
    pub async fn purge(&self, now: UnixTime) -> Result<(), Error> {
        for statement in [
            "DELETE FROM codes WHERE expires_at < $1 AND used_at IS NULL",
            "DELETE FROM refresh_tokens WHERE expires_at < $1",
            "DELETE FROM primary_tokens WHERE expires_at < $1",
            "DELETE FROM grants WHERE expires_at < $1",
            "DELETE FROM sessions WHERE expires_at < $1",
            "DELETE FROM sign_ins WHERE expires_at < $1",
            "DELETE FROM device_codes WHERE expires_at < $1",
            "DELETE FROM ceremonies WHERE expires_at < $1",
            "DELETE FROM attestation_challenges WHERE expires_at < $1",
            "DELETE FROM pushed_requests WHERE expires_at < $1",
            "DELETE FROM nonces WHERE expires_at < $1",
            "DELETE FROM seen WHERE expires_at < $1",
            "DELETE FROM limits WHERE expires_at < $1",
            "DELETE FROM invitations WHERE expires_at < $1",
            "DELETE FROM signing_keys WHERE gone_at < $1",
        ] {
            self.pool.write(statement, values![now]).await?;
        }
        Ok(())
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
