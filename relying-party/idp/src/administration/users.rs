//! Users: who they are, whether they may sign in, and where they are signed in.

use std::time::Duration;

use super::refused::taken;
use super::slice::From;
use super::{Actor, Administrator, Refused, Slice, bounded};
use crate::clock::UnixTime;
use crate::domain::{Opaque, SessionId, User, UserId};
use crate::storage::{BrowserSession, NewUser, Removal, UserCursor, UserSummary};

/// How long an invited user has for the first sign-in.
const INVITATION: Duration = Duration::from_hours(7 * 24);
const LONGEST_NAME: usize = 128;

/// A user who is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewAccount<'a> {
    /// The user principal name, in one of the tenant's domains.
    pub user_name: &'a str,
    /// Whether they look after the tenant.
    pub administrator: bool,
    /// What they are called.
    pub names: Names<'a>,
}

/// What a user is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// The name that people read.
    pub display_name: &'a str,
    /// First name.
    pub given_name: Option<&'a str>,
    /// Last name.
    pub family_name: Option<&'a str>,
    /// The mail address.
    pub email: Option<&'a str>,
}

/// The way in for somebody who has no method yet.
#[derive(Debug)]
pub struct Invited {
    /// Who it is for.
    pub user_name: String,
    /// The link, good for one sign-in; shown once.
    pub link: Opaque,
    /// Until when it works.
    pub expires_at: UnixTime,
}

impl Administrator<'_> {
    /// A page of the users in whose names `text` occurs, by user name, and how many they are altogether.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn users(
        &self,
        text: &str,
        cursor: &UserCursor,
        most: u32,
    ) -> Result<(Slice<UserSummary>, u64), Refused> {
        let users = self.provider.database.users();
        let rows = users.search((self.tenant, text), cursor, most.saturating_add(1), self.now()).await?;
        let from = match cursor {
            UserCursor::Start => From::Start,
            UserCursor::After(_) => From::Forward,
            UserCursor::Before(_) => From::Backward,
        };
        Ok((Slice::cut(rows, most, from), users.count(self.tenant, text).await?))
    }

    /// A user of the tenant.
    ///
    /// # Errors
    /// When there is none with this ID.
    pub async fn find_user(&self, id: UserId) -> Result<User, Refused> {
        Ok(self.user_summary(id).await?.user)
    }

    /// A user of the tenant, with methods and the last sign-in.
    ///
    /// # Errors
    /// When there is none with this ID.
    pub async fn user_summary(&self, id: UserId) -> Result<UserSummary, Refused> {
        let found = self.provider.database.users().summary(id, self.now()).await?;
        found.filter(|found| found.user.tenant == self.tenant).ok_or(Refused::NotFound("user"))
    }

    /// The user of the tenant with this user name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn user_named(&self, name: &str) -> Result<User, Refused> {
        let found = self.provider.database.users().by_upn(name).await?.map(|(user, _)| user);
        found.filter(|user| user.tenant == self.tenant).ok_or(Refused::NotFound("user"))
    }

    /// Makes a user, who has no method yet, and the link of the first sign-in.
    ///
    /// # Errors
    /// When a name cannot be, or is in use.
    pub async fn create_user(&self, new: &NewAccount<'_>) -> Result<(User, Invited), Refused> {
        let upn = self.user_principal_name(new.user_name).await?;
        let now = self.now();
        let user = User {
            id: self.provider.draw(UserId::random),
            tenant: self.tenant,
            upn,
            display_name: String::new(),
            given_name: None,
            family_name: None,
            email: None,
            enabled: true,
            administrator: new.administrator,
            sessions_valid_from: now,
            created_at: now,
        };
        let user = named(user, &new.names)?;
        let made = NewUser { user: user.clone(), password: None };
        self.provider.database.users().create(&made).await.map_err(taken("user name"))?;
        let invited = self.link(&user).await?;
        let administrator = user.administrator.to_string();
        let detail = [("user_name", user.upn.clone()), ("administrator", administrator)];
        self.record("user.created", user.id, detail).await?;
        Ok((user, invited))
    }

    /// Makes another link for a first sign-in; earlier ones are worth nothing any more.
    ///
    /// # Errors
    /// When there is no such user, or the user may not sign in.
    pub async fn invite(&self, id: UserId) -> Result<Invited, Refused> {
        let user = self.find_user(id).await?;
        if !user.enabled {
            return Err(Refused::Invalid("The user is disabled: enable the account first.".to_owned()));
        }
        self.provider.database.users().withdraw_invitations(id).await?;
        let invited = self.link(&user).await?;
        self.record("user.invited", id, []).await?;
        Ok(invited)
    }

    /// Changes what a user is called.
    ///
    /// # Errors
    /// When there is no such user, or a name cannot be.
    pub async fn rename_user(&self, id: UserId, names: &Names<'_>) -> Result<(), Refused> {
        let user = named(self.find_user(id).await?, names)?;
        self.provider.database.users().rename(&user).await?;
        self.record("user.renamed", id, [("display_name", user.display_name)]).await
    }

    /// Lets a user sign in, or no longer. Every earlier sign-in ends.
    ///
    /// # Errors
    /// When there is no such user, or nobody could look after the tenant any more.
    pub async fn set_enabled(&self, id: UserId, enabled: bool) -> Result<(), Refused> {
        self.find_user(id).await?;
        if enabled {
            self.provider.database.users().set_enabled(id, true, self.now()).await?;
            self.record("user.enabled", id, []).await
        } else {
            self.take_out(id, Removal::Disable).await?;
            self.end_sign_ins(id).await?;
            self.record("user.disabled", id, []).await
        }
    }

    /// Lets a user look after the tenant, or no longer.
    ///
    /// # Errors
    /// When there is no such user, or nobody could look after the tenant any more.
    pub async fn set_administrator(&self, id: UserId, administrator: bool) -> Result<(), Refused> {
        self.find_user(id).await?;
        if administrator {
            self.provider.database.users().promote(id).await?;
            self.record("user.promoted", id, []).await
        } else {
            self.take_out(id, Removal::Demote).await?;
            self.record("user.demoted", id, []).await
        }
    }

    /// Deletes a user, with methods, sessions and what they gave to applications.
    ///
    /// # Errors
    /// When there is no such user, or nobody could look after the tenant any more.
    pub async fn delete_user(&self, id: UserId) -> Result<(), Refused> {
        let user = self.find_user(id).await?;
        self.take_out(id, Removal::Delete).await?;
        self.record("user.deleted", id, [("user_name", user.upn)]).await
    }

    /// Where a user is signed in, the newest first, with the names of the applications that got something there.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn sessions(&self, id: UserId) -> Result<Vec<(BrowserSession, Vec<String>)>, Refused> {
        let user = self.find_user(id).await?;
        let sessions = self.provider.database.sessions();
        let apps = sessions.applications(id).await?;
        let standing = sessions.of_user(id, self.now()).await?.into_iter();
        let standing = standing.filter(|session| session.authentication.at >= user.sessions_valid_from);
        let named = |session: SessionId| {
            apps.iter().filter(|(of, _)| *of == session).map(|(_, name)| name.clone()).collect()
        };
        Ok(standing.map(|session| (session.clone(), named(session.id))).collect())
    }

    /// Ends one session of a user, with all that applications got in it.
    ///
    /// # Errors
    /// When there is no such user or session.
    pub async fn revoke_session(&self, id: UserId, session: SessionId) -> Result<(), Refused> {
        let known = self.sessions(id).await?.iter().any(|(known, _)| known.id == session);
        if !known {
            return Err(Refused::NotFound("session"));
        }
        self.provider.database.sessions().end(session, self.now()).await?;
        self.provider.database.grants().revoke_of_session(session, self.now()).await?;
        self.record("session.revoked", session, [("user", id.to_string())]).await
    }

    /// Ends every sign-in of a user: sessions, refresh tokens, and what is under way (`signInSessionsRevoked`).
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn revoke_sessions(&self, id: UserId) -> Result<(), Refused> {
        self.find_user(id).await?;
        self.provider.database.users().revoke_sessions(id, self.now()).await?;
        self.end_sign_ins(id).await?;
        self.record("user.sessions_revoked", id, []).await
    }

    /// Times are whole seconds, so sign-ins of this very second are ended by name.
    pub(super) async fn end_sign_ins(&self, id: UserId) -> Result<(), Refused> {
        let now = self.now();
        self.provider.database.sessions().end_all(id, now).await?;
        self.provider.database.grants().revoke_of_user(id, None, now).await?;
        Ok(())
    }

    async fn take_out(&self, id: UserId, how: Removal) -> Result<(), Refused> {
        let done = self.provider.database.users().take_out(id, how, self.now()).await?;
        if done { Ok(()) } else { Err(Refused::LastAdministrator) }
    }

    async fn link(&self, user: &User) -> Result<Invited, Refused> {
        let link = self.provider.invitation(user.id, INVITATION).await?;
        let expires_at = self.now().plus(INVITATION);
        Ok(Invited { user_name: user.upn.clone(), link: Opaque::presented(&link), expires_at })
    }

    /// A user name in one of the tenant's domains, as it is kept.
    async fn user_principal_name(&self, typed: &str) -> Result<String, Refused> {
        let invalid =
            || Refused::Invalid("The user name must look like name@organisation.example.".to_owned());
        let (local, domain) = typed.trim().rsplit_once('@').ok_or_else(invalid)?;
        let local = local_part(local)?;
        let domain = domain.to_lowercase();
        let domains = self.tenant().await?.domains;
        if !domains.contains(&domain) {
            let known = domains.join(" or ");
            return Err(Refused::Invalid(format!("The user name must end in the tenant's domain: {known}.")));
        }
        Ok(format!("{local}@{domain}"))
    }

    /// Whether this one is that user.
    #[must_use]
    pub fn is(&self, id: UserId) -> bool {
        self.actor == Actor::User(id)
    }
}

/// What stands before the `@`: letters, digits, and signs that mean nothing elsewhere.
pub(super) fn local_part(typed: &str) -> Result<&str, Refused> {
    let typed = bounded("The user name", typed, 64)?;
    let allowed = |letter: char| letter.is_alphanumeric() || "._-+'!#~".contains(letter);
    if typed.chars().all(allowed) {
        Ok(typed)
    } else {
        Err(Refused::Invalid("A user name has letters, digits and . _ - + ' ! # ~ before the @.".to_owned()))
    }
}

fn named(user: User, names: &Names<'_>) -> Result<User, Refused> {
    let optional = |what, text: Option<&str>| {
        let text = text.filter(|text| !text.trim().is_empty());
        text.map(|text| bounded(what, text, LONGEST_NAME).map(str::to_owned)).transpose()
    };
    let email = optional("The mail address", names.email)?;
    if email.as_ref().is_some_and(|email| !email.contains('@') || email.contains(char::is_whitespace)) {
        return Err(Refused::Invalid(
            "The mail address must look like name@organisation.example.".to_owned(),
        ));
    }
    Ok(User {
        display_name: bounded("The name", names.display_name, LONGEST_NAME)?.to_owned(),
        given_name: optional("The first name", names.given_name)?,
        family_name: optional("The last name", names.family_name)?,
        email,
        ..user
    })
}
