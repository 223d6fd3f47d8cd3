//! FIDO devices of the kernel, through `/dev/hidrawN`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Carrier, REPORT, readable};

/// How the report descriptor of every FIDO device begins: usage page 0xF1D0, usage 1 (CTAP 2.3 §11.2.8.1).
const FIDO_USAGE: [u8; 5] = [0x06, 0xD0, 0xF1, 0x09, 0x01];

/// An open device file.
pub(super) struct Hidraw(File);

impl Hidraw {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        File::options().read(true).write(true).open(path).map(Self)
    }
}

impl Carrier for Hidraw {
    fn send(&mut self, report: &[u8; REPORT]) -> io::Result<()> {
        // The kernel wants the report's number first; FIDO devices have only number 0.
        self.0.write_all(&[[0].as_slice(), report].concat())
    }

    fn receive(&mut self, wait: Duration) -> io::Result<Option<[u8; REPORT]>> {
        if !readable(&self.0, wait)? {
            return Ok(None);
        }
        let mut report = [0; REPORT];
        self.0.read_exact(&mut report)?;
        Ok(Some(report))
    }
}

/// The device file of the only FIDO device, as sysfs tells.
pub(super) fn only() -> io::Result<PathBuf> {
    let found = fido_devices(Path::new("/sys/class/hidraw"))?;
    match found.as_slice() {
        [one] => Ok(Path::new("/dev").join(one)),
        [] => Err(io::Error::other("no FIDO device is plugged in, or the kernel's hidraw is missing")),
        more => Err(io::Error::other(format!(
            "several FIDO devices: choose one with --target hidraw:/dev/NAME: {more:?}"
        ))),
    }
}

fn fido_devices(class: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(class)? {
        let entry = entry?;
        let descriptor = fs::read(entry.path().join("device/report_descriptor")).unwrap_or_default();
        if descriptor.starts_with(&FIDO_USAGE) {
            found.push(entry.file_name().into());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
