//! The user's own file of templates. It never leaves the machine: its folder is marked so that backups skip it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use latchkey_container::Biometric;
use latchkey_container::secret::AuthValue;
use rand_core::Rng;
use zeroize::Zeroizing;

use super::Template;
use crate::clock;
use crate::failure::{Failure, FailureKind};
use crate::paths::private_directory;

/// What marks a folder whose content a backup need not keep (Cache Directory Tagging Specification).
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                         # Biometric templates of this machine: of no use elsewhere, and not to be copied.\n";
/// Larger than any that this program writes.
const LARGEST: u64 = 1024 * 1024;
/// One secret for each gesture.
const SECRETS: usize = 32 * Biometric::ALL.len();

/// The folder, and what its file says.
#[derive(Debug)]
pub struct TemplateFile {
    folder: PathBuf,
    templates: Vec<Template>,
}

impl TemplateFile {
    /// Reads the templates in `folder`; there are none when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("templates.json");
        let templates = match read(&path)? {
            None => Vec::new(),
            Some(text) => serde_json::from_slice(&text).map_err(|error| {
                let text = format!(
                    "{} is damaged ({error}): remove it, and enrol again (`latchkey biometric enrol`)",
                    path.display()
                );
                Failure::new(FailureKind::Storage, text)
            })?,
        };
        Ok(Self { folder: folder.to_owned(), templates })
    }

    /// All templates.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Adds a template, or puts it in the place of the one with its id.
    pub fn put(&mut self, template: Template) -> Result<(), Failure> {
        let mut next = self.templates.clone();
        next.retain(|known| known.id != template.id);
        next.push(template);
        self.write(next)
    }

    /// Removes a template.
    pub fn remove(&mut self, id: &str) -> Result<(), Failure> {
        let mut next = self.templates.clone();
        next.retain(|known| known.id != id);
        self.write(next)
    }

    fn write(&mut self, next: Vec<Template>) -> Result<(), Failure> {
        private_directory(&self.folder)?;
        replace(&self.folder, "CACHEDIR.TAG", CACHE_TAG.as_bytes())?;
        let text = serde_json::to_vec_pretty(&next)
            .map_err(|error| Failure::new(FailureKind::Storage, format!("the templates: {error}")))?;
        replace(&self.folder, "templates.json", &text)?;
        self.templates = next;
        Ok(())
    }

    /// The service's secrets of persistent protectors, made when they are not there. They lie beside the templates, so
    /// whoever has this user's files and this TPM opens the container: policy must ask for it.
    pub fn kept_secrets(&self) -> Result<[AuthValue; Biometric::ALL.len()], Failure> {
        let path = self.folder.join("secrets");
        if let Some(bytes) = read(&path)?
            && let Some(secrets) = split(&bytes)
        {
            return Ok(secrets);
        }
        private_directory(&self.folder)?;
        let mut bytes = Zeroizing::new([0; SECRETS]);
        clock::rng().fill_bytes(&mut *bytes);
        replace(&self.folder, "secrets", &*bytes)?;
        split(&*bytes).ok_or_else(|| Failure::new(FailureKind::Storage, "the secrets have another length"))
    }
}

fn split(bytes: &[u8]) -> Option<[AuthValue; Biometric::ALL.len()]> {
    let (first, second) = bytes.split_first_chunk::<32>()?;
    Some([AuthValue::new(*first), AuthValue::new(*second.first_chunk::<32>()?)])
}

/// The whole file, `None` when it is not there.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let trouble = |error: &std::io::Error| Failure::io(format!("{} cannot be read", path.display()), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(&error)),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| trouble(&error))?;
    Ok(Some(bytes))
}

/// Replaces a file as a whole: a crash leaves the old one or the new one.
fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| Failure::io(format!("{} cannot be written", path.display()), &error))
}
