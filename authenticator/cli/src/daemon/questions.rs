//! From the engine's prompts to questions, and from outcomes back to gestures.

use latchkey_ctap::{Answer as Gesture, Notice, Prompt, Want as Wanted};

use crate::prompt::{Outcome, Question, Reply, Want};

impl From<Prompt> for Question {
    fn from(prompt: Prompt) -> Self {
        Self {
            operation: prompt.operation.name(),
            text: prompt.to_string(),
            want: match prompt.want {
                Wanted::Approval => Want::Approval,
                Wanted::Insistence => Want::Word(prompt.operation.name()),
                Wanted::Pin => Want::Pin,
            },
            tries_left: prompt.notice.and_then(|notice| match notice {
                Notice::WrongPin { tries_left } => Some(tries_left),
                Notice::PinNeeded | Notice::TemplateNotEnrolled => None,
            }),
            notice: prompt.notice.map(|notice| notice.to_string()),
            rp_id: prompt.rp_id,
            user: prompt.user,
            gestures: Vec::new(),
        }
    }
}

/// What the engine learns of the user's answer.
pub fn gesture(outcome: Outcome) -> Gesture {
    match outcome {
        Outcome::Reply(Reply::Approved) => Gesture::Approved,
        Outcome::Reply(Reply::Pin(pin)) => Gesture::Pin(pin),
        Outcome::Reply(Reply::Recognised(seen)) => Gesture::Recognised(Box::new(seen)),
        // A prompt of the engine offers no choice.
        Outcome::Reply(Reply::Denied | Reply::Choice(_)) => Gesture::Denied,
        Outcome::TimedOut => Gesture::TimedOut,
    }
}
