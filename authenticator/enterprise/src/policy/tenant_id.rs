//! The identifier of a tenant, as policies and commands write it.

use uuid::Uuid;

/// The text is no tenant ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantIdError {
    /// The best-known mistake.
    #[error("write the tenant ID {0} without braces")]
    Braces(String),
    /// Another form of a GUID, or none.
    #[error(
        "{0:?} is no tenant ID: it looks like 72f988bf-86f1-41af-91ab-2d7cd011db47, and `latchkey device status` shows yours"
    )]
    NotAGuid(String),
}

/// Reads a tenant ID: 32 hexadecimal digits in five groups.
///
/// # Errors
/// When it is written in any other way; braces are named.
pub fn tenant_id(text: &str) -> Result<Uuid, TenantIdError> {
    if text.contains(['{', '}']) {
        return Err(TenantIdError::Braces(text.to_owned()));
    }
    let parsed = text.parse::<Uuid>().ok().filter(|id| id.to_string() == text.to_ascii_lowercase());
    parsed.ok_or_else(|| TenantIdError::NotAGuid(text.to_owned()))
}
