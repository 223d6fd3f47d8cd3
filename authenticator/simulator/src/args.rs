//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};
use latchkey_container::Profile;
use serde::{Deserialize, Serialize};

/// A FIDO2 authenticator for test suites. Not for real passkeys: whoever reaches its HTTP port says yes for the user.
#[derive(Debug, Parser)]
#[command(name = "latchkey-simulator", version, max_term_width = 110, after_help = CONTROL)]
#[command(group = ArgGroup::new("carrier").args(["unix", "udp", "tcp"]).required(true).multiple(true))]
#[command(group = ArgGroup::new("state").args(["ephemeral", "data"]).required(true))]
pub struct Arguments {
    /// Serve a unix socket (`SOCK_SEQPACKET`) here, one report a packet. Unplugged, the path is gone.
    #[arg(long, value_name = "PATH")]
    pub unix: Option<PathBuf>,
    /// Serve UDP on this loopback port, one report a datagram; answers go to the sender.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8111")]
    pub udp: Option<u16>,
    /// Serve TCP on this loopback port, each report after its length (two bytes, big-endian).
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "35962")]
    pub tcp: Option<u16>,
    /// Serve the HTTP control on this loopback port; may be given several times.
    #[arg(long, value_name = "PORT", default_value = "7080")]
    pub http: Vec<u16>,
    /// Start as from the factory, and leave nothing behind.
    #[arg(long)]
    pub ephemeral: bool,
    /// Keep the container in this folder.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// `software`, or a TCTI such as `swtpm:path=/run/swtpm.sock`.
    #[arg(long, value_name = "TCTI", default_value = "software")]
    pub tpm: String,
    /// `hello`: every use is verified; `security-key`: a touch is enough where the site does not ask for more. A container that is kept stays what it was made as.
    #[arg(long, value_name = "PROFILE", default_value = "hello")]
    pub profile: Profile,
    /// The PIN that the user types where the authenticator itself asks for one.
    #[arg(long, value_name = "PIN")]
    pub pin: Option<String>,
    /// Whether the user is there.
    #[arg(long, value_enum, default_value_t = Presence::Auto)]
    pub up: Presence,
    /// Whether the user is the right one.
    #[arg(long, value_enum, default_value_t = Verification::Ok)]
    pub uv: Verification,
    /// Seconds that the user has to answer.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub prompt_timeout: u64,
}

const CONTROL: &str = "\
HTTP control:
  GET  /                              what it is doing, as JSON
  GET  /usbN/touch/on|off             a finger on the button, for `up=hold` (python-fido2 --controller)
  GET  /usbN/power/on|off             plug in, unplug; answers when it is done
  POST /conformance/userpresence      one touch (FIDO conformance tools, test automation)
  POST /conformance/powercycle        unplug and plug in; answers when it is done
  POST /conformance/results           keeps a suite's results, for GET of the same
  POST /user?up=…&uv=…&pin=…          what the user does from now on
A report with the bytes of Solo's reboot command is a power cycle, too.";

/// What the user does when asked for presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Says yes at once.
    Auto,
    /// Says no at once.
    Deny,
    /// Lets the time pass, which here takes none.
    Timeout,
    /// Waits for a touch of the button.
    Hold,
}

/// What the user does when asked for the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Types it.
    Ok,
    /// Types another one, then gives up.
    Fail,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let parse = |words: &[&str]| Arguments::try_parse_from([&["latchkey-simulator"], words].concat());
        let arguments = parse(&["--udp", "--tcp", "5", "--ephemeral"]).unwrap();
        assert_eq!((arguments.udp, arguments.tcp, arguments.http), (Some(8111), Some(5), vec![7080]));
        assert!(parse(&["--ephemeral"]).is_err(), "no carrier");
        assert!(parse(&["--udp"]).is_err(), "no state");
        assert!(parse(&["--udp", "--ephemeral", "--data", "x"]).is_err(), "both states");
    }
}
