//! What comes between the proofs and the end of a sign-in: an authenticator app or a passkey that the account lacks, a
//! password that must be changed.
//!
//! Who may add something to an account (conformance R7): whoever proved two factors, or holds an administrator's pass,
//! within the last ten minutes. An account that has nothing beside its password trusts its first use: there the password
//! alone, just typed, adds the first second factor; on the user's own page, and in a sign-in where the tenant asks for one
//! (`second_factor`) or offers passkeys (`offer_passkey`).
//!
//! A passkey that was made in this sign-in counts as proof of it: its ceremony verified the user, and its maker holds the key. To
//! ask for a signature right after would prove nothing more, since whoever could forge the one holds the key for the other.

use std::time::Duration;

use super::credentials::change_password;
use super::flow::{Flow, Next};
use super::new_app::NewApp;
use super::problem::{Failed, Problem, Stop};
use super::state::Goal;
use crate::domain::{Amr, SecondFactor, TenantPolicy, User};
use crate::passkeys::{self, Enrolment, PasskeyRefused};
use crate::storage;
use crate::strength::{FRESH, Method, Strength};
use crate::totp::TotpSecret;

/// How long nobody is asked again who said "not now".
const POSTPONED: Duration = Duration::from_hours(14 * 24);
/// What an app is called that was added in a sign-in.
const APP_NAME: &str = "Authenticator app";
const APP: &str = "app";
const PASSKEY: &str = "passkey";

/// What the account gets before the sign-in goes on. `later`: it may be put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// An authenticator app.
    App { later: bool },
    /// A passkey.
    Passkey { later: bool },
    /// Another password.
    Password { ask_old: bool },
}

/// What an account has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) codes: bool,
    pub(super) passkeys: bool,
    /// A password that an administrator gave.
    given_password: bool,
}

impl Held {
    /// Whether there is nothing beside a password.
    const fn nothing(self) -> bool {
        !self.codes && !self.passkeys
    }
}

impl Flow<'_> {
    pub(super) async fn held(&self, user: &User) -> Result<Held, Stop> {
        let held = self.provider.database.users().held(user.id).await?;
        Ok(Held { codes: held.apps, passkeys: held.passkeys, given_password: held.given_password })
    }

    /// What an account gets that has nothing with which to prove what is required.
    pub(super) async fn required_enrolment(
        &self,
        user: &User,
        required: Strength,
        held: Held,
    ) -> Result<Next, Stop> {
        let policy = &self.tenant_of(user).await?.policy;
        let twice = self.state.proofs.is_fresh(self.provider.now());
        let typed = self.proved_with(Amr::Pwd);
        if required > Strength::Multifactor {
            // Only after two factors: a password that somebody guessed must not become a passkey.
            if twice && self.can_register(user).await? {
                return Ok(Next::Interrupt(Interrupt::Passkey { later: false }));
            }
            return if held.codes && typed { Ok(Next::Code) } else { Err(Stop::NoMethod) };
        }
        let allowed = match policy.second_factor {
            SecondFactor::Optional => false,
            SecondFactor::Offered | SecondFactor::Required => true,
        };
        if !typed || !allowed || !held.nothing() {
            return Err(Stop::NoMethod);
        }
        // A password of this morning's session is typed again first.
        let just_now = self.just_typed();
        Ok(if just_now { Next::Interrupt(Interrupt::App { later: false }) } else { Next::Password })
    }

    /// What is offered at the end: one thing at most, and only after something was proved in this sign-in.
    pub(super) async fn offer(&self, user: &User, held: Held) -> Result<Option<Interrupt>, Stop> {
        // A page of ours is where people go to add methods by themselves.
        let asked = matches!(self.state.goal, Goal::Client | Goal::Device(_));
        if !self.state.fresh || self.state.offered || !asked {
            return Ok(None);
        }
        let tenant = self.tenant_of(user).await?;
        let twice = self.state.proofs.is_fresh(self.provider.now());
        let first_use = held.nothing() && self.just_typed();
        if !twice && !first_use {
            return Ok(None);
        }
        if self.offers_app(held, &tenant.policy) && !self.postponed(APP, user).await? {
            return Ok(Some(Interrupt::App { later: true }));
        }
        // A broker could not make one.
        if !self.state.by_broker
            && self.offers_passkey(user, held, &tenant.policy).await?
            && self.can_register(user).await?
        {
            return Ok(Some(Interrupt::Passkey { later: true }));
        }
        Ok(None)
    }

    /// Whether the user's own page adds or changes something on an account for which a password alone is not enough.
    pub(super) fn adds_beside(&self, held: Held) -> bool {
        let Goal::Own(entry) = &self.state.goal else { return false };
        entry.make.is_some() && !held.nothing()
    }

    fn offers_app(&self, held: Held, policy: &TenantPolicy) -> bool {
        held.nothing() && self.proved_with(Amr::Pwd) && policy.second_factor == SecondFactor::Offered
    }

    /// Whoever signs in with a pass has lost what they had, or has nothing yet: they are asked in any case.
    async fn offers_passkey(&self, user: &User, held: Held, policy: &TenantPolicy) -> Result<bool, Stop> {
        if self.proved_with(Amr::Tap) {
            return Ok(true);
        }
        let weaker = !self.state.proofs.satisfy(Strength::PhishingResistant);
        Ok(policy.offer_passkey && weaker && !held.passkeys && !self.postponed(PASSKEY, user).await?)
    }

    /// Whether a registration could begin at all.
    async fn can_register(&self, user: &User) -> Result<bool, Stop> {
        match passkeys::possible(self.provider, user).await {
            Ok(()) => Ok(true),
            Err(PasskeyRefused::Storage(error)) => Err(error.into()),
            Err(refused) => {
                tracing::info!(user = %user.id, ?refused, "no passkey is offered");
                Ok(false)
            }
        }
    }

    /// A password that an administrator gave is replaced by whoever signs in with it.
    pub(super) fn password_to_change(&self, held: Held) -> Option<Interrupt> {
        let to_change = held.given_password && self.proved_with(Amr::Pwd);
        to_change.then(|| Interrupt::Password { ask_old: !self.just_typed() })
    }

    fn proved_with(&self, method: Amr) -> bool {
        self.state.proofs.amr(self.provider.now()).contains(&method)
    }

    /// Whether the password was typed within the last ten minutes.
    fn just_typed(&self) -> bool {
        let now = self.provider.now();
        self.state.proofs.at(Method::Password).is_some_and(|at| at <= now && now.since(at) <= FRESH)
    }

    async fn postponed(&self, what: &str, user: &User) -> Result<bool, Stop> {
        let now = self.provider.now();
        let said: Option<bool> = self.provider.database.limits().state(&bucket(what, user), now).await?;
        Ok(said.is_some())
    }

    /// "Not now": not again in this sign-in, nor in the next two weeks.
    async fn postpone(&mut self, what: &str, user: &User) -> Result<(), Stop> {
        let now = self.provider.now();
        let note = |_: Option<bool>| (true, now.plus(POSTPONED), ());
        self.provider.database.limits().update(&bucket(what, user), now, note).await?;
        self.state.offered = true;
        Ok(())
    }

    pub(super) async fn account_of_proofs(&self) -> Result<User, Stop> {
        let id = self.state.user.ok_or(Stop::Lost)?;
        self.provider.database.users().find(id).await?.ok_or(Stop::Lost)
    }

    /// The form of an authenticator app. It counts only where the page was asked for.
    pub(super) async fn enrol_app(&mut self, typed: &str, answer: &str) -> Result<(), Failed> {
        let Next::Interrupt(Interrupt::App { later }) = self.next().await? else { return Ok(()) };
        let user = self.account_of_proofs().await?;
        if later && answer == "later" {
            return Ok(self.postpone(APP, &user).await?);
        }
        let app = self.state.set_up.app.as_ref().ok_or(Problem::Code)?;
        let stored = app.proved(self.provider, (user.id, APP_NAME), typed)?;
        self.provider.database.totp().add(&stored).await?;
        self.state.set_up.app = None;
        self.note(&user, "authenticator.added").await?;
        self.state.offered = true;
        self.proved(&user, Method::Totp)
    }

    /// Puts off what the page offers, by a link instead of its form.
    pub(super) async fn skip(&mut self) -> Result<(), Stop> {
        let Next::Interrupt(interrupt) = self.next().await? else { return Ok(()) };
        let what = match interrupt {
            Interrupt::App { later: true } => APP,
            Interrupt::Passkey { later: true } => PASSKEY,
            Interrupt::App { later: false }
            | Interrupt::Passkey { later: false }
            | Interrupt::Password { .. } => return Ok(()),
        };
        let user = self.account_of_proofs().await?;
        self.postpone(what, &user).await
    }

    /// The secret that the page shows; the same one as long as nobody typed its code.
    pub(super) fn pending_app(&mut self) -> Result<TotpSecret, storage::Error> {
        let provider = self.provider;
        self.state.set_up.app.get_or_insert_with(|| NewApp::draw(provider)).secret(provider)
    }

    /// The form of a new passkey. It counts only where the page was asked for.
    pub(super) async fn new_passkey(
        &mut self,
        credential: &str,
        name: &str,
        answer: &str,
    ) -> Result<(), Failed> {
        let Next::Interrupt(Interrupt::Passkey { later }) = self.next().await? else { return Ok(()) };
        let user = self.account_of_proofs().await?;
        if later && answer == "later" {
            return Ok(self.postpone(PASSKEY, &user).await?);
        }
        let actor = user.id.to_string();
        let enrolment = Enrolment { user: &user, place: self.ctx.expose(), actor: &actor };
        match passkeys::finish(self.provider, &enrolment, credential, name).await {
            Ok(_) => {
                self.state.offered = true;
                self.proved(&user, Method::Passkey)
            }
            Err(PasskeyRefused::Storage(error)) => Err(error.into()),
            Err(refused) => Err(Failed::Told(refused.to_string())),
        }
    }

    /// The form of a new password. Every other sign-in of the user ends.
    pub(super) async fn new_password(&mut self, (old, new, again): (&str, &str, &str)) -> Result<(), Failed> {
        let Next::Interrupt(Interrupt::Password { ask_old }) = self.next().await? else { return Ok(()) };
        if new != again {
            return Err(Problem::PasswordsDiffer.into());
        }
        if ask_old {
            self.password(old).await?;
        }
        let user = self.account_of_proofs().await?;
        change_password(self.provider, &user, new).await?;
        self.note(&user, "password.changed").await?;
        // The session that proofs were taken over from is over; what was proved just now stands.
        let now = self.provider.now();
        self.state.session = None;
        self.state.proofs = self.state.proofs.since(now.minus(FRESH)).with(Method::Password, now);
        self.state.fresh = true;
        Ok(())
    }
}

fn bucket(what: &str, user: &User) -> String {
    format!("postponed:{what}:{}", user.id)
}
