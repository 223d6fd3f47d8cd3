//! The gesture that opens the container for these commands.

use zeroize::Zeroizing;

use super::machine;
use crate::args::SecretSource;
use crate::control::Request;
use crate::control::caller::Caller;
use crate::failure::Failure;
use crate::secret_input::SecretInput;
use crate::secret_text::SecretText;

/// Opens the container with the PIN. Without a source of its own, the daemon asks, or the terminal where none runs.
pub fn open(caller: &Caller, from: SecretSource) -> Result<(), Failure> {
    let pin = if named(from) || !caller.has_daemon() {
        Some(SecretInput::open(from)?.existing("PIN")?)
    } else {
        None
    };
    open_with(caller, pin)
}

/// The same where there may be no PIN yet: then one is chosen.
pub fn open_or_set(caller: &Caller, from: SecretSource) -> Result<(), Failure> {
    if machine::status(caller)?.pin.is_some() {
        return open(caller, from);
    }
    set_and_open(caller, SecretInput::open(from)?.chosen("New PIN")?)
}

/// Sets the first PIN, and opens the container with it.
pub fn set_and_open(caller: &Caller, pin: SecretText) -> Result<(), Failure> {
    let new = SecretText::new(Zeroizing::new(pin.expose().to_owned()));
    let _set = caller.call(Request::SetPin { new })?;
    open_with(caller, Some(pin))
}

fn open_with(caller: &Caller, pin: Option<SecretText>) -> Result<(), Failure> {
    let _opened = caller.call(Request::OpenSession { pin })?;
    Ok(())
}

const fn named(from: SecretSource) -> bool {
    from.pin_stdin || from.pin_fd.is_some()
}
