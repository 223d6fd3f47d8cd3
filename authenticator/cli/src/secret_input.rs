//! Reads PINs for the commands: from the terminal without echo, from standard input, or from a file descriptor.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read, stdin};
use std::os::fd::AsFd;

use zeroize::Zeroizing;

use crate::args::SecretSource;
use crate::failure::{Failure, FailureKind};
use crate::secret_text::SecretText;

/// More than the longest PIN (63 bytes); a longer line is no PIN.
const LONGEST_LINE: usize = 256;

/// Hands out one secret after the other.
pub struct SecretInput {
    from: Origin,
}

enum Origin {
    Terminal,
    Lines(Box<dyn Read>),
}

impl SecretInput {
    /// Opens the source that the user named.
    pub fn open(source: SecretSource) -> Result<Self, Failure> {
        if source.pin_stdin {
            // The standard library's own reader has a buffer that it never wipes.
            let unbuffered = stdin().as_fd().try_clone_to_owned();
            let file = unbuffered.map_err(|error| Failure::io("standard input cannot be read", &error))?;
            return Ok(Self { from: Origin::Lines(Box::new(File::from(file))) });
        }
        if let Some(number) = source.pin_fd {
            // Opening the descriptor through /proc gives one of our own; taking the raw number would need `unsafe`.
            let file = File::open(format!("/proc/self/fd/{number}"))
                .map_err(|error| usage(format!("file descriptor {number} cannot be read: {error}")))?;
            return Ok(Self { from: Origin::Lines(Box::new(file)) });
        }
        if !stdin().is_terminal() {
            return Err(usage(
                "there is no terminal to ask for the PIN on: use --pin-stdin or --pin-fd".into(),
            ));
        }
        Ok(Self { from: Origin::Terminal })
    }

    /// A PIN that already exists.
    pub fn existing(&mut self, label: &str) -> Result<SecretText, Failure> {
        self.next(label)
    }

    /// A PIN to be set; a person types it twice.
    pub fn chosen(&mut self, label: &str) -> Result<SecretText, Failure> {
        let first = self.next(label)?;
        if matches!(self.from, Origin::Terminal) {
            let second = self.next(&format!("{label} again"))?;
            if first.expose() != second.expose() {
                return Err(Failure::new(FailureKind::Refused, "the two PINs differ; nothing was changed"));
            }
        }
        Ok(first)
    }

    /// A PIN that may be left out.
    pub fn optional(&mut self, label: &str) -> Result<Option<SecretText>, Failure> {
        let text = self.read(label)?;
        Ok((!text.is_empty()).then(|| SecretText::new(text)))
    }

    fn next(&mut self, label: &str) -> Result<SecretText, Failure> {
        let text = self.read(label)?;
        if text.is_empty() {
            return Err(usage(format!("the input holds no {label}; give one PIN per line")));
        }
        Ok(SecretText::new(text))
    }

    fn read(&mut self, label: &str) -> Result<Zeroizing<String>, Failure> {
        match &mut self.from {
            Origin::Lines(reader) => line(reader.as_mut()),
            Origin::Terminal => match rpassword::prompt_password(format!("{label}: ")) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    Err(Failure::new(FailureKind::Refused, "no PIN was given"))
                }
                Err(error) => Err(Failure::io("the terminal", &error)),
            },
        }
    }
}

/// One line without its end. Read byte by byte, so that nothing of the secret stays in a buffer and the next secret
/// stays in the pipe.
fn line(reader: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let mut byte = Zeroizing::new(0_u8);
    loop {
        match reader.read(std::slice::from_mut(&mut *byte)) {
            Ok(0) => break,
            Ok(_one) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(usage(format!("the PIN cannot be read: {error}"))),
        }
        match *byte {
            b'\n' => break,
            _ if bytes.len() == LONGEST_LINE => return Err(usage("the line is too long to be a PIN".into())),
            other => bytes.push(other),
        }
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let text = std::str::from_utf8(&bytes).map_err(|_not_text| usage("the PIN is not UTF-8 text".into()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn usage(text: String) -> Failure {
    Failure::new(FailureKind::Usage, text)
}
