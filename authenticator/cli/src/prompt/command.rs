//! The prompt as a program: one JSON line to it, one from it. For tests, and for desktops with a prompt of their own.

use std::path::Path;

use latchkey_container::Biometric;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::PromptError;
use super::child::PromptChild;
use super::question::{Question, Typed, Want};
use crate::secret_text::SecretText;

/// No answer is longer.
const LONGEST_ANSWER: usize = 4096;

/// The question as a line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    operation: &'a str,
    text: &'a str,
    rp_id: Option<&'a str>,
    user: Option<&'a str>,
    want: &'static str,
    word: Option<&'static str>,
    choices: &'a [String],
    tries_left: Option<u8>,
    notice: Option<&'a str>,
    gestures: &'a [Biometric],
}

/// The answer as a line: one of the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    pin: Option<SecretText>,
    approve: Option<bool>,
    word: Option<String>,
    choice: Option<usize>,
    deny: Option<bool>,
}

/// Runs the program for one question.
pub async fn ask(program: &Path, question: &Question) -> Result<Typed, PromptError> {
    let broken = |error| PromptError::Io { what: format!("the prompt program {}", program.display()), error };
    let (child, mut stdin, mut stdout) = PromptChild::start(Command::new(program)).map_err(broken)?;
    // A program that answers without reading closes its end; its answer still counts.
    let _unread = stdin.write_all(line(question)?.as_bytes()).await;
    drop(stdin);
    let answer = first_line(&mut stdout).await.map_err(broken)?;
    drop(child);
    typed(&answer)
}

fn line(question: &Question) -> Result<String, PromptError> {
    let (want, choices) = match &question.want {
        Want::Approval => ("approval", [].as_slice()),
        Want::Word(_) => ("word", [].as_slice()),
        Want::Pin => ("pin", [].as_slice()),
        Want::Choice(choices) => ("choice", choices.as_slice()),
    };
    let line = Line {
        operation: question.operation,
        text: &question.shown_text(),
        rp_id: question.rp_id.as_deref(),
        user: question.user.as_deref(),
        want,
        word: if let Want::Word(word) = question.want { Some(word) } else { None },
        choices,
        tries_left: question.tries_left,
        notice: question.notice.as_deref(),
        gestures: &question.gestures,
    };
    let json = serde_json::to_string(&line).map_err(|error| PromptError::Protocol(error.to_string()))?;
    Ok(json + "\n")
}

/// Up to the first line end or the end of the stream, whichever comes first.
async fn first_line(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // One buffer of full size: growing would leave a copy of the PIN behind.
    let mut text = Zeroizing::new(vec![0_u8; LONGEST_ANSWER]);
    let mut filled = 0;
    while let Some(rest) = text.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let read = from.read(rest).await?;
        let end = rest.iter().take(read).position(|byte| *byte == b'\n');
        filled += end.unwrap_or(read);
        if read == 0 || end.is_some() {
            break;
        }
    }
    text.truncate(filled);
    Ok(text)
}

fn typed(answer: &[u8]) -> Result<Typed, PromptError> {
    // The parser's own words may quote the answer, which may hold a PIN.
    let answer = serde_json::from_slice(answer).map_err(|_quotes| {
        PromptError::Protocol(
            "gave no answer of the form {\"pin\":..}, {\"approve\":true}, {\"word\":..}, {\"choice\":0} or {\"deny\":true}"
                .into(),
        )
    })?;
    match answer {
        Answer { pin: Some(pin), approve: None, word: None, choice: None, deny: None } => Ok(Typed::Pin(pin)),
        Answer { pin: None, approve: Some(true), word: None, choice: None, deny: None } => {
            Ok(Typed::Approved)
        }
        Answer { pin: None, approve: None, word: Some(word), choice: None, deny: None } => {
            Ok(Typed::Word(word))
        }
        Answer { pin: None, approve: None, word: None, choice: Some(index), deny: None } => {
            Ok(Typed::Choice(index))
        }
        Answer { pin: None, approve: Some(false), word: None, choice: None, deny: None }
        | Answer { pin: None, approve: None, word: None, choice: None, deny: Some(true) } => {
            Ok(Typed::Denied)
        }
        Answer { .. } => {
            Err(PromptError::Protocol("gave none or several of pin, approve, word, choice and deny".into()))
        }
    }
}

#[cfg(test)]
mod tests;
