//! What a client asked for with the `claims` parameter (OIDC Core §5.5): kept with the grant, so that later tokens and
//! userinfo answer it too.

use serde::{Deserialize, Serialize};

/// Claims that a client named one by one, and what it can handle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedClaims {
    /// For the ID token.
    pub id_token: Vec<ClaimName>,
    /// For userinfo.
    pub userinfo: Vec<ClaimName>,
    /// Whether the client handles claims challenges (`xms_cc` holds `cp1`).
    pub handles_challenges: bool,
}

/// A claim that can be asked for by its name. Those that every token has are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimName {
    /// The display name.
    Name,
    /// The first name.
    GivenName,
    /// The last name.
    FamilyName,
    /// The user principal name.
    PreferredUsername,
    /// The mail address.
    Email,
    /// The authentication context class.
    Acr,
}

impl ClaimName {
    const ALL: [Self; 6] =
        [Self::Name, Self::GivenName, Self::FamilyName, Self::PreferredUsername, Self::Email, Self::Acr];

    /// The name in requests and tokens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::PreferredUsername => "preferred_username",
            Self::Email => "email",
            Self::Acr => "acr",
        }
    }

    /// The claim of this name, if we have it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// Whether a scope gives this claim (OIDC Core §5.4).
    #[must_use]
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::Name | Self::GivenName | Self::FamilyName | Self::PreferredUsername => Some("profile"),
            Self::Email => Some("email"),
            Self::Acr => None,
        }
    }
}
