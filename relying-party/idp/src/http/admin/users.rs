//! Users: the list, one user, and what is done about them.

use std::time::Duration;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use uuid::Uuid;

use super::changes::{Done, after, again};
use super::gate::Seat;
use super::query::{Query, query};
use super::tenants::invitation;
use super::{pages_of_user, texts};
use crate::access_pass::{PassCode, PassOptions};
use crate::administration::{Names, NewAccount, Refused};
use crate::domain::{SessionId, UserId};
use crate::pages::admin::{IssuedPass, Pager, UserRow, UsersPage};
use crate::pages::{Notice, ShownSecret, When};
use crate::storage::{UserCursor, UserSummary};

const ROWS: u32 = 25;

pub(super) async fn list(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    match list_page(&seat, &asked, Done::notice(asked.text("done")), 200).await {
        Ok(response) => response,
        Err(refused) => seat.refuse(&refused),
    }
}

async fn list_page(
    seat: &Seat,
    asked: &Query,
    notice: Option<Notice>,
    status: u16,
) -> Result<Response, Refused> {
    let text = asked.owned("q");
    let cursor = match (asked.text("before"), asked.text("after")) {
        (Some(name), _) => UserCursor::Before(name.to_owned()),
        (None, Some(name)) => UserCursor::After(name.to_owned()),
        (None, None) => UserCursor::Start,
    };
    let (found, total) = seat.administrator()?.users(&text, &cursor, ROWS).await?;
    let link = |name, row: &UserSummary| query(&[("q", &text), (name, &row.user.upn)]);
    let pager = Pager {
        before: found.rows.first().filter(|_| found.before).map(|first| link("before", first)),
        after: found.rows.last().filter(|_| found.after).map(|last| link("after", last)),
    };
    let page = UsersPage {
        frame: seat.frame(notice),
        users: found.rows.iter().map(row).collect(),
        total,
        pager,
        domain: seat.tenant().domains.first().cloned().unwrap_or_default(),
        query: text,
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

pub(super) fn row(summary: &UserSummary) -> UserRow {
    let user = &summary.user;
    UserRow {
        id: user.id.guid(),
        user_name: user.upn.clone(),
        display_name: user.display_name.clone(),
        enabled: user.enabled,
        admin: user.administrator,
        methods: texts::methods(summary.methods),
        last_sign_in: summary.last_sign_in.map(When::at),
    }
}

pub(super) async fn create(seat: Seat) -> Response {
    let new = NewAccount {
        user_name: seat.field("user_name"),
        administrator: seat.ticked("administrator"),
        names: Names { display_name: seat.field("display_name"), ..Names::default() },
    };
    let made = async { seat.administrator()?.create_user(&new).await };
    match made.await {
        Ok((user, invited)) => issued(&seat, user.id, "The user is made.", invitation(&invited)).await,
        Err(refused) => {
            let nothing = Query::read(&RawQuery(None));
            again(&seat, refused, |notice, status| list_page(&seat, &nothing, Some(notice), status)).await
        }
    }
}

pub(super) async fn show(seat: Seat, Path((_, id)): Path<(String, String)>, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    let shown = async { pages_of_user::page(&seat, user_id(&id)?, notice, None, 200).await };
    shown.await.unwrap_or_else(|refused| seat.refuse(&refused))
}

/// What is done about a user: the last segment of the path says what.
pub(super) async fn change(seat: Seat, Path((_, id, change)): Path<(String, String, String)>) -> Response {
    let id = match user_id(&id) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    match change.as_str() {
        "passes" => give(&seat, id, "The pass is ready.", pass(&seat, id).await).await,
        "password" => give(&seat, id, "The password is set.", password(&seat, id).await).await,
        "invite" => give(&seat, id, "The link is ready.", invite(&seat, id).await).await,
        "delete" => {
            let deleted = async { seat.administrator()?.delete_user(id).await.map(|()| Done::Deleted) };
            after(&seat, deleted.await, &seat.path("/users"), |notice, status| {
                pages_of_user::page(&seat, id, Some(notice), None, status)
            })
            .await
        }
        other => done(&seat, &id.to_string(), simple(&seat, id, other).await).await,
    }
}

async fn simple(seat: &Seat, id: UserId, change: &str) -> Result<Done, Refused> {
    let administrator = seat.administrator()?;
    match change {
        "enable" => administrator.set_enabled(id, true).await.map(|()| Done::Enabled),
        "disable" => administrator.set_enabled(id, false).await.map(|()| Done::Disabled),
        "promote" => administrator.set_administrator(id, true).await.map(|()| Done::Promoted),
        "demote" => administrator.set_administrator(id, false).await.map(|()| Done::Demoted),
        "names" => {
            let names = Names {
                display_name: seat.field("display_name"),
                given_name: Some(seat.field("given_name")),
                family_name: Some(seat.field("family_name")),
                email: Some(seat.field("email")),
            };
            administrator.rename_user(id, &names).await.map(|()| Done::Saved)
        }
        _ => Err(Refused::NotFound("page")),
    }
}

pub(super) async fn remove_method(
    seat: Seat,
    Path((_, id, method)): Path<(String, String, String)>,
) -> Response {
    let removed = async {
        let method = Uuid::try_parse(&method).map_err(|_| Refused::NotFound("method"))?;
        seat.administrator()?.remove_method(user_id(&id)?, method).await.map(|_| Done::Removed)
    };
    done(&seat, &id, removed.await).await
}

pub(super) async fn revoke_session(
    seat: Seat,
    Path((_, id, session)): Path<(String, String, String)>,
) -> Response {
    let revoked = async {
        let session: SessionId = session.parse().map_err(|_| Refused::NotFound("session"))?;
        seat.administrator()?.revoke_session(user_id(&id)?, session).await.map(|()| Done::Revoked)
    };
    done(&seat, &id, revoked.await).await
}

pub(super) async fn revoke_sessions(seat: Seat, Path((_, id)): Path<(String, String)>) -> Response {
    let revoked =
        async { seat.administrator()?.revoke_sessions(user_id(&id)?).await.map(|()| Done::Revoked) };
    done(&seat, &id, revoked.await).await
}

pub(super) fn user_id(text: &str) -> Result<UserId, Refused> {
    text.parse().map_err(|_| Refused::NotFound("user"))
}

/// Back to the page of the user whom the path names.
pub(super) async fn done(seat: &Seat, user: &str, result: Result<Done, Refused>) -> Response {
    let id = match user_id(user) {
        Ok(id) => id,
        Err(refused) => return seat.refuse(&refused),
    };
    let path = seat.path(&format!("/users/{id}"));
    after(seat, result, &path, |notice, status| pages_of_user::page(seat, id, Some(notice), None, status))
        .await
}

/// The user's page with what was issued, once.
async fn give(seat: &Seat, id: UserId, sentence: &str, result: Result<IssuedPass, Refused>) -> Response {
    match result {
        Ok(secret) => issued(seat, id, sentence, secret).await,
        Err(refused) => done(seat, &id.to_string(), Err(refused)).await,
    }
}

async fn issued(seat: &Seat, id: UserId, sentence: &str, secret: IssuedPass) -> Response {
    let notice = Some(Notice::success(sentence));
    let shown = pages_of_user::page(seat, id, notice, Some(secret), 200).await;
    shown.unwrap_or_else(|refused| seat.refuse(&refused))
}

async fn pass(seat: &Seat, id: UserId) -> Result<IssuedPass, Refused> {
    let options = PassOptions {
        lifetime: Duration::from_secs(u64::from(seat.number("minutes")?).saturating_mul(60)),
        once: seat.ticked("once"),
        ..PassOptions::default()
    };
    let administrator = seat.administrator()?;
    let issued = administrator.issue_pass(id, &options).await?;
    let until = Some(When::at(issued.pass.expires_at));
    secret(seat, id, "Temporary Access Pass", &issued.code, until).await
}

async fn password(seat: &Seat, id: UserId) -> Result<IssuedPass, Refused> {
    let code = seat.administrator()?.reset_password(id).await?;
    secret(seat, id, "Temporary password", &code, None).await
}

async fn invite(seat: &Seat, id: UserId) -> Result<IssuedPass, Refused> {
    Ok(invitation(&seat.administrator()?.invite(id).await?))
}

async fn secret(
    seat: &Seat,
    id: UserId,
    kind: &'static str,
    code: &PassCode,
    until: Option<When>,
) -> Result<IssuedPass, Refused> {
    let recipient = seat.administrator()?.find_user(id).await?.display_name;
    Ok(IssuedPass { kind, recipient, secret: ShownSecret::new(code.expose().to_owned()), until })
}
