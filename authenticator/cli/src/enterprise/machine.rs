//! What the machine says about itself.

use std::{env, fs};

use latchkey_enterprise::flows::provision::Surroundings;
use latchkey_enterprise::wire::registration::Machine;

use super::unexpected;
use crate::control::caller::Caller;
use crate::control::report::{Class, StatusReport};
use crate::control::{Answer, Request};
use crate::failure::Failure;

/// Name and system of this machine, as the provider will list it.
pub fn described(name: Option<String>) -> Machine {
    let host = || fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let os_version = pretty.unwrap_or("Linux").trim_matches('"').to_owned();
    Machine { name: name.unwrap_or_else(host), os_version }
}

/// Where the container stands.
pub fn status(caller: &Caller) -> Result<StatusReport, Failure> {
    let Answer::Status(status) = caller.call(Request::Status {})? else { return Err(unexpected()) };
    Ok(status)
}

/// What provisioning wants to know.
pub fn surroundings(status: &StatusReport) -> Surroundings {
    surroundings_with(!matches!(status.class, Class::Software))
}

/// The same where no container says whether there is a TPM.
pub fn surroundings_with(has_tpm: bool) -> Surroundings {
    Surroundings {
        has_tpm,
        // sshd sets it, for shells and commands alike.
        is_remote: env::var_os("SSH_CONNECTION").is_some(),
    }
}
