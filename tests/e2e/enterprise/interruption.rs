//! The other half of the crash matrix (`crash.rs` has what happens within the device): at every request of every flow
//! between device and provider, the network, the daemon, the provider or the TPM dies. Afterwards a PIN works, no passkey is
//! lost, nothing is half-registered, and a retry finishes.
//!
//! Here are tried the requests at which something changes on either side; with `CRASH_MATRIX=all` every request.

mod accident;
mod flow;
mod proof;

use accident::{Accident, writes_for};
use flow::Flow;
use proof::Before;

use crate::crash::{is_complete, spread};

/// Writes of a request that are tried, unless all are.
const MOST: usize = 2;

/// Tries the flow with every accident at its requests.
fn at_every_request(flow: Flow) {
    let mut office = flow.prepare();
    let passkey = office.passkey();
    let before = office.registration();
    let before = Before { passkey: &passkey, registration: &before };
    let requests = flow.requests(&mut office);
    let (mut points, mut tried) = (0, 0);
    for (n, request) in
        requests.iter().enumerate().filter(|(_, request)| is_complete() || flow.changes_at(request))
    {
        office.restore();
        let writes = writes_for(&mut office, n, |office| drop(flow.attempt(office)));
        for accident in chosen(Accident::all(writes)) {
            let point =
                format!("{flow:?}, request {} of {} ({request}), {accident:?}", n + 1, requests.len());
            office.restore();
            let done = accident.during(&mut office, n, |office| flow.attempt(office));
            assert!(!office.proxy.is_armed(), "{point}: it does not come to this request");
            flow.prove(&mut office, &point, &before, &done);
            points += 1;
        }
        tried += 1;
    }
    assert!(points > 0, "{flow:?}: nothing changes at any of {requests:?}");
    println!("crash matrix: {flow:?}: {points} points at {tried} of {} requests", requests.len());
}

/// The accidents that are tried at a request.
fn chosen(all: Vec<Accident>) -> Vec<Accident> {
    if is_complete() {
        return all;
    }
    let is_write = |accident: &Accident| matches!(accident, Accident::ProviderKilledAtWrite(_));
    let (writes, mut chosen): (Vec<_>, Vec<_>) = all.into_iter().partition(is_write);
    chosen.extend(spread(&writes, MOST));
    chosen
}

#[test]
fn a_join_is_finished() {
    at_every_request(Flow::Join);
}

#[test]
fn a_provisioning_is_finished() {
    at_every_request(Flow::Provision);
}

#[test]
fn a_pin_reset_that_is_switched_on_later_is_possible() {
    at_every_request(Flow::EnableReset);
}

#[test]
fn a_pin_reset_leaves_one_pin_and_every_passkey() {
    at_every_request(Flow::Reset);
}

#[test]
fn a_destructive_reset_deletes_all_or_nothing() {
    at_every_request(Flow::DestructiveReset);
}

#[test]
fn a_new_key_of_the_service_is_wrapped_for() {
    at_every_request(Flow::Rotate);
}
