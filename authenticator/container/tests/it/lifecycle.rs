//! Create, open, destroy, discard; other TPMs, other processes, other users.

use std::os::unix::fs::PermissionsExt;

use latchkey_container::{Container, CreateOptions, Error, Responsible, TpmClass};

use crate::rig::{Home, Hook, NOW, OPTIONS, Watched, hash, new_passkey, pin, rng};

#[test]
fn a_new_container_says_what_it_is() {
    let home = Home::new();
    let mut container = home.create();
    let status = container.status().unwrap();
    assert_eq!((status.class, status.created, status.passkeys), (TpmClass::Software, NOW, 0));
    assert_eq!((status.pin, status.lockout, status.generation), (None, None, 0));
    assert_eq!((status.stretch, status.minimum_pin_length), (OPTIONS.stretch, 6));
    drop(container);
    assert_eq!(home.open().status().unwrap(), status);
    let other = Home::new().create().status().unwrap();
    assert_ne!(other.id, status.id);
}

#[test]
fn only_the_user_may_look() {
    let home = Home::new();
    let mut container = home.create();
    container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.container_dir()), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(home.container_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 2);
}

#[test]
fn a_directory_that_was_open_to_others_is_closed() {
    let home = Home::new();
    std::fs::create_dir(home.container_dir()).unwrap();
    std::fs::set_permissions(home.container_dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    home.create();
    let mode = std::fs::metadata(home.container_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn one_process_at_a_time() {
    let home = Home::new();
    let container = home.create();
    let in_use = Error::InUse { path: home.container_dir() };
    assert_eq!(home.try_open().err(), Some(in_use));
    assert!(matches!(home.try_create().err(), Some(Error::InUse { .. })));
    assert!(matches!(Container::discard(&home.container_dir()), Err(Error::InUse { .. })));
    drop(container);
    home.open();
}

#[test]
fn what_is_there_is_not_created_again_and_what_is_not_is_missing() {
    let home = Home::new();
    let missing = home.try_open().err().unwrap();
    assert_eq!(missing, Error::Missing { path: home.container_dir() });
    assert!(missing.to_string().contains("latchkey container create"));
    assert_eq!(missing.responsible(), Responsible::Operator);
    let id = home.create().status().unwrap().id;
    assert_eq!(home.try_create().err(), Some(Error::Exists { path: home.container_dir() }));
    assert_eq!(home.open().status().unwrap().id, id);
}

#[test]
fn the_software_provider_is_refused_where_policy_wants_a_tpm() {
    let home = Home::new();
    let options = CreateOptions { require_tpm: true, ..OPTIONS };
    let refused = Container::create(&home.container_dir(), home.device(), &options, NOW, &mut rng());
    assert_eq!(refused.err(), Some(Error::TpmRequired));
    assert!(!home.container_dir().exists());
}

#[test]
fn the_container_of_another_tpm_does_not_open_and_can_be_discarded() {
    let home = Home::new();
    let mut container = home.create();
    container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    drop(container);
    let elsewhere = Home::new();
    let error = Container::open(&home.container_dir(), elsewhere.device()).err().unwrap();
    assert_eq!(error, Error::OtherTpm);
    assert!(error.to_string().contains("latchkey container destroy"), "{error}");
    // Nothing happened to it.
    home.open().unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    Container::discard(&home.container_dir()).unwrap();
    assert!(!home.container_dir().exists());
    assert!(matches!(Container::discard(&home.container_dir()), Err(Error::Missing { .. })));
}

#[test]
fn two_containers_on_one_tpm_never_touch_each_other_s_pin() {
    let home = Home::new();
    let mut first = home.create();
    let second = home.container_dir().with_file_name("second");
    // Both are there before either has a PIN.
    let mut second = Container::create(&second, home.device(), &OPTIONS, NOW, &mut rng()).unwrap();
    first.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    drop(first);
    // Its device has read the state already; a real one has no copy, so the second opens it again.
    let path = home.container_dir().with_file_name("second");
    drop(second);
    second = Container::open(&path, home.device()).unwrap();
    assert!(matches!(second.set_pin(&pin("111111"), NOW, &mut rng()), Err(Error::SlotTaken { .. })));
    second.reset().unwrap();
    drop(second);
    Container::open(&path, home.device()).unwrap().destroy().unwrap();
    home.open().unlock(&hash("123456"), NOW, &mut rng()).unwrap();
    // A third is refused at once, with the way out.
    let refused = Container::create(&path, home.device(), &OPTIONS, NOW, &mut rng()).err().unwrap();
    assert!(matches!(refused, Error::SlotTaken { .. }), "{refused:?}");
    assert!(refused.to_string().contains("software-tpm.state"), "{refused}");
    home.open().unlock(&hash("123456"), NOW, &mut rng()).unwrap();
}

/// The database of the second says that it was about to define a slot; by now the slot is the first one's.
#[test]
fn a_crash_before_a_slot_turned_out_to_be_taken_harms_nobody() {
    let home = Home::new();
    let mut first = home.create();
    let path = home.container_dir().with_file_name("second");
    drop(Container::create(&path, home.device(), &OPTIONS, NOW, &mut rng()).unwrap());
    first.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    drop(first);
    // The device answers no more once the definition was asked for, so nothing is taken back.
    let mut gone = false;
    let hook: Hook = Box::new(move |_, name| {
        gone |= name == "define_pin_index";
        !gone
    });
    let mut second = Container::open(&path, Box::new(Watched::new(home.device(), hook))).unwrap();
    assert!(matches!(second.set_pin(&pin("111111"), NOW, &mut rng()), Err(Error::Tpm(_))));
    drop(second);
    let mut second = Container::open(&path, home.device()).unwrap();
    assert_eq!(second.status().unwrap().leftover_slots, 0);
    assert!(matches!(second.set_pin(&pin("111111"), NOW, &mut rng()), Err(Error::SlotTaken { .. })));
    second.destroy().unwrap();
    home.open().unlock(&hash("123456"), NOW, &mut rng()).unwrap();
}

#[test]
fn destroying_leaves_neither_files_nor_pins() {
    let home = Home::new();
    let mut container = home.create();
    let unlocked = container.set_pin(&pin("123456"), NOW, &mut rng()).unwrap();
    container.register(&unlocked, new_passkey("a.example", b"1"), NOW, &mut rng()).unwrap();
    container.change_pin(&hash("123456"), &pin("111111"), NOW, &mut rng()).unwrap();
    container.destroy().unwrap();
    assert!(!home.container_dir().exists());
    // Creation refuses a TPM that still has a PIN of ours.
    assert_eq!(home.create().status().unwrap().passkeys, 0);
}

#[test]
fn somebody_else_s_files_in_the_directory_stay() {
    let home = Home::new();
    let container = home.create();
    std::fs::write(home.container_dir().join("software-tpm.state"), b"x").unwrap();
    container.destroy().unwrap();
    let left: Vec<_> =
        std::fs::read_dir(home.container_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["software-tpm.state"]);
}
