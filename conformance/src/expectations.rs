//! Known exceptions: cases that an authenticator does not pass, each with the clause and the reason.

use std::path::Path;

use serde::Deserialize;

use crate::case::{Case, Judged};

/// The exceptions of one authenticator.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    #[serde(default)]
    exception: Vec<Exception>,
}

/// One exception.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    case: String,
    clause: String,
    reason: String,
}

impl Expectations {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Why a case is excepted, if it is.
    pub fn of<J: Judged>(&self, case: &Case<J>) -> Option<&str> {
        self.exception
            .iter()
            .find(|exception| exception.case == case.id)
            .map(|exception| exception.reason.as_str())
    }

    /// Checks that each exception is of a case that there is, with its clause and a reason.
    ///
    /// # Errors
    /// A sentence on the first that is not.
    pub fn check<J: Judged>(&self, cases: &[Case<J>]) -> Result<(), String> {
        for Exception { case: id, clause, reason } in &self.exception {
            let case = cases
                .iter()
                .find(|case| case.id == *id)
                .ok_or_else(|| format!("an exception is of {id:?}, which is no case"))?;
            if case.clause != clause {
                return Err(format!(
                    "the exception of {id} names clause {clause}, and the case is of {}",
                    case.clause
                ));
            }
            if reason.trim().is_empty() {
                return Err(format!("the exception of {id} has no reason"));
            }
        }
        Ok(())
    }
}
