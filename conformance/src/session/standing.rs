//! How the authenticator stands, and how it comes to stand as a case wants it.

use super::{PIN, Session};
use crate::case::{State, Stop};
use crate::ctap::{Request, Status, command};

/// How the authenticator stands, as far as this runner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// A case left it somewhere, or nothing was done yet.
    Unknown,
    /// Reset, and untouched since.
    Fresh,
    /// With the runner's PIN, if it has PINs.
    Ready,
}

impl Session {
    /// Brings the authenticator into a state.
    pub(super) fn stand(&mut self, state: State) -> Result<(), Stop> {
        match (state, self.standing) {
            (State::Any, _) | (State::Fresh, Standing::Fresh) | (State::Ready, Standing::Ready) => Ok(()),
            (State::Fresh, _) => self.reset(),
            (State::Ready, Standing::Fresh) => self.make_ready(),
            (State::Ready, Standing::Unknown) => {
                self.reset()?;
                self.make_ready()
            }
        }
    }

    /// Says that the case leaves the authenticator otherwise than it found it.
    pub fn disturb(&mut self) {
        self.standing = Standing::Unknown;
        self.token = None;
    }

    /// A power cycle.
    ///
    /// # Errors
    /// When the hook fails, or the authenticator does not come back.
    pub fn power_cycle(&mut self) -> Result<(), Stop> {
        self.token = None;
        self.hook.power_cycle()?;
        self.reopen()
    }

    /// A power cycle, then authenticatorReset: everything on the authenticator is deleted.
    ///
    /// # Errors
    /// When it refuses.
    pub fn reset(&mut self) -> Result<(), Stop> {
        self.power_cycle()?;
        let answer = self.send(&Request::bare(command::RESET))?;
        if answer.status != Status::OK {
            return Err(Stop::Broken(format!(
                "authenticatorReset right after a power cycle answers {}",
                answer.status
            )));
        }
        self.token = None;
        self.credential = None;
        self.accounts = None;
        self.registration = None;
        self.remembered.clear();
        self.standing = Standing::Fresh;
        self.refresh()?;
        Ok(())
    }

    fn make_ready(&mut self) -> Result<(), Stop> {
        if self.info.client_pin().is_some() {
            let answer = self.set_pin(PIN)?;
            if answer.status != Status::OK {
                return Err(Stop::Broken(format!(
                    "setPIN on a fresh authenticator answers {}",
                    answer.status
                )));
            }
            self.hook.pin(PIN)?;
            self.refresh()?;
        }
        self.standing = Standing::Ready;
        Ok(())
    }
}
