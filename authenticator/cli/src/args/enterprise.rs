//! The commands that speak to an identity provider.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use latchkey_enterprise::web_sign_in::{Purpose, Way};

use super::SecretSource;

/// `latchkey device`.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Register this machine, and make an enterprise key where the policy says so.
    Join(JoinArguments),
    /// Delete the registration and every key that belongs to it. Passkeys stay.
    Leave(LeaveArguments),
    /// Make an enterprise key and register it.
    Provision(ProvisionArguments),
    /// Show where this machine is registered.
    Status,
    /// Read the policy anew.
    Refresh(TenantArguments),
}

/// `latchkey device join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// The address of the identity provider, as in `--idp https://id.example.org`.
    #[arg(long, value_name = "URL")]
    pub idp: String,
    /// File with the PEM certificates of its CA; only they count from then on. Without it the system's CAs do.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// What the provider calls this machine; its host name without this.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Do not make an enterprise key now.
    #[arg(long)]
    pub no_provision: bool,
    #[command(flatten)]
    pub way: WayArguments,
    #[command(flatten)]
    pub from: SecretSource,
}

/// `latchkey device leave`.
#[derive(Debug, Args)]
pub struct LeaveArguments {
    #[command(flatten)]
    pub tenant: TenantArguments,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Delete the keys here although the provider does not know of it: for one that is gone.
    #[arg(long)]
    pub offline: bool,
}

/// `latchkey device provision`.
#[derive(Debug, Args)]
pub struct ProvisionArguments {
    #[command(flatten)]
    pub tenant: TenantArguments,
    #[command(flatten)]
    pub way: WayArguments,
    #[command(flatten)]
    pub from: SecretSource,
}

/// `latchkey signin`.
#[derive(Debug, Args)]
pub struct SignInArguments {
    #[command(flatten)]
    pub tenant: TenantArguments,
    #[command(flatten)]
    pub from: SecretSource,
}

/// `latchkey token`.
#[derive(Debug, Args)]
pub struct TokenArguments {
    #[command(flatten)]
    pub tenant: TenantArguments,
    /// The application that gets the token.
    #[arg(long, value_name = "ID", default_value = Purpose::DeviceRegistration.client_id())]
    pub client: String,
    /// The resource: an App ID URI or a client ID.
    #[arg(long, value_name = "RESOURCE", required_unless_present = "scope")]
    pub resource: Option<String>,
    /// Scopes, separated by spaces, such as `api://orders/Read`.
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
}

/// `latchkey pin reset`.
#[derive(Debug, Args)]
pub struct PinResetArguments {
    #[command(flatten)]
    pub tenant: TenantArguments,
    /// From a lock screen: everything is locked first, and no browser of this machine is opened.
    #[arg(long)]
    pub above_lock: bool,
    /// Delete the PIN with every passkey and enterprise key, and begin anew.
    #[arg(long)]
    pub destructive: bool,
    /// Do not ask before deleting.
    #[arg(long, requires = "destructive")]
    pub yes: bool,
    #[command(flatten)]
    pub way: WayArguments,
    #[command(flatten)]
    pub from: SecretSource,
}

/// `latchkey policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show each setting, its value, and whose it is: of several, the strictest counts.
    Explain(TenantArguments),
}

/// `latchkey tenant`.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Print the ID of the tenant that has a domain; without one, of those where this machine is registered.
    Id {
        /// The domain of its users, such as `example.org`.
        #[arg(requires = "idp")]
        domain: Option<String>,
        /// The address of the identity provider.
        #[arg(long, value_name = "URL", requires = "domain")]
        idp: Option<String>,
        /// File with the PEM certificates of its CA. Without it the system's CAs count.
        #[arg(long, value_name = "FILE", requires = "idp")]
        ca: Option<PathBuf>,
    },
}

/// `latchkey dsregcmd`: switches as Windows writes them, or as we do.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// `/status`, and `/verbose` for reasons.
    #[arg(value_name = "SWITCH")]
    pub switches: Vec<String>,
    /// The same as `/status`.
    #[arg(long)]
    pub status: bool,
    /// The same as `/verbose`.
    #[arg(long)]
    pub verbose: bool,
}

/// Which tenant, where this machine is registered at several.
#[derive(Debug, Clone, Args)]
pub struct TenantArguments {
    /// The tenant: its ID or its users' domain.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// In which browser to sign in.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct WayArguments {
    /// Sign in with any browser anywhere, by a code that is typed there.
    #[arg(long)]
    pub device_code: bool,
    /// Print the address of the sign-in page instead of opening the browser.
    #[arg(long)]
    pub no_browser: bool,
}

impl WayArguments {
    /// The way to sign in.
    pub const fn way(self) -> Way {
        match (self.device_code, self.no_browser) {
            (true, _) => Way::DeviceCode,
            (false, true) => Way::PrintedUrl,
            (false, false) => Way::Browser,
        }
    }
}
