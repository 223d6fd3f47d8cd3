//! What a program tells whoever started it.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Logs go to standard error and never hold a secret; standard output belongs to answers. The TPM's library tells of each
/// refused command and each handle that it frees; our own errors say what matters. `LATCHKEY_LOG` chooses otherwise.
pub fn to_stderr() {
    let filter =
        EnvFilter::try_from_env("LATCHKEY_LOG").unwrap_or_else(|_unset| EnvFilter::new("info,tss_esapi=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
