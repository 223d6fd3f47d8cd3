//! The prompt through pinentry, in the Assuan protocol (the manuals of Pinentry and Assuan at gnupg.org).
//!
//! Spoken here and not by a crate: those that exist wait on the program and cannot take a question back.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use zeroize::Zeroizing;

use super::PromptError;
use super::child::PromptChild;
use super::question::{Question, Typed, Want};
use crate::secret_text::SecretText;

/// Names another pinentry than the one that the distribution chose.
const PROGRAM_VARIABLE: &str = "LATCHKEY_PINENTRY";
/// The longest line that Assuan allows (Assuan manual, "Client requests"), with its end.
const LONGEST_LINE: usize = 1002;

/// `GPG_ERR_TIMEOUT`, in the low 16 bits of the error code.
const TIMEOUT: u32 = 62;
/// `GPG_ERR_CANCELED`.
const CANCELED: u32 = 99;
/// `GPG_ERR_NOT_CONFIRMED`: the third button.
const NOT_CONFIRMED: u32 = 114;
/// `GPG_ERR_FULLY_CANCELED`: the window was closed.
const FULLY_CANCELED: u32 = 198;

/// The pinentry to run.
pub fn program() -> PathBuf {
    env::var_os(PROGRAM_VARIABLE).map_or_else(|| PathBuf::from("pinentry"), PathBuf::from)
}

/// Whether pinentry could open a window.
pub fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether there is such a program.
pub fn is_installed() -> bool {
    let program = program();
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| access(folder.join(&program), Access::EXEC_OK).is_ok())
}

/// Runs pinentry for one question.
pub async fn ask(program: &Path, question: &Question, timeout: Duration) -> Result<Typed, PromptError> {
    let broken = PromptError::io(format!("pinentry ({})", program.display()));
    let (child, stdin, stdout) = PromptChild::start(Command::new(program)).map_err(broken)?;
    let mut window = Window { stdin, stdout: BufReader::new(stdout) };
    window.reply().await?;
    window.describe(question, timeout).await?;
    let typed = match &question.want {
        Want::Pin => window.pin().await?,
        Want::Approval => match window.command("CONFIRM", "").await? {
            Said::Ok(_) => Typed::Approved,
            Said::No(_) => Typed::Denied,
        },
        Want::Word(_) => window.word().await?,
        Want::Choice(choices) => window.choice(question, choices).await?,
    };
    // Asked to leave, and killed if it does not.
    let _gone = window.command("BYE", "").await;
    drop(child);
    Ok(typed)
}

/// A connection to a pinentry.
struct Window {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// How pinentry answered a command.
enum Said {
    /// Done, with what it sent as data.
    Ok(Zeroizing<Vec<u8>>),
    /// The user said no in one of the ways, which this code tells.
    No(u32),
}

impl Window {
    async fn describe(&mut self, question: &Question, timeout: Duration) -> Result<(), PromptError> {
        self.command("SETTITLE", "Latchkey").await?;
        self.command("SETDESC", &question.shown_text()).await?;
        let label = if let Want::Word(_) = question.want { "Word:" } else { "PIN:" };
        self.command("SETPROMPT", label).await?;
        if let Some(notice) = &question.notice {
            self.command("SETERROR", notice).await?;
        }
        if question.want == Want::Approval {
            self.command("SETOK", "Allow").await?;
            self.command("SETCANCEL", "Deny").await?;
        }
        // Ours ends first; this one takes the window away if we are gone.
        self.command("SETTIMEOUT", &timeout.as_secs().saturating_add(1).to_string()).await?;
        Ok(())
    }

    async fn pin(&mut self) -> Result<Typed, PromptError> {
        let text = self.text().await?;
        Ok(text.map_or(Typed::Denied, |text| Typed::Pin(SecretText::new(text))))
    }

    /// Pinentry shows nothing of what is typed, be it a PIN or not.
    async fn word(&mut self) -> Result<Typed, PromptError> {
        let text = self.text().await?;
        Ok(text.map_or(Typed::Denied, |text| Typed::Word(text.to_string())))
    }

    async fn text(&mut self) -> Result<Option<Zeroizing<String>>, PromptError> {
        let Said::Ok(data) = self.command("GETPIN", "").await? else { return Ok(None) };
        let text = std::str::from_utf8(&data)
            .map_err(|_not_text| PromptError::Protocol("gave no UTF-8 text".into()))?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// Pinentry has no lists: one account after the other, with "Another" between Use and Cancel.
    async fn choice(&mut self, question: &Question, choices: &[String]) -> Result<Typed, PromptError> {
        self.command("SETOK", "Use this one").await?;
        self.command("SETNOTOK", "Another").await?;
        loop {
            for (index, choice) in choices.iter().enumerate() {
                self.command("SETDESC", &format!("{}\n\n{choice}", question.text)).await?;
                match self.command("CONFIRM", "").await? {
                    Said::Ok(_) => return Ok(Typed::Choice(index)),
                    Said::No(NOT_CONFIRMED) => {}
                    Said::No(_) => return Ok(Typed::Denied),
                }
            }
        }
    }

    async fn command(&mut self, name: &str, argument: &str) -> Result<Said, PromptError> {
        let line = format!("{name} {}", escape(argument));
        let line = format!("{}\n", line.trim_end());
        self.stdin.write_all(line.as_bytes()).await.map_err(PromptError::io("pinentry"))?;
        self.reply().await
    }

    /// Reads up to the OK or ERR that ends every reply.
    async fn reply(&mut self) -> Result<Said, PromptError> {
        let mut data = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        loop {
            let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
            let read = self.stdout.read_until(b'\n', &mut line).await.map_err(PromptError::io("pinentry"))?;
            if read == 0 {
                return Err(PromptError::Protocol("ended without an answer".into()));
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if line == b"OK" || line.starts_with(b"OK ") {
                return Ok(Said::Ok(data));
            } else if let Some(part) = line.strip_prefix(b"D ") {
                unescape(part, &mut data);
            } else if let Some(error) = line.strip_prefix(b"ERR ") {
                return refusal(error);
            }
            // Else a status or comment line, which says nothing that we need.
        }
    }
}

fn refusal(error: &[u8]) -> Result<Said, PromptError> {
    let text = String::from_utf8_lossy(error);
    let code = text.split(' ').next().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xFFFF);
    match code {
        Some(code @ (TIMEOUT | CANCELED | NOT_CONFIRMED | FULLY_CANCELED)) => Ok(Said::No(code)),
        Some(_) | None => Err(PromptError::Protocol(format!("(pinentry) refused: {text}"))),
    }
}

/// Percent-escapes what would end the line or begin an escape, and keeps the line within Assuan's limit.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '%' => escaped.push_str("%25"),
            '\n' => escaped.push_str("%0A"),
            '\r' => escaped.push_str("%0D"),
            other => escaped.push(other),
        }
        if escaped.len() > LONGEST_LINE - 50 {
            break;
        }
    }
    escaped
}

/// Undoes percent-escapes; what is none stays as it is.
fn unescape(mut part: &[u8], into: &mut Vec<u8>) {
    while let [first, rest @ ..] = part {
        part = rest;
        let escaped = match (first, rest) {
            (b'%', [high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        if let Some((byte, after)) = escaped {
            into.push(byte);
            part = after;
        } else {
            into.push(*first);
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
