//! Where everything lies.

use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, FailureKind};

/// The directory that moves everything, for tests and for a second container.
pub const DATA_VARIABLE: &str = "LATCHKEY_DIR";
/// The directory of the sockets.
pub const RUNTIME_VARIABLE: &str = "LATCHKEY_RUNTIME_DIR";

/// The directories of one user.
#[derive(Debug, Clone)]
pub struct Paths {
    data: PathBuf,
    runtime: PathBuf,
}

impl Paths {
    /// Reads `LATCHKEY_DIR`, `LATCHKEY_RUNTIME_DIR` and the XDG variables.
    pub fn from_environment() -> Result<Self, Failure> {
        Self::from_variables(|name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute()))
            .ok_or_else(|| Failure::new(FailureKind::Usage, "set HOME or LATCHKEY_DIR to an absolute path"))
    }

    /// XDG Base Directory Specification: a relative path counts as unset.
    fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        let data = variable(DATA_VARIABLE)
            .or_else(|| variable("XDG_DATA_HOME").map(|home| home.join("latchkey")))
            .or_else(|| variable("HOME").map(|home| home.join(".local/share/latchkey")))?;
        let runtime = variable(RUNTIME_VARIABLE)
            // A directory that LATCHKEY_DIR moved keeps its sockets with it, apart from those of the default one.
            .or_else(|| variable(DATA_VARIABLE).map(|data| data.join("run")))
            .or_else(|| variable("XDG_RUNTIME_DIR").map(|home| home.join("latchkey")))
            .unwrap_or_else(|| data.join("run"));
        Some(Self { data, runtime })
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The directory of the sockets.
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// The container.
    pub fn container(&self) -> PathBuf {
        self.data.join("container")
    }

    /// The state of the software provider, which stands for a device and so outlives a container.
    pub fn software_tpm(&self) -> PathBuf {
        self.data.join("software-tpm")
    }

    /// What is kept of fingers and faces.
    pub fn biometrics(&self) -> PathBuf {
        self.data.join("biometrics")
    }

    /// The control socket of the daemon.
    pub fn control_socket(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }

    /// The CTAPHID socket; it exists while the virtual device is plugged in.
    pub fn ctaphid_socket(&self) -> PathBuf {
        self.runtime.join("ctaphid.sock")
    }

    /// Held locked by the one daemon of this runtime directory.
    pub fn daemon_lock(&self) -> PathBuf {
        self.runtime.join("daemon.lock")
    }

    /// The program that the native-messaging manifests name.
    pub fn browser_host(&self) -> PathBuf {
        self.data.join("browser-host")
    }
}

/// Makes `directory` if it is missing, and private to this user in any case.
pub fn private_directory(directory: &Path) -> Result<(), Failure> {
    let trouble = |error: std::io::Error| {
        Failure::new(FailureKind::Storage, format!("{} cannot be used: {error}", directory.display()))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(trouble)?;
    let found = fs::metadata(directory).map_err(trouble)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        let text = format!("{} belongs to another user; choose a directory of your own", directory.display());
        return Err(Failure::new(FailureKind::Storage, text));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(trouble)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
