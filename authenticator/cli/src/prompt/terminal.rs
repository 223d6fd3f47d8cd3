//! The prompt on the controlling terminal.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::net::unix::pipe::Receiver;
use zeroize::Zeroizing;

use super::PromptError;
use super::question::{Question, Typed, Want};
use crate::output::shown;
use crate::secret_text::SecretText;

/// The terminal of the process, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";
/// More than the longest PIN.
const LONGEST_LINE: usize = 256;

/// Whether the process has a terminal.
pub fn exists() -> bool {
    open().is_ok()
}

/// Asks on the terminal. Dropping the future takes the question back and gives the terminal its settings back.
pub async fn ask(question: &Question) -> Result<Typed, PromptError> {
    let terminal = Terminal::open().map_err(PromptError::io(format!("the terminal {TERMINAL}")))?;
    terminal.put(question).await.map_err(PromptError::io(format!("the terminal {TERMINAL}")))
}

struct Terminal {
    file: File,
    /// The same open file. Tokio has no type for terminals; all it needs is a descriptor that does not block.
    input: Receiver,
}

impl Terminal {
    fn open() -> std::io::Result<Self> {
        let file = open()?;
        // Reading from the background would stop the whole daemon (job control, termios(3)).
        if tcgetpgrp(&file)? != getpgrp() {
            return Err(std::io::Error::other(
                "the daemon runs in the background of its terminal; bring it back with fg",
            ));
        }
        let input = Receiver::from_file_unchecked(file.try_clone()?)?;
        Ok(Self { file, input })
    }

    async fn put(&self, question: &Question) -> std::io::Result<Typed> {
        self.write(&format!("\n{}\n", shown(&question.shown_text())))?;
        if let Some(notice) = &question.notice {
            self.write(&format!("{}\n", shown(notice)))?;
        }
        match &question.want {
            Want::Pin => {
                let line = self.line("PIN (empty to deny): ", Echo::Off).await?;
                Ok(if line.is_empty() { Typed::Denied } else { Typed::Pin(SecretText::new(line)) })
            }
            Want::Approval => {
                let line = self.line("Allow? [y/N] ", Echo::On).await?;
                Ok(if matches!(line.as_str(), "y" | "Y" | "yes") { Typed::Approved } else { Typed::Denied })
            }
            Want::Word(_) => {
                let line = self.line("Word (empty to deny): ", Echo::On).await?;
                Ok(if line.is_empty() { Typed::Denied } else { Typed::Word(line.to_string()) })
            }
            Want::Choice(choices) => {
                for (index, choice) in choices.iter().enumerate() {
                    self.write(&format!("  {}  {}\n", index + 1, shown(choice)))?;
                }
                let line = self.line("Number (empty to deny): ", Echo::On).await?;
                let number = line.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                Ok(number.map_or(Typed::Denied, Typed::Choice))
            }
        }
    }

    /// Reads one line as the user ends it. What was typed before the question does not count as an answer to it.
    async fn line(&self, label: &str, echo: Echo) -> std::io::Result<Zeroizing<String>> {
        let mut settings = Restore::after_setting(&self.file, echo)?;
        tcflush(&self.file, QueueSelector::IFlush)?;
        self.write(label)?;
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut buffer = Zeroizing::new([0_u8; LONGEST_LINE]);
        loop {
            self.input.readable().await?;
            let read = match self.input.try_read(buffer.as_mut_slice()) {
                Ok(read) => read,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let room = LONGEST_LINE - line.len();
            line.extend(buffer.iter().take(read).take(room));
            // Read gives a whole line at a time; nothing at all means that the user closed the input.
            if read == 0 || line.last() == Some(&b'\n') || line.len() == LONGEST_LINE {
                break;
            }
        }
        settings.answered = true;
        if matches!(echo, Echo::Off) {
            self.write("\n")?;
        }
        let text = std::str::from_utf8(&line).unwrap_or_default();
        Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// A few words always fit; a stopped terminal must not hold up the daemon.
    fn write(&self, text: &str) -> std::io::Result<()> {
        match (&self.file).write_all(text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }
}

/// Whether the terminal shows what is typed.
#[derive(Debug, Clone, Copy)]
enum Echo {
    On,
    Off,
}

/// Puts the terminal's settings back, on every way out.
struct Restore {
    file: File,
    before: Termios,
    answered: bool,
}

impl Restore {
    fn after_setting(file: &File, echo: Echo) -> std::io::Result<Self> {
        let before = tcgetattr(file)?;
        let mut during = before.clone();
        during.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
        during.local_modes.set(LocalModes::ECHO, matches!(echo, Echo::On));
        let restore = Self { file: file.try_clone()?, before, answered: false };
        tcsetattr(file, OptionalActions::Now, &during)?;
        Ok(restore)
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if !self.answered {
            let _stopped = (&self.file).write_all(b"\nThe question was taken back.\n");
        }
        // Nothing typed for this question may reach the next one, or the shell.
        let _closed = tcflush(&self.file, QueueSelector::IFlush);
        let _closed = tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }
}

/// A descriptor of our own, so that not blocking concerns nobody else's.
fn open() -> std::io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(std::io::Error::other)?;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(TERMINAL)
}
