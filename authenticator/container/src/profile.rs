//! Which kind of authenticator a container is for.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a container is created for; it stays what it is, so that none becomes weaker than its owner believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Every use needs a gesture: all passkeys are of the verified class.
    Hello,
    /// A security key: unless a site asks for more, presence is enough, and a PIN is optional.
    SecurityKey,
}

impl Profile {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Hello, Self::SecurityKey];

    /// A name for people and machines, stable.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::SecurityKey => "security-key",
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|profile| profile.name() == text);
        named.ok_or_else(|| format!("say {}", Self::ALL.map(Self::name).join(" or ")))
    }
}
