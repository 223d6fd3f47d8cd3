//! The rules of the tree: who may depend on whom, how long a file may be, what stands at the top level.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_tests::programs::checkout;
use serde_json::Value;

/// Every edge that is allowed between our crates, in what ships. It points downward only.
const EDGES: [(&str, &[&str]); 15] = [
    ("latchkey-protocol", &[]),
    ("latchkey-transports", &[]),
    ("latchkey-container", &[]),
    ("latchkey-tpm", &["latchkey-container"]),
    ("latchkey-ctap", &["latchkey-protocol", "latchkey-container"]),
    (
        "latchkey-runtime",
        &["latchkey-protocol", "latchkey-container", "latchkey-ctap", "latchkey-transports"],
    ),
    ("latchkey-client", &["latchkey-protocol"]),
    ("latchkey-enterprise", &["latchkey-container"]),
    (
        "latchkey-cli",
        &[
            "latchkey-protocol",
            "latchkey-transports",
            "latchkey-container",
            "latchkey-tpm",
            "latchkey-ctap",
            "latchkey-runtime",
            "latchkey-client",
            "latchkey-enterprise",
        ],
    ),
    // For test suites; nothing that ships depends on either.
    (
        "latchkey-simulator",
        &["latchkey-container", "latchkey-tpm", "latchkey-ctap", "latchkey-runtime", "latchkey-transports"],
    ),
    (
        "latchkey-fuzz",
        &[
            "latchkey-protocol",
            "latchkey-transports",
            "latchkey-container",
            "latchkey-tpm",
            "latchkey-ctap",
            "latchkey-client",
        ],
    ),
    ("latchkey-site", &[]),
    ("latchkey-idp", &[]),
    ("latchkey-conformance", &[]),
    ("latchkey-tests", &[]),
];

/// What a crate must not know, as crates it must not depend on (`architecture.md`, "must not know").
const STRANGERS: [(&str, &[&str]); 9] = [
    ("latchkey-protocol", &["p256", "sha2", "hmac", "aws-lc-rs", "rusqlite", "tokio", "rand_core"]),
    ("latchkey-container", &["coset", "tokio", "axum", "tss-esapi", "aws-lc-rs"]),
    ("latchkey-tpm", &["rusqlite", "argon2", "coset", "tokio"]),
    ("latchkey-ctap", &["tss-esapi", "aws-lc-rs", "serde_json", "rusqlite", "tokio"]),
    ("latchkey-transports", &["ciborium", "coset", "p256", "rusqlite"]),
    ("latchkey-client", &["tokio", "rusqlite", "tss-esapi"]),
    ("latchkey-enterprise", &["tss-esapi", "latchkey-ctap", "latchkey-transports"]),
    ("latchkey-site", &["p256", "aws-lc-rs", "tss-esapi"]),
    ("latchkey-idp", &["tss-esapi", "rusqlite", "coset"]),
];

/// Everything that may stand at the top level; tool files are dot-files.
const TOP_LEVEL: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "authenticator",
    "conformance",
    "relying-party",
    "run",
    "tests",
    "web",
];

/// The most lines that a source file may have.
const LONGEST: usize = 400;

#[test]
fn crates_depend_downward_only() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
    for (name, dependencies) in shipped_dependencies() {
        let allowed =
            allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the list of edges"));
        for dependency in dependencies.iter().filter(|other| other.starts_with("latchkey-")) {
            assert!(allowed.contains(dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn crates_do_not_know_what_they_must_not_know() {
    let dependencies = shipped_dependencies();
    for (name, strangers) in STRANGERS {
        let known = dependencies.get(name).unwrap_or_else(|| panic!("{name} is gone"));
        for stranger in strangers {
            assert!(!known.contains(*stranger), "{name} must not know {stranger}");
        }
    }
}

#[test]
fn only_the_tpm_crate_links_the_tpm_library() {
    let users: Vec<String> = shipped_dependencies()
        .into_iter()
        .filter(|(_, dependencies)| dependencies.contains("tss-esapi"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(users, ["latchkey-tpm"]);
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let long: Vec<String> = tracked()
        .into_iter()
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            matches!(extension, "rs" | "js" | "sh" | "html" | "css" | "py")
        })
        .map(|path| (fs::read_to_string(checkout().join(&path)).unwrap_or_default().lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "each of these files holds two things: {long:?}");
}

#[test]
fn the_top_level_shows_the_project() {
    let entries: BTreeSet<String> = tracked()
        .iter()
        .filter_map(|path| path.components().next())
        .map(|first| first.as_os_str().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    let strangers: Vec<&String> = entries.iter().filter(|name| !TOP_LEVEL.contains(&name.as_str())).collect();
    assert!(strangers.is_empty(), "the top level is fixed; these do not belong there: {strangers:?}");
}

/// Our crates and what each needs to be built, without what only its tests need.
fn shipped_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(checkout())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("the workspace has packages");
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("a package lists its dependencies");
    all.iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name is text").to_owned()
}

/// The files of the checkout that git tracks or would track.
fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(checkout())
        .output()
        .expect("git runs");
    let listing = String::from_utf8(output.stdout).expect("our file names are UTF-8");
    assert!(!listing.is_empty(), "git lists the files of a checkout");
    listing
        .lines()
        .map(Path::new)
        .filter(|path| checkout().join(path).is_file())
        .map(Path::to_owned)
        .collect()
}
