//! What a rule needs to apply, read from getInfo.

use std::fmt;

use crate::ctap::Info;

/// One thing that an authenticator must have for a case to apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The option is true.
    Option(&'static str),
    /// The option is listed, true or false.
    Known(&'static str),
    /// The option is false or not listed.
    Without(&'static str),
    /// The version is listed.
    Version(&'static str),
    /// The extension is listed.
    Extension(&'static str),
    /// The member is there.
    Member(u64, &'static str),
    /// The PIN/UV auth protocol is listed.
    Protocol(u64),
    /// The algorithm is listed.
    Algorithm(i64),
}

impl Need {
    /// What rules the case out, if something does.
    pub fn unmet(self, info: &Info) -> Option<String> {
        let (met, why) = match self {
            Self::Option(name) => {
                (info.option(name) == Some(true), format!("options (0x04) says no {name}: true"))
            }
            Self::Known(name) => {
                (info.option(name).is_some(), format!("options (0x04) does not list {name}"))
            }
            Self::Without(name) => {
                (info.option(name) != Some(true), format!("options (0x04) says {name}: true"))
            }
            Self::Version(name) => {
                (info.versions().contains(&name), format!("versions (0x01) does not list {name}"))
            }
            Self::Extension(name) => {
                (info.extensions().contains(&name), format!("extensions (0x02) does not list {name}"))
            }
            Self::Member(key, name) => {
                (info.member(key).is_some(), format!("getInfo has no {name} (0x{key:02x})"))
            }
            Self::Protocol(number) => (
                info.protocols().contains(&number),
                format!("pinUvAuthProtocols (0x06) does not list {number}"),
            ),
            Self::Algorithm(id) => {
                (info.algorithms().contains(&id), format!("algorithms (0x0a) does not list {id}"))
            }
        };
        (!met).then_some(why)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(out, "option {name}"),
            Self::Known(name) => write!(out, "option {name}, true or false"),
            Self::Without(name) => write!(out, "no option {name}"),
            Self::Version(name) => write!(out, "version {name}"),
            Self::Extension(name) => write!(out, "extension {name}"),
            Self::Member(key, name) => write!(out, "getInfo member {name} (0x{key:02x})"),
            Self::Protocol(number) => write!(out, "PIN/UV auth protocol {number}"),
            Self::Algorithm(id) => write!(out, "algorithm {id}"),
        }
    }
}
