//! Every input that was kept still passes, in the ordinary build.
#![allow(clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_fuzz::TARGETS;

fn inputs(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder can be read").path()).collect()
}

#[test]
fn every_target_holds_on_its_corpus() {
    for target in TARGETS {
        let inputs = inputs(target.name);
        assert!(inputs.len() >= 5, "{} has no corpus", target.name);
        for input in inputs {
            println!("{}", input.display());
            (target.check)(&fs::read(&input).expect("an input can be read"));
        }
    }
}

#[test]
fn short_inputs_harm_nobody() {
    for target in TARGETS {
        for first in 0..=255 {
            (target.check)(&[first]);
            (target.check)(&[first, 0, 1, first]);
        }
        (target.check)(&[]);
    }
}
