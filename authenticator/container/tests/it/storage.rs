//! Directories that cannot be written, and records that were tampered with.

use std::os::unix::fs::PermissionsExt;

use latchkey_container::{Container, Error, StorageProblem};

use crate::rig::{Home, NOW, OPTIONS, hash, new_passkey, pin, rng};

/// Runs as a user to whom file modes apply: the superuser would pass them by.
fn as_somebody(home: &Home, work: impl FnOnce() + Send) {
    if !rustix::process::geteuid().is_root() {
        return work();
    }
    let nobody = 65534;
    for path in [home.container_dir().parent().unwrap().to_owned(), home.container_dir()] {
        own(&path, nobody);
    }
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                // Only this thread changes, so the other tests stay who they are.
                rustix::thread::set_thread_gid(rustix::fs::Gid::from_raw(nobody)).unwrap();
                rustix::thread::set_thread_uid(rustix::fs::Uid::from_raw(nobody)).unwrap();
                work();
            })
            .join()
            .unwrap();
    });
}

fn own(path: &std::path::Path, user: u32) {
    std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), user);
        }
    }
}

fn set_mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_read_only(error: Option<Error>, home: &Home) {
    let Some(Error::Storage(error)) = error else { panic!("{error:?}") };
    assert_eq!(error.problem, StorageProblem::ReadOnly);
    let text = error.to_string();
    assert!(text.contains(home.container_dir().to_str().unwrap()) && text.contains("writable"), "{text}");
}

#[test]
fn a_read_only_directory_is_named_with_the_remedy_and_left_alone() {
    let home = Home::new();
    home.create().set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let before = home.bytes();
    as_somebody(&home, || {
        let dir = home.container_dir();
        for entry in std::fs::read_dir(&dir).unwrap() {
            set_mode(&entry.unwrap().path(), 0o400);
        }
        set_mode(&dir, 0o500);
        assert_read_only(home.try_open().err(), &home);
        // The files can be written, and what SQLite keeps beside them cannot.
        for entry in std::fs::read_dir(&dir).unwrap() {
            set_mode(&entry.unwrap().path(), 0o600);
        }
        assert_read_only(home.try_open().err(), &home);
        // The lock can be had, and the database is read-only.
        set_mode(&dir, 0o700);
        set_mode(&dir.join("container.db"), 0o400);
        assert_read_only(home.try_open().err(), &home);
        set_mode(&dir.join("container.db"), 0o600);
        home.open().unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    });
    assert_eq!(home.bytes().len(), before.len());
}

#[test]
fn creating_where_nothing_can_be_written() {
    let home = Home::new();
    std::fs::create_dir(home.container_dir()).unwrap();
    drop(home.device());
    as_somebody(&home, || {
        let inside = home.container_dir().join("inside");
        set_mode(&home.container_dir(), 0o500);
        let refused = Container::create(&inside, home.device(), &OPTIONS, NOW, &mut rng());
        assert_read_only(refused.err(), &home);
        set_mode(&home.container_dir(), 0o700);
        Container::create(&inside, home.device(), &OPTIONS, NOW, &mut rng()).unwrap();
    });
}

/// The software provider keeps files too, and what ails them is told like what ails the container's own.
#[test]
fn a_full_disk_under_the_software_provider_is_called_full() {
    let home = Home::new();
    let mut container = home.create();
    let state = home.container_dir().with_file_name("tpm");
    std::os::unix::fs::symlink("/dev/full", state.join("software-tpm.new")).unwrap();
    let Some(Error::Storage(error)) = container.set_pin(&pin("123456"), NOW, &mut rng()).err() else {
        panic!("set on a full disk");
    };
    assert_eq!(error.problem, StorageProblem::Full);
    assert!(error.to_string().contains(state.to_str().unwrap()), "{error}");
    std::fs::remove_file(state.join("software-tpm.new")).unwrap();
    container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
}

#[test]
fn a_file_where_the_directory_should_be() {
    let home = Home::new();
    std::fs::write(home.container_dir(), b"").unwrap();
    assert!(matches!(home.try_open().err(), Some(Error::Missing { .. })));
    assert!(matches!(home.try_create().err(), Some(Error::Storage(_))));
}

#[test]
fn a_database_that_is_none() {
    let home = Home::new();
    drop(home.create());
    std::fs::write(home.container_dir().join("container.db"), [0x55; 8192]).unwrap();
    let Some(Error::Storage(error)) = home.try_open().err() else { panic!("opened garbage") };
    assert_eq!(error.problem, StorageProblem::Damaged);
}

#[test]
fn a_record_moved_to_another_site_or_row_is_refused() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let a = container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap().id;
    let b = container.register(&unlocked, new_passkey("b.example", b"1"), NOW, &mut rng()).unwrap().id;
    drop(container);
    let tamper = |sql: &str| {
        let database = rusqlite::Connection::open(home.container_dir().join("container.db")).unwrap();
        database.execute_batch(sql).unwrap();
    };
    // Filed under another site: found there, and refused.
    tamper(
        "UPDATE user_keys SET scope_tag = (SELECT scope_tag FROM user_keys WHERE sequence = 2) WHERE sequence = 1",
    );
    let mut container = home.open();
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    let damaged = |what| Some(Error::Damaged { what });
    assert_eq!(container.passkeys_for(&unlocked, "b.example").err(), damaged("index of passkeys"));
    assert!(container.passkey(&unlocked, &a).is_ok());
    drop(container);
    // The record of another row: it does not open.
    tamper(
        "UPDATE user_keys SET sealed = (SELECT sealed FROM user_keys WHERE sequence = 1) WHERE sequence = 2",
    );
    let mut container = home.open();
    let unlocked = container.unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    assert_eq!(container.passkey(&unlocked, &b).err(), damaged("passkey record"));
}
