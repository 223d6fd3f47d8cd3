//! This machine's browser.

use std::process::Stdio;

use tokio::process::Command;
use url::Url;

/// The browser does not open.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is no `xdg-open`.
    #[error("no browser can be opened ({0}): give --print-url to open the page yourself, or --device-code")]
    NoOpener(#[source] std::io::Error),
    /// It failed.
    #[error("xdg-open found no browser: give --print-url to open the page yourself, or --device-code")]
    NoBrowser,
}

/// Opens a page in the browser that the desktop says. The address holds no secret: whoever sees it in the list of
/// processes can only sign in, and their answer would carry a state that nobody else waits for.
pub(super) async fn open(page: &Url) -> Result<(), BrowserError> {
    let mut opener = Command::new("xdg-open");
    opener.arg(page.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = opener.status().await.map_err(BrowserError::NoOpener)?;
    if status.success() { Ok(()) } else { Err(BrowserError::NoBrowser) }
}
