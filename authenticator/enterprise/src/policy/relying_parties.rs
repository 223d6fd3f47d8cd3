//! `AttestationRelyingParties`: to whom this device may show which one it is.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// RP IDs, such as `login.example.org`, each as the relying party writes it. A list is no pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct RelyingParties(BTreeSet<String>);

impl RelyingParties {
    /// The RP IDs, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those that are on the other list, too.
    #[must_use]
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
}

impl TryFrom<Vec<String>> for RelyingParties {
    type Error = String;

    fn try_from(written: Vec<String>) -> Result<Self, String> {
        // An RP ID is a domain name in lower case (WebAuthn L3 §5.1.2).
        let is_id = |text: &String| {
            let fits = |character: char| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || "-.".contains(character)
            };
            !text.is_empty() && text.chars().all(fits)
        };
        match written.iter().find(|text| !is_id(text)) {
            Some(wrong) => Err(format!(
                "AttestationRelyingParties: {wrong:?} is no RP ID: write it like login.example.org, without https://, \
                 in small letters"
            )),
            None => Ok(Self(written.into_iter().collect())),
        }
    }
}

impl From<RelyingParties> for Vec<String> {
    fn from(list: RelyingParties) -> Self {
        list.0.into_iter().collect()
    }
}

impl fmt::Display for RelyingParties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for rp_id in &self.0 {
            write!(f, "{between}{rp_id}")?;
            between = " ";
        }
        Ok(())
    }
}
