//! A secret that lasts until the machine restarts: a file on a tmpfs.
//!
//! The kernel's boot id would be simpler, but it is no secret: every program reads it, and the journal on the disk keeps
//! it. A tmpfs may be swapped out, so a machine whose swap is not encrypted can leave traces of the secret there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use latchkey_container::StorageError;
use latchkey_container::secret::Secret32;
use latchkey_container::tpm::TpmError;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` (`statfs(2)`).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58F6];

/// The secret of the provider that is called `name`, made when it is not there; `None` when `dir` outlives a restart.
pub fn secret(dir: &Path, name: &[u8], rng: &mut dyn CryptoRng) -> Result<Option<Secret32>, TpmError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| failed(dir, &error))?;
    let kind = rustix::fs::statfs(dir).map_err(|error| failed(dir, &error.into()))?.f_type;
    if !u64::try_from(kind).is_ok_and(|kind| IN_MEMORY.contains(&kind)) {
        return Ok(None);
    }
    // Each provider has its own: containers of one user do not share what dies.
    let short = u64::from_be_bytes(*name.first_chunk().unwrap_or(&[0; 8]));
    let path = dir.join(format!("software-tpm-{short:016x}.boot"));
    match read(&path).map_err(|error| failed(&path, &error))? {
        Some(secret) => Ok(Some(secret)),
        None => create(&path, rng).map(Some).map_err(|error| failed(&path, &error)),
    }
}

/// A file of another length is worth as much as none: what it opened opens no more.
fn read(path: &Path) -> io::Result<Option<Secret32>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    match File::open(path) {
        Ok(file) => file.take(33).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(<&[u8; 32]>::try_from(bytes.as_slice()).ok().map(|secret| Secret32::new(*secret)))
}

fn create(path: &Path, rng: &mut dyn CryptoRng) -> io::Result<Secret32> {
    let secret = Secret32::random(rng);
    let new = path.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?
        .write_all(secret.expose())?;
    std::fs::rename(&new, path)?;
    Ok(secret)
}

fn failed(path: &Path, error: &io::Error) -> TpmError {
    StorageError::io(path, error).into()
}
