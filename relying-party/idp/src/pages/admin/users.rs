//! Users: the list, and one user with authentication methods and sessions.

use askama::Template;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::{AdminFrame, DeviceRow, Pager};
use crate::domain::DeviceAttestation;
use crate::pages::{ShownSecret, When};

/// The users of a tenant. GET with `q`; POST `…/users` with `user_name`, `display_name`, `administrator`.
#[derive(Debug, Template)]
#[template(path = "admin/users.html")]
pub struct UsersPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// What was searched for.
    pub query: String,
    /// The users that fit.
    pub users: Vec<UserRow>,
    /// How many fit altogether.
    pub total: u64,
    /// The pages before and after.
    pub pager: Pager,
    /// A domain of the tenant, for the example in the form.
    pub domain: String,
}

/// A user of the list.
#[derive(Debug)]
pub struct UserRow {
    /// The object ID.
    pub id: Uuid,
    /// The user principal name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// Whether the account may sign in.
    pub enabled: bool,
    /// Whether the person administers the tenant.
    pub admin: bool,
    /// The names of the methods that are set up.
    pub methods: Vec<String>,
    /// The last sign-in.
    pub last_sign_in: Option<When>,
}

/// One user. POSTs, all below `…/users/{id}`: `/enable`, `/disable`, `/delete`, `/promote`, `/demote`, `/invite`; `/names`
/// with `display_name`, `given_name`, `family_name`, `email`; `/passes` with `minutes` and `once`; `/password` (gives a
/// temporary one); `/methods/{method}/delete`; `/sessions/{session}/revoke`; `/sessions/revoke`; `/devices/{device}/enable`,
/// `/devices/{device}/disable`, `/devices/{device}/delete`; `/keys/{key}/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/user.html")]
pub struct UserPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// Who it is.
    pub user: UserRow,
    /// When the account was made.
    pub created: When,
    /// First name, or nothing.
    pub given_name: String,
    /// Last name, or nothing.
    pub family_name: String,
    /// The mail address, or nothing.
    pub email: String,
    /// Until when smart lockout refuses the password.
    pub locked_until: Option<When>,
    /// What was issued by the request that led here; shown once.
    pub issued: Option<IssuedPass>,
    /// The passkeys.
    pub passkeys: Vec<PasskeyMethod>,
    /// The password, when there is one.
    pub password: Option<PasswordMethod>,
    /// The authenticator apps.
    pub apps: Vec<AppMethod>,
    /// The Temporary Access Pass, when one lives.
    pub pass: Option<PassMethod>,
    /// The longest life of a pass that the policy allows, in minutes.
    pub pass_max_minutes: u32,
    /// The sessions.
    pub sessions: Vec<SessionRow>,
    /// The devices that the user registered.
    pub devices: Vec<DeviceRow>,
    /// The keys that the user signs in with, on whichever device.
    pub keys: Vec<UserKeyRow>,
}

impl UserPage {
    fn url(&self) -> String {
        format!("{}/users/{}", self.frame.base(), self.user.id)
    }

    /// Fills the form of the helpdesk.
    fn case_query(&self, device: &DeviceRow) -> String {
        let pairs = [("user", self.user.user_name.as_str()), ("device", &device.id)];
        format!("?{}", Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    fn has_no_method(&self) -> bool {
        self.passkeys.is_empty() && self.password.is_none() && self.apps.is_empty() && self.pass.is_none()
    }
}

/// A secret for the user, shown to the administrator once.
#[derive(Debug)]
pub struct IssuedPass {
    /// What it is: `Temporary Access Pass`, `Temporary password`, `Invitation link`.
    pub kind: &'static str,
    /// Who is to get it.
    pub recipient: String,
    /// The secret.
    pub secret: ShownSecret,
    /// Until when it works.
    pub until: Option<When>,
}

/// A passkey of a user.
#[derive(Debug)]
pub struct PasskeyMethod {
    /// The method's ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What model of authenticator the metadata names for the AAGUID.
    pub model: Option<String>,
    /// The AAGUID as it was stated.
    pub aaguid: Uuid,
    /// How far that statement can be trusted.
    pub trust: Trust,
    /// Whether it may be copied between devices.
    pub synced: bool,
    /// When it was made.
    pub created: When,
    /// When it was last used.
    pub last_used: Option<When>,
    /// Something that an administrator should look at, such as a counter that went back.
    pub warning: Option<String>,
}

/// How far an attestation can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The chain ends at a root of the metadata.
    Verified {
        /// The attestation's format, such as `packed` or `tpm`.
        format: String,
    },
    /// Signed by the passkey itself, which proves no model.
    SelfSigned,
    /// A chain to a root that nobody here trusts.
    UnknownRoot {
        /// The attestation's format.
        format: String,
    },
    /// None was given.
    None,
}

impl Trust {
    /// For `data-trust`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Verified { .. } => "verified",
            Self::SelfSigned => "self",
            Self::UnknownRoot { .. } => "unknown-root",
            Self::None => "none",
        }
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Verified { format } => format!("Verified ({format})"),
            Self::SelfSigned => "Signed by itself: the model is not proven".to_owned(),
            Self::UnknownRoot { format } => format!("Unknown root ({format}): the model is not proven"),
            Self::None => "Not given: the model is not proven".to_owned(),
        }
    }
}

/// The password of a user.
#[derive(Debug)]
pub struct PasswordMethod {
    /// When it was set.
    pub changed: When,
    /// Whether it must be changed at the next sign-in.
    pub must_change: bool,
}

/// An authenticator app of a user.
#[derive(Debug)]
pub struct AppMethod {
    /// The method's ID.
    pub id: String,
    /// When it was added.
    pub created: When,
    /// When it was last used.
    pub last_used: Option<When>,
}

/// A Temporary Access Pass that lives.
#[derive(Debug)]
pub struct PassMethod {
    /// The method's ID.
    pub id: String,
    /// Until when it works.
    pub until: When,
    /// Whether it works once only.
    pub once: bool,
}

/// An enterprise key of a user.
#[derive(Debug)]
pub struct UserKeyRow {
    /// Its ID.
    pub id: String,
    /// The ID of the device that it is on.
    pub device_id: String,
    /// What that device is called.
    pub device: String,
    /// Whether that device may be used.
    pub enabled: bool,
    /// What is known about where it is.
    pub attestation: DeviceAttestation,
    /// When it was registered.
    pub created: When,
    /// When it last signed in.
    pub last_used: Option<When>,
}

/// A session of a user.
#[derive(Debug)]
pub struct SessionRow {
    /// The session's ID (`sid`).
    pub id: String,
    /// The browser, or the client of a device flow.
    pub client: String,
    /// The address.
    pub address: String,
    /// The `amr` values.
    pub methods: Vec<String>,
    /// When it began.
    pub started: When,
    /// When it was last used.
    pub last_used: When,
    /// The applications that got tokens in it.
    pub apps: Vec<String>,
}
