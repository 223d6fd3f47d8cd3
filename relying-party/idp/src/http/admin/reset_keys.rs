//! The keys of the PIN reset service.

use axum::extract::RawQuery;
use axum::response::Response;

use super::changes::{Done, after};
use super::gate::Seat;
use super::query::Query;
use super::texts;
use crate::administration::{Refused, ResetKey, ResetKeys};
use crate::pages::admin::{ResetKeyRow, ResetKeysPage};
use crate::pages::{Notice, When};

pub(super) async fn show(seat: Seat, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    page(&seat, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

pub(super) async fn rotate(seat: Seat) -> Response {
    let rotated = async { seat.administrator()?.rotate_reset_keys().await.map(|_| Done::KeysRotated) };
    done(&seat, rotated.await).await
}

pub(super) async fn retire(seat: Seat) -> Response {
    let retired = async {
        let administrator = seat.administrator()?;
        administrator.retire_reset_key(seat.field("kid")).await.map(|()| Done::KeyRetired)
    };
    done(&seat, retired.await).await
}

async fn done(seat: &Seat, result: Result<Done, Refused>) -> Response {
    let path = seat.path("/pin-resets/keys");
    after(seat, result, &path, |notice, status| page(seat, Some(notice), status)).await
}

async fn page(seat: &Seat, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let ResetKeys { anchor, keys, changeable } = seat.administrator()?.reset_keys().await?;
    let keys = keys.into_iter().map(row).collect();
    let page = ResetKeysPage { frame: seat.frame(notice), anchor, keys, changeable };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn row(key: ResetKey) -> ResetKeyRow {
    ResetKeyRow {
        kid: key.kid,
        protocol: key.protocol.name(),
        place: texts::place(&key.place).to_owned(),
        created: When::at(key.created_at),
        last_release: key.last_release.map(When::at),
        state: key.state,
    }
}
