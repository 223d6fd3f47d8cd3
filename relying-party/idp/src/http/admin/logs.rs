//! The sign-in log and the audit log.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::RawQuery;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::changes::{Done, after};
use super::gate::Seat;
use super::names::Names;
use super::query::{Query, pager, query};
use super::texts;
use crate::administration::{ActivityEntry, AuditState, Refused, Slice};
use crate::clock::UnixTime;
use crate::pages::admin::{AuditPage, AuditRow, ChainState, Pager, SignInFilter, SignInLogPage, SignInRow};
use crate::pages::{Notice, When};
use crate::storage::{self, LogCursor, SignIn};

const ROWS: u32 = 50;

pub(super) async fn sign_ins(seat: Seat, raw: RawQuery) -> Response {
    match sign_ins_page(&seat, &Query::read(&raw)).await {
        Ok(response) => response,
        Err(refused) => seat.refuse(&refused),
    }
}

async fn sign_ins_page(seat: &Seat, asked: &Query) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let filter = SignInFilter {
        user: asked.owned("user"),
        app: asked.owned("app"),
        result: asked.owned("result"),
        correlation: asked.owned("correlation"),
        from: asked.owned("from"),
        to: asked.owned("to"),
    };
    let apps = administrator.apps().await?;
    let apps: Vec<_> = apps.into_iter().map(|app| (app.id.to_string(), app.name)).collect();
    let found = match searched(&filter) {
        Some(wanted) => administrator.sign_ins(&wanted, cursor(asked), ROWS).await?,
        None => Slice { rows: Vec::new(), before: false, after: false },
    };
    let names: HashMap<&str, &str> = apps.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let page = SignInLogPage {
        frame: seat.frame(None),
        pager: sign_in_pager(&filter, &found),
        rows: found.rows.iter().map(|sign_in| sign_in_row(sign_in, &names)).collect(),
        filter,
        apps,
    };
    Ok(seat.show(&page, &page.frame.policy(), 200))
}

/// What storage is asked for; `None`: a field says something that no entry can have.
fn searched(filter: &SignInFilter) -> Option<storage::SignInFilter> {
    let day = |text: &str| match text {
        "" => Some(None),
        text => start_of_day(text).map(Some),
    };
    let optional = |text: &str| match text {
        "" => Some(None),
        text => Uuid::try_parse(text.trim()).ok().map(Some),
    };
    let until = day(&filter.to)?.map(|start| start.plus(Duration::from_hours(24)));
    Some(storage::SignInFilter {
        user: None,
        name: filter.user.trim().to_owned(),
        client: optional(&filter.app)?.map(crate::domain::ClientId::new),
        failed: filter.result == "failure",
        succeeded: filter.result == "success",
        correlation: optional(&filter.correlation)?,
        from: day(&filter.from)?,
        before: until,
    })
}

/// The start of an ISO 8601 date in UTC.
fn start_of_day(date: &str) -> Option<UnixTime> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(UnixTime::from_seconds(start.as_second()))
}

/// Where in a log the address says that the page begins.
pub(super) fn cursor(asked: &Query) -> LogCursor<(UnixTime, Uuid)> {
    match (asked.text("before").and_then(entry), asked.text("after").and_then(entry)) {
        (Some(entry), _) => LogCursor::NewerThan(entry),
        (None, Some(entry)) => LogCursor::OlderThan(entry),
        (None, None) => LogCursor::Newest,
    }
}

/// An entry as the address names it: its time and its ID.
pub(super) fn place(at: UnixTime, id: Uuid) -> String {
    format!("{}.{id}", at.seconds())
}

fn entry(text: &str) -> Option<(UnixTime, Uuid)> {
    let (at, id) = text.split_once('.')?;
    Some((UnixTime::from_seconds(at.parse().ok()?), Uuid::try_parse(id).ok()?))
}

fn sign_in_pager(filter: &SignInFilter, found: &Slice<SignIn>) -> Pager {
    let link = |name: &str, sign_in: &SignIn| {
        query(&[
            ("user", &filter.user),
            ("app", &filter.app),
            ("result", &filter.result),
            ("correlation", &filter.correlation),
            ("from", &filter.from),
            ("to", &filter.to),
            (name, &place(sign_in.at, sign_in.id)),
        ])
    };
    pager(found, link)
}

fn sign_in_row(sign_in: &SignIn, apps: &HashMap<&str, &str>) -> SignInRow {
    let client = sign_in.client.map(|client| client.to_string()).unwrap_or_default();
    let code = u32::try_from(sign_in.error).ok().filter(|code| *code != 0);
    let unknown = || "(not a user of the tenant)".to_owned();
    SignInRow {
        time: When::at(sign_in.at),
        user_name: if sign_in.upn.is_empty() { unknown() } else { sign_in.upn.clone() },
        app: apps.get(client.as_str()).map_or(client.clone(), |name| (*name).to_owned()),
        address: sign_in.address.clone(),
        methods: sign_in.methods.split_whitespace().map(str::to_owned).collect(),
        code,
        text: code.map_or("", texts::meaning).to_owned(),
        correlation_id: sign_in.correlation.to_string(),
    }
}

pub(super) async fn audit(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    let number = |name| asked.text(name).and_then(|text| text.parse().ok());
    let cursor = match (number("before"), number("after")) {
        (Some(number), _) => LogCursor::NewerThan(number),
        (None, Some(number)) => LogCursor::OlderThan(number),
        (None, None) => LogCursor::Newest,
    };
    match audit_page(&seat, cursor, Done::notice(asked.text("done")), 200).await {
        Ok(response) => response,
        Err(refused) => seat.refuse(&refused),
    }
}

pub(super) async fn check(seat: Seat) -> Response {
    let checked = async { seat.administrator()?.check_audit().await.map(|_| Done::Checked) };
    let page = |notice, status| audit_page(&seat, LogCursor::Newest, Some(notice), status);
    after(&seat, checked.await, &seat.path("/audit"), page).await
}

async fn audit_page(
    seat: &Seat,
    cursor: LogCursor<i64>,
    notice: Option<Notice>,
    status: u16,
) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let found = administrator.changes(cursor, ROWS).await?;
    let link = |name: &str, row: &ActivityEntry| query(&[(name, &row.entry.seq.to_string())]);
    let pager = pager(&found, link);
    let mut names = Names::of(&administrator);
    let mut rows = Vec::new();
    for row in found.rows {
        let actor = names.name(&row.event.actor).await?;
        let target = names.name(&row.event.target).await?;
        rows.push(audit_row(row, actor, target));
    }
    let frame = seat.frame(notice);
    let page = AuditPage { frame, chain: chain(administrator.audit_state()), rows, pager };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn audit_row(row: ActivityEntry, actor: String, target: String) -> AuditRow {
    let hash = URL_SAFE_NO_PAD.encode(&row.entry.hash);
    AuditRow {
        number: u64::try_from(row.entry.seq).unwrap_or_default(),
        time: When::at(row.event.at),
        actor,
        action: texts::action(&row.event.action).to_owned(),
        target,
        detail: row.event.detail.into_iter().collect(),
        hash: hash.chars().take(12).collect(),
    }
}

fn chain(state: Option<AuditState>) -> ChainState {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    match state {
        Some(AuditState { found: Ok(head), checked_at }) => {
            ChainState::Whole { entries: number(head.number), checked: When::at(checked_at) }
        }
        Some(AuditState { found: Err(broken), checked_at }) => {
            ChainState::Broken { entry: number(broken.number), checked: When::at(checked_at) }
        }
        None => ChainState::Unchecked,
    }
}
