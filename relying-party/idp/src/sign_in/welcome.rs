//! The link of a first sign-in: the secret stands in its fragment, which no server's or proxy's log ever sees.
//!
//! The link is not used up by opening it: people close browsers half-way. It belongs to the first browser that opened it,
//! for as long as it lives, and is gone as soon as the first way to sign in is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::guesses::{Guess, NOBODY};
use super::own::{Destination, Entry};
use super::problem::{Problem, Stop};
use super::reply::{Browser, Cookie, Outcome, Reply, canary, canary_matches};
use super::state::{Goal, State};
use super::{begin, view};
use crate::domain::{Opaque, OpaqueHash, User, UserId};
use crate::oauth::Fields;
use crate::pages::{Csrf, Frame, Notice, WelcomePage};
use crate::provider::Provider;

const OF: &str = "welcome";

/// A sign-in that a link began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Welcome {
    pub(super) link: OpaqueHash,
    pub(super) user: UserId,
    /// Where it ends.
    pub(super) destination: Destination,
}

/// The page that such a link opens. Its script takes the secret out of the address; without script people paste it.
pub async fn welcome(provider: &Provider, browser: &Browser) -> Outcome {
    let binding = binding(provider, browser);
    let reply = page(&binding, None);
    Outcome::from(reply).with(Cookie::LastingBinding(binding))
}

/// Takes the secret of a link. That a person presses a button keeps programs that look at links in mails from opening it.
pub async fn open_invitation(provider: &Provider, browser: &Browser, fields: &Fields) -> Outcome {
    match open(provider, browser, fields).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

async fn open(provider: &Provider, browser: &Browser, fields: &Fields) -> Result<Outcome, Stop> {
    let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
    let binding = browser.binding.as_ref().ok_or(Stop::Lost)?;
    if !canary_matches(binding, OF, text("csrf")) {
        return Err(Stop::Lost);
    }
    let again = |problem: Problem| Ok(page(binding, Some(problem.notice())).into());
    let name = URL_SAFE_NO_PAD.encode(binding.hash().as_bytes());
    let guess =
        Guess::count(provider, (NOBODY, &format!("invitation {name}")), browser.address, false).await?;
    let Some(guess) = guess else { return again(Problem::Locked) };
    let link = Opaque::presented(secret(text("link"))).hash();
    let opened = provider.database.invitations().open(&link, &binding.hash(), provider.now()).await?;
    let user = match opened {
        Some(id) => provider.database.users().find(id).await?.filter(|user| user.enabled),
        None => None,
    };
    let Some(user) = user else { return again(Problem::Invitation) };
    guess.right(provider).await?;
    let destination = if user.administrator { Destination::Administration } else { Destination::Home };
    let mut state = State::ours(Goal::Welcome(Welcome { link, user: user.id, destination }), provider.guid());
    state.user_name = Some(user.upn);
    match begin::open(provider, browser, state, None).await? {
        begin::Begun::Page(outcome) => Ok(outcome),
        // Nothing can be at its end before something was set up.
        begin::Begun::Session(..) => Err(Stop::Lost),
    }
}

/// The secret alone, or the whole link as it was copied.
fn secret(typed: &str) -> &str {
    let typed = typed.trim();
    typed.rsplit_once('#').map_or(typed, |(_, secret)| secret)
}

fn binding(provider: &Provider, browser: &Browser) -> Opaque {
    browser.binding.as_ref().map_or_else(|| provider.opaque(), |known| Opaque::presented(known.expose()))
}

fn page(binding: &Opaque, notice: Option<Notice>) -> Reply {
    let page = WelcomePage { frame: Frame { notice, ..Frame::default() }, csrf: Csrf(canary(binding, OF)) };
    Reply::page(&page, &page.frame.policy())
}

impl Welcome {
    pub(super) const fn entry(&self) -> Entry {
        Entry::to(self.destination)
    }
}

impl Flow<'_> {
    fn invitation(&self) -> Option<&OpaqueHash> {
        match &self.state.goal {
            Goal::Welcome(welcome) => Some(&welcome.link),
            Goal::Client | Goal::Own(_) | Goal::Device(_) => None,
        }
    }

    /// Before something is stored: of several pages with one link one may store it.
    pub(super) async fn claim(&self) -> Result<(), Stop> {
        let Some(link) = self.invitation() else { return Ok(()) };
        let invitations = self.provider.database.invitations();
        let claimed = invitations.claim(link, &self.binding.hash(), self.provider.now()).await?;
        if claimed { Ok(()) } else { Err(Stop::Invitation) }
    }

    /// Nothing was stored: the link is as good as before.
    pub(super) async fn release(&self) -> Result<(), Stop> {
        match self.invitation() {
            Some(link) => Ok(self.provider.database.invitations().release(link).await?),
            None => Ok(()),
        }
    }

    /// It was stored: the link is gone.
    pub(super) async fn end_invitation(&self, owner: &User) -> Result<(), Stop> {
        let Some(link) = self.invitation() else { return Ok(()) };
        self.provider.database.invitations().end(link).await?;
        self.note(owner, "invitation.accepted").await
    }
}
