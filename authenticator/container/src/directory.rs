//! The container's directory: who may read it, and that one process at a time has it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FlockOperation, accessat, flock};
use rustix::io::Errno;

use crate::error::{Error, StorageError};

const LOCK: &str = "container.lock";
const DATABASE: &str = "container.db";
/// Beside the database SQLite keeps these; `-shm` and `-journal` only if another version of it was there.
const DATABASE_FILES: [&str; 4] = ["container.db-wal", "container.db-shm", "container.db-journal", DATABASE];

/// A directory that this process has to itself. Dropping it gives the directory back.
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be and takes it.
    pub fn make(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .map_err(|error| StorageError::io(path, &error))?;
        Self::take(path)
    }

    /// Takes the directory of an existing container.
    pub fn enter(path: &Path) -> Result<Self, Error> {
        match fs::symlink_metadata(path.join(DATABASE)) {
            Ok(_) => Self::take(path),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(Error::Missing { path: path.to_owned() })
            }
            Err(error) => Err(StorageError::io(path, &error).into()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Makes an empty database file that only this user can read; what SQLite adds beside it gets the same mode.
    pub fn make_database(&self) -> Result<(), Error> {
        let path = self.database();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .and_then(|file| file.set_permissions(Permissions::from_mode(0o600)));
        Ok(file.map_err(|error| StorageError::io(path, &error))?)
    }

    /// Makes the directory's entries durable.
    pub fn sync(&self) -> Result<(), Error> {
        let synced = File::open(&self.path).and_then(|directory| directory.sync_all());
        Ok(synced.map_err(|error| StorageError::io(&self.path, &error))?)
    }

    /// Removes the database, its log first: without the log it is an older, whole database, never half a new one.
    pub fn remove_database(&self) -> Result<(), Error> {
        for name in DATABASE_FILES {
            remove(&self.path.join(name))?;
        }
        self.sync()
    }

    /// Removes the rest. The directory itself stays when somebody else keeps files in it.
    pub fn remove(self) -> Result<(), Error> {
        remove(&self.path.join(LOCK))?;
        // Whoever keeps a file here, as the software provider does, keeps the directory too.
        drop(fs::remove_dir(&self.path));
        Ok(())
    }

    fn take(path: &Path) -> Result<Self, Error> {
        let name = path.join(LOCK);
        writable(path, Access::WRITE_OK | Access::EXEC_OK)?;
        writable(&path.join(DATABASE), Access::READ_OK | Access::WRITE_OK)?;
        loop {
            let lock = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&name)
                .map_err(|error| StorageError::io(path, &error))?;
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(Error::InUse { path: path.to_owned() }),
                Err(error) => return Err(StorageError::io(path, &error.into()).into()),
            }
            // A destruction may have removed the file between our opening and our locking it.
            let ours = lock.metadata().map_err(|error| StorageError::io(path, &error))?;
            if fs::metadata(&name).is_ok_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev()) {
                return Ok(Self { path: path.to_owned(), _lock: lock });
            }
        }
    }
}

/// Asked before anything is touched: SQLite calls the same trouble an I/O error, or works on without its log.
fn writable(path: &Path, access: Access) -> Result<(), Error> {
    match accessat(CWD, path, access, AtFlags::EACCESS) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(StorageError::io(path, &error.into()).into()),
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StorageError::io(path, &error).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
