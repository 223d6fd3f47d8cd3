//! The tenants of this provider.

use axum::extract::RawQuery;
use axum::response::Response;

use super::super::sign_in::see_other;
use super::changes::{Done, again};
use super::gate::Seat;
use super::query::Query;
use crate::administration::{Invited, Refused};
use crate::pages::admin::{IssuedPass, TenantRow, TenantsPage};
use crate::pages::{Notice, ShownSecret, When};

/// To the first page of the own tenant.
pub(super) async fn start(seat: Seat) -> Response {
    see_other(&seat.path("/users"))
}

pub(super) async fn list(seat: Seat, query: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&query).text("done"));
    match page(&seat, notice, None, 200).await {
        Ok(response) => response,
        Err(refused) => seat.refuse(&refused),
    }
}

pub(super) async fn create(seat: Seat) -> Response {
    let made = async {
        seat.administrator()?
            .create_tenant(seat.field("name"), seat.field("domain"), seat.field("admin"))
            .await
    };
    match made.await {
        Ok((_, invited)) => {
            let notice = Some(Notice::success("The tenant is made."));
            let shown = page(&seat, notice, Some(invitation(&invited)), 200).await;
            shown.unwrap_or_else(|refused| seat.refuse(&refused))
        }
        Err(refused) => again(&seat, refused, |notice, status| page(&seat, Some(notice), None, status)).await,
    }
}

/// A link for a first sign-in, as the page shows it once.
pub(super) fn invitation(invited: &Invited) -> IssuedPass {
    IssuedPass {
        kind: "Invitation link",
        recipient: invited.user_name.clone(),
        secret: ShownSecret::new(invited.link.expose().to_owned()),
        until: Some(When::at(invited.expires_at)),
    }
}

async fn page(
    seat: &Seat,
    notice: Option<Notice>,
    issued: Option<IssuedPass>,
    status: u16,
) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let row = |summary: crate::administration::TenantSummary| TenantRow {
        id: summary.tenant.id.to_string(),
        yours: summary.tenant.id == seat.tenant().id,
        name: summary.tenant.name,
        domains: summary.tenant.domains,
        users: summary.users,
        apps: summary.apps,
        created: When::at(summary.tenant.created_at),
    };
    let page = TenantsPage {
        frame: seat.plain_frame(notice),
        tenants: administrator.tenants().await?.into_iter().map(row).collect(),
        may_create: administrator.looks_after_tenants().await?,
        issued,
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}
