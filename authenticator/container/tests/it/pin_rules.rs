//! What organisations want of PINs: form, history, age; at every door, and of a PIN that was there before the rules.

use latchkey_container::{
    CharacterRule, Container, Error, PinComplexity, PinOverdue, PinRefusal, PinRules, UnixTime,
};

use crate::rig::{Home, NOW, hash, pin, rng};
use crate::tenant::Tenant;

const DAY: u64 = 24 * 60 * 60;

fn rules(change: impl FnOnce(&mut PinComplexity)) -> PinRules {
    let mut rules = PinComplexity {
        uppercase_letters: CharacterRule::Allow,
        lowercase_letters: CharacterRule::Allow,
        ..PinComplexity::default()
    };
    change(&mut rules);
    PinRules::Policy(rules)
}

fn with_pin(text: &str) -> (Home, Container) {
    let home = Home::new();
    let mut container = home.create();
    container.set_pin(&pin(text), NOW, &mut rng()).unwrap();
    (home, container)
}

fn change(container: &mut Container, old: &str, new: &str) -> Result<(), Error> {
    container.change_pin(&hash(old), &pin(new), NOW, &mut rng()).map(drop)
}

fn unlock_at(container: &mut Container, text: &str, now: UnixTime) -> Result<(), Error> {
    container.unlock(&hash(text), now, &mut rng()).map(drop)
}

fn repeated(history: u32) -> Result<(), Error> {
    Err(Error::PinRefused(PinRefusal::Repeated(history)))
}

#[test]
fn every_door_holds_a_new_pin_to_the_rules_and_a_refused_one_changes_nothing() {
    let home = Home::new();
    let mut container = home.create();
    container.follow_pin_rules(rules(|rules| rules.minimum_length = 8));
    let short = Some(Error::PinRefused(PinRefusal::TooShort(8)));
    assert_eq!(container.minimum_pin_length(), 8);
    assert_eq!(container.set_pin(&pin("739264"), NOW, &mut rng()).err(), short);
    assert!(!container.has_pin());
    container.set_pin(&pin("73926485"), NOW, &mut rng()).unwrap();

    assert_eq!(change(&mut container, "73926485", "480175").err(), short);
    // The old PIN comes first: who does not know it learns nothing of the rules.
    assert_eq!(change(&mut container, "73926486", "480175"), Err(Error::WrongPin { tries_left: 7 }));
    unlock_at(&mut container, "73926485", NOW).unwrap();

    let tenant = Tenant::new("t1");
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(&tenant.hpke("k1")), &mut rng()).unwrap();
    unlock_at(&mut container, "73926485", NOW).unwrap();
    assert_eq!(tenant.reset(&mut container, id, &pin("480175")).err(), short);
    unlock_at(&mut container, "73926485", NOW).unwrap();
    tenant.reset(&mut container, id, &pin("48017593")).unwrap();
    unlock_at(&mut container, "48017593", NOW).unwrap();
}

#[test]
fn none_of_the_last_pins_comes_again_also_after_a_restart() {
    let (home, mut container) = with_pin("100001");
    let three = rules(|rules| rules.history = 3);
    container.follow_pin_rules(three);
    // The PIN of before the rule counts, although no unlocking has shown it since.
    assert_eq!(change(&mut container, "100001", "100001"), repeated(3));
    for (old, new) in [("100001", "100002"), ("100002", "100003")] {
        change(&mut container, old, new).unwrap();
        drop(container);
        container = home.open();
        container.follow_pin_rules(three);
    }
    for again in ["100001", "100002", "100003"] {
        assert_eq!(change(&mut container, "100003", again), repeated(3), "{again}");
        unlock_at(&mut container, "100003", NOW).unwrap();
    }
    change(&mut container, "100003", "100004").unwrap();
    change(&mut container, "100004", "100001").expect("it is older than the last three");
    // A stricter rule cannot know what was forgotten; a laxer one forgets.
    container.follow_pin_rules(rules(|rules| rules.history = 1));
    unlock_at(&mut container, "100001", NOW).unwrap();
    container.follow_pin_rules(three);
    assert_eq!(change(&mut container, "100001", "100001"), repeated(3));
    change(&mut container, "100001", "100003").unwrap();
}

#[test]
fn a_reset_forgets_the_pins_of_before() {
    let (_home, mut container) = with_pin("100001");
    container.follow_pin_rules(rules(|rules| rules.history = 5));
    let tenant = Tenant::new("t1");
    let id = tenant.join(&mut container);
    container.want_recovery(id, Some(&tenant.hpke("k1")), &mut rng()).unwrap();
    unlock_at(&mut container, "100001", NOW).unwrap();
    assert_eq!(change(&mut container, "100001", "100001"), repeated(5));
    tenant.reset(&mut container, id, &pin("100001")).expect("nobody remembers a PIN that was forgotten");
    assert_eq!(change(&mut container, "100001", "100001"), repeated(5), "from here it counts again");
}

#[test]
fn a_pin_that_is_too_old_opens_nothing_before_it_is_changed() {
    let (home, mut container) = with_pin("100001");
    container.follow_pin_rules(rules(|rules| rules.expiration = 30));
    let (last, over) = (UnixTime(NOW.0 + 30 * DAY - 1), UnixTime(NOW.0 + 30 * DAY));
    let expired = PinOverdue::Expired(30);
    unlock_at(&mut container, "100001", last).unwrap();
    assert_eq!((container.pin_overdue(last), container.pin_overdue(over)), (None, Some(expired)));
    assert_eq!(unlock_at(&mut container, "100001", over), Err(Error::PinOverdue(expired)));
    assert_eq!(container.tries_left(), Ok(8), "it was right");
    assert_eq!(unlock_at(&mut container, "100000", over), Err(Error::WrongPin { tries_left: 7 }));
    container.change_pin(&hash("100001"), &pin("100002"), over, &mut rng()).expect("this is the way out");
    unlock_at(&mut container, "100002", over).unwrap();
    assert_eq!(container.pin_overdue(over), None);

    // Of a PIN whose age nobody wrote down it begins with the next unlocking.
    drop(container);
    home.sql("UPDATE protectors SET since = NULL, details = NULL WHERE kind = 'pin'");
    container = home.open();
    container.follow_pin_rules(rules(|rules| rules.expiration = 30));
    let later = UnixTime(over.0 + 90 * DAY);
    unlock_at(&mut container, "100002", later).unwrap();
    let over = UnixTime(later.0 + 30 * DAY);
    assert_eq!(unlock_at(&mut container, "100002", over), Err(Error::PinOverdue(expired)));
    container.follow_pin_rules(PinRules::None);
    unlock_at(&mut container, "100002", over).expect("the rule is gone");
}

#[test]
fn a_pin_that_rules_of_later_find_too_weak_is_found_at_the_next_unlocking() {
    let weak = |why| Err(Error::PinOverdue(PinOverdue::Weak(why)));
    let stricter = [
        (rules(|rules| rules.minimum_length = 8), PinRefusal::TooShort(8)),
        (rules(|rules| rules.digits = CharacterRule::Require), PinRefusal::Missing("digits")),
    ];
    for (rule, why) in stricter {
        let (home, mut container) = with_pin("Abcdef");
        drop(container);
        container = home.open();
        container.follow_pin_rules(rule);
        assert_eq!(container.pin_overdue(NOW), None, "it is sealed");
        assert_eq!(unlock_at(&mut container, "Abcdef", NOW), weak(why));
        container.follow_pin_rules(rule);
        assert_eq!(container.pin_overdue(NOW), Some(PinOverdue::Weak(why)), "now it is known");
        change(&mut container, "Abcdef", "Abcdef42").unwrap();
        assert_eq!(container.pin_overdue(NOW), None);
        unlock_at(&mut container, "Abcdef42", NOW).unwrap();
    }
    // What is merely not as it should be today is as hard to guess as ever.
    let (_home, mut container) = with_pin("Abcdef42");
    container.follow_pin_rules(rules(|rules| {
        (rules.maximum_length, rules.uppercase_letters) = (7, CharacterRule::Forbid);
    }));
    unlock_at(&mut container, "Abcdef42", NOW).unwrap();
    assert_eq!(
        change(&mut container, "Abcdef42", "Abcde4"),
        Err(Error::PinRefused(PinRefusal::Unwanted("capital letters")))
    );
}

#[test]
fn while_the_rules_cannot_be_read_no_pin_is_set_and_nothing_is_forgotten() {
    let (_home, mut container) = with_pin("100001");
    let one = rules(|rules| rules.history = 1);
    container.follow_pin_rules(one);
    unlock_at(&mut container, "100001", NOW).unwrap();
    container.follow_pin_rules(PinRules::Unreadable);
    unlock_at(&mut container, "100001", NOW).unwrap();
    let refused = Err(Error::PinRefused(PinRefusal::PolicyUnreadable));
    assert_eq!(change(&mut container, "100001", "100002"), refused);
    container.follow_pin_rules(one);
    assert_eq!(change(&mut container, "100001", "100001"), repeated(1));
    container.reset().unwrap();
    container.follow_pin_rules(PinRules::Unreadable);
    assert_eq!(container.set_pin(&pin("100002"), NOW, &mut rng()).map(drop), refused);
}
