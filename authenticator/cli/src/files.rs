//! Files that commands write for other programs.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Where programs of this user are configured (XDG Base Directory Specification).
pub fn configuration() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
}

/// Writes the file in one step, so that nobody reads half of it; makes its folder.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let trouble =
        |error: std::io::Error| Failure::io(format!("{} cannot be written", path.display()), &error);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(trouble)?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(trouble(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        fs::File::options().write(true).create_new(true).mode(mode).open(&fresh).map_err(trouble)?;
    file.write_all(content).map_err(trouble)?;
    drop(file);
    fs::rename(&fresh, path).map_err(trouble)
}

/// Removes those of the files that are there, and says which.
pub fn remove(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let mut removed = Vec::new();
    for file in files {
        match fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::io(format!("{} cannot be removed", file.display()), &error)),
        }
    }
    Ok(removed)
}

/// What was removed, in words.
pub fn removal(removed: &[PathBuf]) -> String {
    if removed.is_empty() {
        "There was nothing to remove.".into()
    } else {
        format!("Removed:\n{}", listed(removed))
    }
}

/// One line each.
pub fn listed(files: &[PathBuf]) -> String {
    let lines: Vec<String> = files.iter().map(|file| format!("  {}", file.display())).collect();
    lines.join("\n")
}
