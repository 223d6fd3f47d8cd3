//! `latchkey browser install` and `uninstall`: the native-messaging manifests and the program that they name.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{EXTENSION_ID, HOST_NAME};
use crate::args::BrowserPlace;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::paths::{DATA_VARIABLE, Paths, RUNTIME_VARIABLE, private_directory};

/// Where the browsers look below the configuration directory (Chromium's documentation of native messaging).
const BROWSERS: [&str; 2] = ["chromium", "google-chrome"];
const MANIFESTS: &str = "NativeMessagingHosts";

/// Writes the manifests and the program.
pub fn install(paths: &Paths, place: &BrowserPlace, output: &Output) -> Result<(), Failure> {
    private_directory(paths.data())?;
    let host = paths.browser_host();
    write(&host, &wrapper()?, 0o755)?;
    let manifest = serde_json::to_vec_pretty(&json!({
        "name": HOST_NAME,
        "description": "Latchkey passkeys",
        "path": host.to_str().ok_or_else(|| refused("the data directory's name is not UTF-8 text"))?,
        "type": "stdio",
        "allowed_origins": [format!("chrome-extension://{EXTENSION_ID}/")],
    }))
    .map_err(|error| refused(&error.to_string()))?;
    let files = manifest_files(place)?;
    for file in &files {
        let trouble =
            |error: std::io::Error| Failure::io(format!("{} cannot be written", file.display()), &error);
        fs::create_dir_all(file.parent().unwrap_or(file)).map_err(trouble)?;
        write(file, &manifest, 0o644)?;
    }
    let text = format!(
        "Installed the browser connection for the extension {EXTENSION_ID}:\n  {}\n{}\nUndo: latchkey browser uninstall",
        host.display(),
        listed(&files)
    );
    output.told(&json!({ "installed": { "host": host, "manifests": files } }), &text);
    Ok(())
}

/// Removes the manifests, and the program if it is meant for the default places.
pub fn uninstall(paths: &Paths, place: &BrowserPlace, output: &Output) -> Result<(), Failure> {
    let mut files = manifest_files(place)?;
    if place.user_data_dir.is_none() {
        files.push(paths.browser_host());
    }
    let mut removed = Vec::new();
    for file in files {
        match fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::io(format!("{} cannot be removed", file.display()), &error)),
        }
    }
    let text = if removed.is_empty() {
        "There was nothing to remove.".into()
    } else {
        format!("Removed:\n{}", listed(&removed))
    };
    output.told(&json!({ "removed": removed }), &text);
    Ok(())
}

fn manifest_files(place: &BrowserPlace) -> Result<Vec<PathBuf>, Failure> {
    let file = |directory: PathBuf| directory.join(MANIFESTS).join(format!("{HOST_NAME}.json"));
    if let Some(directory) = &place.user_data_dir {
        return Ok(vec![file(directory.clone())]);
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let configuration = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .ok_or_else(|| {
            Failure::new(FailureKind::Usage, "set HOME to an absolute path, or give --user-data-dir")
        })?;
    Ok(BROWSERS.iter().map(|browser| file(configuration.join(browser))).collect())
}

/// A manifest can carry no arguments and no environment, so it names this script.
fn wrapper() -> Result<Vec<u8>, Failure> {
    let program = env::current_exe().map_err(|error| Failure::io("the path of this program", &error))?;
    let variables: Vec<_> = [DATA_VARIABLE, RUNTIME_VARIABLE]
        .into_iter()
        .filter_map(|name| env::var_os(name).map(|value| (name, value)))
        .collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
    Ok(wrapper_text(program.as_os_str(), &variables))
}

fn wrapper_text(program: &OsStr, variables: &[(&str, &OsStr)]) -> Vec<u8> {
    let mut text = b"#!/bin/sh\n# Written by `latchkey browser install`; the browser starts it.\n".to_vec();
    for (name, value) in variables {
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(&quoted(value));
        text.extend_from_slice(b"\nexport ");
        text.extend_from_slice(name.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"exec ");
    text.extend_from_slice(&quoted(program));
    text.extend_from_slice(b" browser host \"$@\"\n");
    text
}

/// As one word of the shell: in single quotes, with each quote inside taken out of them.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// Replaces the file in one step, so that a browser never starts half of it.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let trouble =
        |error: std::io::Error| Failure::io(format!("{} cannot be written", path.display()), &error);
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

fn listed(files: &[PathBuf]) -> String {
    let lines: Vec<String> = files.iter().map(|file| format!("  {}", file.display())).collect();
    lines.join("\n")
}

fn refused(text: &str) -> Failure {
    Failure::new(FailureKind::Refused, text)
}

#[cfg(test)]
mod tests;
