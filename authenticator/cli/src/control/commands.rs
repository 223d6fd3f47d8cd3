//! The commands that build one request each.

use super::caller::Caller;
use super::{Answer, Request};
use crate::args::{ContainerCommand, PasskeysCommand, PinCommand, SecretSource};
use crate::confirmation;
use crate::enterprise;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, named};
use crate::secret_input::SecretInput;

impl ContainerCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: &Caller, output: &Output) -> Result<(), Failure> {
        let request = match self {
            Self::Create { require_tpm, profile } => Request::Create { require_tpm, profile },
            Self::Status => Request::Status {},
            Self::Destroy { yes } => confirmed_destruction(caller, yes)?,
        };
        output.answer(&caller.call(request)?);
        Ok(())
    }
}

impl PinCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: Caller, output: &Output) -> Result<(), Failure> {
        let request = match self {
            Self::Reset(arguments) => return arguments.run(caller, output),
            Self::Rearm { tenant, code_stdin } => {
                return enterprise::rearm_pin(caller, output, &tenant, code_stdin);
            }
            Self::Set { from } => set_request(&caller, from)?,
            Self::Change { from } => change_request(&caller, from)?,
        };
        output.answer(&caller.call(request)?);
        Ok(())
    }
}

fn set_request(caller: &Caller, from: SecretSource) -> Result<Request, Failure> {
    // What cannot succeed fails before anybody types a PIN.
    if has_pin(caller)? {
        let text = "a PIN is set already: `latchkey pin change` changes it";
        return Err(Failure::new(FailureKind::Refused, text));
    }
    Ok(Request::SetPin { new: SecretInput::open(from)?.chosen("New PIN")? })
}

fn change_request(caller: &Caller, from: SecretSource) -> Result<Request, Failure> {
    if !has_pin(caller)? {
        let text = "no PIN is set yet: `latchkey pin set` sets it";
        return Err(Failure::new(FailureKind::Refused, text));
    }
    let mut input = SecretInput::open(from)?;
    Ok(Request::ChangePin { old: input.existing("Current PIN")?, new: input.chosen("New PIN")? })
}

fn has_pin(caller: &Caller) -> Result<bool, Failure> {
    let status = caller.call(Request::Status {})?;
    Ok(matches!(status, Answer::Status(status) if status.pin.is_some()))
}

impl PasskeysCommand {
    /// Carries the command out and prints what came of it.
    pub fn run(self, caller: &Caller, output: &Output) -> Result<(), Failure> {
        caller.call(Request::Status {})?;
        let pin = |from| SecretInput::open(from)?.existing("PIN").map(Some);
        let request = match self {
            Self::List { from } => Request::ListPasskeys { pin: pin(from)? },
            Self::Delete { which, from } => Request::DeletePasskey { id: which.id, pin: pin(from)? },
            Self::Rename { which, label, from } => {
                Request::RenamePasskey { id: which.id, label, pin: pin(from)? }
            }
            Self::Account { which, name, display_name, from } => {
                Request::SetAccount { id: which.id, name, display_name, pin: pin(from)? }
            }
        };
        output.answer(&caller.call(request)?);
        Ok(())
    }
}

/// Says what will be lost, asks, and returns the request for just that.
fn confirmed_destruction(caller: &Caller, yes: bool) -> Result<Request, Failure> {
    let (request, loss, names_known) = match caller.call(Request::Status {}) {
        Ok(Answer::Status(status)) => {
            let passkeys = match status.passkeys {
                0 => "It holds no passkeys.".to_owned(),
                1 => "1 passkey will be lost for good, and the sign-in that it opens.".to_owned(),
                several => {
                    format!("{several} passkeys will be lost for good, and the sign-ins that they open.")
                }
            };
            let loss = format!("This destroys container {} with its PIN.\n{passkeys}", status.id);
            let names_known = status.passkeys > 0 && status.pin.is_some_and(|pin| pin.tries_left > 0);
            (Request::Destroy { id: status.id }, loss, names_known)
        }
        Ok(_other) => {
            return Err(Failure::new(FailureKind::Refused, "no status came; nothing was destroyed"));
        }
        Err(failure) if matches!(failure.kind, FailureKind::Tpm | FailureKind::Storage) => {
            let loss = format!(
                "The container cannot be opened: {failure}.\nAll its passkeys will be lost for good."
            );
            (Request::Discard {}, loss, false)
        }
        Err(failure) => return Err(failure),
    };
    if yes {
        return Ok(request);
    }
    confirmation::require_terminal(&loss)?;
    eprintln!("{loss}\nThere is no copy and no undo.");
    if names_known {
        name_passkeys(caller)?;
    }
    confirmation::typed("destroy", "nothing was destroyed")?;
    Ok(request)
}

/// The names are sealed; whoever still knows the PIN may see them before they are lost.
pub fn name_passkeys(caller: &Caller) -> Result<(), Failure> {
    let source = SecretSource { pin_stdin: false, pin_fd: None };
    let Some(pin) = SecretInput::open(source)?.optional("PIN, to see which (empty to skip)")? else {
        return Ok(());
    };
    match caller.call(Request::ListPasskeys { pin: Some(pin) }) {
        Ok(Answer::Passkeys(passkeys)) => {
            for passkey in &passkeys {
                eprintln!("  {}", named(passkey));
            }
        }
        Ok(_other) => {}
        Err(failure) => eprintln!("{failure}"),
    }
    Ok(())
}
