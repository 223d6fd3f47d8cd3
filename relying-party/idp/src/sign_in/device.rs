//! A sign-in for another device (RFC 8628 §3.3): the code that it shows is typed here, its owner signs in, and says that the
//! device is theirs (§5.4). The proofs, the assignment and the consent are those of the application on the device.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::flow::{Flow, Next, read_request};
use super::guesses::{Guess, NOBODY};
use super::own::{Destination, Entry};
use super::problem::{Failed, Problem, Stop};
use super::reply::{Browser, Outcome, Reply};
use super::state::{Goal, OtherDevice, State};
use super::{begin, view};
use crate::domain::{Authentication, Authority, OpaqueHash};
use crate::oauth::Refusal;
use crate::oauth::authorize::AuthorizeRequest;
use crate::pages::config::PageId;
use crate::pages::{self, DeviceCodePage, DeviceConfirmPage, DeviceDonePage, Frame, Notice, When};
use crate::provider::Provider;
use crate::storage::{Approval, DeviceRequest};

/// More than any code has, with spaces between its letters.
const LONGEST: usize = 16;

/// The page on which the code of another device is typed. `proposed` comes from the device's link (§3.3.1); it is only
/// filled in, because following a link is no consent.
pub async fn device_sign_in(provider: &Provider, browser: &Browser, proposed: Option<&str>) -> Outcome {
    let correlation = provider.guid();
    let proposed = letters(proposed.unwrap_or_default());
    let device = OtherDevice { proposed, ..OtherDevice::default() };
    let state = State::ours(Goal::Device(device), correlation);
    let begun = begin::open(provider, browser, state, None).await;
    let ended = match begun {
        Ok(begin::Begun::Page(outcome)) => return outcome,
        // Nothing can be at its end before a code was typed.
        Ok(begin::Begun::Session(..)) => Stop::Lost,
        Err(stop) => stop,
    };
    view::stopped(provider, ended, correlation).into()
}

/// A code as it was drawn: people type spaces, dashes and small letters.
fn letters(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).take(LONGEST).collect::<String>().to_ascii_uppercase()
}

impl OtherDevice {
    fn hash(&self) -> Option<OpaqueHash> {
        self.user_code.as_deref().map(OpaqueHash::of)
    }

    /// What the device asked for, if it still waits for an answer.
    async fn waiting(&self, provider: &Provider) -> Result<DeviceRequest, Stop> {
        let hash = self.hash().ok_or(Stop::Lost)?;
        let found = provider.database.device_codes().waiting(&hash, provider.now()).await?;
        found.ok_or(Stop::Page(Refusal::DeviceExpired))
    }

    /// The request that the user answers: the device's, once its code is known.
    pub(super) async fn request(&self, provider: &Provider) -> Result<AuthorizeRequest, Stop> {
        if self.user_code.is_none() {
            return Ok(Entry::to(Destination::Home).request(provider));
        }
        let asked = self.waiting(provider).await?;
        let client = provider.app(asked.client).await?.ok_or(Stop::Page(Refusal::Application))?;
        let tenant = match asked.tenant {
            Some(id) => {
                let tenant = provider.tenant(&Authority::Tenant(id)).await?;
                Some(tenant.ok_or(Stop::Page(Refusal::Tenant))?)
            }
            None => None,
        };
        let wanted = (asked.scopes, asked.resource);
        let request = AuthorizeRequest::of_ours(client, tenant, "/devicelogin", wanted, None);
        Ok(AuthorizeRequest { fresh_mfa: asked.fresh_mfa, ..request })
    }

    /// Answers the device, once.
    async fn answer(&self, provider: &Provider, approval: &Approval) -> Result<(), Stop> {
        let hash = self.hash().ok_or(Stop::Lost)?;
        let answered = provider.database.device_codes().answer(&hash, approval, provider.now()).await?;
        if answered { Ok(()) } else { Err(Stop::Page(Refusal::DeviceExpired)) }
    }
}

impl Flow<'_> {
    fn device(&self) -> Option<&OtherDevice> {
        match &self.state.goal {
            Goal::Device(device) => Some(device),
            Goal::Client | Goal::Own(_) | Goal::Welcome(_) => None,
        }
    }

    /// Whether the code of the other device is still to be typed.
    pub(super) fn lacks_user_code(&self) -> bool {
        self.device().is_some_and(|device| device.user_code.is_none())
    }

    /// The question about the device is the last one before consent, since its answer acts at once. `stay`: whether the
    /// other question was not yet asked.
    pub(super) fn device_to_confirm(&self, stay: bool) -> Option<Next> {
        let device = self.device().filter(|device| !device.confirmed)?;
        device.user_code.as_ref()?;
        Some(if stay { Next::Stay } else { Next::DeviceConfirm })
    }

    /// Takes the code that was typed. Guesses are counted by browser and by address before they are looked at: 39 bits do
    /// not last forever (RFC 8628 §5.1).
    pub(super) async fn user_code(&mut self, typed: &str) -> Result<(), Failed> {
        if self.device().is_none() {
            return Err(Stop::Lost.into());
        }
        let typed = letters(typed);
        let browser = URL_SAFE_NO_PAD.encode(self.binding.hash().as_bytes());
        self.state.goal = Goal::Device(OtherDevice { proposed: typed.clone(), ..OtherDevice::default() });
        let guess = Guess::count(
            self.provider,
            (NOBODY, &format!("device code {browser}")),
            self.browser.address,
            false,
        )
        .await?;
        let guess = guess.ok_or(Problem::Locked)?;
        let hash = OpaqueHash::of(&typed);
        let now = self.provider.now();
        if self.provider.database.device_codes().waiting(&hash, now).await?.is_none() {
            return Err(Problem::UserCode.into());
        }
        guess.right(self.provider).await?;
        self.state.forget_user();
        self.state.goal = Goal::Device(OtherDevice { user_code: Some(typed), ..OtherDevice::default() });
        self.request = read_request(self.provider, &self.state).await?;
        let Some(cookie) = &self.browser.session else { return Ok(()) };
        let found = self.provider.database.sessions().find(&cookie.hash(), now).await?;
        if let Some((session, user)) = found.filter(|(_, user)| self.admits(user.tenant)) {
            self.take_over(&session, &user);
        }
        Ok(())
    }

    /// The answer counts only where it was asked for: after all proofs.
    pub(super) async fn confirm_device(&mut self, answer: &str) -> Result<(), Failed> {
        let Next::DeviceConfirm = self.next().await? else { return Ok(()) };
        if answer != "accept" {
            return Err(self.denied().await?.into());
        }
        if let Goal::Device(device) = &mut self.state.goal {
            device.confirmed = true;
        }
        Ok(())
    }

    /// The user said no: whoever waits for an answer is told.
    pub(super) async fn denied(&self) -> Result<Stop, Stop> {
        let Some(device) = self.device() else { return Ok(self.to_client(Refusal::Denied)) };
        device.answer(self.provider, &Approval::Denied).await?;
        Ok(Stop::DeviceDenied(self.request.client.name.clone()))
    }

    /// Gives the sign-in to the device.
    pub(super) async fn let_in(
        &self,
        device: &OtherDevice,
        authentication: Authentication,
    ) -> Result<Reply, Stop> {
        device.answer(self.provider, &Approval::Approved(authentication)).await?;
        Ok(done(self.request.client.name.clone(), true))
    }

    pub(super) fn user_code_page(&self, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let proposed = self.device().map(|device| device.proposed.clone());
        let page = DeviceCodePage {
            frame: self.frame(&form, PageId::SignIn, notice),
            flow: form,
            user_code: proposed.unwrap_or_default(),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }

    pub(super) async fn confirm_page(
        &self,
        form: pages::Flow,
        notice: Option<Notice>,
    ) -> Result<Reply, Stop> {
        let device = self.device().ok_or(Stop::Lost)?;
        let asked = device.waiting(self.provider).await?;
        let page = DeviceConfirmPage {
            frame: self.frame(&form, PageId::SignIn, notice),
            flow: form,
            account: self.account(),
            application: self.request.client.name.clone(),
            user_code: device.user_code.clone().unwrap_or_default(),
            address: asked.address,
            asked: When::at(asked.asked_at.unwrap_or_else(|| self.provider.now())),
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }
}

/// The end on this side.
pub(super) fn done(application: String, accepted: bool) -> Reply {
    let page = DeviceDonePage { frame: Frame::default(), application, accepted };
    Reply::page(&page, &page.frame.policy())
}
