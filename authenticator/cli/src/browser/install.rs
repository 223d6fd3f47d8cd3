//! `latchkey browser install` and `uninstall`: the native-messaging manifests and the program that they name.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde_json::json;

use super::{EXTENSION_ID, HOST_NAME};
use crate::args::BrowserPlace;
use crate::failure::{Failure, FailureKind};
use crate::files;
use crate::output::Output;
use crate::paths::{DATA_VARIABLE, Paths, RUNTIME_VARIABLE, private_directory};

/// Where the browsers look below the configuration directory (Chromium's documentation of native messaging).
const BROWSERS: [&str; 2] = ["chromium", "google-chrome"];
const MANIFESTS: &str = "NativeMessagingHosts";

/// Writes the manifests and the program.
pub fn install(paths: &Paths, place: &BrowserPlace, output: &Output) -> Result<(), Failure> {
    private_directory(paths.data())?;
    let host = paths.browser_host();
    files::write(&host, &wrapper()?, 0o755)?;
    let manifest = serde_json::to_vec_pretty(&json!({
        "name": HOST_NAME,
        "description": "Latchkey passkeys",
        "path": host.to_str().ok_or_else(|| refused("the data directory's name is not UTF-8 text"))?,
        "type": "stdio",
        "allowed_origins": [format!("chrome-extension://{EXTENSION_ID}/")],
    }))
    .map_err(|error| refused(&error.to_string()))?;
    let manifests = manifest_files(place)?;
    for file in &manifests {
        files::write(file, &manifest, 0o644)?;
    }
    let text = format!(
        "Installed the browser connection for the extension {EXTENSION_ID}:\n  {}\n{}\nUndo: latchkey browser uninstall",
        host.display(),
        files::listed(&manifests)
    );
    output.told(&json!({ "installed": { "host": host, "manifests": manifests } }), &text);
    Ok(())
}

/// Removes the manifests, and the program if it is meant for the default places.
pub fn uninstall(paths: &Paths, place: &BrowserPlace, output: &Output) -> Result<(), Failure> {
    let mut written = manifest_files(place)?;
    if place.user_data_dir.is_none() {
        written.push(paths.browser_host());
    }
    let removed = files::remove(written)?;
    let text = files::removal(&removed);
    output.told(&json!({ "removed": removed }), &text);
    Ok(())
}

fn manifest_files(place: &BrowserPlace) -> Result<Vec<PathBuf>, Failure> {
    let file = |directory: PathBuf| directory.join(MANIFESTS).join(format!("{HOST_NAME}.json"));
    if let Some(directory) = &place.user_data_dir {
        return Ok(vec![file(directory.clone())]);
    }
    let configuration = files::configuration().ok_or_else(|| {
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

fn refused(text: &str) -> Failure {
    Failure::new(FailureKind::Refused, text)
}

#[cfg(test)]
mod tests;
