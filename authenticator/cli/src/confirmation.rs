//! What is asked on the terminal before something is deleted for good.

use std::io::{IsTerminal, stdin};

use crate::failure::{Failure, FailureKind};

/// Refuses to go on where nobody can be asked. `loss` says what would be deleted.
pub fn require_terminal(loss: &str) -> Result<(), Failure> {
    if stdin().is_terminal() {
        return Ok(());
    }
    let text = format!("{loss}\nThere is no terminal to ask on: confirm with --yes");
    Err(Failure::new(FailureKind::Usage, text))
}

/// Goes on only when `word` is typed; `otherwise` says that nothing was done.
pub fn typed(word: &str, otherwise: &str) -> Result<(), Failure> {
    eprint!("Type {word} to go on: ");
    let mut typed = String::new();
    stdin().read_line(&mut typed).map_err(|error| Failure::io("the terminal", &error))?;
    if typed.trim() == word { Ok(()) } else { Err(Failure::new(FailureKind::Refused, otherwise)) }
}
