//! The end of a sign-in: a session, a code, a line in the log.

use std::time::Duration;

use super::flow::Flow;
use super::guesses::remember_place;
use super::problem::Stop;
use super::reply::{Cookie, Outcome, Reply};
use super::state::Goal;
use crate::devices;
use crate::domain::{Amr, Authentication, SessionId, TenantId, User, UserId};
use crate::oauth::authorize::issue_code;
use crate::storage::{self, BrowserSession, SignIn};
use crate::strength::Proofs;

/// A session of whoever did not want to stay signed in ends with the browser, and with the day.
const BRIEF: Duration = Duration::from_hours(24);
/// When a session was used is known this closely: an application that asks often costs no write each time.
const SEEN: Duration = Duration::from_mins(1);
/// "Stay signed in".
pub(crate) const LASTING: Duration = Duration::from_hours(90 * 24);

/// Answers the client from a session that is enough.
pub(super) async fn with_session(
    flow: &Flow<'_>,
    user: &User,
    session: &BrowserSession,
) -> Result<Reply, Stop> {
    let mut authentication = session.authentication.clone();
    authentication.device = authentication.device.or(flow.state.device);
    authentication.contexts = flow.satisfied_contexts(user, &Proofs::of(&session.authentication)).await?;
    let now = flow.provider.now();
    if now.since(session.seen_at) >= SEEN {
        flow.provider.database.sessions().renew(session.id, &session.authentication, now).await?;
    }
    answer(flow, user, authentication).await
}

/// Answers the client after the pages: whoever proved something gets a new session, under a new cookie.
pub(super) async fn complete(flow: &Flow<'_>, user: &User) -> Result<Outcome, Stop> {
    let provider = flow.provider;
    let current = match &flow.browser.session {
        Some(cookie) => provider.database.sessions().find(&cookie.hash(), provider.now()).await?,
        None => None,
    };
    if !flow.state.fresh {
        let (session, _) = current.ok_or(Stop::Lost)?;
        return Ok(with_session(flow, user, &session).await?.into());
    }
    if let Some((before, _)) = current {
        provider.database.sessions().end(before.id, provider.now()).await?;
    }
    // It may have been disabled while its user was on the pages.
    devices::usable(provider, flow.state.device).await.map_err(|refusal| flow.to_client(refusal.into()))?;
    let (cookie, mut authentication) = begin_session(flow, user).await?;
    let shown = flow.state.session.is_none() && !flow.state.by_token;
    if flow.state.proofs.is_fresh(provider.now()) && shown {
        authentication.methods.push(Amr::NgcMfa);
    }
    remember_place(provider, user.id, flow.browser.address).await?;
    let reply = answer(flow, user, authentication).await?;
    Ok(Outcome::from(reply).with(cookie))
}

async fn begin_session(flow: &Flow<'_>, user: &User) -> Result<(Cookie, Authentication), Stop> {
    let provider = flow.provider;
    let now = provider.now();
    let proofs = &flow.state.proofs;
    // A session outlives the freshness of its proofs, so it never says that they are fresh.
    let lasting = proofs.amr(now).into_iter().filter(|amr| *amr != Amr::NgcMfa);
    let authentication = Authentication {
        user: user.id,
        session: Some(SessionId::new(provider.guid())),
        at: proofs.latest().ok_or(Stop::Lost)?,
        methods: lasting.collect(),
        device: flow.state.device,
        contexts: flow.satisfied_contexts(user, proofs).await?,
    };
    let persistent = flow.state.stay == Some(true);
    let session = BrowserSession {
        id: authentication.session.ok_or(Stop::Lost)?,
        authentication: authentication.clone(),
        persistent,
        address: flow.browser.address.to_string(),
        agent: flow.browser.agent.clone(),
        created_at: now,
        seen_at: now,
        expires_at: now.plus(if persistent { LASTING } else { BRIEF }),
    };
    let cookie = provider.opaque();
    provider.database.sessions().begin(&cookie.hash(), &session).await?;
    Ok((Cookie::Session(cookie, persistent), authentication))
}

async fn answer(flow: &Flow<'_>, user: &User, authentication: Authentication) -> Result<Reply, Stop> {
    let sign_in = flow.sign_in((user.tenant, Some(user.id)), &authentication.method_words(), 0);
    let reply = match &flow.state.goal {
        Goal::Client => {
            let answer = issue_code(flow.provider, &flow.request, user, authentication, &sign_in).await;
            return Ok(Reply::to_client(answer.map_err(|refusal| flow.to_client(refusal))?));
        }
        Goal::Own(entry) => Reply::Redirect(entry.destination.path().to_owned()),
        Goal::Welcome(welcome) => Reply::Redirect(welcome.destination.path().to_owned()),
        Goal::Device(device) => flow.let_in(device, authentication).await?,
    };
    flow.provider.database.sign_in_log().add(&sign_in).await?;
    Ok(reply)
}

impl Flow<'_> {
    /// Writes a line of the sign-in log; 0 is success.
    pub(super) async fn log(
        &self,
        whose: (TenantId, Option<UserId>),
        methods: &str,
        error: u32,
    ) -> Result<(), storage::Error> {
        self.provider.database.sign_in_log().add(&self.sign_in(whose, methods, error)).await
    }

    /// A line of the sign-in log.
    fn sign_in(&self, (tenant, user): (TenantId, Option<UserId>), methods: &str, error: u32) -> SignIn {
        // A name that is nobody's may be a password in the wrong field.
        let upn = user.and(self.state.user_name.clone()).unwrap_or_default();
        SignIn {
            id: self.provider.guid(),
            correlation: self.state.correlation,
            at: self.provider.now(),
            tenant: Some(tenant),
            user,
            upn,
            client: Some(self.request.client.id),
            address: self.browser.address.to_string(),
            agent: self.browser.agent.clone(),
            methods: methods.to_owned(),
            error: error.into(),
        }
    }
}
