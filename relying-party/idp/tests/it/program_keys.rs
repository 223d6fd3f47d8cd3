//! The program's keys: made in a file, printed by a program, moved; and the audit log that it checks.

use std::path::Path;
use std::sync::Arc;

use latchkey_idp::audit_chain::Event;
use latchkey_idp::clock::{Clock, UnixTime};
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use latchkey_idp::storage::Database;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sqlx::Connection as _;

use crate::program::{program, text};

/// Runs the program: whether it succeeded, and all that it said.
fn run(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = program(directory).args(arguments).output().unwrap();
    (output.status.success(), text(&output))
}

const INIT: [&str; 5] = ["init", "--tenant", "Example", "--domain", "example.org"];

#[test]
fn a_program_may_hold_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (ok, key) = run(path, &["keys", "new"]);
    assert!(ok && key.trim().len() == 44, "{key}");
    std::fs::write(path.join("held"), &key).unwrap();
    let hook = ["--key-command", "cat held"];
    let (ok, said) = run(path, &[&hook[..], &INIT[..]].concat());
    assert!(ok, "{said}");
    assert!(!path.join("latchkey-idp.key").exists(), "no file is made beside it");
    assert!(!said.contains(key.trim()));
    assert!(run(path, &[&hook[..], &["rotate-keys"]].concat()).0);

    // Another key does not open what is there, and nothing that a hook prints is shown.
    let other = run(path, &["keys", "new"]).1;
    std::fs::write(path.join("held"), &other).unwrap();
    let (ok, said) = run(path, &[&hook[..], &["rotate-keys"]].concat());
    assert!(!ok && said.contains("sealed under a key that is not there"), "{said}");
    for (command, why) in [
        ("false", "run it by hand"),
        ("echo my-secret-output", "must print one key a line"),
        ("no-such-program-here", "cannot be run"),
        ("head -c 100000 /dev/zero", "more than keys"),
        (" ", "names no program"),
    ] {
        let (ok, said) = run(path, &["--key-command", command, "rotate-keys"]);
        assert!(!ok && said.contains(why) && !said.contains("my-secret"), "{command}: {said}");
    }
    let (ok, said) = run(path, &["--key-command", "cat held", "--key-file", "x", "rotate-keys"]);
    assert!(!ok && said.contains("only one of"), "{said}");
}

#[test]
fn keys_move_from_place_to_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert!(run(path, &INIT).0);
    let (ok, said) = run(path, &["--key-file", "new.key", "keys", "reseal"]);
    assert!(!ok && said.contains("not there"), "the old key is needed: {said}");
    let moved = ["--key-file", "new.key", "keys", "reseal", "--from-file", "latchkey-idp.key"];
    let (ok, said) = run(path, &moved);
    assert!(ok && said.contains("Sealed again: 6; already under this key: 0."), "{said}");
    std::fs::remove_file(path.join("latchkey-idp.key")).unwrap();
    assert!(run(path, &["--key-file", "new.key", "rotate-keys"]).0);
    let (ok, said) = run(path, &["keys", "reseal", "--from-file", "gone"]);
    assert!(!ok && said.contains("there is no key file gone"), "{said}");
    assert!(!path.join("latchkey-idp.key").exists(), "nothing is made for a reseal that cannot be");
}

/// Three entries of the audit log, written by a provider on the program's files.
async fn three_entries(path: &Path) {
    let database =
        Database::open(&format!("sqlite:{}", path.join("latchkey-idp.db").display())).await.unwrap();
    let sealing = Arc::new(SealingKeys::load(&path.join("latchkey-idp.key")).unwrap());
    let passwords = Pool::start(&PoolOptions::for_cores(std::num::NonZeroUsize::MIN)).unwrap();
    let settings = Settings::new("http://localhost:8090", None, &[]).unwrap();
    let now = UnixTime::from_seconds(1_750_000_000);
    let rng = Box::new(ChaCha20Rng::seed_from_u64(1));
    let provider =
        Provider::open(settings, database, (sealing, passwords), Clock::new(move || now), rng).await.unwrap();
    for target in ["one", "two\u{1b}[2J", "three"] {
        let event = Event {
            at: now,
            tenant: None,
            actor: "operator".to_owned(),
            action: "test.done".to_owned(),
            target: target.to_owned(),
            detail: [("why".to_owned(), "because".to_owned())].into(),
        };
        provider.audit(&event).await.unwrap();
    }
    provider.close().await;
}

async fn change(path: &Path, sql: &'static str) {
    let url = format!("sqlite:{}", path.join("latchkey-idp.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_audit_log_is_checked_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert!(run(path, &INIT).0);
    let before = run(path, &["audit", "verify"]).1;
    three_entries(path).await;
    let (ok, said) = run(path, &["audit", "verify"]);
    assert!(ok && said.contains("The audit log is whole"), "{said}");
    let head = |said: &str| said.lines().find_map(|line| line.strip_prefix("Head: ")).unwrap().to_owned();
    let (old, kept) = (head(&before), head(&said));
    for head in [&old, &kept] {
        assert!(run(path, &["audit", "verify", "--head", head]).0, "an earlier head is still in it");
    }
    let (ok, said) = run(path, &["audit", "verify", "--head", "3:nonsense"]);
    assert!(!ok && said.contains("copy the whole line"), "{said}");

    let (ok, shown) = run(path, &["audit", "show", "--most", "3"]);
    let lines: Vec<_> = shown.lines().collect();
    assert!(ok && lines.len() == 3 && lines[0].contains("test.done  one  why=because"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "a name does not steer the terminal");
    let json = run(path, &["audit", "show", "--most", "1", "--json"]).1;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["event"]["target"], "three");

    // The newest entry gone: only a head that was kept elsewhere tells.
    change(path, "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)").await;
    assert!(run(path, &["audit", "verify"]).0);
    let (ok, said) = run(path, &["audit", "verify", "--head", &kept]);
    assert!(!ok && said.contains("it is missing"), "{said}");
    change(path, "UPDATE audit SET record = replace(record, 'one', 'eno')").await;
    let (ok, said) = run(path, &["audit", "verify"]);
    assert!(!ok && said.contains("it was changed"), "{said}");
}

#[test]
fn a_command_does_not_hang_on_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    // `cat` without arguments reads its standard input, which is empty.
    let output = program(directory.path()).args(["--key-command", "cat", "rotate-keys"]).output().unwrap();
    assert!(text(&output).contains("must print one key a line"), "{}", text(&output));
}
