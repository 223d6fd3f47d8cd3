//! The pinUvAuthToken and its state (CTAP 2.3 §6.5.2.1).
//!
//! At most one token exists, and it owns the opened authentication key: when the token goes, so does the key.

use std::sync::Arc;
use std::time::Duration;

use latchkey_protocol::client_pin::Permissions;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::pin_protocol::PinProtocol;
use crate::status::Failure;

/// The platform must use a new token within this time, and evidence of user presence lasts as long.
pub(crate) const INITIAL_USAGE_LIMIT: Duration = Duration::from_secs(30);
/// The longest life of a token, however often it is used.
pub(crate) const MAX_USAGE_PERIOD: Duration = Duration::from_mins(10);

/// What a token is issued for.
pub(crate) struct Grant {
    pub(crate) protocol: PinProtocol,
    pub(crate) permissions: Permissions,
    pub(crate) rp_id: Option<String>,
    /// Whether the gesture that led to the token is evidence of user presence.
    pub(crate) user_is_present: bool,
}

/// The `pinUvAuthParam` and `pinUvAuthProtocol` of a request.
#[derive(Clone, Copy)]
pub(crate) struct Proof<'a> {
    pub(crate) protocol: PinProtocol,
    pub(crate) param: &'a [u8],
}

impl<'a> Proof<'a> {
    /// What a request proves that brings a pinUvAuthParam.
    pub(crate) fn of(param: &'a [u8], protocol: Option<u64>) -> Result<Self, Failure> {
        let number = protocol.ok_or(Failure::MissingParameter)?;
        let protocol = PinProtocol::from_number(number).ok_or(Failure::UnsupportedProtocol)?;
        Ok(Self { protocol, param })
    }

    /// The same of a request that cannot do without.
    pub(crate) fn required(param: Option<&'a [u8]>, protocol: Option<u64>) -> Result<Self, Failure> {
        Self::of(param.ok_or(Failure::TokenRequired)?, protocol)
    }
}

/// How a request relates to the token's permissions RP ID.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Must be this one; a token without one gets it (makeCredential, getAssertion).
    Bind(&'a str),
    /// The token must not be bound to one (what concerns every relying party).
    Everything,
    /// If bound, then to the one with this SHA-256.
    Hashed(&'a [u8]),
    /// The caller checks with [`TokenSlot::allows_rp`] once it knows the relying party.
    Later,
}

/// Names one issued token, so that state which it authorised can end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenId(u64);

struct Token<U> {
    secret: Zeroizing<[u8; 32]>,
    grant: Grant,
    user_verified: bool,
    begun: Duration,
    used: bool,
    unlocked: Arc<U>,
}

impl<U> Token<U> {
    /// Until when the token is valid unless something ends it earlier.
    fn deadline(&self) -> Duration {
        self.begun.saturating_add(if self.used { MAX_USAGE_PERIOD } else { INITIAL_USAGE_LIMIT })
    }
}

/// The place of the one token.
pub(crate) struct TokenSlot<U> {
    token: Option<Token<U>>,
    issued: u64,
}

impl<U> TokenSlot<U> {
    pub(crate) const fn empty() -> Self {
        Self { token: None, issued: 0 }
    }

    /// `resetPinUvAuthToken` and `beginUsingPinUvAuthToken`: ends the old token, answers the secret of the
    /// new one.
    pub(crate) fn begin(
        &mut self,
        grant: Grant,
        unlocked: U,
        now: Duration,
        rng: &mut dyn CryptoRng,
    ) -> &[u8; 32] {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut_slice());
        self.issued = self.issued.wrapping_add(1);
        let token = Token {
            secret,
            grant,
            user_verified: true,
            begun: now,
            used: false,
            unlocked: Arc::new(unlocked),
        };
        &self.token.insert(token).secret
    }

    /// `stopUsingPinUvAuthToken`.
    pub(crate) fn stop(&mut self) {
        self.token = None;
    }

    /// `pinUvAuthTokenUsageTimerObserver`: ends a token whose time is over. Answers whether it ended one.
    pub(crate) fn observe(&mut self, now: Duration) -> bool {
        let over = self.token.as_ref().is_some_and(|token| now >= token.deadline());
        if over {
            self.stop();
        }
        over
    }

    /// When [`TokenSlot::observe`] has something to do next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.token.as_ref().map(Token::deadline)
    }

    /// The token in use now.
    pub(crate) fn id(&self) -> Option<TokenId> {
        self.token.as_ref().map(|_| TokenId(self.issued))
    }

    /// Checks MAC, permission, relying party and the user-verified flag in one go; every failure looks the
    /// same to the peer (`PIN_AUTH_INVALID`). Answers the opened authentication key.
    pub(crate) fn authorise(
        &mut self,
        proof: Proof<'_>,
        message: &[&[u8]],
        permission: Permissions,
        scope: Scope<'_>,
    ) -> Option<Arc<U>> {
        let token = self.token.as_mut()?;
        let genuine = token.grant.protocol == proof.protocol
            && proof.protocol.verify(&token.secret, message, proof.param)
            // Writing large blobs outlives the assertion that showed the key for them (§6.5.2.1,
            // clearPinUvAuthTokenPermissionsExceptLbw).
            && (token.user_verified || permission == Permissions::LARGE_BLOB_WRITE)
            && token.grant.permissions.contains(permission);
        if !genuine {
            return None;
        }
        match (scope, token.grant.rp_id.as_deref()) {
            (Scope::Bind(rp_id), None) => token.grant.rp_id = Some(rp_id.to_owned()),
            (Scope::Bind(rp_id), Some(bound)) if bound == rp_id => {}
            (Scope::Hashed(hash), Some(bound)) if Sha256::digest(bound).as_slice() == hash => {}
            (Scope::Everything | Scope::Hashed(_), None) | (Scope::Later, None | Some(_)) => {}
            (Scope::Bind(_) | Scope::Everything | Scope::Hashed(_), Some(_)) => return None,
        }
        token.used = true;
        Some(Arc::clone(&token.unlocked))
    }

    /// Whether the token may act on credentials of `rp_id`.
    pub(crate) fn allows_rp(&self, rp_id: &str) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| token.grant.rp_id.as_deref().is_none_or(|bound| bound == rp_id))
    }

    /// `getUserPresentFlagValue`, with its own time limit.
    pub(crate) fn user_present(&self, now: Duration) -> bool {
        self.token.as_ref().is_some_and(|token| {
            token.grant.user_is_present && now < token.begun.saturating_add(INITIAL_USAGE_LIMIT)
        })
    }

    /// `clearUserPresentFlag`: one gesture serves one command.
    pub(crate) fn clear_user_present(&mut self) {
        if let Some(token) = &mut self.token {
            token.grant.user_is_present = false;
        }
    }

    /// What makeCredential and getAssertion do after they had user presence: `clearUserPresentFlag`,
    /// `clearUserVerifiedFlag` and `clearPinUvAuthTokenPermissionsExceptLbw`.
    pub(crate) fn spend(&mut self) {
        if let Some(token) = &mut self.token {
            token.grant.user_is_present = false;
            token.user_verified = false;
            token.grant.permissions = token.grant.permissions & Permissions::LARGE_BLOB_WRITE;
        }
    }
}

#[cfg(test)]
mod tests;
