//! The forms between the first page and the end.

use uuid::Uuid;

use super::broker::credential;
use super::consent;
use super::credentials::{check_code, check_pass};
use super::finish;
use super::flow::{Flow, Next, read_request};
use super::password::{PasswordAttempt, WrongPassword, check_password};
use super::problem::{Failed, Problem, Stop};
use super::reply::{Browser, Outcome, canary_matches};
use super::state::{State, Way};
use super::view;
use crate::domain::{Opaque, User};
use crate::oauth::Fields;
use crate::pages::Notice;
use crate::provider::Provider;
use crate::strength::Method;

/// The longest user name that is looked up.
const LONGEST_NAME: usize = 256;

/// Takes a form of a sign-in.
pub async fn step(provider: &Provider, browser: &Browser, fields: &Fields) -> Outcome {
    let mut correlation = provider.guid();
    match try_step(provider, browser, fields, &mut correlation).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, correlation).into(),
    }
}

async fn try_step(
    provider: &Provider,
    browser: &Browser,
    fields: &Fields,
    correlation: &mut Uuid,
) -> Result<Outcome, Stop> {
    let mut flow = take(provider, browser, fields).await?;
    // Once the sign-in is known, the error page shows the ID that its lines of the log have.
    *correlation = flow.state.correlation;
    flow.check_session().await?;
    let (notice, status) = match flow.carry_out(fields).await {
        Ok(()) => (None, 200),
        Err(Failed::Again(problem)) => (Some(problem.notice()), problem.status()),
        Err(Failed::Told(sentence)) => (Some(Notice::error(sentence, None)), 200),
        Err(Failed::Stop(stop)) => return flow.stop(stop).await,
    };
    match flow.next().await {
        Ok(Next::Finish(user)) => {
            flow.end().await?;
            finish::complete(&flow, &user).await
        }
        Ok(next) => Ok(view::next_page(&mut flow, next, notice).await?.with_status(status).into()),
        Err(stop) => flow.stop(stop).await,
    }
}

/// The sign-in that the form belongs to. From here on the form is spent.
async fn take<'a>(provider: &'a Provider, browser: &'a Browser, fields: &Fields) -> Result<Flow<'a>, Stop> {
    let field = |name| fields.required(name).map_err(|_| Stop::Lost);
    // Brokers call it `request` after a second factor.
    let ctx = field("ctx").or_else(|_| field("request"))?;
    take_step(provider, browser, (ctx, field("flowToken")?, Some(field("canary")?))).await
}

/// The same for the three values that name a step: `ctx`, flow token and canary. A helper call without a canary is
/// believed by its flow token, which only the answer to the call before it held.
pub(super) async fn take_step<'a>(
    provider: &'a Provider,
    browser: &'a Browser,
    (ctx, token, presented): (&str, &str, Option<&str>),
) -> Result<Flow<'a>, Stop> {
    let binding = browser.binding.as_ref().ok_or(Stop::Lost)?;
    let (ctx, token) = (Opaque::presented(ctx), Opaque::presented(token));
    if presented.is_some_and(|presented| !canary_matches(binding, ctx.expose(), presented)) {
        return Err(Stop::Lost);
    }
    let names = (&ctx.hash(), &binding.hash(), &token.hash());
    let state: Option<State> = provider.database.sign_ins().take_step(names, provider.now()).await?;
    open(provider, browser, (binding, ctx), state.ok_or(Stop::Lost)?).await
}

async fn open<'a>(
    provider: &'a Provider,
    browser: &'a Browser,
    (binding, ctx): (&Opaque, Opaque),
    state: State,
) -> Result<Flow<'a>, Stop> {
    let request = read_request(provider, &state).await?;
    let binding = Opaque::presented(binding.expose());
    Ok(Flow { provider, browser, binding, ctx, request, state, signed_in: None })
}

/// Shows the page of a sign-in again, with a fresh challenge; `view` is `ways`, `user`, `later` or nothing.
pub async fn resume(provider: &Provider, browser: &Browser, ctx: &str, view: Option<&str>) -> Outcome {
    let mut correlation = provider.guid();
    match try_resume(provider, browser, (ctx, view), &mut correlation).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, correlation).into(),
    }
}

async fn try_resume(
    provider: &Provider,
    browser: &Browser,
    (ctx, view): (&str, Option<&str>),
    correlation: &mut Uuid,
) -> Result<Outcome, Stop> {
    let binding = browser.binding.as_ref().ok_or(Stop::Lost)?;
    let ctx = Opaque::presented(ctx);
    let names = (&ctx.hash(), &binding.hash());
    let state: Option<State> = provider.database.sign_ins().resume(names, provider.now()).await?;
    let mut flow = open(provider, browser, (binding, ctx), state.ok_or(Stop::Lost)?).await?;
    *correlation = flow.state.correlation;
    flow.check_session().await?;
    if view == Some("ways") {
        return Ok(view::ways(&mut flow).await?.into());
    }
    if view == Some("user") {
        flow.state.forget_user();
    }
    if view == Some("later") {
        flow.skip().await?;
    }
    match flow.next().await {
        // A broker puts an enrolment off by this link, and has no form to send afterwards.
        Ok(Next::Finish(user)) if flow.state.by_broker && view == Some("later") => {
            flow.end().await?;
            finish::complete(&flow, &user).await
        }
        // Only a form may end a sign-in: a link could be opened by anybody's page.
        Ok(Next::Finish(_)) => Ok(view::next_page(&mut flow, Next::Stay, None).await?.into()),
        Ok(next) => Ok(view::next_page(&mut flow, next, None).await?.into()),
        Err(stop) => flow.stop(stop).await,
    }
}

impl Flow<'_> {
    async fn carry_out(&mut self, fields: &Fields) -> Result<(), Failed> {
        if let Some(step) = self.setting_up().await? {
            return self.set_up(step, fields).await;
        }
        let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
        let step = match text("step") {
            "" => self.broker_step(fields)?,
            step => step,
        };
        match step {
            "user" => self.name_user(text("loginfmt")),
            "account" => self.pick(text("account")).await,
            "way" => {
                self.state.way = Way::parse(text("way")).unwrap_or_default();
                Ok(())
            }
            "password" => self.password(text("passwd")).await,
            "pass" => self.access_pass(text("accesspass")).await,
            "code" => self.code(text("otc")).await,
            "passkey" => self.passkey(&credential(fields)).await,
            // The second factor was checked by a helper call.
            "process-auth" => Ok(()),
            "enrol" => self.enrol_app(text("otc"), text("answer")).await,
            "new-passkey" => self.new_passkey(text("credential"), text("name"), text("answer")).await,
            "change-password" => {
                self.new_password((text("passwd"), text("newpasswd"), text("confirmnewpasswd"))).await
            }
            "device-code" => self.user_code(text("otc")).await,
            "device-confirm" => self.confirm_device(text("answer")).await,
            "consent" => self.consent(text("answer"), text("everyone") == "1").await,
            "stay" => self.stay(text("LoginOptions") == "1").await,
            _ => Err(Stop::Lost.into()),
        }
    }

    pub(super) fn name_user(&mut self, typed: &str) -> Result<(), Failed> {
        let name = typed.trim();
        self.state.forget_user();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Problem::NoName.into());
        }
        self.state.user_name = Some(name.to_owned());
        Ok(())
    }

    /// The account of the session, or another one.
    async fn pick(&mut self, account: &str) -> Result<(), Failed> {
        if !self.state.pick {
            return Err(Stop::Lost.into());
        }
        self.state.forget_user();
        let Some(cookie) = self.browser.session.as_ref().filter(|_| !account.is_empty()) else {
            return Ok(());
        };
        let found = self.provider.database.sessions().find(&cookie.hash(), self.provider.now()).await?;
        if let Some((session, user)) = found
            && user.id.to_string() == account
        {
            self.take_over(&session, &user);
        }
        Ok(())
    }

    pub(super) async fn password(&mut self, password: &str) -> Result<(), Failed> {
        let upn = self.state.user_name.clone().ok_or(Stop::Lost)?;
        let tenant = self.tenant_of_name().await?;
        let attempt = PasswordAttempt {
            tenant,
            upn: &upn,
            password,
            client: self.request.client.id,
            address: self.browser.address,
            agent: &self.browser.agent,
            correlation: self.state.correlation,
        };
        // Logged there, right or wrong.
        let user = check_password(self.provider, &attempt).await.map_err(|wrong| match wrong {
            WrongPassword::Wrong => Failed::Again(Problem::Password),
            WrongPassword::Locked => Failed::Again(Problem::Locked),
            WrongPassword::Disabled => Failed::Again(Problem::Disabled),
            WrongPassword::Busy => Failed::Again(Problem::Busy),
            WrongPassword::Storage(error) => error.into(),
        })?;
        if !self.admits(user.tenant) {
            return Err(Problem::Password.into());
        }
        self.proved(&user, Method::Password)
    }

    async fn access_pass(&mut self, typed: &str) -> Result<(), Failed> {
        let tenant = self.tenant_of_name().await?;
        match check_pass(self, typed).await {
            Ok(user) => self.proved(&user, Method::AccessPass),
            Err(failed) => {
                let user = self.named().await?.map(|user| user.id);
                self.failed((tenant, user), "tap", failed).await
            }
        }
    }

    pub(super) async fn code(&mut self, typed: &str) -> Result<(), Failed> {
        let id = self.state.user.ok_or(Stop::Lost)?;
        let user = self.provider.database.users().find(id).await?.ok_or(Stop::Lost)?;
        match check_code(self, &user, typed).await {
            Ok(()) => self.proved(&user, Method::Totp),
            Err(failed) => self.failed((user.tenant, Some(user.id)), "otp", failed).await,
        }
    }

    async fn passkey(&mut self, credential: &str) -> Result<(), Failed> {
        match self.check_passkey(credential).await {
            Ok(user) => {
                self.state.user_name = Some(user.upn.clone());
                self.proved(&user, Method::Passkey)
            }
            Err(failed) => {
                let tenant = self.tenant_of_name().await?;
                let user = self.named().await?.map(|user| user.id);
                self.failed((tenant, user), "fido", failed).await
            }
        }
    }

    /// Notes a proof. All proofs of a sign-in are of one user.
    pub(super) fn proved(&mut self, user: &User, method: Method) -> Result<(), Failed> {
        if self.state.pick || self.state.user.is_some_and(|before| before != user.id) {
            return Err(Stop::Lost.into());
        }
        self.state.user = Some(user.id);
        self.state.proofs = self.state.proofs.with(method, self.provider.now());
        self.state.fresh = true;
        self.state.way = Way::Usual;
        Ok(())
    }

    async fn failed(
        &self,
        whose: (crate::domain::TenantId, Option<crate::domain::UserId>),
        method: &str,
        failed: Failed,
    ) -> Result<(), Failed> {
        if let Failed::Again(problem) = &failed {
            self.log(whose, method, problem.code()).await?;
        }
        Err(failed)
    }

    /// The answer counts only where it was asked for: after all proofs.
    async fn consent(&mut self, answer: &str, everyone: bool) -> Result<(), Failed> {
        let Next::Consent(requested) = self.next().await? else { return Ok(()) };
        if answer != "accept" {
            return Err(self.denied().await?.into());
        }
        let id = self.state.user.ok_or(Stop::Lost)?;
        let user = self.provider.database.users().find(id).await?.ok_or(Stop::Lost)?;
        consent::give(self, &user, &requested, everyone).await?;
        self.state.consented = true;
        Ok(())
    }

    /// Likewise; a page that was loaded again at the very end asks once more.
    async fn stay(&mut self, stay: bool) -> Result<(), Failed> {
        if self.state.proved() && matches!(self.next().await?, Next::Stay | Next::Finish(_)) {
            self.state.stay = Some(stay);
        }
        Ok(())
    }

    async fn end(&self) -> Result<(), Stop> {
        Ok(self.provider.database.sign_ins().end(&self.ctx.hash()).await?)
    }

    /// An end without a code. What the client is told ends the sign-in; a page of ours leaves it, for another way.
    async fn stop(mut self, stop: Stop) -> Result<Outcome, Stop> {
        match stop {
            Stop::Client(..) | Stop::DeviceDenied(_) => {
                self.end().await?;
                Err(stop)
            }
            Stop::NoMethod => Ok(view::no_method(&mut self).await?.into()),
            Stop::Page(_) | Stop::Lost | Stop::Invitation | Stop::NoPasskey(_) => Err(stop),
        }
    }
}
