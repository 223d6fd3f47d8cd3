//! `/auditLogs`: who signed in, what was changed, and whose PINs were reset.

use super::caller::Permission;
use super::query::{Comparison, Operator, time};
use super::{Answer, GraphError, Request, Verb, shown, users};
use crate::administration::{Administrator, Refused};
use crate::clock::UnixTime;
use crate::pin_reset::RELEASED;
use crate::storage::{LogCursor, ResetEventFilter, SignInFilter};

pub(super) async fn answer(request: &Request<'_>, verb: Verb, list: &str) -> Result<Answer, GraphError> {
    match (verb, list) {
        (Verb::Get, "signins") => sign_ins(request).await,
        (Verb::Get, "directoryaudits") => changes(request).await,
        (Verb::Get, "pinresets") => pin_resets(request).await,
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}

async fn sign_ins(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadLogs)?;
    let (mut filter, mut named) = (SignInFilter::default(), None);
    request.query.filter(|comparison| take(comparison, &mut filter, &mut named))?;
    if let Some(name) = named {
        by_name(&administrator, name, &mut filter).await?;
    }
    let slice = administrator.sign_ins(&filter, older(request)?, request.query.most()).await?;
    let last = slice.rows.last().filter(|_| slice.after);
    let next = last.map(|row| behind(row.at, row.id));
    let rows = slice.rows.iter().map(shown::sign_in).collect();
    let path = format!("{}/auditLogs/signIns", request.base);
    let page = request.query.page(&path, rows, next.as_deref(), None);
    Ok(Answer::ok(request.context("auditLogs/signIns", page)))
}

/// Where the list goes on.
fn older(request: &Request<'_>) -> Result<LogCursor<(UnixTime, uuid::Uuid)>, GraphError> {
    let after = request.query.after.as_ref();
    after.map_or(Ok(LogCursor::Newest), |token| Ok(LogCursor::OlderThan(entry(&users::place(token)?)?)))
}

/// The token of the place behind an entry.
fn behind(at: UnixTime, id: uuid::Uuid) -> String {
    users::token(&format!("{}:{id}", at.seconds()))
}

fn take(
    comparison: &Comparison,
    filter: &mut SignInFilter,
    named: &mut Option<String>,
) -> Result<bool, GraphError> {
    use Operator::{AtLeast, Equal, Less, NotEqual};
    let value = comparison.value.as_str();
    let wrong = |_| GraphError::BadRequest(format!("{} is compared with an identifier", comparison.name));
    match (comparison.name.as_str(), comparison.operator) {
        ("userprincipalname", Equal) => *named = Some(value.to_owned()),
        ("userid", Equal) => filter.user = Some(value.parse().map_err(wrong)?),
        ("appid", Equal) => filter.client = Some(value.parse().map_err(wrong)?),
        ("correlationid", Equal) => {
            let id = uuid::Uuid::try_parse(value).map_err(|_| crate::domain::IdError);
            filter.correlation = Some(id.map_err(wrong)?);
        }
        ("status/errorcode", Equal) if value == "0" => filter.succeeded = true,
        ("status/errorcode", NotEqual) if value == "0" => filter.failed = true,
        ("createddatetime", AtLeast) => filter.from = Some(time(value)?),
        ("createddatetime", Less) => filter.before = Some(time(value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// A user's sign-ins by their name; if nobody has it, the tries in which it was typed.
async fn by_name(
    administrator: &Administrator<'_>,
    name: String,
    filter: &mut SignInFilter,
) -> Result<(), GraphError> {
    match administrator.user_named(&name).await {
        Ok(user) => filter.user = Some(user.id),
        Err(Refused::NotFound(_)) => filter.name = name,
        Err(refused) => return Err(refused.into()),
    }
    Ok(())
}

fn entry(place: &str) -> Result<(UnixTime, uuid::Uuid), GraphError> {
    let (at, id) = place.split_once(':').unwrap_or_default();
    let at = at.parse().ok().map(UnixTime::from_seconds);
    at.zip(uuid::Uuid::try_parse(id).ok())
        .ok_or(GraphError::Unsupported("the $skiptoken is not one of ours: follow the @odata.nextLink"))
}

async fn changes(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadLogs)?;
    request.query.filter(|_| Ok(false))?;
    let cursor = match &request.query.after {
        Some(token) => {
            let number = users::place(token)?.parse();
            LogCursor::OlderThan(
                number.map_err(|_| GraphError::Unsupported("the $skiptoken is not one of ours"))?,
            )
        }
        None => LogCursor::Newest,
    };
    let slice = administrator.changes(cursor, request.query.most()).await?;
    let last = slice.rows.last().filter(|_| slice.after);
    let next = last.map(|row| users::token(&row.entry.seq.to_string()));
    let rows = slice.rows.iter().map(shown::change).collect();
    let path = format!("{}/auditLogs/directoryAudits", request.base);
    let page = request.query.page(&path, rows, next.as_deref(), None);
    Ok(Answer::ok(request.context("auditLogs/directoryAudits", page)))
}

async fn pin_resets(request: &Request<'_>) -> Result<Answer, GraphError> {
    let administrator = request.caller.may(request.provider, Permission::ReadLogs)?;
    let mut filter = ResetEventFilter { name: request.query.search.clone(), ..ResetEventFilter::default() };
    request.query.filter(|comparison| take_reset(comparison, &mut filter))?;
    let slice = administrator.pin_resets(&filter, older(request)?, request.query.most()).await?;
    let last = slice.rows.last().filter(|_| slice.after);
    let next = last.map(|row| behind(row.event.at, row.event.id));
    let rows = slice.rows.iter().map(shown::pin_reset).collect();
    let path = format!("{}/auditLogs/pinResets", request.base);
    let page = request.query.page(&path, rows, next.as_deref(), None);
    Ok(Answer::ok(request.context("auditLogs/pinResets", page)))
}

fn take_reset(comparison: &Comparison, filter: &mut ResetEventFilter) -> Result<bool, GraphError> {
    let value = comparison.value.as_str();
    let wrong = |_| GraphError::BadRequest(format!("{} is compared with an identifier", comparison.name));
    match (comparison.name.as_str(), comparison.operator) {
        ("userid", Operator::Equal) => filter.user = Some(value.parse().map_err(wrong)?),
        ("deviceid", Operator::Equal) => filter.device = Some(value.parse().map_err(wrong)?),
        ("result", Operator::Equal) => value.clone_into(&mut filter.code),
        ("result", Operator::NotEqual) if value == RELEASED => filter.refused = true,
        _ => return Ok(false),
    }
    Ok(true)
}
