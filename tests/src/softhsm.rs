//! An emulated security module: Debian's `SoftHSM` with one token, kept in a folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that programs load.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// The token's label.
pub const TOKEN: &str = "latchkey";
const PIN: &str = "1234";

/// The token.
#[derive(Debug)]
pub struct SoftHsm {
    folder: PathBuf,
}

impl SoftHsm {
    /// Makes the token below `folder`.
    ///
    /// # Panics
    /// When the package softhsm2 is missing.
    #[must_use]
    pub fn create(folder: &Path) -> Self {
        let module = Self { folder: folder.to_owned() };
        let tokens = folder.join("tokens");
        std::fs::create_dir_all(&tokens).expect("it can be made");
        std::fs::write(module.configuration(), format!("directories.tokendir = {}\n", tokens.display()))
            .expect("it can be written");
        std::fs::write(module.pin_file(), format!("{PIN}\n")).expect("it can be written");
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "5678"])
            .env("SOFTHSM2_CONF", module.configuration())
            .output()
            .expect("the package softhsm2 is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        module
    }

    /// What programs must find in `SOFTHSM2_CONF`.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    /// The file with the user's PIN.
    #[must_use]
    pub fn pin_file(&self) -> PathBuf {
        self.folder.join("pin")
    }

    /// The options with which `latchkey-idp` keeps the keys of the PIN reset service there.
    #[must_use]
    pub fn options(&self, token: &str, pin_file: &Path) -> Vec<String> {
        let pin_file = pin_file.display().to_string();
        [
            "--pin-reset-keys",
            "pkcs11",
            "--pkcs11-module",
            MODULE,
            "--pkcs11-token",
            token,
            "--pkcs11-pin-file",
        ]
        .into_iter()
        .chain([pin_file.as_str()])
        .map(str::to_owned)
        .collect()
    }
}
