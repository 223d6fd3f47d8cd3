//! What a case is. The cases themselves are in the modules below, one for each area of the specification.

use crate::session::{Exchange, Session};

mod areas;
mod check;
mod need;
mod version;

pub use areas::all;
pub use check::{Stop, ensure, present, refused, status};
pub use need::Need;
pub use version::Version;

/// How the authenticator must stand before a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As after a reset: no PIN, no credential.
    Fresh,
    /// With the runner's PIN, if it has PINs; with whatever credentials.
    Ready,
    /// Any; the case may leave another one.
    Any,
}

/// One conversation with whoever is judged: what a run needs of it.
pub trait Judged: Sized {
    /// What sentences call it.
    const NAME: &'static str;
    /// What its clauses are of.
    const STANDARD: &'static str;

    /// Brings it to where a case wants it.
    ///
    /// # Errors
    /// When it does not get there.
    fn begin(&mut self, state: State) -> Result<(), Stop>;

    /// What rules a case out, if something does.
    fn unmet(&self, needs: &[Need]) -> Option<String>;

    /// Ends a case, and returns what was said.
    ///
    /// # Errors
    /// When it cannot be ended.
    fn end(&mut self) -> Result<Vec<Exchange>, Stop>;

    /// Says that its state is unknown.
    fn disturb(&mut self);
}

/// What a case does.
type Body<J> = Box<dyn Fn(&mut J) -> Result<(), Stop>>;

/// One rule of the specification, and how to see whether an authenticator, or a server, keeps it.
pub struct Case<J: Judged = Session> {
    /// `area/what`, unique.
    pub id: String,
    /// The clause of CTAP 2.3 or of WebAuthn Level 3, or `U2F` and the section's name.
    pub clause: &'static str,
    /// Completes "The authenticator must …", or "The server must …".
    pub must: String,
    /// The first version that has the rule.
    pub since: Version,
    /// What the authenticator must have for the rule to apply.
    pub needs: Vec<Need>,
    /// How it must stand.
    pub state: State,
    body: Body<J>,
}

impl Case {
    /// A case of every version, with the runner's PIN set.
    pub fn new(
        id: impl Into<String>,
        clause: &'static str,
        must: impl Into<String>,
        body: impl Fn(&mut Session) -> Result<(), Stop> + 'static,
    ) -> Self {
        Self::about(id, clause, must, body)
    }
}

impl<J: Judged> Case<J> {
    /// A case about whomever.
    pub fn about(
        id: impl Into<String>,
        clause: &'static str,
        must: impl Into<String>,
        body: impl Fn(&mut J) -> Result<(), Stop> + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            clause,
            must: must.into(),
            since: Version::V2_0,
            needs: Vec::new(),
            state: State::Ready,
            body: Box::new(body),
        }
    }

    /// Needs this too.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    /// Needs all of these too.
    #[must_use]
    pub fn needs_all(mut self, needs: &[Need]) -> Self {
        self.needs.extend_from_slice(needs);
        self
    }

    /// The rule came with this version.
    #[must_use]
    pub fn since(mut self, version: Version) -> Self {
        self.since = version;
        self
    }

    /// Wants the authenticator like this.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// The area: what stands before the first slash.
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Whether the rule is one of this version.
    pub fn is_of(&self, version: Version) -> bool {
        self.since <= version
    }

    /// Whether its clause is this one or a part of it.
    pub fn is_under(&self, clause: &str) -> bool {
        self.clause.strip_prefix(clause).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ']))
    }

    /// Does it.
    ///
    /// # Errors
    /// Why it did not pass.
    pub fn run(&self, session: &mut J) -> Result<(), Stop> {
        (self.body)(session)
    }
}
