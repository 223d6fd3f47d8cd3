//! The envelope: what a device keeps and sends to the service. Each part is for one purpose, and bound to what the envelope says
//! about whose it is.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::{DeviceId, TenantId, UserId};

/// No envelope is longer: its parts are 113 bytes at most.
const LONGEST: usize = 2048;
/// The only version.
const VERSION: u32 = 1;

/// How an envelope's secrets are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// Encrypted to the service, which sees them when it opens them.
    #[default]
    #[serde(rename = "hpke-p256")]
    Hpke,
    /// Found again with the help of the service, which never sees them.
    #[serde(rename = "blind-p256")]
    Blind,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hpke, Self::Blind];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hpke => "hpke-p256",
            Self::Blind => "blind-p256",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is none that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the protocol must be hpke-p256 or blind-p256")]
pub struct UnknownProtocol;

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == text).ok_or(UnknownProtocol)
    }
}

/// What a released secret may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Open the container and choose a new PIN.
    Recover,
    /// Set the count of wrong PINs to zero, and nothing else.
    Administer,
}

impl Purpose {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recover => "recover",
            Self::Administer => "administer",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The ID of a container: 16 bytes, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// The text is no container's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a container's ID has 32 lower-case hexadecimal digits")]
pub struct ContainerIdError;

impl TryFrom<String> for ContainerId {
    type Error = ContainerIdError;

    fn try_from(text: String) -> Result<Self, ContainerIdError> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(digit) { Ok(Self(text)) } else { Err(ContainerIdError) }
    }
}

impl FromStr for ContainerId {
    type Err = ContainerIdError;

    fn from_str(text: &str) -> Result<Self, ContainerIdError> {
        text.to_owned().try_into()
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose container it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// The container.
    pub container: ContainerId,
}

impl Owner {
    /// The words from which the scalar of `blind-p256` for one purpose is derived.
    #[must_use]
    pub fn scalar_words(&self, purpose: Purpose, kid: &str) -> String {
        let Self { tenant, user, device, container } = self;
        format!("latchkey pin reset blind 1\n{purpose}\n{kid}\n{tenant}\n{user}\n{device}\n{container}\n")
    }

    /// The words that are signed before the two points of `blind-p256`.
    #[must_use]
    pub fn signed_words(&self, kid: &str) -> String {
        let Self { tenant, user, device, container } = self;
        format!("latchkey pin reset blind 1\n{kid}\n{tenant}\n{user}\n{device}\n{container}\n")
    }
}

/// What a device kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// How it is protected.
    pub protocol: Protocol,
    /// By which service key.
    pub kid: String,
    /// Whose it is.
    pub owner: Owner,
    /// Which protector of the container it opens: each new one has a higher number.
    pub protector_version: u64,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    recover: Vec<u8>,
    administer: Vec<u8>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    v: u32,
    protocol: Protocol,
    kid: String,
    tid: TenantId,
    oid: UserId,
    device_id: DeviceId,
    container_id: ContainerId,
    protector_version: u64,
    created: i64,
    recover: String,
    administer: String,
}

impl Envelope {
    /// Reads `protectedSecret`; nothing if it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let written: Written = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let key_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if written.v != VERSION || written.kid.is_empty() || !written.kid.bytes().all(key_name) {
            return None;
        }
        Some(Self {
            protocol: written.protocol,
            kid: written.kid,
            owner: Owner {
                tenant: written.tid,
                user: written.oid,
                device: written.device_id,
                container: written.container_id,
            },
            protector_version: written.protector_version,
            created: written.created,
            recover: URL_SAFE_NO_PAD.decode(written.recover).ok()?,
            administer: URL_SAFE_NO_PAD.decode(written.administer).ok()?,
        })
    }

    /// The part for this purpose.
    #[must_use]
    pub fn part(&self, purpose: Purpose) -> &[u8] {
        match purpose {
            Purpose::Recover => &self.recover,
            Purpose::Administer => &self.administer,
        }
    }

    /// The words that bind the part for this purpose to all that the envelope says.
    #[must_use]
    pub fn binding(&self, purpose: Purpose) -> String {
        let Self { protocol, kid, protector_version, created, .. } = self;
        let Owner { tenant, user, device, container } = &self.owner;
        format!(
            "latchkey pin reset 1\n{purpose}\n{protocol}\n{kid}\n{tenant}\n{user}\n{device}\n{container}\n\
             {protector_version}\n{created}\n"
        )
    }
}

#[cfg(test)]
mod tests;
