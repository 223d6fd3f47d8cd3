//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use latchkey_container::Profile;
use latchkey_enterprise::keyring::PrtTimes;

use crate::biometric::SensorChoice;
use crate::prompt::PromptChoice;

mod biometric;
mod enterprise;

pub use biometric::BiometricCommand;
pub use enterprise::{
    DeviceCommand, JoinArguments, LeaveArguments, PinResetArguments, PolicyCommand, ProvisionArguments,
    ReportArguments, SignInArguments, TenantArguments, TenantCommand, TokenArguments,
};

/// Passkeys in your TPM, opened by your PIN.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub tpm: TpmArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Environment: LATCHKEY_DIR (data), LATCHKEY_RUNTIME_DIR (sockets), LATCHKEY_TPM, LATCHKEY_POLICY (a further policy file),
LATCHKEY_PINENTRY, LATCHKEY_LOG.
Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no container, 4 wrong PIN, 5 PIN blocked or TPM locked out,
6 TPM trouble, 7 storage trouble, 8 in use, 9 not joined, provisioned or signed in, 10 the identity provider says no,
11 it cannot be reached.";

/// Which TPM, when this program opens it itself. A running daemon keeps the one it was started with.
#[derive(Debug, Args)]
pub struct TpmArguments {
    /// `auto` (/dev/tpmrm0 where there is one, else software), `software`, or a TCTI such as
    /// `device:/dev/tpmrm0` or `swtpm:path=/run/swtpm.sock`.
    #[arg(long = "tpm", global = true, env = "LATCHKEY_TPM", value_name = "TCTI", default_value = "auto")]
    pub tpm: String,
    /// File with the authorisation of the TPM's owner hierarchy, when it has one.
    #[arg(long, global = true, value_name = "FILE")]
    pub owner_auth_file: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the authenticator in the foreground until Ctrl-C.
    Up(UpArguments),
    /// Create, look at or destroy your container.
    #[command(subcommand)]
    Container(ContainerCommand),
    /// Show where the container stands, and where this machine is registered.
    Status,
    /// Set or change the PIN.
    #[command(subcommand)]
    Pin(PinCommand),
    /// Register this machine at an identity provider, and its key for you.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Sign in at the identity provider with your PIN.
    Signin(SignInArguments),
    /// Forget the identity provider's tokens.
    Signout(TenantArguments),
    /// Forget what `signin` opened, as for a locked screen; the tokens stay.
    Lock,
    /// Print an access token.
    Token(TokenArguments),
    /// Renew the identity provider's token now. The daemon does it by itself, every four hours.
    Renew(TenantArguments),
    /// Look up the ID that an organisation's settings are written under.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Show what your organisation and this machine's administrator allow.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Report as the Windows tool of this name does; also when the program is called by it.
    Dsregcmd(ReportArguments),
    /// List, rename and delete passkeys.
    #[command(subcommand)]
    Passkeys(PasskeysCommand),
    /// Enrol, list and remove fingers and faces that do instead of the PIN.
    #[command(subcommand)]
    Biometric(BiometricCommand),
    /// Connect Chromium and Chrome to Latchkey.
    #[command(subcommand)]
    Browser(BrowserCommand),
    /// Run the daemon in your session, as a security key for every program.
    #[command(subcommand)]
    Service(ServiceCommand),
}

/// `latchkey up`.
#[derive(Debug, Args)]
pub struct UpArguments {
    /// Serve CTAPHID over UDP on this loopback port too, for test tools of your own user.
    #[arg(long, value_name = "PORT")]
    pub udp: Option<u16>,
    /// Be a security key to every client on the machine, through the kernel's /dev/uhid.
    #[arg(long)]
    pub uhid: bool,
    /// Who asks you: `auto`, `terminal`, `pinentry`, or `command:PROGRAM`.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub prompt: PromptChoice,
    /// Seconds that you have to answer.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub prompt_timeout: u64,
    /// Refuse to work without a TPM.
    #[arg(long)]
    pub require_tpm: bool,
    /// Which sensor recognises you: `fprintd`, `off`, or `virtual:SOCKET` for tests.
    #[arg(long, value_name = "SENSOR", default_value = "fprintd")]
    pub biometric: SensorChoice,
    /// Seconds after which the identity provider's token is renewed, if sooner than the four hours of the protocol.
    #[arg(long, value_name = "SECS", default_value_t = PrtTimes::RENEWED_AFTER, value_parser = clap::value_parser!(u64).range(1..=PrtTimes::RENEWED_AFTER))]
    pub renew_after: u64,
}

/// `latchkey container`.
#[derive(Debug, Subcommand)]
pub enum ContainerCommand {
    /// Create an empty container.
    Create {
        /// Refuse to create it without a TPM.
        #[arg(long)]
        require_tpm: bool,
        /// What it is for, for good: `hello` wants PIN, finger or face at each use; `security-key` is content with
        /// your approval where the site is, and needs no PIN.
        #[arg(long, value_name = "PROFILE", default_value = "hello")]
        profile: Profile,
    },
    /// Show where the container stands.
    Status,
    /// Destroy the container with every passkey in it.
    Destroy {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// `latchkey pin`.
#[derive(Debug, Subcommand)]
pub enum PinCommand {
    /// Set the first PIN.
    Set {
        #[command(flatten)]
        from: SecretSource,
    },
    /// Change the PIN; wants the old one. Passkeys stay what they are.
    Change {
        #[command(flatten)]
        from: SecretSource,
    },
    /// Choose a new PIN when the old one is forgotten: sign in at the identity provider by another way. Passkeys stay.
    Reset(PinResetArguments),
    /// Clear the count of wrong PINs with a code of your help desk. The PIN stays what it is.
    Rearm {
        #[command(flatten)]
        tenant: TenantArguments,
        /// Read the code from standard input.
        #[arg(long)]
        code_stdin: bool,
    },
}

/// `latchkey passkeys`.
#[derive(Debug, Subcommand)]
pub enum PasskeysCommand {
    /// List the passkeys. They are sealed, so this wants the PIN.
    List {
        #[command(flatten)]
        from: SecretSource,
    },
    /// Delete a passkey for good.
    #[command(disable_help_flag = true)]
    Delete {
        #[command(flatten)]
        which: PasskeyId,
        #[command(flatten)]
        from: SecretSource,
    },
    /// Give a passkey a label of your own.
    #[command(disable_help_flag = true)]
    Rename {
        #[command(flatten)]
        which: PasskeyId,
        /// The new label.
        label: String,
        #[command(flatten)]
        from: SecretSource,
    },
    /// Change what the account is called that a passkey opens; what is left out is removed. The site has names of its own.
    #[command(disable_help_flag = true)]
    Account {
        #[command(flatten)]
        which: PasskeyId,
        /// The user name.
        #[arg(long)]
        name: Option<String>,
        /// The name to show.
        #[arg(long)]
        display_name: Option<String>,
        #[command(flatten)]
        from: SecretSource,
    },
}

/// One passkey. One id in 64 begins with a hyphen, so no short option, not even `-h`, may claim it.
#[derive(Debug, Args)]
pub struct PasskeyId {
    /// The id that the list shows, or enough of its beginning.
    #[arg(allow_hyphen_values = true)]
    pub id: String,
    /// Print help.
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
}

/// Where secrets come from; never from an argument, which every process of the machine could read.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct SecretSource {
    /// Read the PIN from standard input, one line each (for `change`: old, then new).
    #[arg(long)]
    pub pin_stdin: bool,
    /// Read the PIN from this file descriptor, one line each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub pin_fd: Option<i32>,
}

/// `latchkey browser`.
#[derive(Debug, Subcommand)]
pub enum BrowserCommand {
    /// Write the native-messaging manifests for Chromium and Chrome.
    Install(BrowserPlace),
    /// Remove what `install` wrote.
    Uninstall(BrowserPlace),
    /// Serve one browser on standard input and output; the browser starts this itself.
    Host {
        /// What the browser adds: the origin of the calling extension.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        caller: Vec<String>,
    },
}

/// Which browser profile.
#[derive(Debug, Args)]
pub struct BrowserPlace {
    /// A browser's user data directory (what its --user-data-dir names) instead of the default places.
    #[arg(long, value_name = "DIR")]
    pub user_data_dir: Option<PathBuf>,
}

/// `latchkey service`.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Write the systemd unit of your user.
    Install {
        /// Write the machine's rule of udev instead, which lets the service use /dev/uhid; as root.
        #[arg(long)]
        rule: bool,
    },
    /// Remove what `install` wrote.
    Uninstall {
        /// The machine's rule instead; as root.
        #[arg(long)]
        rule: bool,
    },
}

#[cfg(test)]
mod tests;
