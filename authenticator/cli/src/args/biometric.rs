//! The commands for fingers and faces.

use clap::Subcommand;

use super::SecretSource;

/// `latchkey biometric`.
#[derive(Debug, Subcommand)]
pub enum BiometricCommand {
    /// Enrol a finger, or a face, with the PIN.
    Enrol {
        /// Enrol a face.
        #[arg(long, conflicts_with = "finger")]
        face: bool,
        /// Which finger, in fprintd's words (`right-index-finger`, `left-thumb`, ...).
        #[arg(long, value_name = "FINGER")]
        finger: Option<String>,
        #[command(flatten)]
        from: SecretSource,
    },
    /// List what is enrolled.
    List,
    /// Forget a finger or a face.
    Remove {
        /// The id that the list shows.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}
