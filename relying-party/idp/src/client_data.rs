//! Collected client data (WebAuthn L3 §5.8.1): what a browser says about the page that asked, for registrations and
//! sign-ins alike.

use serde::Deserialize;

use crate::settings::Settings;

/// Read, and not believed yet: only the authenticator's signature vouches for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClientData {
    /// `webauthn.create` or `webauthn.get`.
    pub(crate) r#type: String,
    /// The challenge that it answers, in base64url.
    pub(crate) challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<serde_json::Value>,
}

impl ClientData {
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Whether the page was one of ours that was not framed by another. Origins are compared as the strings that browsers
    /// write (conformance R4): a parser would find more of them equal.
    pub(crate) fn made_here(&self, settings: &Settings) -> bool {
        let ours = |origin: &url::Url| origin.origin().ascii_serialization() == self.origin;
        settings.origins().iter().any(ours) && !self.cross_origin && self.top_origin.is_none()
    }
}
