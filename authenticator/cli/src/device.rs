//! Which TPM to use, and opening it.

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_container::{Error as ContainerError, Tpm, TpmClass};
use latchkey_tpm::{DeviceOptions, DeviceTpm, SoftwareTpm};
use zeroize::Zeroizing;

use crate::args::TpmArguments;
use crate::clock;
use crate::failure::{Failure, FailureKind};
use crate::paths::{Paths, private_directory};

/// The kernel's resource-managed device.
const KERNEL_DEVICE: &str = "/dev/tpmrm0";

/// The device that `--tpm` named.
#[derive(Debug)]
pub struct Choice {
    kind: Kind,
    owner_auth: Option<PathBuf>,
    software_state: PathBuf,
    /// Where what dies at a restart may lie.
    runtime: PathBuf,
}

#[derive(Debug)]
enum Kind {
    Software,
    Tcti(String),
}

impl Choice {
    /// Decides what `auto` means on this machine.
    pub fn from_arguments(arguments: &TpmArguments, paths: &Paths) -> Result<Self, Failure> {
        let kind = match arguments.tpm.trim() {
            "" => {
                return Err(Failure::new(
                    FailureKind::Usage,
                    "--tpm and LATCHKEY_TPM want auto, software or a TCTI",
                ));
            }
            "auto" if Path::new(KERNEL_DEVICE).exists() => Kind::Tcti(format!("device:{KERNEL_DEVICE}")),
            "software" | "auto" => Kind::Software,
            tcti => Kind::Tcti(tcti.to_owned()),
        };
        Ok(Self {
            kind,
            owner_auth: arguments.owner_auth_file.clone(),
            software_state: paths.software_tpm(),
            runtime: paths.runtime().to_owned(),
        })
    }

    /// Opens the device.
    pub fn open(&self) -> Result<Box<dyn Tpm>, Failure> {
        match &self.kind {
            Kind::Software => {
                private_directory(&self.software_state)?;
                let tpm = SoftwareTpm::open(&self.software_state, Box::new(clock::rng()))
                    .and_then(|tpm| tpm.with_boot_dir(&self.runtime))
                    .map_err(ContainerError::from)?;
                Ok(Box::new(tpm))
            }
            Kind::Tcti(tcti) => {
                let options = DeviceOptions {
                    tcti: tcti.clone(),
                    nv_base: nv_base(rustix::process::getuid().as_raw()),
                    owner_auth: self.read_owner_auth()?,
                    hot_keys: DeviceOptions::DEFAULT_HOT_KEYS,
                };
                let tpm = DeviceTpm::open(&options).map_err(ContainerError::from)?;
                Ok(Box::new(tpm))
            }
        }
    }

    fn read_owner_auth(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let Some(file) = &self.owner_auth else { return Ok(None) };
        let mut auth = Zeroizing::new(
            fs::read(file)
                .map_err(|error| Failure::io(format!("{} cannot be read", file.display()), &error))?,
        );
        // The line end that an editor or `echo` adds is not part of the authorisation.
        while auth.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            auth.pop();
        }
        Ok(Some(auth))
    }
}

/// The policy `RequireSecurityDevice`: software protection is not accepted.
pub fn require_tpm(class: TpmClass) -> Result<(), Failure> {
    match class {
        TpmClass::Hardware | TpmClass::Virtual => Ok(()),
        TpmClass::Software => Err(Failure::new(
            FailureKind::Tpm,
            "a TPM is required and this machine has none that can be used: check that /dev/tpmrm0 exists and that \
             you are in its group (tss), name another with --tpm, or leave --require-tpm out",
        )),
    }
}

/// The first of the two NV indices of this user.
///
/// `0x0180_0000` to `0x01BF_FFFF` belongs to the owner of the machine (TCG Registry of Reserved TPM 2.0 Handles, §2.2.2).
/// Each uid has a pair of its own from `0x0181_0000` on. Two uids that are 0x8000 apart share a pair; the second then
/// finds its slot taken and is told so, and nobody's PIN index is touched, since defining never overwrites.
pub const fn nv_base(uid: u32) -> u32 {
    0x0181_0000 + 2 * (uid % 0x8000)
}

#[cfg(test)]
mod tests {
    use super::nv_base;

    #[test]
    fn every_user_has_a_pair_of_indices() {
        assert_eq!(nv_base(0), 0x0181_0000);
        assert_eq!(nv_base(1000), 0x0181_07D0);
        assert_eq!(nv_base(0x7FFF), 0x0181_FFFE);
        assert_eq!(nv_base(0x8000), nv_base(0));
    }
}
