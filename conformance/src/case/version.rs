//! Versions of CTAP2.

use std::fmt;
use std::str::FromStr;

use crate::ctap::Info;

/// A version of CTAP2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// CTAP 2.0.
    V2_0,
    /// CTAP 2.1.
    V2_1,
    /// CTAP 2.2, which has no version string of its own.
    V2_2,
    /// CTAP 2.3.
    V2_3,
}

impl Version {
    /// The newest that an authenticator says it follows.
    pub fn of(info: &Info) -> Self {
        let versions = info.versions();
        if versions.contains(&"FIDO_2_3") {
            Self::V2_3
        } else if versions.contains(&"FIDO_2_1") {
            Self::V2_1
        } else {
            Self::V2_0
        }
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "2.0" => Ok(Self::V2_0),
            "2.1" => Ok(Self::V2_1),
            "2.2" => Ok(Self::V2_2),
            "2.3" => Ok(Self::V2_3),
            _ => Err("versions are 2.0, 2.1, 2.2 and 2.3".to_owned()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
        })
    }
}
