//! The two WebAuthn ceremonies as this site runs them: each begins with options and a challenge bound to session,
//! purpose and user, and finishes by taking that challenge before anything is verified. Sign-in at an identity provider
//! has the same shape.

mod identity;
mod registration;
mod sign_in;

pub(crate) use registration::confirmed;

use serde_json::Value;

use crate::clock::UnixTime;
use crate::refusal::Refusal;
use crate::site::Site;
use crate::storage::{Ceremony, Pending, Session, Taken};

/// An account keeps at most this many passkeys.
const MOST_PASSKEYS: usize = 20;

impl Site {
    /// Takes the challenge that a response answers. From here on that response is spent.
    async fn take_challenge(
        &self,
        challenge: &[u8],
        session: &Session,
        ceremony: Ceremony,
        now: UnixTime,
    ) -> Result<Pending, Refusal> {
        match self.database.challenges().take(challenge, &session.id, ceremony, now).await? {
            Taken::Ready(pending) => Ok(pending),
            Taken::Expired => Err(Refusal::ChallengeExpired),
            Taken::Unknown => Err(Refusal::ChallengeUnknown),
        }
    }
}

/// `webauthn-rs` options as the JSON that `parse…OptionsFromJSON()` reads.
fn options_json(options: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(options).map_err(|_| Refusal::Internal("options do not serialize"))
}

/// Sets `options[member]`.
fn set(options: &mut Value, member: &str, value: Value) {
    if let Some(options) = options.as_object_mut() {
        options.insert(member.to_owned(), value);
    }
}
