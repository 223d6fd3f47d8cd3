//! Groups of users.

use super::Error;
use super::database::{Pool, Row, values};
use crate::clock::UnixTime;
use crate::domain::{Group, GroupId, TenantId, UserId};

/// Groups of users.
pub struct Groups<'a>(pub(super) &'a Pool);

impl Groups<'_> {
    /// Makes a group; [`Error::Taken`] if the tenant has one of that name.
    pub async fn create(&self, group: &Group) -> Result<(), Error> {
        self.0
            .write(
                "INSERT INTO user_groups (id, tenant, name, name_key, description, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                values![
                    group.id,
                    group.tenant,
                    group.name.as_str(),
                    group.name.to_lowercase(),
                    group.description.as_str(),
                    group.created_at
                ],
            )
            .await
            .map(drop)
    }

    /// A tenant's groups, by name, each with the number of its members.
    pub async fn all(&self, tenant: TenantId) -> Result<Vec<(Group, i64)>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT g.id, g.tenant, g.name, g.description, g.created_at,
                        (SELECT COUNT(*) FROM group_members m WHERE m.group_id = g.id)
                 FROM user_groups g WHERE g.tenant = $1 ORDER BY g.name_key",
                values![tenant],
            )
            .await?;
        rows.iter().map(|row| Ok((group(row)?, row.int(5)?))).collect()
    }

    /// A tenant's group by its ID.
    pub async fn find(&self, tenant: TenantId, id: GroupId) -> Result<Option<Group>, Error> {
        let sql =
            "SELECT id, tenant, name, description, created_at FROM user_groups WHERE tenant = $1 AND id = $2";
        self.0.row(sql, values![tenant, id]).await?.as_ref().map(group).transpose()
    }

    /// A tenant's group by its name, in whichever case it is written.
    pub async fn named(&self, tenant: TenantId, name: &str) -> Result<Option<Group>, Error> {
        let sql = "SELECT id, tenant, name, description, created_at FROM user_groups WHERE tenant = $1 AND name_key = $2";
        self.0.row(sql, values![tenant, name.to_lowercase()]).await?.as_ref().map(group).transpose()
    }

    /// Removes a group, and what was decided for it. Whether it was there.
    pub async fn remove(&self, id: GroupId) -> Result<bool, Error> {
        Ok(self.0.write("DELETE FROM user_groups WHERE id = $1", values![id]).await? > 0)
    }

    /// Puts a user into a group. Whether the user was not in it before.
    pub async fn add(&self, group: GroupId, user: UserId, now: UnixTime) -> Result<bool, Error> {
        let sql = "INSERT INTO group_members (group_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        Ok(self.0.write(sql, values![group, user, now]).await? > 0)
    }

    /// Takes a user out of a group. Whether the user was in it.
    pub async fn take_out(&self, group: GroupId, user: UserId) -> Result<bool, Error> {
        let sql = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2";
        Ok(self.0.write(sql, values![group, user]).await? > 0)
    }

    /// The members of a group, by user name: their IDs and names.
    pub async fn members(&self, group: GroupId) -> Result<Vec<(UserId, String)>, Error> {
        let rows = self
            .0
            .rows(
                "SELECT u.id, u.upn FROM group_members m JOIN users u ON u.id = m.user_id
                 WHERE m.group_id = $1 ORDER BY u.upn_key",
                values![group],
            )
            .await?;
        rows.iter().map(|row| Ok((row.parse(0)?, row.text(1)?))).collect()
    }
}

fn group(row: &Row) -> Result<Group, Error> {
    Ok(Group {
        id: row.parse(0)?,
        tenant: row.parse(1)?,
        name: row.text(2)?,
        description: row.text(3)?,
        created_at: row.time(4)?,
    })
}
