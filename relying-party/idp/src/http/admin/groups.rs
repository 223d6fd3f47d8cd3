//! Groups of users: the list, one group, and who is in it.

use axum::extract::{Path, RawQuery};
use axum::response::Response;

use super::changes::{Done, after};
use super::gate::Seat;
use super::query::Query;
use super::users::user_id;
use crate::administration::{Administrator, Refused};
use crate::domain::{Group, GroupId};
use crate::pages::admin::{GroupPage, GroupRow, GroupsPage, MemberRow};
use crate::pages::{Notice, When};
use crate::storage::{ResetRule, RuleFor};

pub(super) async fn list(seat: Seat, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    list_page(&seat, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

pub(super) async fn create(seat: Seat) -> Response {
    let made =
        async { seat.administrator()?.create_group(seat.field("name"), seat.field("description")).await };
    let (path, made) = match made.await {
        Ok(id) => (seat.path(&format!("/groups/{id}")), Ok(Done::Added)),
        Err(refused) => (String::new(), Err(refused)),
    };
    after(&seat, made, &path, |notice, status| list_page(&seat, Some(notice), status)).await
}

pub(super) async fn show(seat: Seat, Path((_, id)): Path<(String, String)>, raw: RawQuery) -> Response {
    let notice = Done::notice(Query::read(&raw).text("done"));
    page(&seat, &id, notice, 200).await.unwrap_or_else(|refused| seat.refuse(&refused))
}

pub(super) async fn delete(seat: Seat, Path((_, id)): Path<(String, String)>) -> Response {
    let deleted = async {
        let administrator = seat.administrator()?;
        let group = named(&administrator, &id).await?;
        administrator.delete_group(&group).await.map(|()| Done::Deleted)
    };
    let path = seat.path("/groups");
    after(&seat, deleted.await, &path, |notice, status| page(&seat, &id, Some(notice), status)).await
}

pub(super) async fn add_member(seat: Seat, Path((_, id)): Path<(String, String)>) -> Response {
    let added = async {
        let administrator = seat.administrator()?;
        let group = named(&administrator, &id).await?;
        let user = administrator.user_named(seat.field("user_name").trim()).await?;
        administrator.set_member(&group, user.id, true).await.map(|()| Done::Added)
    };
    done(&seat, &id, added.await).await
}

pub(super) async fn remove_member(
    seat: Seat,
    Path((_, id, user)): Path<(String, String, String)>,
) -> Response {
    let removed = async {
        let administrator = seat.administrator()?;
        let group = named(&administrator, &id).await?;
        administrator.set_member(&group, user_id(&user)?, false).await.map(|()| Done::Removed)
    };
    done(&seat, &id, removed.await).await
}

/// Back to the group's page.
async fn done(seat: &Seat, id: &str, result: Result<Done, Refused>) -> Response {
    let path = seat.path(&format!("/groups/{id}"));
    after(seat, result, &path, |notice, status| page(seat, id, Some(notice), status)).await
}

/// The group that a path names: by its ID only, since a name could look like one.
async fn named(administrator: &Administrator<'_>, id: &str) -> Result<Group, Refused> {
    id.parse::<GroupId>().map_err(|_| Refused::NotFound("group"))?;
    administrator.group(id).await
}

async fn list_page(seat: &Seat, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let rules = administrator.reset_rules().await?;
    let groups = administrator.groups().await?.into_iter();
    let page = GroupsPage {
        frame: seat.frame(notice),
        groups: groups.map(|(group, members)| row(group, members, &rules)).collect(),
        name: seat.field("name").to_owned(),
        description: seat.field("description").to_owned(),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

async fn page(seat: &Seat, id: &str, notice: Option<Notice>, status: u16) -> Result<Response, Refused> {
    let administrator = seat.administrator()?;
    let group = named(&administrator, id).await?;
    let members = administrator.group_members(&group).await?;
    let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let page = GroupPage {
        frame: seat.frame(notice),
        created: When::at(group.created_at),
        members: members
            .into_iter()
            .map(|(id, user_name)| MemberRow { id: id.to_string(), user_name })
            .collect(),
        user_name: seat.field("user_name").to_owned(),
        group: row(group, count, &administrator.reset_rules().await?),
    };
    Ok(seat.show(&page, &page.frame.policy(), status))
}

fn row(group: Group, members: i64, rules: &[ResetRule]) -> GroupRow {
    let rule = rules.iter().find(|rule| rule.principal == RuleFor::Group(group.id));
    GroupRow {
        id: group.id.to_string(),
        name: group.name,
        description: group.description,
        members,
        resets: rule.map(|rule| rule.allowed),
    }
}
