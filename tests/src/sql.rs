//! A look into the provider's database from outside, on either kind.

use std::path::Path;
use std::process::Command;

use crate::postgres;

/// Prints the one value that a statement on an `SQLite` file finds, if it finds one.
const SQLITE: &str = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); \
                      found = db.execute(sys.argv[2]).fetchone(); db.commit(); print(found[0] if found else '')";

/// The number that a SELECT finds.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
pub fn number(database: &str, select: &str) -> i64 {
    let said = text(database, select);
    said.parse().unwrap_or_else(|_| panic!("{select}: {said}"))
}

/// Changes what the provider has kept, as time or somebody with its database would.
///
/// # Panics
/// When the database cannot be written.
pub fn change(database: &str, statement: &str) {
    let _nothing = text(database, statement);
}

/// The text that a SELECT finds.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
pub fn text(database: &str, select: &str) -> String {
    let mut command = match database.strip_prefix("sqlite:") {
        Some(path) => {
            let mut python = Command::new("python3");
            python.args(["-c", SQLITE, path, select]);
            python
        }
        None => postgres::client("psql", &["-tA", "-d", database, "-c", select]),
    };
    let output = command.output().expect("the client of the database starts");
    assert!(output.status.success(), "{select}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The bytes of which a SELECT gives the hexadecimal digits, in an `SQLite` file.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
pub fn bytes(database: &Path, select: &str) -> Vec<u8> {
    let output = Command::new("python3").args(["-c", SQLITE]).arg(database).arg(select).output();
    let output = output.expect("python3 is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    let digits = said.trim();
    assert!(!digits.is_empty(), "{select}: {}", String::from_utf8_lossy(&output.stderr));
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Everything that the database keeps, as bytes; with a text there is also what it is in hexadecimal.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
pub fn everything(database: &str) -> Vec<u8> {
    if let Some(path) = database.strip_prefix("sqlite:") {
        let files = ["", "-wal", "-shm"].map(|end| std::fs::read(format!("{path}{end}")).unwrap_or_default());
        return files.concat();
    }
    let output =
        postgres::client("pg_dump", &["--data-only", "-d", database]).output().expect("pg_dump starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
