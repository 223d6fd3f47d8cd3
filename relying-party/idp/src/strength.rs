//! Authentication strengths: what a sign-in proved, and what an app asks for.
//!
//! Multifactor ⊃ passwordless multifactor ⊃ phishing-resistant multifactor (idp-wire 1.7). An Access Pass counts for
//! the first only.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::domain::{Amr, Authentication};

/// How recent all factors must be for a key to be registered (idp-wire 1.2, `ngcmfa`).
pub const FRESH: Duration = Duration::from_mins(10);

/// What a user has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The password.
    Password,
    /// A code of an app.
    Totp,
    /// An Access Pass.
    AccessPass,
    /// Approval on a phone, with its own screen lock.
    Phone,
    /// A passkey whose authenticator verified the user.
    Passkey,
    /// A passkey whose authenticator only saw somebody: possession, nothing more.
    PasskeyPresenceOnly,
    /// A key of the container on a registered device (Hello).
    HelloKey,
}

/// What an app, or an authentication context, asks for. Each includes the ones below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Any one method.
    SingleFactor,
    /// Two factors.
    Multifactor,
    /// Two factors, none of which is a password.
    Passwordless,
    /// Two factors that are worthless on another website.
    PhishingResistant,
}

/// One method and when it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What.
    pub method: Method,
    /// When.
    pub at: UnixTime,
}

/// The proofs of one sign-in, later ones in the same session included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proofs(Vec<Proof>);

impl Method {
    /// What the method proves alone.
    const fn alone(self) -> Strength {
        match self {
            Self::Password | Self::Totp | Self::PasskeyPresenceOnly => Strength::SingleFactor,
            // An administrator vouches for whoever holds the pass.
            Self::AccessPass => Strength::Multifactor,
            Self::Phone => Strength::Passwordless,
            Self::Passkey | Self::HelloKey => Strength::PhishingResistant,
        }
    }

    /// Whether it is the second factor to a password.
    const fn completes_password(self) -> bool {
        match self {
            Self::Password => false,
            Self::Totp
            | Self::AccessPass
            | Self::Phone
            | Self::Passkey
            | Self::PasskeyPresenceOnly
            | Self::HelloKey => true,
        }
    }

    const fn references(self) -> &'static [Amr] {
        match self {
            Self::Password => &[Amr::Pwd],
            Self::Totp => &[Amr::Otp],
            Self::AccessPass => &[Amr::Tap],
            Self::Phone => &[Amr::Hwk],
            Self::Passkey | Self::PasskeyPresenceOnly => &[Amr::Fido],
            // Whether it is in hardware is known of each key.
            Self::HelloKey => &[Amr::Rsa],
        }
    }
}

impl Proofs {
    /// What a sign-in that is over proved, as proofs that can be added to.
    #[must_use]
    pub fn of(authentication: &Authentication) -> Self {
        let multifactor = authentication.methods.contains(&Amr::Mfa);
        let method = |amr: &Amr| match amr {
            Amr::Pwd => Some(Method::Password),
            Amr::Otp => Some(Method::Totp),
            Amr::Tap => Some(Method::AccessPass),
            Amr::Fido if multifactor => Some(Method::Passkey),
            Amr::Fido => Some(Method::PasskeyPresenceOnly),
            Amr::Rsa => Some(Method::HelloKey),
            Amr::Hwk | Amr::Mfa | Amr::NgcMfa => None,
        };
        let methods = authentication.methods.iter().filter_map(method);
        methods.fold(Self::default(), |proofs, method| proofs.with(method, authentication.at))
    }

    /// These proofs and one more. Of one method only the latest counts.
    #[must_use]
    pub fn with(&self, method: Method, at: UnixTime) -> Self {
        let others = self.0.iter().filter(|proof| proof.method != method).copied();
        Self(others.chain(std::iter::once(Proof { method, at })).collect())
    }

    /// Those of this time or later.
    #[must_use]
    pub fn since(&self, time: UnixTime) -> Self {
        Self(self.0.iter().filter(|proof| proof.at >= time).copied().collect())
    }

    /// What they prove together. `None` when there are none.
    #[must_use]
    pub fn strength(&self) -> Option<Strength> {
        self.0.iter().map(|proof| self.with_password(proof)).max()
    }

    /// Whether they are enough.
    #[must_use]
    pub fn satisfy(&self, required: Strength) -> bool {
        self.strength() >= Some(required)
    }

    /// When multifactor was last complete: the time of the older of its two factors. A fresh code beside the password
    /// of this morning is as old as the password, since the session in between may have been stolen.
    #[must_use]
    pub fn multifactor_at(&self) -> Option<UnixTime> {
        let alone =
            self.0.iter().filter(|proof| proof.method.alone() >= Strength::Multifactor).map(|proof| proof.at);
        let password = self.at(Method::Password);
        let paired = self.0.iter().filter(|proof| proof.method.completes_password());
        alone.chain(paired.filter_map(|proof| Some(proof.at.min(password?)))).max()
    }

    /// Whether a key may be registered: multifactor within the last [`FRESH`]. A proof from the future is not one.
    #[must_use]
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        self.multifactor_at().is_some_and(|at| at <= now && now.since(at) <= FRESH)
    }

    /// When the user last showed anything: `auth_time`.
    #[must_use]
    pub fn latest(&self) -> Option<UnixTime> {
        self.0.iter().map(|proof| proof.at).max()
    }

    /// The `amr` claim at `now`. `ngcmfa` leaves it as time passes, so it is made anew for each token.
    #[must_use]
    pub fn amr(&self, now: UnixTime) -> BTreeSet<Amr> {
        let shown = self.0.iter().flat_map(|proof| proof.method.references()).copied();
        let multifactor = self.multifactor_at().map(|_| Amr::Mfa);
        let fresh = self.is_fresh(now).then_some(Amr::NgcMfa);
        shown.chain(multifactor).chain(fresh).collect()
    }

    fn with_password(&self, proof: &Proof) -> Strength {
        let paired = proof.method.completes_password() && self.at(Method::Password).is_some();
        let together = if paired { Strength::Multifactor } else { Strength::SingleFactor };
        proof.method.alone().max(together)
    }

    /// When this method was shown.
    #[must_use]
    pub fn at(&self, method: Method) -> Option<UnixTime> {
        self.0.iter().find(|proof| proof.method == method).map(|proof| proof.at)
    }
}

#[cfg(test)]
mod tests;
