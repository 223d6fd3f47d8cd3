//! User verification of makeCredential and getAssertion: what a request must bring, what it brings, and whether a gesture
//! is asked for here (CTAP 2.3 §6.1.2 steps 5 to 11, §6.2.2 steps 4 to 6).

use std::sync::Arc;
use std::time::Duration;

use latchkey_container::{Access, Unlocked};
use latchkey_protocol::authenticator_data::Flags;
use latchkey_protocol::client_pin::Permissions;

use crate::engine::Authenticator;
use crate::status::Failure;
use crate::token::{Proof, Scope, TokenId};

/// What has been shown of the user in one request.
pub(crate) struct Evidence {
    /// The user is verified: without it no flag says so, and no passkey of the verified class opens.
    unlocked: Option<Arc<Unlocked>>,
    /// Whether that is evidence of user presence, too.
    present: bool,
    /// The token that it came from.
    token: Option<TokenId>,
}

/// How a request goes on.
pub(crate) enum Verification {
    /// There is this evidence, and no more is asked for.
    Shown(Evidence),
    /// Built-in user verification comes first.
    Gesture,
}

/// What a pinUvAuthParam must authorise.
pub(crate) struct Authorised<'a> {
    pub(crate) permission: Permissions,
    pub(crate) rp_id: &'a str,
    pub(crate) client_data_hash: &'a [u8; 32],
}

impl Evidence {
    /// Of a gesture that was made for this request. It is evidence of user presence (§6.1.2 step 13, §6.2.2 step 8).
    pub(crate) fn of_gesture(unlocked: Unlocked) -> Self {
        Self { unlocked: Some(Arc::new(unlocked)), present: true, token: None }
    }

    /// What may be opened.
    pub(crate) fn access(&self) -> Access<'_> {
        self.unlocked.as_deref().into()
    }

    pub(crate) const fn is_verified(&self) -> bool {
        self.unlocked.is_some()
    }

    pub(crate) const fn is_present(&self) -> bool {
        self.present
    }

    pub(crate) const fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// The flags of authenticator data, with or without user presence.
    pub(crate) fn flags(&self, present: bool) -> Flags {
        let verified = if self.is_verified() { Flags::UV } else { Flags(0) };
        if present { verified | Flags::UP } else { verified }
    }
}

impl Authenticator {
    /// Whether the user is to be verified by a gesture here (§6.1.2 steps 5 and 6, §6.2.2 steps 4 and 5). With a
    /// pinUvAuthParam, uv counts as false; `always` turns an absent one into true.
    pub(crate) fn wants_gesture(&self, proof: bool, uv: Option<bool>, always: bool) -> Result<bool, Failure> {
        let asked = !proof && uv == Some(true);
        match (self.container.has_pin(), asked) {
            (false, true) => Err(Failure::InvalidOption),
            // Without a PIN nothing can verify the user, and clientPin is how to set one.
            (false, false) if always => Err(Failure::TokenRequired),
            (true, false) if always => Ok(!proof),
            (true | false, _) => Ok(asked),
        }
    }

    /// What there is of user verification (§6.1.2 step 11, §6.2.2 step 6).
    pub(crate) fn verification(
        &mut self,
        proof: Option<Proof<'_>>,
        gesture: bool,
        wanted: &Authorised<'_>,
        now: Duration,
    ) -> Result<Verification, Failure> {
        if let Some(proof) = proof {
            let Authorised { permission, rp_id, client_data_hash } = *wanted;
            let unlocked = self.token.authorise(proof, &[client_data_hash], permission, Scope::Bind(rp_id));
            return Ok(Verification::Shown(Evidence {
                unlocked: Some(unlocked.ok_or(Failure::TokenRefused)?),
                present: self.token.user_present(now),
                token: self.token.id(),
            }));
        }
        if gesture {
            self.pin_can_be_tried()?;
            return Ok(Verification::Gesture);
        }
        Ok(Verification::Shown(Evidence { unlocked: None, present: false, token: None }))
    }

    /// Takes from the token what served this request. A request that came without one was served by a gesture of
    /// its own, or by a touch, which leaves the token of another application alone (§6.1.2 step 13, §6.2.2 step 8).
    pub(crate) fn spend(&mut self, evidence: &Evidence) {
        if evidence.token.is_some() {
            self.token.spend();
        }
    }
}
