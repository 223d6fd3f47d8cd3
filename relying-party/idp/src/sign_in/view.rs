//! The pages of a sign-in, made from what it knows. Making one gives it the next flow token.

mod interrupts;

use std::time::Duration;

use url::Url;
use uuid::Uuid;

use super::consent;
use super::device::done as device_done;
use super::flow::{Flow, Next};
use super::passkey::LIFETIME as CHALLENGE;
use super::problem::{Problem, Stop};
use super::reply::{Outcome, Reply, canary};
use super::state::{Goal, Way};
use crate::domain::{Opaque, User};
use crate::oauth::{Refusal, Requested};
use crate::pages::config::{Config, PageId};
use crate::pages::{
    self, AccessPassPage, Account, AccountPickerPage, CodePage, ConsentPage, ErrorPage, Frame, KnownAccount,
    Notice, OtherWay, OtherWaysPage, PasskeyPage, PasswordPage, Policy, SignInPage, StaySignedInPage,
    WayKind, When,
};
use crate::provider::Provider;

/// A sign-in that takes longer begins again.
const LIFETIME: Duration = Duration::from_mins(30);

/// The first page; the sign-in is stored.
pub(super) async fn first_page(flow: &mut Flow<'_>, next: Next) -> Result<Outcome, Stop> {
    let token = flow.provider.opaque();
    let reply = render(flow, next, None, &token).await?;
    let (ctx, binding) = flow.names();
    let expires_at = flow.provider.now().plus(LIFETIME);
    let names = (&ctx, &binding, &token.hash());
    flow.provider.database.sign_ins().begin(names, &flow.state, expires_at).await?;
    Ok(reply.into())
}

/// A later page; what the sign-in knows is stored.
pub(super) async fn next_page(
    flow: &mut Flow<'_>,
    next: Next,
    notice: Option<Notice>,
) -> Result<Reply, Stop> {
    let token = flow.provider.opaque();
    let reply = render(flow, next, notice, &token).await?;
    keep(flow, &token).await?;
    Ok(reply)
}

/// The choice of a way. Every account gets the same one until something was proved.
pub(super) async fn ways(flow: &mut Flow<'_>) -> Result<Reply, Stop> {
    let token = flow.provider.opaque();
    let second = flow.state.proved();
    let kinds: &[WayKind] = match (second, flow.provider.webauthn.is_some()) {
        (false, true) => &[WayKind::Passkey, WayKind::Password, WayKind::AccessPass],
        (false, false) => &[WayKind::Password, WayKind::AccessPass],
        (true, true) => &[WayKind::Code, WayKind::Passkey],
        (true, false) => &[WayKind::Code],
    };
    let ways = kinds.iter().map(|kind| OtherWay { kind: *kind, hint: None }).collect();
    let form = flow.form(&token);
    let account = flow.state.user_name.as_ref().map(|_| flow.account());
    let back_url = flow.url(None);
    let frame = flow.frame(&form, PageId::SignIn, None);
    let page = OtherWaysPage { frame, flow: form, account, ways, back_url };
    let reply = Reply::page(&page, &flow.policy(&page.frame));
    keep(flow, &token).await?;
    Ok(reply)
}

/// What the account has is not enough, and it can get nothing better here.
pub(super) async fn no_method(flow: &mut Flow<'_>) -> Result<Reply, Stop> {
    // Another account may do.
    let retry_url = Some(flow.url(Some("user")));
    let token = flow.provider.opaque();
    keep(flow, &token).await?;
    let text = Told {
        code: 50_079,
        title: "Another proof is needed",
        message: "The application asks for a stronger sign-in than your account has methods for.".to_owned(),
        advice: "Ask your administrator for a Temporary Access Pass or a passkey.",
    };
    Ok(error_page(flow.provider, text, flow.state.correlation, retry_url, 200))
}

/// The token of the next step, for whoever gets no page.
pub(super) async fn next_token(flow: &Flow<'_>) -> Result<Opaque, Stop> {
    let token = flow.provider.opaque();
    keep(flow, &token).await?;
    Ok(token)
}

async fn keep(flow: &Flow<'_>, token: &Opaque) -> Result<(), Stop> {
    let (ctx, _) = flow.names();
    Ok(flow.provider.database.sign_ins().keep((&ctx, &token.hash()), &flow.state).await?)
}

async fn render(
    flow: &mut Flow<'_>,
    next: Next,
    notice: Option<Notice>,
    token: &Opaque,
) -> Result<Reply, Stop> {
    let form = flow.form(token);
    match next {
        Next::PickAccount => flow.pick_page(form, notice).await,
        Next::UserName => flow.user_page(form, notice).await,
        Next::Password => Ok(flow.password_page(form, notice)),
        Next::AccessPass => Ok(flow.pass_page(form, notice)),
        Next::Code => Ok(flow.code_page(form, notice)),
        Next::Passkey => flow.passkey_page(form, notice).await,
        Next::Interrupt(interrupt) => flow.interrupt_page(form, notice, interrupt).await,
        Next::DeviceCode => Ok(flow.user_code_page(form, notice)),
        Next::SetUp(step) => flow.set_up_page(step, form, notice).await,
        Next::DeviceConfirm => flow.confirm_page(form, notice).await,
        Next::Consent(requested) => flow.consent_page(form, notice, &requested).await,
        Next::Stay | Next::Finish(_) => Ok(flow.stay_page(form, notice)),
    }
}

impl Flow<'_> {
    fn form(&self, token: &Opaque) -> pages::Flow {
        pages::Flow {
            action: format!("{}/{}/login", self.provider.settings.public_url(), self.segment()),
            ctx: self.ctx.expose().to_owned(),
            flow_token: token.expose().to_owned(),
            canary: canary(&self.binding, self.ctx.expose()),
        }
    }

    pub(super) fn segment(&self) -> String {
        self.request.authority.segment()
    }

    pub(super) fn url(&self, view: Option<&str>) -> String {
        let view = view.map(|view| format!("&view={view}")).unwrap_or_default();
        format!("/{}/login?ctx={}{view}", self.segment(), self.ctx.expose())
    }

    pub(super) fn frame(&self, form: &pages::Flow, id: PageId, notice: Option<Notice>) -> Frame {
        let correlation = self.state.correlation.to_string();
        let config = Config::new(id, form, correlation.clone(), correlation);
        let config = self.with_helpers(config, id, notice.as_ref());
        let organisation = self.request.tenant.as_ref().map(|tenant| tenant.name.clone());
        Frame { organisation, notice, config: Some(config) }
    }

    /// Any form may be the last one, after which the browser goes to the application.
    pub(super) fn policy(&self, frame: &Frame) -> Policy {
        match Url::parse(self.request.return_to.redirect_uri()) {
            Ok(target) => frame.policy().with_form_target(&target),
            Err(_) => frame.policy(),
        }
    }

    pub(super) fn account(&self) -> Account {
        let user_name = self.state.user_name.clone().unwrap_or_default();
        Account { user_name, change_url: Some(self.url(Some("user"))) }
    }

    fn ways_url(&self) -> String {
        self.url(Some("ways"))
    }

    /// Who asks for the sign-in; a page of ours needs no name.
    fn application(&self) -> Option<String> {
        match self.state.goal {
            Goal::Client | Goal::Device(_) => Some(self.request.client.name.clone()),
            Goal::Own(_) | Goal::Welcome(_) => None,
        }
    }

    async fn pick_page(&self, form: pages::Flow, notice: Option<Notice>) -> Result<Reply, Stop> {
        let found = match &self.browser.session {
            Some(cookie) => {
                self.provider.database.sessions().find(&cookie.hash(), self.provider.now()).await?
            }
            None => None,
        };
        let known = |user: User| KnownAccount {
            id: user.id.to_string(),
            display_name: user.display_name,
            user_name: user.upn,
            signed_in: true,
        };
        let accounts = found.map(|(_, user)| known(user)).into_iter().collect();
        let frame = self.frame(&form, PageId::SignIn, notice);
        let application = self.application();
        let page = AccountPickerPage { frame, flow: form, application, accounts };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    async fn user_page(&mut self, form: pages::Flow, notice: Option<Notice>) -> Result<Reply, Stop> {
        let passkey_options = self.begin_passkey(false).await?;
        let page = SignInPage {
            frame: self.frame(&form, PageId::SignIn, notice),
            flow: form,
            application: self.application(),
            user_name: self.state.user_name.clone().unwrap_or_default(),
            passkey_options,
            resume_url: self.url(None),
            challenge_lifetime: seconds(CHALLENGE),
            other_ways_url: None,
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    fn password_page(&self, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = PasswordPage {
            frame: self.frame(&form, PageId::SignIn, notice),
            flow: form,
            account: self.account(),
            other_ways_url: Some(self.ways_url()),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }

    fn pass_page(&self, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = AccessPassPage {
            frame: self.frame(&form, PageId::SignIn, notice),
            flow: form,
            account: self.account(),
            other_ways_url: Some(self.ways_url()),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }

    fn code_page(&self, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = CodePage {
            frame: self.frame(&form, PageId::SecondFactor, notice),
            flow: form,
            account: self.account(),
            digits: 6,
            other_ways_url: Some(self.ways_url()),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }

    async fn passkey_page(&mut self, form: pages::Flow, notice: Option<Notice>) -> Result<Reply, Stop> {
        let Some(options) = self.begin_passkey(true).await? else { return Err(Stop::NoMethod) };
        let page = PasskeyPage {
            start_at_once: notice.is_none() && self.state.way == Way::Passkey,
            frame: self.frame(&form, PageId::Fido, notice),
            flow: form,
            account: self.state.user_name.as_ref().map(|_| self.account()),
            options,
            resume_url: self.url(None),
            challenge_lifetime: seconds(CHALLENGE),
            other_ways_url: Some(self.ways_url()),
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    async fn consent_page(
        &self,
        form: pages::Flow,
        notice: Option<Notice>,
        requested: &Requested,
    ) -> Result<Reply, Stop> {
        let id = self.state.user.ok_or(Stop::Lost)?;
        let user = self.provider.database.users().find(id).await?.ok_or(Stop::Lost)?;
        let target = self.request.return_to.redirect_uri();
        let destination = Url::parse(target).ok().map_or_else(
            || target.to_owned(),
            |target| target.host_str().unwrap_or_else(|| target.scheme()).to_owned(),
        );
        let page = ConsentPage {
            frame: self.frame(&form, PageId::Consent, notice),
            flow: form,
            account: self.account(),
            application: self.request.client.name.clone(),
            publisher: None,
            destination,
            scopes: consent::lines(requested, &user),
            may_answer_for_everyone: user.administrator,
        };
        Ok(Reply::page(&page, &self.policy(&page.frame)))
    }

    fn stay_page(&self, form: pages::Flow, notice: Option<Notice>) -> Reply {
        let page = StaySignedInPage {
            frame: self.frame(&form, PageId::StaySignedIn, notice),
            flow: form,
            account: self.account(),
        };
        Reply::page(&page, &self.policy(&page.frame))
    }
}

pub(super) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// What an error page says.
struct Told {
    code: u32,
    title: &'static str,
    message: String,
    advice: &'static str,
}

/// The end of a sign-in without a code.
pub(super) fn stopped(provider: &Provider, stop: Stop, correlation: Uuid) -> Reply {
    let text = match stop {
        Stop::Client(return_to, refusal) => {
            refusal.report();
            return Reply::to_client(return_to.refuse(&refusal));
        }
        Stop::Page(refusal) => return refused(provider, &refusal, correlation),
        Stop::DeviceDenied(application) => return device_done(application, false),
        Stop::Lost => Told {
            code: 165_000,
            title: "This page is no longer valid",
            message: "The sign-in was continued elsewhere, took too long, or was not begun in this browser."
                .to_owned(),
            advice: "Go back to the application and sign in again. Allow cookies for this site.",
        },
        Stop::Invitation => Told {
            code: Problem::Invitation.code(),
            title: "This link is used up",
            message: "A way to sign in was set up with it already, or its time is over.".to_owned(),
            advice: "Sign in with what was set up, or ask your administrator for a new link.",
        },
        Stop::NoPasskey(message) => Told {
            code: Problem::Passkey.code(),
            title: "No passkey can be made",
            message,
            advice: "Go back and choose another way to sign in.",
        },
        Stop::NoMethod => Told {
            code: 50_079,
            title: "Another proof is needed",
            message: "The application asks for a stronger sign-in than your account has methods for."
                .to_owned(),
            advice: "Ask your administrator for a Temporary Access Pass or a passkey.",
        },
    };
    error_page(provider, text, correlation, None, 400)
}

fn refused(provider: &Provider, refusal: &Refusal, correlation: Uuid) -> Reply {
    refusal.report();
    let row = refusal.row();
    let text = Told {
        code: row.code,
        title: "You cannot be signed in",
        message: refusal.to_string(),
        advice: "Go back to the application and try again. If that does not help, tell its owner the code below.",
    };
    error_page(provider, text, correlation, None, row.status)
}

fn error_page(
    provider: &Provider,
    text: Told,
    correlation: Uuid,
    retry_url: Option<String>,
    status: u16,
) -> Reply {
    let page = ErrorPage {
        frame: Frame::default(),
        title: text.title.to_owned(),
        message: text.message,
        advice: vec![text.advice.to_owned()],
        code: text.code,
        trace_id: provider.guid().to_string(),
        correlation_id: correlation.to_string(),
        time: When::at(provider.now()),
        retry_url,
    };
    Reply::page_with(&page, &page.frame.policy(), status)
}
