//! What has happened: sign-ins and changes.

use askama::Template;

use super::AdminFrame;
use crate::pages::When;

/// Links to the pages before and after.
#[derive(Debug, Default)]
pub struct Pager {
    /// To what is newer, or before in the alphabet.
    pub before: Option<String>,
    /// To what is older, or after in the alphabet.
    pub after: Option<String>,
}

/// The sign-in log. GET with the filter's fields.
#[derive(Debug, Template)]
#[template(path = "admin/sign-ins.html")]
pub struct SignInLogPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What is shown.
    pub filter: SignInFilter,
    /// The applications to choose from: client ID and name.
    pub apps: Vec<(String, String)>,
    /// The entries, newest first.
    pub rows: Vec<SignInRow>,
    /// The pages before and after.
    pub pager: Pager,
}

/// What the log shows; empty means everything. The fields are the query's parameters.
#[derive(Clone, Debug, Default)]
pub struct SignInFilter {
    /// Part of a user name.
    pub user: String,
    /// A client ID.
    pub app: String,
    /// `success` or `failure`.
    pub result: String,
    /// A correlation ID.
    pub correlation: String,
    /// The first day, as `2026-01-31`.
    pub from: String,
    /// The last day.
    pub to: String,
}

impl SignInFilter {
    /// Whether anything is left out.
    #[must_use]
    pub fn is_set(&self) -> bool {
        [&self.user, &self.app, &self.result, &self.correlation, &self.from, &self.to]
            .iter()
            .any(|value| !value.is_empty())
    }
}

/// An entry of the sign-in log.
#[derive(Debug)]
pub struct SignInRow {
    /// When.
    pub time: When,
    /// Who, as it was typed.
    pub user_name: String,
    /// For which application.
    pub app: String,
    /// From where.
    pub address: String,
    /// The `amr` values.
    pub methods: Vec<String>,
    /// The AADSTS number of a failure.
    pub code: Option<u32>,
    /// What that means, or nothing.
    pub text: String,
    /// The correlation ID.
    pub correlation_id: String,
}

/// The audit log: who changed what. POST `…/audit/check` follows the whole chain.
#[derive(Debug, Template)]
#[template(path = "admin/audit.html")]
pub struct AuditPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What the last check of the chain found.
    pub chain: ChainState,
    /// The entries, newest first.
    pub rows: Vec<AuditRow>,
    /// The pages before and after.
    pub pager: Pager,
}

/// What the last check of the hash chain found.
#[derive(Debug)]
pub enum ChainState {
    /// Every entry follows from the one before.
    Whole {
        /// How many entries.
        entries: u64,
        /// When it was checked.
        checked: When,
    },
    /// An entry does not.
    Broken {
        /// The first such entry.
        entry: u64,
        /// When it was checked.
        checked: When,
    },
    /// It was not checked since the start.
    Unchecked,
}

/// An entry of the audit log.
#[derive(Debug)]
pub struct AuditRow {
    /// Its number in the chain.
    pub number: u64,
    /// When.
    pub time: When,
    /// Who.
    pub actor: String,
    /// What was done, in words.
    pub action: String,
    /// To what.
    pub target: String,
    /// More, by name.
    pub detail: Vec<(String, String)>,
    /// The start of its hash.
    pub hash: String,
}
