//! What WebAuthn's verification asks for and webauthn-rs leaves to its caller (WebAuthn L3 §5.1, §7.1, §7.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::settings::Settings;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<serde_json::Value>,
}

/// Flags of authenticator data that more bytes come with (WebAuthn L3 §6.1).
const MORE: u8 = 0x40 | 0x80;

/// Whether authenticator data ends where it says: nothing hides behind the counter (conformance, Assertion-Resp-3).
pub(crate) fn ends_in_time(data: &[u8]) -> bool {
    let flags = data.get(32).copied().unwrap_or_default();
    flags & MORE != 0 || data.len() == 37
}

/// Whether the answer names one credential (`id` and `rawId` are the same), and was made on a page of ours that was not
/// framed by another. Origins are compared as the strings that browsers write: a parser would find more of them equal.
pub(crate) fn made_here(settings: &Settings, (id, raw_id): (&str, &[u8]), client_data: &[u8]) -> bool {
    let Ok(data) = serde_json::from_slice::<ClientData>(client_data) else { return false };
    let ours = |origin: &url::Url| origin.origin().ascii_serialization() == data.origin;
    id == URL_SAFE_NO_PAD.encode(raw_id)
        && settings.origins().iter().any(ours)
        && !data.cross_origin
        && data.top_origin.is_none()
}
