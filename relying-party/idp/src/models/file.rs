//! A file that is read again when it changes.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::MetadataError;

/// More than a BLOB may have; see [`crate::mds`].
const LARGEST: u64 = 64 * 1024 * 1024 + 1;

/// A file and how it was when it was last looked at.
pub(super) struct Watched {
    path: PathBuf,
    seen: Option<Fingerprint>,
}

pub(super) enum Changed {
    No,
    To(String),
}

/// A file that was replaced has another inode, one that was written another time or length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint(u64, u64, i64, i64);

impl Watched {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// What the file holds now, if it is another one than before. One that cannot be used is reported once for each change.
    pub(super) fn read(&mut self) -> Result<Changed, MetadataError> {
        let failed = |source| MetadataError::File { path: self.path.clone(), source };
        let file = std::fs::File::open(&self.path).map_err(failed)?;
        let now = Fingerprint::of(&file.metadata().map_err(failed)?);
        if self.seen == Some(now) {
            return Ok(Changed::No);
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
        self.seen = Some(now);
        Ok(Changed::To(text))
    }
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
    }
}
