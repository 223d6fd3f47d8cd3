//! The page on which people look after their own ways to sign in.

use std::time::Duration;

use uuid::Uuid;

use crate::audit_chain::Event;
use crate::domain::{Device, DeviceId, SessionId, UserId};
use crate::pages::{
    Account, Frame, Notice, OwnDevice, OwnMethod, OwnPinReset, OwnSession, SecurityPage, When, browser,
};
use crate::provider::Provider;
use crate::sign_in::{Browser, Destination, Entered, Entry, Outcome, Reply, SignedIn, enter, failed};
use crate::storage::{self, BrowserSession, NamedResetEvent};

const LONGEST_NAME: usize = 64;
/// For how long PIN resets are listed.
const TOLD_FOR: Duration = Duration::from_hours(90 * 24);
const MOST_RESETS: u32 = 10;

/// What a form of the page asks for.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Another name for a passkey.
    RenamePasskey(Uuid, &'a str),
    /// A passkey less.
    RemovePasskey(Uuid),
    /// An authenticator app less.
    RemoveApp(Uuid),
    /// Signed out in another browser.
    EndSession(SessionId),
    /// A device that is used no longer.
    ReportLost(DeviceId),
}

impl Change<'_> {
    /// Whoever finds an open browser may sign its owner out and lock a device, and nothing else (R7).
    const fn entry(self) -> Entry {
        match self {
            Self::EndSession(_) | Self::ReportLost(_) => Entry::to(Destination::Security),
            Self::RenamePasskey(..) | Self::RemovePasskey(_) | Self::RemoveApp(_) => {
                Entry::recently(Destination::Security)
            }
        }
    }
}

/// The page.
pub async fn security(provider: &Provider, browser: &Browser) -> Outcome {
    match enter(provider, browser, Entry::to(Destination::Security)).await {
        Entered::User(signed_in) => shown(provider, &signed_in, None).await,
        Entered::SignIn(outcome) => outcome,
    }
}

/// Does what a form asks for, and shows the page.
pub async fn change(provider: &Provider, browser: &Browser, change: Change<'_>, csrf: &str) -> Outcome {
    let signed_in = match enter(provider, browser, change.entry()).await {
        Entered::User(signed_in) => signed_in,
        Entered::SignIn(outcome) => return outcome,
    };
    let notice = if signed_in.sent(csrf) {
        carry_out(provider, &signed_in, change).await
    } else {
        Ok(Notice::error("That form was not sent from this page. Try it again here.", None))
    };
    match notice {
        Ok(notice) => shown(provider, &signed_in, Some(notice)).await,
        Err(error) => failed(provider, error),
    }
}

async fn carry_out(
    provider: &Provider,
    signed_in: &SignedIn,
    change: Change<'_>,
) -> Result<Notice, storage::Error> {
    let user = &signed_in.user;
    let gone = || Notice::info("It is gone already.");
    let (found, action, done) = match change {
        Change::RenamePasskey(id, name) => {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Ok(Notice::error("A name has 1 to 64 characters, and no line breaks.", None));
            }
            let found = provider.database.passkeys().rename(user.id, id, name).await?;
            (found, "passkey.renamed", "The passkey has its new name.")
        }
        Change::RemovePasskey(id) => {
            if is_last_way(provider, signed_in).await? {
                let text = "This is your only way to sign in. Add another one before you remove it.";
                return Ok(Notice::error(text, None));
            }
            let found = provider.database.passkeys().remove(user.id, id).await?;
            (found, "passkey.removed", "The passkey is removed. Delete it on your device too.")
        }
        Change::RemoveApp(id) => {
            let found = provider.database.totp().remove(user.id, id).await?;
            (found, "authenticator.removed", "The app is removed.")
        }
        Change::EndSession(id) => {
            let standing = provider.database.sessions().of_user(user.id, provider.now()).await?;
            let found = standing.iter().any(|session| session.id == id);
            if found {
                provider.database.sessions().end(id, provider.now()).await?;
                provider.database.grants().revoke_of_session(id, provider.now()).await?;
            }
            (found, "session.ended", "That browser is signed out.")
        }
        Change::ReportLost(id) => {
            let devices = provider.database.devices();
            let own = devices.find(id).await?.is_some_and(|device| device.owner == user.id);
            let found = own && devices.set_enabled((user.tenant, id), false, provider.now()).await?;
            let done = "The device is disabled. When it turns up, an administrator can enable it.";
            (found, "device.reported_lost", done)
        }
    };
    if !found {
        return Ok(gone());
    }
    note(provider, signed_in, action, change).await?;
    Ok(Notice::success(done))
}

/// Whether a passkey that goes would be the last thing that signs its user in.
async fn is_last_way(provider: &Provider, signed_in: &SignedIn) -> Result<bool, storage::Error> {
    let user = &signed_in.user;
    let passkeys = provider.database.passkeys().of_user(user.id).await?;
    Ok(passkeys.len() <= 1 && !has_password(provider, signed_in).await?)
}

async fn has_password(provider: &Provider, signed_in: &SignedIn) -> Result<bool, storage::Error> {
    let found = provider.database.users().by_upn(&signed_in.user.upn).await?;
    Ok(found.is_some_and(|(_, password)| password.is_some()))
}

async fn note(
    provider: &Provider,
    signed_in: &SignedIn,
    action: &str,
    change: Change<'_>,
) -> Result<(), storage::Error> {
    let user = &signed_in.user;
    let target = if let Change::ReportLost(id) = change { id.to_string() } else { user.id.to_string() };
    let event = Event {
        at: provider.now(),
        tenant: Some(user.tenant.guid()),
        actor: user.id.to_string(),
        action: action.to_owned(),
        target,
        detail: std::collections::BTreeMap::new(),
    };
    provider.audit(&event).await
}

async fn shown(provider: &Provider, signed_in: &SignedIn, notice: Option<Notice>) -> Outcome {
    match page(provider, signed_in, notice).await {
        Ok(page) => Reply::page(&page, &page.frame.policy()).into(),
        Err(error) => failed(provider, error),
    }
}

async fn page(
    provider: &Provider,
    signed_in: &SignedIn,
    notice: Option<Notice>,
) -> Result<SecurityPage, storage::Error> {
    let user = &signed_in.user;
    let passkeys = provider.database.passkeys().of_user(user.id).await?.into_iter().map(|stored| OwnMethod {
        id: stored.passkey.id.to_string(),
        name: stored.passkey.name,
        created: When::at(stored.created_at),
        last_used: stored.last_used_at.map(When::at),
    });
    let apps = provider.database.totp().of_user(user.id).await?.into_iter().map(|stored| OwnMethod {
        id: stored.id.to_string(),
        name: stored.name,
        created: When::at(stored.created_at),
        last_used: stored.last_used_at.map(When::at),
    });
    let devices = provider.database.devices().of_owner(user.id).await?;
    let since = provider.now().minus(TOLD_FOR);
    let resets = provider.database.reset_events().releases(user.id, since, MOST_RESETS).await?;
    let notice = match notice {
        Some(notice) => Some(notice),
        None => news(provider, user.id).await?,
    };
    let sessions = provider.database.sessions().of_user(user.id, provider.now()).await?;
    let standing =
        sessions.into_iter().filter(|session| session.authentication.at >= user.sessions_valid_from);
    Ok(SecurityPage {
        frame: Frame { notice, ..Frame::default() },
        account: Account { user_name: user.upn.clone(), change_url: None },
        csrf: signed_in.csrf(),
        passkeys: passkeys.collect(),
        may_make_passkeys: provider.webauthn.is_some(),
        password: has_password(provider, signed_in).await?,
        apps: apps.collect(),
        devices: devices.into_iter().map(own_device).collect(),
        pin_resets: resets.into_iter().map(own_reset).collect(),
        sessions: standing.map(|session| own(&session, signed_in.session.id)).collect(),
    })
}

/// What the user was not told of yet: a PIN reset. It is told once; the list below keeps it.
async fn news(provider: &Provider, user: UserId) -> Result<Option<Notice>, storage::Error> {
    let events = provider.database.reset_events();
    let Some(latest) = events.untold(user, 1).await?.into_iter().next() else { return Ok(None) };
    events.told(user, latest.event.at, provider.now()).await?;
    let text = "A PIN of yours was reset since you were here last. If that was not you, report the device lost below and tell your administrator.";
    Ok(Some(Notice::info(text)))
}

fn own_reset(named: NamedResetEvent) -> OwnPinReset {
    OwnPinReset {
        device: named.device.unwrap_or_else(|| "A device that is registered no longer".to_owned()),
        time: When::at(named.event.at),
        address: named.event.address,
        tries_only: named.event.purpose == "administer",
    }
}

fn own_device(device: Device) -> OwnDevice {
    OwnDevice {
        id: device.id.to_string(),
        name: device.name,
        registered: When::at(device.created_at),
        last_seen: device.last_seen_at.map(When::at),
        enabled: device.enabled,
    }
}

fn own(session: &BrowserSession, current: SessionId) -> OwnSession {
    OwnSession {
        id: session.id.to_string(),
        client: browser(&session.agent),
        address: session.address.clone(),
        started: When::at(session.created_at),
        last_used: When::at(session.seen_at),
        current: session.id == current,
    }
}
