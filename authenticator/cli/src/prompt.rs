//! Puts a question to the user: through pinentry, on the terminal, or through a program.
//!
//! A question that nobody waits for any more is taken back by dropping its future: programs are killed, the terminal
//! is put back as it was.

mod child;
mod command;
mod pinentry;
mod question;
mod terminal;

use std::path::PathBuf;
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use latchkey_container::Recognised;
use tokio::sync::Mutex;

pub use question::{Question, Reply, Want};

/// How often text that cannot be a PIN is asked for again within one question.
const PATIENCE: u8 = 3;

/// What `--prompt` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptChoice {
    /// Pinentry with a display, else the terminal.
    Auto,
    /// The controlling terminal.
    Terminal,
    /// The pinentry program.
    Pinentry,
    /// A program that speaks JSON lines.
    Program(PathBuf),
}

impl FromStr for PromptChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("command:")) {
            ("auto", _) => Ok(Self::Auto),
            ("terminal", _) => Ok(Self::Terminal),
            ("pinentry", _) => Ok(Self::Pinentry),
            (_, Some(program)) if !program.is_empty() => Ok(Self::Program(program.into())),
            _ => Err("say auto, terminal, pinentry or command:PROGRAM".to_owned()),
        }
    }
}

/// How a question ended.
#[derive(Debug)]
pub enum Outcome {
    /// The user answered.
    Reply(Reply),
    /// The time ran out.
    TimedOut,
}

/// Why no question can be put.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The program, terminal or socket to it does not work.
    #[error("{what}: {error}")]
    Io {
        /// What does not work.
        what: String,
        /// Why.
        error: std::io::Error,
    },
    /// The program said something that the protocol does not allow.
    #[error("the prompt program {0}")]
    Protocol(String),
}

impl PromptError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

/// Where questions are put.
#[derive(Debug)]
enum Way {
    Terminal,
    Pinentry(PathBuf),
    Program(PathBuf),
    /// Nobody can be asked; every question is denied with this reason in the log.
    Nobody(&'static str),
}

/// Puts one question at a time.
#[derive(Debug)]
pub struct Prompter {
    way: Way,
    timeout: Duration,
    /// Held while a question is shown.
    shown: Mutex<()>,
}

impl Prompter {
    /// Decides what `auto` means here.
    pub fn new(choice: &PromptChoice, timeout: Duration) -> Self {
        let way = match choice {
            PromptChoice::Terminal => Way::Terminal,
            PromptChoice::Pinentry => Way::Pinentry(pinentry::program()),
            PromptChoice::Program(program) => Way::Program(program.clone()),
            PromptChoice::Auto if pinentry::has_display() && pinentry::is_installed() => {
                Way::Pinentry(pinentry::program())
            }
            PromptChoice::Auto if terminal::exists() => Way::Terminal,
            PromptChoice::Auto => Way::Nobody(
                "there is neither a display with pinentry nor a terminal to ask on: install pinentry, start the \
                 daemon in a terminal, or give --prompt command:PROGRAM",
            ),
        };
        Self { way, timeout, shown: Mutex::new(()) }
    }

    /// How long a question may stay open.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// One line for the log: how the user will be asked, or why not.
    pub fn description(&self) -> String {
        match &self.way {
            Way::Terminal => "questions are put on this terminal".to_owned(),
            Way::Pinentry(program) => format!("questions are put by {}", program.display()),
            Way::Program(program) => format!("questions are put by the program {}", program.display()),
            Way::Nobody(reason) => format!("every request that needs you will be denied: {reason}"),
        }
    }

    /// Asks, and waits for the answer or the end of the time, which includes waiting for an earlier question. Whom the
    /// sensor recognises while the question is shown has answered it.
    pub async fn ask_or(&self, question: Question, recognised: impl Future<Output = Recognised>) -> Outcome {
        match tokio::time::timeout(self.timeout, self.ask_patiently(question, recognised)).await {
            Ok(Ok(reply)) => Outcome::Reply(reply),
            Ok(Err(error)) => {
                tracing::error!(%error, "the user cannot be asked; the request is denied");
                Outcome::Reply(Reply::Denied)
            }
            Err(_elapsed) => Outcome::TimedOut,
        }
    }

    async fn ask_patiently(
        &self,
        mut question: Question,
        recognised: impl Future<Output = Recognised>,
    ) -> Result<Reply, PromptError> {
        let _place = self.shown.lock().await;
        let mut recognised = pin!(recognised);
        for _ in 0..PATIENCE {
            let answered = tokio::select! {
                seen = &mut recognised => return Ok(Reply::Recognised(seen)),
                answered = self.put(&question) => answered?,
            };
            match question.judge(answered) {
                Ok(reply) => return Ok(reply),
                Err(notice) => question.notice = Some(notice),
            }
        }
        Ok(Reply::Denied)
    }

    async fn put(&self, question: &Question) -> Result<question::Typed, PromptError> {
        match &self.way {
            Way::Terminal => terminal::ask(question).await,
            Way::Pinentry(program) => pinentry::ask(program, question, self.timeout).await,
            Way::Program(program) => command::ask(program, question).await,
            // Whoever has a finger enrolled needs nowhere to type.
            Way::Nobody(_) if !question.gestures.is_empty() => std::future::pending().await,
            Way::Nobody(reason) => {
                tracing::warn!("{reason}");
                Ok(question::Typed::Denied)
            }
        }
    }
}
