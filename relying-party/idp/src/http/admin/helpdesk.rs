//! The helpdesk: cases, opened by one administrator and approved by another.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use uuid::Uuid;

use super::changes::{Done, after, again};
use super::gate::Seat;
use super::names::Names;
use super::query::Query;
use crate::administration::{Administrator, Refused};
use crate::pages::admin::{CaseRow, HelpdeskPage, IssuedPass};
use crate::pages::{Notice, ShownSecret, When};
use crate::storage::NamedHelpdeskCase;

const ROWS: u32 = 100;

pub(super) async fn show(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    let notice = Done::notice(asked.text("done"));
    let typed = Typed { user: asked.owned("user"), device: asked.owned("device"), reason: String::new() };
    page(&seat, typed, notice, None, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

pub(super) async fn open(seat: Seat) -> Response {
    let opened = async {
        let administrator = seat.administrator()?;
        let user = administrator.user_named(seat.field("user").trim()).await?;
        let device = administrator.device_of(user.id, seat.field("device").trim()).await?;
        administrator.open_case(user.id, device, seat.field("reason")).await.map(|_| Done::CaseOpened)
    };
    let typed = ["user", "device", "reason"].map(|name| seat.field(name).to_owned());
    let [user, device, reason] = typed;
    let page = |notice, status| page(&seat, Typed { user, device, reason }, Some(notice), None, status);
    after(&seat, opened.await, &seat.path("/helpdesk"), page).await
}

/// Approves a case, and shows its code once.
pub(super) async fn approve(seat: Seat, Path((_, case)): Path<(String, String)>) -> Response {
    match approved(&seat, &case).await {
        Ok(issued) => {
            let notice = Some(Notice::success("Approved: read the code out to the user."));
            let shown = page(&seat, Typed::default(), notice, Some(issued), 200).await;
            shown.unwrap_or_else(|refused| seat.refuse(&refused))
        }
        Err(refused) => again(&seat, refused, |notice, status| empty(&seat, notice, status)).await,
    }
}

pub(super) async fn decline(seat: Seat, Path((_, case)): Path<(String, String)>) -> Response {
    let declined =
        async { seat.administrator()?.decline_case(case_id(&case)?).await.map(|()| Done::CaseDeclined) };
    let path = seat.path("/helpdesk");
    after(&seat, declined.await, &path, |notice, status| empty(&seat, notice, status)).await
}

async fn approved(seat: &Seat, case: &str) -> Result<IssuedPass, Refused> {
    let (administrator, id) = (seat.administrator()?, case_id(case)?);
    let code = administrator.approve_case(id).await?;
    let named = administrator.helpdesk_case(id).await?;
    Ok(IssuedPass {
        kind: "Helpdesk code",
        recipient: named.upn,
        secret: ShownSecret::new(code.expose().to_owned()),
        until: Some(When::at(named.case.expires_at)),
    })
}

/// What stands in the form.
#[derive(Default)]
struct Typed {
    user: String,
    device: String,
    reason: String,
}

async fn empty(seat: &Seat, notice: Notice, status: u16) -> Result<Response, Refused> {
    page(seat, Typed::default(), Some(notice), None, status).await
}

async fn page(
    seat: &Seat,
    typed: Typed,
    notice: Option<Notice>,
    issued: Option<IssuedPass>,
    status: u16,
) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let mut names = Names::of(&administrator);
    let mut cases = Vec::new();
    for named in administrator.helpdesk_cases(ROWS).await? {
        cases.push(row(&administrator, &mut names, named).await?);
    }
    let Typed { user, device, reason } = typed;
    let page = HelpdeskPage { frame: seat.frame(notice), issued, cases, user, device, reason };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

async fn row(
    administrator: &Administrator<'_>,
    names: &mut Names<'_>,
    NamedHelpdeskCase { case, upn, device }: NamedHelpdeskCase,
) -> Result<CaseRow, Refused> {
    let decided = match case.decided_by.as_deref().zip(case.decided_at) {
        Some((who, at)) => Some((names.name(who).await?, When::at(at))),
        None => None,
    };
    Ok(CaseRow {
        id: case.id.to_string(),
        user: upn,
        user_id: case.user.to_string(),
        device: device.unwrap_or_else(|| case.device.to_string()),
        opened_by: names.name(&case.opened_by).await?,
        opened: When::at(case.opened_at),
        decided,
        expires: When::at(case.expires_at),
        used: case.used_at.map(When::at),
        state: administrator.state_of(&case),
        approvable: administrator.may_approve(&case),
        reason: case.reason,
    })
}

fn case_id(text: &str) -> Result<Uuid, Refused> {
    Uuid::try_parse(text).map_err(|_| Refused::NotFound("open case"))
}
