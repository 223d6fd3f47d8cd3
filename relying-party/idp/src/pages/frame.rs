//! What several pages share: the frame around them, the hidden fields of a sign-in, times, secrets shown once.

use std::fmt;

use jiff::Timestamp;

use super::config::Config;
use super::policy::Policy;
use crate::clock::UnixTime;

/// What surrounds every page that is not an administrator's.
#[derive(Debug, Default)]
pub struct Frame {
    /// The display name of the tenant, when one is known.
    pub organisation: Option<String>,
    /// What just happened.
    pub notice: Option<Notice>,
    /// The `$Config` object that brokers read; pages outside a sign-in have none.
    pub config: Option<Config>,
}

impl Frame {
    /// The headers' half of this page. Pages whose form may lead to a client application add its address.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let policy = Policy::new();
        match &self.config {
            Some(config) => policy.with_script_hash(config.script_hash()),
            None => policy,
        }
    }

    /// Whether the notice is an error, so that the field it speaks of is marked.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.notice.as_ref().is_some_and(|notice| notice.kind == NoticeKind::Error)
    }
}

/// A sentence above the page's form.
#[derive(Debug)]
pub struct Notice {
    /// How it looks.
    pub kind: NoticeKind,
    /// What it says.
    pub text: String,
    /// The AADSTS code, for support and for tests.
    pub code: Option<u32>,
}

impl Notice {
    /// Something went wrong.
    #[must_use]
    pub fn error(text: impl Into<String>, code: Option<u32>) -> Self {
        Self { kind: NoticeKind::Error, text: text.into(), code }
    }

    /// Something was done.
    #[must_use]
    pub fn success(text: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Success, text: text.into(), code: None }
    }

    /// Something to know.
    #[must_use]
    pub fn info(text: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Info, text: text.into(), code: None }
    }
}

/// How a [`Notice`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something to know.
    Info,
    /// Something was done.
    Success,
    /// Something went wrong.
    Error,
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Error => "error",
        })
    }
}

/// What every form of a sign-in carries, under the names that brokers use too: `ctx`, `flowToken`, and `canary` against CSRF.
#[derive(Clone, Default)]
pub struct Flow {
    /// Where the form goes (`urlPost`).
    pub action: String,
    /// The sign-in that this page belongs to.
    pub ctx: String,
    /// The step of it.
    pub flow_token: String,
    /// The CSRF token, bound to the browser's cookie.
    pub canary: String,
}

/// Tokens stay out of logs.
impl fmt::Debug for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flow").field("action", &self.action).finish_non_exhaustive()
    }
}

/// The CSRF token of a session, for the form field `csrf`.
#[derive(Clone, Default)]
pub struct Csrf(pub String);

impl fmt::Display for Csrf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Tokens stay out of logs.
impl fmt::Debug for Csrf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Csrf(..)")
    }
}

/// The account that a step speaks of, and the way to another one.
#[derive(Debug, Default)]
pub struct Account {
    /// The user principal name as it was typed.
    pub user_name: String,
    /// Where another account can be named; without it the account is fixed.
    pub change_url: Option<String>,
}

impl Account {
    /// The letter in the account's circle.
    #[must_use]
    pub fn initial(&self) -> String {
        initial(&self.user_name)
    }
}

/// The first letter or digit of a name, in upper case.
pub(super) fn initial(name: &str) -> String {
    name.chars()
        .find(|letter| letter.is_alphanumeric())
        .map_or_else(String::new, |letter| letter.to_uppercase().collect())
}

/// A time for machines and, without script, for people.
#[derive(Clone, Debug)]
pub struct When {
    /// RFC 3339, for `<time datetime>`.
    pub machine: String,
    /// For people; the page's script turns it into the reader's own zone.
    pub text: String,
}

impl When {
    /// This time.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        let time = Timestamp::from_second(time.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { machine: time.to_string(), text: time.strftime("%-d %b %Y, %H:%M UTC").to_string() }
    }
}

/// A secret that one page shows once. It has no way into a log.
pub struct ShownSecret(String);

impl ShownSecret {
    /// A secret that the next page shows.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// For the template.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ShownSecret(..)")
    }
}
