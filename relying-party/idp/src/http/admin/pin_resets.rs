//! PIN resets: the events and the rules.

use axum::extract::RawQuery;
use axum::response::Response;

use super::changes::{Done, after};
use super::gate::Seat;
use super::logs;
use super::query::{Query, pager, query};
use crate::administration::{Refused, Slice};
use crate::pages::admin::{Pager, PinResetFilter, PinResetRow, PinResetsPage, ResetRuleRow};
use crate::pages::{Notice, When};
use crate::storage::{NamedResetEvent, ResetEventFilter, ResetRule, RuleFor};

const ROWS: u32 = 50;

pub(super) async fn show(seat: Seat, raw: RawQuery) -> Response {
    let asked = Query::read(&raw);
    let notice = Done::notice(asked.text("done"));
    page(&seat, &asked, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

/// Decides for a user or a group, or takes a decision back.
pub(super) async fn decide(seat: Seat) -> Response {
    let decided = decision(&seat).await.map(|()| Done::Saved);
    let nothing = Query::read(&RawQuery(None));
    let path = seat.path("/pin-resets");
    after(&seat, decided, &path, |notice, status| page(&seat, &nothing, Some(notice), status)).await
}

async fn decision(seat: &Seat) -> Result<(), Refused> {
    let allowed = match seat.field("rule") {
        "allow" => Some(true),
        "forbid" => Some(false),
        "none" => None,
        _ => return Err(Refused::Invalid("Choose whether they may reset a PIN.".to_owned())),
    };
    let administrator = seat.administrator()?;
    let name = seat.field("name").trim();
    let principal = match seat.field("kind") {
        "user" => RuleFor::User(administrator.user_named(name).await?.id),
        "group" => RuleFor::Group(administrator.group(name).await?.id),
        _ => return Err(Refused::Invalid("Choose a user or a group.".to_owned())),
    };
    administrator.set_reset_rule(principal, allowed).await
}

async fn page(seat: &Seat, asked: &Query, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let filter = PinResetFilter {
        user: asked.owned("user"),
        result: asked.owned("result"),
        code: asked.owned("code"),
    };
    let wanted = ResetEventFilter {
        name: filter.user.trim().to_owned(),
        user: None,
        device: None,
        code: filter.code.trim().to_owned(),
        refused: filter.result == "refused",
        released: filter.result == "released",
    };
    let found = administrator.pin_resets(&wanted, logs::cursor(asked), ROWS).await?;
    let rules = administrator.reset_rules().await?;
    let page = PinResetsPage {
        frame: seat.frame(notice),
        enabled: administrator.tenant().await?.policy.enable_pin_recovery,
        pager: links(&filter, &found),
        filter,
        rows: found.rows.into_iter().map(row).collect(),
        rules: rules.into_iter().map(rule).collect(),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn links(filter: &PinResetFilter, found: &Slice<NamedResetEvent>) -> Pager {
    pager(found, |name, named| {
        query(&[
            ("user", &filter.user),
            ("result", &filter.result),
            ("code", &filter.code),
            (name, &logs::place(named.event.at, named.event.id)),
        ])
    })
}

fn row(named: NamedResetEvent) -> PinResetRow {
    let event = named.event;
    let purpose = match event.purpose.as_str() {
        "recover" => "New PIN",
        "administer" => "More tries",
        _ => "Not known",
    };
    PinResetRow {
        time: When::at(event.at),
        user: named.upn.unwrap_or_else(|| "(deleted)".to_owned()),
        device: named.device.unwrap_or_default(),
        purpose,
        address: event.address,
        code: Some(event.code).filter(|code| code != "released"),
        trace: event.trace.to_string(),
    }
}

fn rule(rule: ResetRule) -> ResetRuleRow {
    let kind = match rule.principal {
        RuleFor::User(_) => "user",
        RuleFor::Group(_) => "group",
    };
    ResetRuleRow { kind, name: rule.name, allowed: rule.allowed }
}
