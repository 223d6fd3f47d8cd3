//! What is asked, and what the answer means.

use latchkey_container::{Biometric, PinHash, Recognised};

use crate::secret_text::SecretText;

/// One question.
#[derive(Debug, Clone)]
pub struct Question {
    /// The operation in one word, for programs.
    pub operation: &'static str,
    /// The whole question in plain words: operation, site and account.
    pub text: String,
    /// The site.
    pub rp_id: Option<String>,
    /// The account.
    pub user: Option<String>,
    /// What kind of answer is wanted.
    pub want: Want,
    /// Tries left after a wrong PIN.
    pub tries_left: Option<u8>,
    /// What went wrong before, if this is asked again.
    pub notice: Option<String>,
    /// The gestures that do instead of the PIN.
    pub gestures: Vec<Biometric>,
}

/// What kind of answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Yes or no.
    Approval,
    /// This word, typed: a yes that nobody gives by accident.
    Word(&'static str),
    /// The PIN.
    Pin,
    /// One of these accounts.
    Choice(Vec<String>),
}

/// What the user typed or pressed, not judged yet.
#[derive(Debug)]
pub enum Typed {
    /// Text that should be a PIN.
    Pin(SecretText),
    /// Yes.
    Approved,
    /// Text that should be the word.
    Word(String),
    /// The index of an account.
    Choice(usize),
    /// No.
    Denied,
}

/// An answer that fits its question.
#[derive(Debug)]
pub enum Reply {
    /// The hash of the PIN; the text is wiped by then.
    Pin(PinHash),
    /// Whom the biometric service recognised while the question was shown.
    Recognised(Recognised),
    /// Yes.
    Approved,
    /// The index of an account.
    Choice(usize),
    /// No.
    Denied,
}

impl Question {
    /// The question as people read it, with what they may do instead of typing, or must type.
    pub fn shown_text(&self) -> String {
        if let Want::Word(word) = self.want {
            return format!("{}\nType {word} to allow it.", self.text);
        }
        let gestures: Vec<&str> = self.gestures.iter().map(|kind| kind.name()).collect();
        if gestures.is_empty() || self.want != Want::Pin {
            return self.text.clone();
        }
        format!("{}\nYour {} or your PIN:", self.text, gestures.join(", your "))
    }

    /// Whether the answer fits; if not, what to tell the user before asking again.
    pub fn judge(&self, typed: Typed) -> Result<Reply, String> {
        match (typed, &self.want) {
            (Typed::Denied, _) => Ok(Reply::Denied),
            // Return pressed too early costs no try.
            (Typed::Pin(text), Want::Pin) if text.expose().is_empty() => Err("Type the PIN.".to_owned()),
            (Typed::Pin(text), Want::Pin) => Ok(Reply::Pin(text.to_pin_hash())),
            (Typed::Approved, Want::Approval) => Ok(Reply::Approved),
            (Typed::Word(typed), Want::Word(word)) if typed.trim() == *word => Ok(Reply::Approved),
            (Typed::Word(_), Want::Word(word)) => Err(format!("Type {word}, or deny.")),
            (Typed::Choice(index), Want::Choice(choices)) if index < choices.len() => {
                Ok(Reply::Choice(index))
            }
            (
                Typed::Pin(_) | Typed::Approved | Typed::Word(_) | Typed::Choice(_),
                Want::Approval | Want::Word(_) | Want::Pin | Want::Choice(_),
            ) => Err("The answer does not fit the question.".to_owned()),
        }
    }
}
