//! The client data (WebAuthn Level 3 §5.8.1): what the relying party checks that the ceremony was its own.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::{Caller, base64url};

/// `CollectedClientData.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// `navigator.credentials.create()`.
    Create,
    /// `navigator.credentials.get()`.
    Get,
}

/// The serialised client data and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientData {
    /// `clientDataJSON`.
    pub(crate) json: String,
    /// SHA-256 of it, which the authenticator signs.
    pub(crate) hash: [u8; 32],
}

impl ClientData {
    /// Serialises as §5.8.1.1 prescribes, byte for byte, so that relying parties may compare without a JSON parser.
    ///
    /// `topOrigin` is left out: in a cross-origin frame it may be given, but whoever calls us does not know it.
    pub(crate) fn new(ceremony: Ceremony, challenge: &[u8], caller: &Caller<'_>) -> Self {
        let kind = match ceremony {
            Ceremony::Create => "webauthn.create",
            Ceremony::Get => "webauthn.get",
        };
        let mut json = String::from("{\"type\":");
        push_quoted(&mut json, kind);
        json.push_str(",\"challenge\":");
        push_quoted(&mut json, &base64url::encode(challenge));
        json.push_str(",\"origin\":");
        push_quoted(&mut json, caller.origin);
        json.push_str(",\"crossOrigin\":");
        json.push_str(if caller.cross_origin { "true" } else { "false" });
        json.push('}');
        let hash = Sha256::digest(json.as_bytes()).into();
        Self { json, hash }
    }
}

/// `CCDToString` (§5.8.1.1): quotes and escapes with as few escapes as there can be.
fn push_quoted(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(to, "\\u{:04x}", u32::from(character));
            }
            _ => to.push(character),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests;
