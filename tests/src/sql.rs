//! A look into the provider's database from outside, on either kind.

use std::process::Command;

use crate::postgres;

/// The number that a SELECT finds.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
pub fn number(database: &str, select: &str) -> i64 {
    let said = text(database, select);
    said.parse().unwrap_or_else(|_| panic!("{select}: {said}"))
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
            let program =
                "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
            python.args(["-c", program, path, select]);
            python
        }
        None => postgres::client("psql", &["-tA", "-d", database, "-c", select]),
    };
    let output = command.output().expect("the client of the database starts");
    assert!(output.status.success(), "{select}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
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
