//! The database on a full disk, of a newer version, and torn.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{
    AbandonedSlot, Identity, Opened, PinProtector, RecordTags, SealedAdmin, Store, StoredIdentity, newest,
};
use crate::access::PasskeyClass;
use crate::error::{Error, StorageProblem};
use crate::stretch::StretchCost;
use crate::time::UnixTime;
use crate::tpm::{AdminKeyBlob, PinSlot, SealedBlob};

const VERIFIED: PasskeyClass = PasskeyClass::Verified;

fn identity() -> StoredIdentity {
    StoredIdentity {
        identity: Identity {
            id: [7; 16],
            created: UnixTime(u64::from(u32::MAX) + 1),
            stretch: StretchCost { memory_kib: 64, passes: 1 },
        },
        storage_root_name: vec![1; 34],
        lookup_key: SealedBlob(vec![2; 100]),
        presence_key: None,
        generation: 0,
        destroying: false,
    }
}

fn store() -> (TempDir, PathBuf, Store) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("container.db");
    std::fs::File::create(&path).unwrap();
    let store = Store::create(&path, &identity()).unwrap();
    (dir, path, store)
}

fn tags(n: u8) -> RecordTags {
    RecordTags { id: [n; 32], scope: [1; 32], account: [n; 32] }
}

fn reopen(path: &std::path::Path) -> Store {
    match Store::open(path).unwrap() {
        Opened::Container(store) => store,
        Opened::Unborn => panic!("the container is gone"),
    }
}

#[test]
fn identity_comes_back() {
    let (_dir, path, store) = store();
    drop(store);
    let stored = reopen(&path).identity().unwrap();
    assert_eq!(stored.identity.id, [7; 16]);
    assert_eq!(stored.identity.created, UnixTime(u64::from(u32::MAX) + 1));
    assert_eq!(stored.storage_root_name, vec![1; 34]);
    assert!(!stored.destroying);
}

#[test]
fn an_empty_file_is_unborn_and_a_later_format_is_refused() {
    let (_dir, path, store) = store();
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    assert_eq!(Store::open(&path).err(), Some(Error::TooNew { found: 99, known: newest() }));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(Store::open(&path), Ok(Opened::Unborn)));
}

#[test]
fn a_file_that_is_no_database_is_called_damaged() {
    let (_dir, path, store) = store();
    drop(store);
    std::fs::write(&path, [0x55; 8192]).unwrap();
    let Err(Error::Storage(error)) = Store::open(&path) else { panic!("opened garbage") };
    assert_eq!((error.problem, error.path), (StorageProblem::Damaged, path));
}

#[test]
fn a_full_disk_changes_nothing_and_the_store_goes_on_afterwards() {
    let (_dir, path, mut store) = store();
    store.insert(&tags(1), VERIFIED, true, 64, &[1; 500], None).unwrap();
    let pages: u32 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();

    // Replacing needs more room than there is: the old passkey must stand.
    let same_account = RecordTags { id: [2; 32], ..tags(1) };
    let error = store.insert(&same_account, VERIFIED, true, 64, &vec![2; 50_000], None).unwrap_err();
    assert_eq!(error.problem, StorageProblem::Full);
    assert!(error.to_string().contains("free some space"), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(store.knows(&[1; 32], &[1; 32]).unwrap());
    assert!(!store.knows(&[2; 32], &[1; 32]).unwrap());

    store.connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    store.settle().unwrap();
    store.insert(&same_account, VERIFIED, true, 64, &vec![2; 50_000], None).unwrap();
    drop(store);
    let store = reopen(&path);
    assert!(!store.knows(&[1; 32], &[1; 32]).unwrap());
    assert!(store.knows(&[2; 32], &[1; 32]).unwrap());
}

#[test]
fn switching_the_pin_names_exactly_the_index_to_clear() {
    let (_dir, _path, mut store) = store();
    let protector = |slot| PinProtector {
        slot,
        salt: [slot_number(slot); 32],
        sealed: SealedBlob(vec![1]),
        admin: SealedAdmin { key: AdminKeyBlob(vec![1]), auth: vec![2] },
        since: None,
        record: None,
    };
    let abandoned = |slot| AbandonedSlot { slot, admin: AdminKeyBlob(vec![1]) };
    let (a, b) = (abandoned(PinSlot::A), abandoned(PinSlot::B));
    store.abandon_slot(a.index()).unwrap();
    assert_eq!(store.abandoned_slots().unwrap(), [abandoned(PinSlot::A)]);
    store.switch_pin(&protector(PinSlot::A), 1).unwrap();
    assert_eq!(store.abandoned_slots().unwrap(), []);
    store.abandon_slot(b.index()).unwrap();
    store.switch_pin(&protector(PinSlot::B), 2).unwrap();
    assert_eq!(store.abandoned_slots().unwrap(), [abandoned(PinSlot::A)]);
    assert_eq!(store.pin().unwrap().map(|pin| (pin.slot, pin.salt)), Some((PinSlot::B, [1; 32])));
    store.clear(3).unwrap();
    assert_eq!(store.abandoned_slots().unwrap(), [abandoned(PinSlot::A), abandoned(PinSlot::B)]);
    assert!(store.pin().unwrap().is_none());
    // The same slot under another key is another index.
    let other = AbandonedSlot { slot: PinSlot::A, admin: AdminKeyBlob(vec![9]) };
    store.forget_slot(other.index()).unwrap();
    store.forget_slot(b.index()).unwrap();
    assert_eq!(store.abandoned_slots().unwrap(), [abandoned(PinSlot::A)]);
}

#[test]
fn the_first_format_is_brought_to_the_newest() {
    let (_dir, path, store) = store();
    drop(store);
    std::fs::write(&path, b"").unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(super::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO container VALUES (1, zeroblob(16), 0, x'01', x'02', 64, 1, 3, x'0A', x'0B', 0);
         INSERT INTO protectors (kind, slot, salt, sealed) VALUES ('pin', 1, zeroblob(32), x'03');
         INSERT INTO abandoned_slots VALUES (0);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let store = reopen(&path);
    let pin = store.pin().unwrap().unwrap();
    assert_eq!((pin.slot, pin.admin.key), (PinSlot::B, AdminKeyBlob(vec![0x0A])));
    let left = [AbandonedSlot { slot: PinSlot::A, admin: AdminKeyBlob(vec![0x0A]) }];
    assert_eq!(store.abandoned_slots().unwrap(), left);
}

#[test]
fn settling_writes_a_page_of_the_log() {
    let (_dir, path, mut store) = store();
    let log = path.with_file_name("container.db-wal");
    store.checkpoint();
    let length = || std::fs::metadata(&log).map_or(0, |file| file.len());
    assert_eq!(length(), 0);
    store.settle().unwrap();
    assert!(length() > 4096, "header, frame and page");
}

#[test]
fn look_ups_use_an_index() {
    let (_dir, _path, store) = store();
    for (index, sql) in [
        ("sqlite_autoindex_user_keys_1", "SELECT sealed FROM user_keys WHERE id_tag = ?1"),
        (
            "user_keys_by_scope",
            "SELECT id_tag, sealed FROM user_keys
             WHERE scope_tag = ?1 AND discoverable = 1 ORDER BY sequence DESC",
        ),
        ("user_keys_by_account", "DELETE FROM user_keys WHERE account_tag = ?1 AND discoverable = 1"),
        (
            "sqlite_autoindex_user_keys_1",
            "UPDATE user_keys SET reserved_count = reserved_count + 64 WHERE id_tag = ?1",
        ),
        (
            "COVERING INDEX user_keys_by_domain",
            "SELECT count(*) FROM user_keys WHERE discoverable = 1 AND domain = 'passkey' AND ?1 IS NOT NULL",
        ),
    ] {
        let mut explain = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> =
            explain.query_map([[1_u8; 32]], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        let plan = plan.join("; ");
        assert!(plan.contains("SEARCH") && plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

fn slot_number(slot: PinSlot) -> u8 {
    match slot {
        PinSlot::A => 0,
        PinSlot::B => 1,
    }
}
