//! The large-blob array lies sealed, and goes only with a reset.

use latchkey_container::Error;

use crate::rig::{Home, NOW, pin, rng};

#[test]
fn it_survives_a_restart_and_a_change_of_pin_and_not_a_reset() {
    let home = Home::new();
    let mut container = home.create();
    assert_eq!(container.large_blobs(), Ok(None));
    let array = b"what a platform has encrypted".repeat(2000);
    container.set_large_blobs(&[1; 17], &mut rng()).unwrap();
    container.set_large_blobs(&array, &mut rng()).unwrap();
    drop(container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap());
    drop(container);
    let files = std::fs::read_dir(home.container_dir())
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap());
    for file in files {
        assert!(
            !file.windows(29).any(|window| window == &array[..29]),
            "a copy of the files tells nothing of it"
        );
    }
    let mut container = home.open();
    assert_eq!(container.large_blobs(), Ok(Some(array)));
    container.reset().unwrap();
    assert_eq!(container.large_blobs(), Ok(None));
}

#[test]
fn what_somebody_put_there_is_told_from_ours() {
    let home = Home::new();
    let mut container = home.create();
    container.set_large_blobs(&[1; 17], &mut rng()).unwrap();
    drop(container);
    let database = rusqlite::Connection::open(home.container_dir().join("container.db")).unwrap();
    database.execute("UPDATE large_blobs SET sealed = zeroblob(57)", []).unwrap();
    drop(database);
    assert_eq!(home.open().large_blobs(), Err(Error::Damaged { what: "large blobs" }));
}
