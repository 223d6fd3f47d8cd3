//! Where the container lies, and what protects it.

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_container::{Container, CreateOptions, Error as ContainerError, StretchCost, Tpm};
use latchkey_runtime::clock;
use latchkey_tpm::{DeviceOptions, DeviceTpm, SoftwareTpm};
use tempfile::TempDir;

use crate::args::Arguments;
use crate::failure::Failure;

/// Passkeys of a simulator are worth nothing, so its PINs are stretched next to nothing, and suites run faster.
const STRETCH: StretchCost = StretchCost { memory_kib: 8, passes: 1 };

/// The folder of the container; an ephemeral one is removed when this is dropped.
pub enum Home {
    /// From the factory.
    Ephemeral(TempDir),
    /// Kept.
    Kept(PathBuf),
}

impl Home {
    /// Whether nothing is to be left.
    pub const fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Ephemeral(_))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Ephemeral(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// Opens the container that the command line names, or makes one.
pub fn open(arguments: &Arguments) -> Result<(Home, Container), Failure> {
    let home = match &arguments.data {
        Some(path) => Home::Kept(path.clone()),
        None => Home::Ephemeral(
            tempfile::tempdir().map_err(|error| Failure::io("no folder can be made", &error))?,
        ),
    };
    let path = home.path().join("container");
    let trouble = |error: ContainerError| Failure::new(error.to_string());
    let container = match Container::open(&path, device(home.path(), &arguments.tpm)?) {
        Err(ContainerError::Missing { .. }) => {
            let options = CreateOptions { stretch: STRETCH, require_tpm: false, profile: arguments.profile };
            let device = device(home.path(), &arguments.tpm)?;
            Container::create(&path, device, &options, clock::now(), &mut clock::rng()).map_err(trouble)?
        }
        opened => opened.map_err(trouble)?,
    };
    Ok((home, container))
}

fn device(home: &Path, named: &str) -> Result<Box<dyn Tpm>, Failure> {
    let trouble = |error: latchkey_container::TpmError| Failure::new(ContainerError::from(error).to_string());
    if named == "software" {
        let (state, boot) = (home.join("software-tpm"), home.join("boot"));
        for folder in [&state, &boot] {
            fs::create_dir_all(folder)
                .map_err(|error| Failure::io(format!("{} cannot be made", folder.display()), &error))?;
        }
        let tpm = SoftwareTpm::open(&state, Box::new(clock::rng()))
            .and_then(|tpm| tpm.with_boot_dir(&boot))
            .map_err(trouble)?;
        return Ok(Box::new(tpm));
    }
    let tpm = DeviceTpm::open(&DeviceOptions::new(named)).map_err(trouble)?;
    Ok(Box::new(tpm))
}
