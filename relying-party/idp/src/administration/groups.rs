//! Groups of users.

use super::refused::taken;
use super::{Administrator, Refused, bounded};
use crate::domain::{Group, GroupId, UserId};

impl Administrator<'_> {
    /// The tenant's groups, by name, each with the number of its members.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn groups(&self) -> Result<Vec<(Group, i64)>, Refused> {
        Ok(self.provider.database.groups().all(self.tenant).await?)
    }

    /// A group by its ID or its name.
    ///
    /// # Errors
    /// When the tenant has none.
    pub async fn group(&self, name: &str) -> Result<Group, Refused> {
        let groups = self.provider.database.groups();
        let found = match name.parse() {
            Ok(id) => groups.find(self.tenant, id).await?,
            Err(_) => groups.named(self.tenant, name.trim()).await?,
        };
        found.ok_or(Refused::NotFound("group"))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// When the name cannot be, or is in use.
    pub async fn create_group(&self, name: &str, description: &str) -> Result<GroupId, Refused> {
        let name = bounded("The name", name, 128)?.to_owned();
        let description = if description.trim().is_empty() {
            String::new()
        } else {
            bounded("The description", description, 256)?.to_owned()
        };
        let id = GroupId::new(self.provider.guid());
        let group = Group { id, tenant: self.tenant, name, description, created_at: self.now() };
        self.provider.database.groups().create(&group).await.map_err(taken("group name"))?;
        self.record("group.created", id, [("name", group.name)]).await?;
        Ok(id)
    }

    /// Removes a group, and what was decided for it.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn delete_group(&self, group: &Group) -> Result<(), Refused> {
        if !self.provider.database.groups().remove(group.id).await? {
            return Err(Refused::NotFound("group"));
        }
        self.record("group.deleted", group.id, [("name", group.name.clone())]).await
    }

    /// The members of a group: their IDs and user names.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn group_members(&self, group: &Group) -> Result<Vec<(UserId, String)>, Refused> {
        Ok(self.provider.database.groups().members(group.id).await?)
    }

    /// Puts a user of the tenant into a group, or takes one out.
    ///
    /// # Errors
    /// When the tenant has no such user.
    pub async fn set_member(&self, group: &Group, user: UserId, member: bool) -> Result<(), Refused> {
        let user = self.find_user(user).await?;
        let groups = self.provider.database.groups();
        let (changed, action) = if member {
            (groups.add(group.id, user.id, self.now()).await?, "group.member_added")
        } else {
            (groups.take_out(group.id, user.id).await?, "group.member_removed")
        };
        if changed {
            self.record(action, group.id, [("user", user.id.to_string())]).await?;
        }
        Ok(())
    }
}
