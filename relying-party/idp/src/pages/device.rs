//! The device code flow's pages (RFC 8628): the code, the confirmation, the end.

use askama::Template;

use super::frame::{Account, Flow, Frame, When};

/// Type the code of the other device. `step=device-code` with `otc`.
#[derive(Debug, Template)]
#[template(path = "device-code.html")]
pub struct DeviceCodePage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// The code from `verification_uri_complete`, or what was typed before.
    pub user_code: String,
}

/// Confirm that it is the own device (RFC 8628 §5.4). `step=device-confirm` with `answer=accept` or `answer=decline`.
#[derive(Debug, Template)]
#[template(path = "device-confirm.html")]
pub struct DeviceConfirmPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Who signs in there.
    pub account: Account,
    /// The application's name.
    pub application: String,
    /// The code, to compare.
    pub user_code: String,
    /// The address that asked for it.
    pub address: String,
    /// When it was asked for.
    pub asked: When,
}

/// The end: back to the other device.
#[derive(Debug, Template)]
#[template(path = "device-done.html")]
pub struct DeviceDonePage {
    /// What surrounds it.
    pub frame: Frame,
    /// The application's name.
    pub application: String,
    /// Whether the user let it in.
    pub accepted: bool,
}
