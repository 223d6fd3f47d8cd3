use super::*;

const START: UnixTime = UnixTime::from_seconds(1_000_000);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(address: &str) -> Subscriber {
    Subscriber::of(address.parse().unwrap())
}

/// Fails `count` times, each as soon as it may, and gives the counter and the time.
fn fail(lockout: &Lockout, count: u32) -> (Failures, UnixTime) {
    let mut now = START;
    let mut held: Option<Failures> = None;
    for _ in 0..count {
        if let Some(until) = held.and_then(|held| held.locked_until) {
            now = until;
        }
        let (next, outcome) = lockout.attempt(held, now);
        outcome.unwrap();
        held = Some(next);
    }
    (held.unwrap(), now)
}

fn locked(seconds: u64) -> Result<(), Locked> {
    Err(Locked { retry_after: Duration::from_secs(seconds) })
}

#[test]
fn the_tenth_failure_locks_for_a_minute() {
    let lockout = Lockouts::default().stranger;
    let (held, now) = fail(&lockout, 9);
    assert_eq!((held.count, held.locked_until, now), (9, None, START));
    let (held, outcome) = lockout.attempt(Some(held), now);
    assert_eq!((held.locked_until, outcome), (Some(START.plus(seconds(60))), Ok(())));
    // A locked counter stays as it is: hammering makes it no longer.
    assert_eq!(lockout.attempt(Some(held), now), (held, locked(60)));
    assert_eq!(lockout.attempt(Some(held), START.plus(seconds(59))), (held, locked(1)));
    assert_eq!(lockout.attempt(Some(held), START.plus(seconds(60))).1, Ok(()));
}

#[test]
fn each_further_failure_locks_for_twice_as_long_up_to_a_limit() {
    let lockout = Lockouts::default().stranger;
    for (failures, expected) in [(10, 60), (11, 120), (12, 240), (16, 3840), (17, 7200), (60, 7200)] {
        let (held, now) = fail(&lockout, failures);
        assert_eq!(held.locked_until.unwrap().since(now), seconds(expected), "{failures}");
    }
}

#[test]
fn a_quiet_counter_starts_again_but_not_while_it_is_locked() {
    let two_days = Duration::from_hours(48);
    let lockout = Lockout { longest: two_days, first: two_days, ..Lockouts::default().stranger };
    let (nine, now) = fail(&lockout, 9);
    let tomorrow = now.plus(Duration::from_hours(24));
    assert_eq!(lockout.fresh_at(&nine), tomorrow);
    assert_eq!(lockout.attempt(Some(nine), tomorrow.minus(seconds(1))).0.count, 10);
    assert_eq!(lockout.attempt(Some(nine), tomorrow).0.count, 1);

    let (ten, now) = fail(&lockout, 10);
    assert_eq!(lockout.fresh_at(&ten), now.plus(two_days));
    assert_eq!(lockout.attempt(Some(ten), tomorrow).1, locked(24 * 3600));
}

#[test]
fn a_stranger_cannot_lock_the_user_at_a_familiar_place() {
    let lockouts = Lockouts::default();
    let attacked = Counter::of_attempt("t/ada", at("198.51.100.7"), false);
    // Another stranger meets the same counter of the user; the user at home meets a counter of their own.
    let stranger = Counter::of_attempt("T/Ada", at("203.0.113.9"), false);
    assert_eq!(stranger[1].key(), attacked[1].key());
    assert_ne!(stranger[0].key(), attacked[0].key());
    let familiar = Counter::of_attempt("t/ada", at("192.0.2.1"), true);
    assert!(familiar.iter().all(|counter| attacked.iter().all(|other| counter.key() != other.key())));

    // A familiar place is not free of limits either.
    let (held, now) = fail(lockouts.of(&familiar[0]), 10);
    assert_eq!(lockouts.of(&familiar[0]).attempt(Some(held), now).1, locked(60));
}

#[test]
fn one_address_cannot_spray_over_many_users_and_locks_none_of_them() {
    let counters = Counter::of_attempt("t/ada", at("198.51.100.7"), false);
    assert!(matches!(counters[0], Counter::Subscriber(_)), "the address counts first");
    assert!(matches!(counters[1], Counter::Stranger { .. }));
    let lockouts = Lockouts::default();
    let lockout = lockouts.of(&counters[0]);
    let (held, now) = fail(lockout, 100);
    assert_eq!(now, START);
    assert_eq!(lockout.attempt(Some(held), now), (held, locked(60)));
}

#[test]
fn success_forgets_the_user_but_not_the_address() {
    let lockouts = Lockouts::default();
    let (nine, now) = fail(&lockouts.stranger, 9);
    let counters = Counter::of_attempt("t/mallory", at("198.51.100.7"), false);
    let of_user = Lockouts::succeeded(&counters[1], nine);
    assert_eq!((of_user.count, lockouts.stranger.fresh_at(&of_user)), (0, now));
    assert_eq!(lockouts.stranger.attempt(Some(of_user), now).0.count, 1);
    assert_eq!(Lockouts::succeeded(&counters[0], nine).count, 8);
    // The hundredth attempt locks the address already; being right, it unlocks it again.
    let (hundred, _) = fail(&lockouts.subscriber, 100);
    let of_address = Lockouts::succeeded(&counters[0], hundred);
    assert_eq!((of_address.count, of_address.locked_until), (99, None));
    // The same for the user, whose tenth attempt was the right one.
    let (ten, now) = fail(&lockouts.stranger, 10);
    let of_user = Lockouts::succeeded(&counters[1], ten);
    assert_eq!(lockouts.stranger.attempt(Some(of_user), now).1, Ok(()));
}

#[test]
fn keys_carry_no_name() {
    for familiar in [true, false] {
        for counter in Counter::of_attempt("t/hunter2", at("2001:db8::1"), familiar) {
            assert!(!counter.key().contains("hunter2"), "{}", counter.key());
        }
    }
}

#[test]
fn a_subscriber_is_an_ipv6_network() {
    assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
    assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
    assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    assert_ne!(at("192.0.2.2"), at("192.0.2.1"));
}

#[test]
fn familiar_places_are_few_and_fade() {
    let mut places = FamiliarPlaces::default();
    assert!(!places.contains(at("192.0.2.0"), START));
    for host in 0..12 {
        places = places.with(at(&format!("192.0.2.{host}")), START);
    }
    assert!(places.contains(at("192.0.2.11"), START) && places.contains(at("192.0.2.2"), START));
    assert!(!places.contains(at("192.0.2.1"), START));
    let later = START.plus(Duration::from_hours(90 * 24));
    assert!(!places.contains(at("192.0.2.11"), later));
    let kept = serde_json::to_string(&places).unwrap();
    assert_eq!(serde_json::from_str::<FamiliarPlaces>(&kept).unwrap(), places);
}

#[test]
fn a_burst_then_one_each_interval() {
    let rate = Rate { burst: 3, interval: seconds(2) };
    let mut full = None;
    for _ in 0..3 {
        let (next, outcome) = rate.take(full, START);
        outcome.unwrap();
        full = Some(next);
    }
    assert_eq!(rate.take(full, START), (full.unwrap(), locked(2)));
    assert_eq!(rate.take(full, START.plus(seconds(1))).1, locked(1));
    let later = START.plus(seconds(2));
    let (next, outcome) = rate.take(full, later);
    assert_eq!(outcome, Ok(()));
    assert_eq!(rate.take(Some(next), later).1, locked(2));
    // A state that lies in the past is a full bucket.
    let much_later = START.plus(seconds(1000));
    assert_eq!(rate.take(Some(next), much_later), (much_later.plus(seconds(2)), Ok(())));
}
