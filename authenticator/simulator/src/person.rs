//! Who answers: does what the suite said a person would do.

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::PinHash;
use latchkey_ctap::{Answer, Prompt, Want};
use tokio::sync::watch;

use crate::args::{Presence, Verification};

/// A PIN that nobody sets: longer than any may be.
const WRONG_PIN: &str = "this is not the PIN, and no PIN that could be set either: it is too long for one";

/// The person at the authenticator.
pub struct Person {
    mood: watch::Sender<Mood>,
    patience: Duration,
}

/// What the person does when asked.
pub struct Mood {
    /// About presence.
    pub up: Presence,
    /// About the PIN.
    pub uv: Verification,
    /// The finger lies on the button, which says yes to each question.
    pub touching: bool,
    /// Touches that still say yes to one question each.
    pub touches: u32,
    /// What the person was asked and has not answered yet.
    pub asked: Option<String>,
    /// Of a container for tests: no secret.
    pin: Option<String>,
}

impl Person {
    /// One who knows this PIN and waits this long for a touch.
    pub fn new(up: Presence, uv: Verification, pin: Option<&str>, patience: Duration) -> Self {
        let pin = pin.map(str::to_owned);
        let mood = Mood { up, uv, touching: false, touches: 0, asked: None, pin };
        Self { mood: watch::Sender::new(mood), patience }
    }

    /// How the person is now.
    pub fn mood(&self) -> watch::Ref<'_, Mood> {
        self.mood.borrow()
    }

    /// From now on the finger lies on the button, or not.
    pub fn touch(&self, on: bool) {
        self.mood.send_modify(|mood| mood.touching = on);
    }

    /// Touches the button once, for the question that is open or the next one.
    pub fn touch_once(&self) {
        self.mood.send_modify(|mood| mood.touches = mood.touches.saturating_add(1));
    }

    /// Changes what is given.
    pub fn be(&self, up: Option<Presence>, uv: Option<Verification>, pin: Option<&str>) {
        self.mood.send_modify(|mood| {
            mood.up = up.unwrap_or(mood.up);
            mood.uv = uv.unwrap_or(mood.uv);
            if let Some(pin) = pin {
                mood.pin = Some(pin.to_owned());
            }
        });
    }

    /// The answer to a question.
    pub async fn answer(self: Arc<Self>, prompt: Prompt) -> Answer {
        let _shown = Shown::new(&self, &prompt);
        match tokio::time::timeout(self.patience, self.presence()).await {
            Ok(Some(Presence::Auto)) => self.verification(&prompt),
            Ok(Some(Presence::Timeout)) | Err(_) => Answer::TimedOut,
            Ok(Some(Presence::Deny | Presence::Hold) | None) => Answer::Denied,
        }
    }

    /// Waits until presence is decided.
    async fn presence(&self) -> Option<Presence> {
        let decided = |mood: &Mood| mood.up != Presence::Hold || mood.touching || mood.touches > 0;
        let mut changes = self.mood.subscribe();
        let up = {
            let mood = changes.wait_for(decided).await.ok()?;
            mood.up
        };
        if up != Presence::Hold {
            return Some(up);
        }
        self.mood.send_if_modified(|mood| {
            if !mood.touching {
                mood.touches = mood.touches.saturating_sub(1);
            }
            !mood.touching
        });
        Some(Presence::Auto)
    }

    fn verification(&self, prompt: &Prompt) -> Answer {
        let mood = self.mood.borrow();
        match (prompt.want, mood.uv) {
            (Want::Approval | Want::Insistence, _) => Answer::Approved,
            // Asked again: to go on would only block the PIN.
            (Want::Pin, _) if prompt.notice.is_some() => Answer::Denied,
            (Want::Pin, Verification::Fail) => Answer::Pin(PinHash::typed(WRONG_PIN)),
            (Want::Pin, Verification::Ok) => {
                let Some(pin) = &mood.pin else {
                    tracing::warn!("the user has no PIN to type: give --pin, or POST /user?pin=…");
                    return Answer::Denied;
                };
                Answer::Pin(PinHash::typed(pin))
            }
        }
    }
}

/// Says what the person is asked, for as long as it is open.
struct Shown<'a>(&'a Person);

impl<'a> Shown<'a> {
    fn new(person: &'a Person, prompt: &Prompt) -> Self {
        tracing::info!("{prompt}?");
        person.mood.send_modify(|mood| mood.asked = Some(prompt.to_string()));
        Self(person)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.mood.send_modify(|mood| mood.asked = None);
    }
}
