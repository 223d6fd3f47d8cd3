//! Ways to sign in that people set up by themselves: the first one by a link, or another one on their own page.
//!
//! Both are steps of a sign-in, so their forms are good once, in one browser. A first way comes before any proof, since
//! there is none yet: the link stands for it. Another way comes after proofs of the last ten minutes (R7).

use serde::{Deserialize, Serialize};

use super::credentials::{SHORTEST, hashed};
use super::flow::{Flow, Next};
use super::new_app::NewApp;
use super::problem::{Failed, Problem, Stop};
use super::reply::Reply;
use super::state::Goal;
use super::view::seconds;
use crate::audit_chain::Event;
use crate::domain::User;
use crate::oauth::Fields;
use crate::pages::config::PageId;
use crate::pages::{
    self, Account, ChangePasswordPage, EnrolmentPage, NewPasskeyPage, Notice, Occasion, WelcomeWaysPage,
};
use crate::passkeys::{self, Enrolment, LIFETIME, sentence};
use crate::password::Password;
use crate::strength::Method;

/// A way to sign in that can be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A passkey.
    Passkey,
    /// An authenticator app, beside the password.
    App,
    /// A password.
    Password,
}

/// What was set up so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SetUp {
    /// What a new user chose.
    pub(super) way: Option<Credential>,
    /// The hash of a new user's password, which is stored together with the app.
    pub(super) password: Option<String>,
    /// The app whose secret the page shows.
    pub(super) app: Option<NewApp>,
    /// Whether all is stored, or the user changed their mind.
    pub(super) done: bool,
}

/// What the next page sets up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Choice,
    Make(Credential),
}

impl Flow<'_> {
    /// The first way of a new user; before any proof.
    pub(super) fn first_way(&self) -> Option<Next> {
        let Goal::Welcome(_) = &self.state.goal else { return None };
        let set_up = &self.state.set_up;
        let step = match (set_up.way, &set_up.password) {
            (None, _) => Step::Choice,
            (Some(Credential::Password), Some(_)) => Step::Make(Credential::App),
            (Some(way), _) => Step::Make(way),
        };
        (!set_up.done).then_some(Next::SetUp(step))
    }

    /// Another way, of somebody who has just proved who they are.
    pub(super) fn another_way(&self) -> Option<Next> {
        let Goal::Own(entry) = &self.state.goal else { return None };
        let make = entry.make.filter(|_| !self.state.set_up.done)?;
        Some(Next::SetUp(Step::Make(make)))
    }

    /// What the form that comes now must be about, if anything is being set up.
    pub(super) async fn setting_up(&self) -> Result<Option<Step>, Stop> {
        if !matches!(self.state.goal, Goal::Own(_) | Goal::Welcome(_)) || self.state.set_up.done {
            return Ok(None);
        }
        match self.next().await {
            Ok(next) => Ok(if let Next::SetUp(step) = next { Some(step) } else { None }),
            // Another form may mend that.
            Err(Stop::NoMethod) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    /// Whose way it is.
    async fn owner(&self) -> Result<User, Stop> {
        let id = match &self.state.goal {
            Goal::Welcome(welcome) => welcome.user,
            Goal::Own(_) | Goal::Client | Goal::Device(_) => self.state.user.ok_or(Stop::Lost)?,
        };
        let found = self.provider.database.users().find(id).await?;
        found.filter(|user| user.enabled).ok_or(Stop::Lost)
    }

    fn occasion(&self) -> Occasion {
        if matches!(self.state.goal, Goal::Welcome(_)) { Occasion::Welcome } else { Occasion::Own }
    }

    /// Takes a form of these pages.
    pub(super) async fn set_up(&mut self, step: Step, fields: &Fields) -> Result<(), Failed> {
        let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
        let later = text("answer") == "later";
        match (step, text("step")) {
            (Step::Choice, "first-way") => {
                let ways = [("passkey", Credential::Passkey), ("password", Credential::Password)];
                self.state.set_up.way =
                    ways.iter().find(|(word, _)| *word == text("way")).map(|(_, way)| *way);
                Ok(())
            }
            (Step::Make(_), "new-passkey" | "change-password" | "enrol") if later => {
                self.state.set_up = SetUp { done: self.occasion() == Occasion::Own, ..SetUp::default() };
                Ok(())
            }
            (Step::Make(Credential::Passkey), "new-passkey") => {
                self.make_passkey(text("credential"), text("name")).await
            }
            (Step::Make(Credential::Password), "change-password") => {
                self.make_password(text("newpasswd"), text("confirmnewpasswd")).await
            }
            (Step::Make(Credential::App), "enrol") => self.make_app(text("otc")).await,
            _ => Err(Stop::Lost.into()),
        }
    }

    async fn make_passkey(&mut self, credential: &str, name: &str) -> Result<(), Failed> {
        let owner = self.owner().await?;
        let actor = owner.id.to_string();
        let enrolment = Enrolment { user: &owner, place: self.ctx.expose(), actor: &actor };
        self.claim().await?;
        match passkeys::finish(self.provider, &enrolment, credential, name).await {
            Ok(_) => self.made(&owner, &[Method::Passkey]).await,
            Err(refused) => {
                self.release().await?;
                Err(Failed::Told(refused.to_string()))
            }
        }
    }

    /// A new user's password waits for the app, so that closing the browser between the two leaves nothing half done.
    async fn make_password(&mut self, typed: &str, again: &str) -> Result<(), Failed> {
        if typed != again {
            return Err(Problem::PasswordsDiffer.into());
        }
        let owner = self.owner().await?;
        let password =
            Password::parse_new(typed, SHORTEST).map_err(|error| Failed::Told(sentence(&error)))?;
        let hash = hashed(self.provider, password).await.map_err(|_| Problem::Busy)?;
        if self.occasion() == Occasion::Welcome {
            self.state.set_up.password = Some(hash);
            return Ok(());
        }
        self.provider.database.users().set_password(owner.id, &hash, self.provider.now()).await?;
        self.note(&owner, "password.changed").await?;
        self.made(&owner, &[Method::Password]).await
    }

    async fn make_app(&mut self, typed: &str) -> Result<(), Failed> {
        let owner = self.owner().await?;
        let app = self.state.set_up.app.as_ref().ok_or(Stop::Lost)?;
        let stored = app.proved(self.provider, (owner.id, "Authenticator app"), typed)?;
        self.claim().await?;
        if let Some(hash) = &self.state.set_up.password {
            self.provider.database.users().set_password(owner.id, hash, self.provider.now()).await?;
            self.note(&owner, "password.changed").await?;
        }
        self.provider.database.totp().add(&stored).await?;
        self.note(&owner, "authenticator.added").await?;
        let both = [Method::Password, Method::Totp];
        let first = self.state.set_up.password.is_some();
        self.made(&owner, if first { &both } else { &[Method::Totp] }).await
    }

    /// What was just set up was also shown: it counts as a proof.
    async fn made(&mut self, owner: &User, shown: &[Method]) -> Result<(), Failed> {
        self.end_invitation(owner).await?;
        let now = self.provider.now();
        let proofs = shown.iter().fold(self.state.proofs.clone(), |proofs, method| proofs.with(*method, now));
        self.state.user = Some(owner.id);
        self.state.proofs = proofs;
        self.state.fresh = true;
        self.state.set_up = SetUp { done: true, ..SetUp::default() };
        Ok(())
    }

    pub(super) async fn note(&self, owner: &User, action: &str) -> Result<(), Stop> {
        let event = Event {
            at: self.provider.now(),
            tenant: Some(owner.tenant.guid()),
            actor: owner.id.to_string(),
            action: action.to_owned(),
            target: owner.id.to_string(),
            detail: std::collections::BTreeMap::new(),
        };
        Ok(self.provider.audit(&event).await?)
    }

    pub(super) async fn set_up_page(
        &mut self,
        step: Step,
        form: pages::Flow,
        notice: Option<Notice>,
    ) -> Result<Reply, Stop> {
        let owner = self.owner().await?;
        match step {
            Step::Choice => Ok(self.choice_page(&owner, form, notice)),
            Step::Make(Credential::Passkey) => self.new_passkey_page(&owner, form, notice).await,
            Step::Make(Credential::App) => self.new_app_page(&owner, form, notice),
            Step::Make(Credential::Password) => Ok(self.new_password_page(&owner, form, notice)),
        }
    }

    fn choice_page(&self, owner: &User, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = WelcomeWaysPage {
            frame: self.frame(&form, PageId::ProofUp, notice),
            flow: form,
            account: fixed(owner),
            display_name: owner.display_name.clone(),
            passkeys: self.provider.webauthn.is_some(),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }

    async fn new_passkey_page(
        &self,
        owner: &User,
        form: pages::Flow,
        notice: Option<Notice>,
    ) -> Result<Reply, Stop> {
        let actor = owner.id.to_string();
        let enrolment = Enrolment { user: owner, place: self.ctx.expose(), actor: &actor };
        let begun = passkeys::begin(self.provider, &enrolment, LIFETIME).await;
        let begun = begun.map_err(|refused| Stop::NoPasskey(refused.to_string()))?;
        let page = NewPasskeyPage {
            frame: self.frame(&form, PageId::ProofUp, notice),
            flow: form,
            account: fixed(owner),
            options: begun.options.to_string(),
            required: false,
            occasion: self.occasion(),
            resume_url: self.url(None),
            challenge_lifetime: seconds(LIFETIME),
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    fn new_app_page(
        &mut self,
        owner: &User,
        form: pages::Flow,
        notice: Option<Notice>,
    ) -> Result<Reply, Stop> {
        let provider = self.provider;
        let secret = self.state.set_up.app.get_or_insert_with(|| NewApp::draw(provider)).secret(provider)?;
        let address = secret.otpauth("Latchkey ID", &owner.upn);
        let frame = self.frame(&form, PageId::ProofUp, notice);
        let mut page = EnrolmentPage::new(frame, form, fixed(owner), address.to_string(), &secret.base32());
        page.later = true;
        page.occasion = self.occasion();
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    fn new_password_page(&self, owner: &User, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = ChangePasswordPage {
            frame: self.frame(&form, PageId::ChangePassword, notice),
            flow: form,
            account: fixed(owner),
            ask_old: false,
            minimum_length: u32::try_from(SHORTEST).unwrap_or(u32::MAX),
            occasion: self.occasion(),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }
}

fn fixed(owner: &User) -> Account {
    Account { user_name: owner.upn.clone(), change_url: None }
}
