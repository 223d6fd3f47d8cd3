//! Settings of the authenticator, what is demanded of the PIN, and what the persistent token lets its holder see.

use latchkey_container::{Container, Error, PinOverdue, PinRefusal, Settings, UserAccount};

use crate::rig::{Home, NOW, hash, new_passkey, pin, rng};

const OLD: &str = "123987";
const NEW: &str = "482760";
const SITE: &str = "settings-site.example";

fn chosen() -> Settings {
    Settings {
        enterprise_attestation: true,
        always_uv: true,
        minimum_pin_length: 8,
        pin_facts_for: vec!["company.example".to_owned()],
        pin_complexity: true,
        long_touch_for_reset: true,
    }
}

fn with_pin(home: &Home) -> Container {
    let mut container = home.create();
    drop(container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap());
    container
}

/// The names of the listed accounts, which also come from a container that was opened anew.
fn listed(container: &Container) -> Vec<String> {
    let listings = container.listings().unwrap().into_iter();
    listings.map(|listing| listing.user.name.unwrap_or_default()).collect()
}

fn account(handle: &[u8], name: &str) -> UserAccount {
    UserAccount { handle: handle.to_vec(), name: Some(name.to_owned()), display_name: None }
}

#[test]
fn they_are_read_while_locked_and_last_until_a_reset() {
    let home = Home::new();
    let mut container = with_pin(&home);
    assert_eq!(container.settings(), &Settings::default());
    container.change_settings(chosen(), &mut rng()).unwrap();
    drop(container);
    let mut container = home.open();
    assert_eq!(container.settings(), &chosen());
    assert_eq!(container.minimum_pin_length(), 8);
    drop(container.change_pin(&hash(OLD), &pin("48276015"), NOW, &mut rng()).unwrap());
    assert_eq!(container.settings(), &chosen(), "another PIN changes nothing here");
    let site = b"company.example";
    assert!(!home.bytes().windows(site.len()).any(|bytes| bytes == site), "sealed");
    container.reset().unwrap();
    assert_eq!(container.settings(), &Settings::default());
    drop(container);
    assert_eq!(home.open().settings(), &Settings::default());
}

#[test]
fn new_pins_keep_them_and_an_old_one_that_does_not_is_recognised() {
    let home = Home::new();
    let mut container = with_pin(&home);
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    assert!(container.pin_keeps(&unlocked, &Settings::default()).unwrap());
    assert!(!container.pin_keeps(&unlocked, &chosen()).unwrap(), "too short");
    container.change_settings(chosen(), &mut rng()).unwrap();
    for (new, refusal) in [("482760", PinRefusal::TooShort(8)), ("12345678", PinRefusal::Simple)] {
        let refused = container.change_pin(&hash(OLD), &pin(new), NOW, &mut rng()).err();
        assert_eq!(refused, Some(Error::PinRefused(refusal)));
    }
    let refused = container.unlock(&hash(OLD), NOW, &mut rng()).err();
    assert_eq!(refused, Some(Error::PinOverdue(PinOverdue::Weak(PinRefusal::TooShort(8)))));
    let unlocked = container.change_pin(&hash(OLD), &pin("48276015"), NOW, &mut rng()).unwrap();
    assert!(container.pin_keeps(&unlocked, &chosen()).unwrap());
}

#[test]
fn a_pin_that_must_be_changed_opens_nothing_and_becomes_another_one() {
    let home = Home::new();
    let mut container = home.create();
    let refused = container.demand_new_pin(Settings::default(), &mut rng());
    assert_eq!(refused, Err(Error::NoPin));
    drop(container.set_pin(&pin(OLD), NOW, &mut rng()).unwrap());
    container.demand_new_pin(Settings::default(), &mut rng()).unwrap();
    drop(container);
    let mut container = home.open();
    assert_eq!(container.pin_overdue(NOW), Some(PinOverdue::Demanded));
    let refused = container.unlock(&hash(OLD), NOW, &mut rng()).err();
    assert_eq!(refused, Some(Error::PinOverdue(PinOverdue::Demanded)));
    let same = container.change_pin(&hash(OLD), &pin(OLD), NOW, &mut rng()).err();
    assert_eq!(same, Some(Error::PinRefused(PinRefusal::Unchanged)));
    drop(container.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).unwrap());
    assert_eq!(container.pin_overdue(NOW), None);
    drop(container);
    assert!(home.open().unlock(&hash(NEW), NOW, &mut rng()).is_ok());
}

#[test]
fn the_persistent_token_lists_what_there_is_while_locked() {
    let home = Home::new();
    let mut container = with_pin(&home);
    let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
    let make = |container: &mut Container, handle: &[u8], name: &str, discoverable| {
        let mut new = new_passkey(SITE, handle);
        (new.user, new.discoverable) = (account(handle, name), discoverable);
        container.register(&unlocked, new, NOW, &mut rng()).unwrap()
    };
    let alice = make(&mut container, b"1", "alice", true);
    assert!(container.persistent_token().is_none() && listed(&container).is_empty());
    let token = *container.grant_persistent_token(&unlocked, &mut rng()).unwrap().expose();
    let again = *container.grant_persistent_token(&unlocked, &mut rng()).unwrap().expose();
    assert_eq!(token, again, "everybody gets the same");
    let mut states = vec![container.credential_store_state().unwrap()];
    make(&mut container, b"9", "hidden", false);
    assert_eq!(container.credential_store_state().unwrap(), states[0], "not discoverable");
    let bob = make(&mut container, b"2", "bob", true);
    states.push(container.credential_store_state().unwrap());
    assert_eq!(listed(&container), ["bob", "alice"]);
    container.update_user(&unlocked, &bob.id, account(b"2", "robert"), &mut rng()).unwrap();
    states.push(container.credential_store_state().unwrap());
    container.delete(&unlocked, &alice.id).unwrap();
    states.push(container.credential_store_state().unwrap());
    make(&mut container, b"2", "bobby", true);
    states.push(container.credential_store_state().unwrap());
    let identifier = container.identifier().unwrap();
    drop(container);

    let container = home.open();
    assert_eq!(container.persistent_token().unwrap().expose(), &token, "also after a restart");
    assert_eq!(listed(&container), ["bobby"], "the account's passkey was replaced");
    assert_eq!(container.listings().unwrap()[0].rp_id, SITE);
    assert_eq!(container.identifier(), Some(identifier));
    assert_eq!(container.credential_store_state().unwrap(), states[4]);
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), 5, "each change makes another state");
    let shown = |text: &[u8]| home.bytes().windows(text.len()).any(|bytes| bytes == text);
    assert!(!shown(SITE.as_bytes()) && !shown(b"bobby") && !shown(&token), "sealed");
}

#[test]
fn the_persistent_token_ends_with_its_pin_or_at_a_reset_and_leaves_no_list() {
    type End = fn(&mut Container);
    let ends: [(End, bool); 3] = [
        (|c| drop(c.change_pin(&hash(OLD), &pin(NEW), NOW, &mut rng()).unwrap()), true),
        (|c| c.demand_new_pin(Settings::default(), &mut rng()).unwrap(), true),
        (|c| c.reset().unwrap(), false),
    ];
    for (end, same_device) in ends {
        let home = Home::new();
        let mut container = with_pin(&home);
        let unlocked = container.unlock(&hash(OLD), NOW, &mut rng()).unwrap();
        container.register(&unlocked, new_passkey(SITE, b"1"), NOW, &mut rng()).unwrap();
        container.grant_persistent_token(&unlocked, &mut rng()).unwrap();
        let identifier = container.identifier();
        end(&mut container);
        for _ in 0..2 {
            assert!(container.persistent_token().is_none() && listed(&container).is_empty());
            assert_eq!(container.identifier() == identifier, same_device);
            drop(container);
            assert_eq!(home.number("SELECT count(*) FROM listings"), 0);
            container = home.open();
        }
        let stale = container.grant_persistent_token(&unlocked, &mut rng()).err();
        let overdue = container.pin_overdue(NOW).map(Error::PinOverdue);
        assert_eq!(stale, overdue.or(Some(Error::Stale)), "evidence of before");
    }
}
