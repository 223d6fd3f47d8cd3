//! One user's page, made from what the core knows.

use axum::response::Response;

use super::gate::Seat;
use super::{user_devices, users};
use crate::administration::Refused;
use crate::attestation::Outcome;
use crate::domain::UserId;
use crate::pages::admin::{
    AppMethod, IssuedPass, PassMethod, PasskeyMethod, PasswordMethod, SessionRow, Trust, UserPage,
};
use crate::pages::{Notice, When, browser};
use crate::storage::{BrowserSession, StoredPasskey, StoredTotp};

/// Shows a user's page, with what the request issued.
pub(super) async fn page(
    seat: &Seat,
    id: UserId,
    notice: Option<Notice>,
    issued: Option<IssuedPass>,
    status: u16,
) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let summary = administrator.user_summary(id).await?;
    let methods = administrator.methods(id).await?;
    let sessions = administrator.sessions(id).await?;
    let (devices, keys) = user_devices::rows(&administrator, id, &summary.user.upn).await?;
    let app = |stored: StoredTotp| AppMethod {
        id: stored.id.to_string(),
        created: When::at(stored.created_at),
        last_used: stored.last_used_at.map(When::at),
    };
    let page = UserPage {
        frame: seat.frame(notice),
        user: users::row(&summary),
        created: When::at(summary.user.created_at),
        given_name: summary.user.given_name.unwrap_or_default(),
        family_name: summary.user.family_name.unwrap_or_default(),
        email: summary.user.email.unwrap_or_default(),
        locked_until: methods.locked_until.map(When::at),
        issued,
        passkeys: methods.passkeys.into_iter().map(|stored| passkey(seat, stored)).collect(),
        password: methods
            .password
            .map(|(changed, must_change)| PasswordMethod { changed: When::at(changed), must_change }),
        apps: methods.apps.into_iter().map(app).collect(),
        pass: methods.pass.map(|pass| PassMethod {
            id: pass.id.to_string(),
            until: When::at(pass.expires_at),
            once: pass.once,
        }),
        pass_max_minutes: administrator.tenant().await?.policy.pass_max_minutes,
        sessions: sessions.into_iter().map(session).collect(),
        devices,
        keys,
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn passkey(seat: &Seat, stored: StoredPasskey) -> PasskeyMethod {
    let model = seat.provider().models().model(stored.passkey.aaguid);
    let copied = stored
        .suspected_at
        .map(|at| format!("Its counter went back on {}: a copy of it may exist.", When::at(at).text));
    let refused = model.warning.map(|status| format!("The metadata speak against this model: {status}."));
    PasskeyMethod {
        id: stored.passkey.id.to_string(),
        name: stored.passkey.name,
        model: model.name,
        aaguid: stored.passkey.aaguid,
        trust: stored.passkey.attestation.parse::<Outcome>().map_or(Trust::None, Trust::from),
        synced: stored.passkey.backup_eligible,
        created: When::at(stored.created_at),
        last_used: stored.last_used_at.map(When::at),
        warning: copied.or(refused),
    }
}

fn session((session, apps): (BrowserSession, Vec<String>)) -> SessionRow {
    let methods = &session.authentication.methods;
    SessionRow {
        id: session.id.to_string(),
        client: browser(&session.agent),
        address: session.address,
        methods: methods.iter().map(|amr| amr.word().to_owned()).collect(),
        started: When::at(session.created_at),
        last_used: When::at(session.seen_at),
        apps,
    }
}
