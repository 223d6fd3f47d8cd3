//! Hands for the authenticator: who touches it, takes it out and puts it in again, and types the PIN at its own prompt.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;

mod http;

/// Who does what a message cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A person at this terminal.
    Person,
    /// A device farm that speaks python-fido2's words: `ADDRESS/touch/on`, `ADDRESS/touch/off`, `ADDRESS/power/off`, `ADDRESS/power/on`.
    Farm(http::Address),
    /// A program that speaks the FIDO tools' words: POST to `ADDRESS/conformance/userpresence` and `ADDRESS/conformance/powercycle`.
    Tools(http::Address),
    /// A program: `PROGRAM presence on|off`, `PROGRAM power-cycle`, `PROGRAM pin PIN`.
    Program(PathBuf),
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program ended badly.
    #[error("the hook {0} failed: {1}")]
    Program(String, String),
    /// The farm did not do it.
    #[error("the hook {0}")]
    Http(#[from] http::Error),
    /// The terminal cannot be read.
    #[error("cannot read the answer from the terminal: {0}")]
    Terminal(#[from] std::io::Error),
}

impl Hook {
    /// The authenticator waits for a touch: give it.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn touch(&self) -> Result<(), Error> {
        match self {
            Self::Person => {
                eprintln!("      touch the authenticator now");
                Ok(())
            }
            Self::Tools(address) => Ok(address.post("/conformance/userpresence")?),
            // The finger rests on these.
            Self::Farm(_) | Self::Program(_) => Ok(()),
        }
    }

    /// From now on the authenticator is touched when it asks (`true`), or not at all.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn presence(&self, given: bool) -> Result<(), Error> {
        let word = if given { "on" } else { "off" };
        match self {
            Self::Person if !given => eprintln!("      do NOT touch the authenticator until you are told to"),
            Self::Person | Self::Tools(_) => {}
            Self::Farm(address) => address.get(&format!("/touch/{word}"))?,
            Self::Program(_) => self.run(&["presence", word])?,
        }
        Ok(())
    }

    /// Takes the authenticator out and puts it in again.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn power_cycle(&self) -> Result<(), Error> {
        match self {
            Self::Person => {
                eprintln!("      take the authenticator out, put it in again, and press Enter at once");
                std::io::stdin().read_line(&mut String::new())?;
            }
            Self::Farm(address) => {
                address.get("/power/off")?;
                address.get("/power/on")?;
            }
            Self::Tools(address) => address.post("/conformance/powercycle")?,
            Self::Program(_) => self.run(&["power-cycle"])?,
        }
        Ok(())
    }

    /// Says which PIN is typed when the authenticator asks for it at a prompt of its own.
    ///
    /// # Errors
    /// When the hook fails.
    pub fn pin(&self, pin: &str) -> Result<(), Error> {
        match self {
            Self::Person => eprintln!("      if the authenticator itself asks for its PIN, type {pin}"),
            // Their words know no prompt of the authenticator.
            Self::Farm(_) | Self::Tools(_) => {}
            Self::Program(_) => self.run(&["pin", pin])?,
        }
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> Result<(), Error> {
        let Self::Program(program) = self else { return Ok(()) };
        let failed =
            |why: String| Error::Program(format!("{} {}", program.display(), arguments.join(" ")), why);
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| failed(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
    }
}

impl FromStr for Hook {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "terminal" => Ok(Self::Person),
            Some(("farm", address)) => address.parse().map(Self::Farm),
            Some(("tools", address)) => address.parse().map(Self::Tools),
            Some(("command", program)) if !program.is_empty() => Ok(Self::Program(program.into())),
            _ => Err(
                "a hook is terminal, command:PROGRAM, farm:http://HOST:PORT/usbN or tools:http://HOST:PORT"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
