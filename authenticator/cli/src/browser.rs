//! Chromium and Chrome: the native-messaging host and its installation.

pub mod host;
pub mod install;

/// The name by which the extension calls the host.
pub const HOST_NAME: &str = "dev.latchkey.host";
/// The extension's id; it follows from the key in `web/extension/manifest.json`.
pub const EXTENSION_ID: &str = "cfapiilgphalkjnmlfngbnjjenjbcmop";
