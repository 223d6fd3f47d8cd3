use std::collections::BTreeMap;

use latchkey_container::UnixTime;
use latchkey_enterprise::keyring::View;
use serde_json::json;

use super::{Due, Outcome, Schedule};

const HOUR: u64 = 3600;

/// A user who signed in at 0, with a token for ten hours.
fn signed_in(tenant: &str, updated: u64, open: bool) -> View {
    let facts = json!({
        "provider": { "url": "https://id.example.org", "ca": null, "tenant": tenant },
        "user": { "upn": "ann@example.org", "object": "o", "name": "Ann" },
        "device": null, "policy": null, "reset_anchor": null, "key": null,
        "prt": { "updated": updated, "expires": updated + 10 * HOUR },
    });
    let recovery = json!({
        "wanted": false, "present": false, "fits": true,
        "kid": null, "protocol": null, "version": null, "created": null,
    });
    let view = json!({
        "at": "00", "facts": facts, "key": null, "key_pending": false, "recovery": recovery,
        "open": open, "handed": { "count": 0, "last": null },
    });
    serde_json::from_value(view).expect("it has the form of a view")
}

fn schedule() -> Schedule {
    Schedule { after: 4 * HOUR, tries: BTreeMap::new() }
}

fn due(at: u64) -> Due {
    Due { at, tenant: "t".into(), updated: 0 }
}

#[test]
fn a_token_is_due_after_four_hours_while_its_user_is_signed_in() {
    let schedule = schedule();
    assert_eq!(schedule.first(&[signed_in("t", 0, true)]), Some(due(4 * HOUR)));
    assert_eq!(schedule.first(&[signed_in("t", 0, false)]), None, "nobody has opened it");
    assert_eq!(schedule.first(&[]), None);
    let both = [signed_in("later", HOUR, true), signed_in("t", 0, true)];
    assert_eq!(schedule.first(&both), Some(due(4 * HOUR)), "the first of several");
    let rare = Schedule { after: 11 * HOUR, ..schedule };
    assert_eq!(rare.first(&both), None, "a token that is over cannot be renewed");
}

#[test]
fn a_try_that_fails_is_repeated_after_longer_and_longer_pauses() {
    let (mut schedule, views) = (schedule(), [signed_in("t", 0, true)]);
    let mut now = 4 * HOUR;
    for pause in [60, 120, 240, 480, 960, 1800, 1800] {
        schedule.learn(due(now), Outcome::Failed, UnixTime(now));
        now += pause;
        assert_eq!(schedule.first(&views), Some(due(now)));
    }
    // A newer token, as of a sign-in, begins with a clean slate.
    let newer = Due { at: 5 * HOUR, tenant: "t".into(), updated: HOUR };
    assert_eq!(schedule.first(&[signed_in("t", HOUR, true)]), Some(newer));
}

#[test]
fn who_is_signed_out_is_left_alone_and_what_succeeded_does_not_spin() {
    let (mut schedule, views) = (schedule(), [signed_in("t", 0, true)]);
    schedule.learn(due(4 * HOUR), Outcome::Renewed, UnixTime(4 * HOUR));
    assert_eq!(schedule.first(&views), Some(due(4 * HOUR + 60)), "although the token is no newer");
    schedule.learn(due(4 * HOUR), Outcome::SignedOut, UnixTime(4 * HOUR));
    assert_eq!(schedule.first(&views), None);
    assert!(schedule.first(&[signed_in("t", 5 * HOUR, true)]).is_some());
}
