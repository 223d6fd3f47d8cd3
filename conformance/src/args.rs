//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use glob::Pattern;
use reqwest::Url;

use crate::case::{Case, Judged, Version};
use crate::hook::Hook;
use crate::target::Target;

/// Does an authenticator keep to CTAP, a server to WebAuthn? Exit status 0: nothing unexpected happened; 1: something did; 2: it could not be asked.
#[derive(Debug, Parser)]
#[command(name = "latchkey-conformance", version, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the cases against an authenticator. It is reset: everything on it is deleted.
    Authenticator(Box<Suite>),
    /// Run the cases against a WebAuthn server that speaks the server API of the FIDO conformance tools.
    Server(Box<ServerSuite>),
    /// List the cases.
    List(Selection),
    /// Tell what a case wants, and when it applies.
    Explain {
        /// Its id, as `list` shows it.
        case: String,
    },
    /// Run one case and show every byte.
    Replay {
        /// Its id, as `list` shows it.
        case: String,
        #[command(flatten)]
        device: Device,
    },
}

/// Which authenticator, and who serves it.
#[derive(Debug, Args)]
pub struct Device {
    /// `hid` (the only one that is plugged in), `hidraw:/dev/hidrawN`, `unix:PATH` or `udp:PORT`.
    #[arg(long, value_name = "TARGET")]
    pub target: Target,
    /// Who touches and unplugs it: `terminal` (you), `command:PROGRAM` (called with `presence on|off`, `power-cycle`,
    /// `pin PIN`), `farm:http://HOST:PORT/usbN` (python-fido2's words) or `tools:http://HOST:PORT` (the FIDO tools' words).
    #[arg(long, value_name = "HOOK", default_value = "terminal")]
    pub hook: Hook,
    /// Yes, delete everything on the authenticator.
    #[arg(long)]
    pub erase: bool,
}

/// Which cases.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only cases whose id matches, such as `client-pin/*`. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Pattern>,
    /// Only cases of this clause and those below it, such as 6.1.2.
    #[arg(long, value_name = "CLAUSE")]
    pub clause: Option<String>,
    /// Cases of this version of CTAP: 2.0, 2.1, 2.2 or 2.3. Otherwise the newest that the authenticator says it follows.
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

impl Selection {
    /// Whether the case is one of them, its version aside.
    pub fn takes<J: Judged>(&self, case: &Case<J>) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(&case.id));
        named && self.clause.as_deref().is_none_or(|clause| case.is_under(clause))
    }
}

/// `authenticator`.
#[derive(Debug, Args)]
pub struct Suite {
    #[command(flatten)]
    pub device: Device,
    #[command(flatten)]
    pub selection: Selection,
    /// What the vendor claims, as TOML; what is claimed and not there fails. The last one counts.
    #[arg(long, value_name = "FILE", overrides_with = "profile")]
    pub profile: Option<PathBuf>,
    #[command(flatten)]
    pub telling: Telling,
}

/// `server`.
#[derive(Debug, Args)]
pub struct ServerSuite {
    /// Where the server's API is; its host is the RP ID and its origin the origin, unless options say otherwise.
    #[arg(long, value_name = "URL")]
    pub url: Url,
    /// Only cases whose id matches, such as `assertion/*`. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Pattern>,
    /// What the server's codes mean, as TOML: for each reason the codes that state it. Without it a refusal is taken for a
    /// refusal, whatever its reason.
    #[arg(long, value_name = "FILE", overrides_with = "codes")]
    pub codes: Option<PathBuf>,
    #[command(flatten)]
    pub telling: Telling,
}

/// What is expected, and how the outcome is told.
#[derive(Debug, Args)]
pub struct Telling {
    /// Known exceptions, as TOML, each with its clause and reason; one that passes fails. The last one counts.
    #[arg(long, value_name = "FILE", overrides_with = "expectations")]
    pub expectations: Option<PathBuf>,
    /// Write report.html, report.json and junit.xml into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What the report calls this run.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Print one JSON object in place of the table.
    #[arg(long)]
    pub json: bool,
}
