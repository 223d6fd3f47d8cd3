//! Transactions: order, timeouts, busy, keepalives and cancelling (`conformance.md` 1.4).

use std::time::Duration;

use latchkey_transports::ctaphid::{Cid, Command, ErrorCode, LinkId, TransactionId};

use crate::rig::{Did, LINK, OTHER_LINK, Rig, error, joined};

const LONG: [u8; 200] = [0x55; 200];

fn keepalive(cid: Cid, status: u8) -> Vec<Did> {
    vec![Did::Say(LINK, cid, Command::KEEPALIVE, vec![status])]
}

#[test]
fn a_request_is_put_to_the_authenticator_and_answered() {
    let (mut rig, cid) = Rig::with_channel();
    let did = rig.message(LINK, cid, Command::CBOR, &LONG);
    assert_eq!(did, [Did::Ask(TransactionId(1), LONG.to_vec())]);
    assert_eq!(rig.device.processing().map(|(transaction, _)| transaction), Some(TransactionId(1)));
    assert_eq!(rig.respond(TransactionId(1), &LONG), [Did::Say(LINK, cid, Command::CBOR, LONG.to_vec())]);
    assert_eq!(rig.respond(TransactionId(1), &LONG), [], "only once");
    assert_eq!(rig.device.next_deadline(), None);
}

#[test]
fn an_answer_that_does_not_fit_is_an_error() {
    let (mut rig, cid) = Rig::with_channel();
    let request = rig.request(LINK, cid);
    assert_eq!(rig.respond(request, &[0; 7610]), error(LINK, cid, ErrorCode::OTHER));
    let request = rig.request(LINK, cid);
    assert_eq!(rig.respond(request, &[0; 7609]).len(), 1);
}

#[test]
fn a_packet_out_of_order_ends_the_message() {
    let (mut rig, cid) = Rig::with_channel();
    for (packets, sequence) in [(1, 1), (1, 127), (2, 0), (2, 2)] {
        assert_eq!(rig.begin(LINK, cid, Command::PING, &LONG, packets), []);
        assert_eq!(rig.continuation(LINK, cid, sequence), error(LINK, cid, ErrorCode::INVALID_SEQ));
        assert_eq!(rig.continuation(LINK, cid, 0), [], "it is over");
    }
    assert_eq!(rig.begin(LINK, cid, Command::PING, &LONG, 2), []);
    assert_eq!(rig.claim(LINK, cid, Command::PING, 4), error(LINK, cid, ErrorCode::INVALID_SEQ));
    assert_eq!(rig.message(LINK, cid, Command::PING, b"x").len(), 1, "the device is free");
}

#[test]
fn a_cancel_amid_a_message_is_ignored() {
    let (mut rig, cid) = Rig::with_channel();
    assert_eq!(rig.begin(LINK, cid, Command::CBOR, &LONG, 1), []);
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), []);
    assert_eq!(rig.continuation(LINK, cid, 0), []);
    assert_eq!(rig.continuation(LINK, cid, 1), []);
    assert!(matches!(rig.continuation(LINK, cid, 2)[..], [Did::Ask(..)]));
}

#[test]
fn a_gap_of_500_ms_is_told_without_being_asked() {
    let (mut rig, cid) = Rig::with_channel();
    rig.begin(LINK, cid, Command::PING, &LONG, 1);
    assert_eq!(rig.device.next_deadline(), Some(rig.now + Duration::from_millis(500)));
    assert_eq!(rig.pass(499), []);
    assert_eq!(rig.continuation(LINK, cid, 0), [], "each packet gives 500 ms more");
    assert_eq!(rig.pass(499), []);
    assert_eq!(rig.pass(1), error(LINK, cid, ErrorCode::MSG_TIMEOUT));
    assert_eq!(rig.pass(1_000), [], "told once");
    assert_eq!(rig.continuation(LINK, cid, 1), [], "what comes now is stray");
}

#[test]
fn a_packet_that_comes_before_the_tick_but_too_late_is_too_late() {
    let (mut rig, cid) = Rig::with_channel();
    rig.begin(LINK, cid, Command::PING, &LONG, 1);
    rig.now += Duration::from_millis(600);
    assert_eq!(rig.continuation(LINK, cid, 0), error(LINK, cid, ErrorCode::MSG_TIMEOUT));
}

#[test]
fn another_channel_is_busy_and_the_first_still_completes() {
    for (link, amid) in [(LINK, true), (LINK, false), (OTHER_LINK, true), (OTHER_LINK, false)] {
        let (mut rig, cid) = Rig::with_channel();
        let other = rig.allocate(link);
        let packets = if amid { 2 } else { 4 };
        rig.begin(LINK, cid, Command::CBOR, &LONG, packets);
        for command in [Command::PING, Command::CBOR, Command::WINK, Command::LOCK, Command::MSG] {
            assert_eq!(rig.claim(link, other, command, 1), error(link, other, ErrorCode::CHANNEL_BUSY));
        }
        assert_eq!(rig.continuation(link, other, 1), [], "its stray packets do no harm");
        assert_eq!(rig.message(link, other, Command::CANCEL, &[]), [], "nor does its cancel");
        if amid {
            rig.continuation(LINK, cid, 1);
            assert!(matches!(rig.continuation(LINK, cid, 2)[..], [Did::Ask(..)]));
        }
        assert_eq!(rig.respond(TransactionId(1), &[0]), [Did::Say(LINK, cid, Command::CBOR, vec![0])]);
    }
}

#[test]
fn the_same_channel_is_busy_while_its_request_is_worked_on() {
    let (mut rig, cid) = Rig::with_channel();
    let request = rig.request(LINK, cid);
    assert_eq!(rig.message(LINK, cid, Command::PING, b"x"), error(LINK, cid, ErrorCode::CHANNEL_BUSY));
    assert_eq!(rig.message(LINK, cid, Command::CBOR, &[4]), error(LINK, cid, ErrorCode::CHANNEL_BUSY));
    assert_eq!(rig.respond(request, &[0]).len(), 1);
}

#[test]
fn init_on_another_channel_is_answered_amid_a_transaction() {
    for (link, at) in
        [(LINK, Cid::BROADCAST), (OTHER_LINK, Cid::BROADCAST), (LINK, Cid(77)), (OTHER_LINK, Cid(77))]
    {
        let (mut rig, cid) = Rig::with_channel();
        rig.begin(LINK, cid, Command::PING, &LONG, 2);
        let did = rig.message(link, at, Command::INIT, b"12345678");
        assert!(matches!(did[..], [Did::Say(to, _, Command::INIT, _)] if to == link), "{did:?}");
        assert_eq!(rig.continuation(LINK, cid, 1), []);
        assert_eq!(rig.continuation(LINK, cid, 2).len(), 1, "the first still completes");
    }
}

#[test]
fn init_on_the_same_channel_ends_its_transaction() {
    let (mut rig, cid) = Rig::with_channel();
    rig.begin(LINK, cid, Command::PING, &LONG, 2);
    let did = rig.message(LINK, cid, Command::INIT, b"12345678");
    assert!(matches!(did[..], [Did::Say(LINK, at, Command::INIT, _)] if at == cid), "{did:?}");
    assert_eq!(rig.continuation(LINK, cid, 1), []);

    let first = rig.request(LINK, cid);
    let did = rig.message(LINK, cid, Command::INIT, b"12345678");
    assert!(matches!(did[..], [Did::GiveUp(given_up), Did::Say(..)] if given_up == first), "{did:?}");
    let second = rig.request(LINK, cid);
    assert_eq!(rig.respond(first, &[0x2D]), [], "the old answer does not become the new one's");
    assert_eq!(rig.respond(second, &[0]), [Did::Say(LINK, cid, Command::CBOR, vec![0])]);
}

#[test]
fn keepalives_flow_while_a_request_is_worked_on() {
    let (mut rig, cid) = Rig::with_channel();
    let request = rig.request(LINK, cid);
    assert_eq!(rig.pass(99), []);
    assert_eq!(rig.pass(1), keepalive(cid, 1));
    assert_eq!(rig.pass(100), keepalive(cid, 1));
    assert_eq!(
        joined(rig.device.set_waiting_for_user(true, rig.now)),
        keepalive(cid, 2),
        "a change is told at once"
    );
    assert_eq!(joined(rig.device.set_waiting_for_user(true, rig.now)), []);
    assert_eq!(rig.device.next_deadline(), Some(rig.now + Duration::from_millis(100)));
    assert_eq!(rig.pass(350), keepalive(cid, 2), "missed ones are not made up for");
    assert_eq!(joined(rig.device.set_waiting_for_user(false, rig.now)), keepalive(cid, 1));
    rig.respond(request, &[0]);
    assert_eq!(rig.pass(1_000), []);
    rig.request(LINK, cid);
    assert_eq!(rig.pass(100), keepalive(cid, 1), "a new request begins without the user");
}

#[test]
fn waiting_for_the_user_says_nothing_without_a_request() {
    let (mut rig, _) = Rig::with_channel();
    assert_eq!(rig.device.set_waiting_for_user(true, rig.now), []);
}

#[test]
fn a_cancel_is_passed_on_once_and_answered_by_the_request() {
    let (mut rig, cid) = Rig::with_channel();
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), [], "nothing to cancel");
    let request = rig.request(LINK, cid);
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), [Did::GiveUp(request)]);
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), [], "the second has no effect");
    assert_eq!(rig.respond(request, &[0x2D]), [Did::Say(LINK, cid, Command::CBOR, vec![0x2D])]);
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), [], "nor has one that comes too late");
    assert_eq!(rig.request(LINK, cid), TransactionId(2));
}

#[test]
fn closing_the_link_gives_the_request_up() {
    let (mut rig, cid) = Rig::with_channel();
    let other = rig.allocate(OTHER_LINK);
    let request = rig.request(LINK, cid);
    assert_eq!(rig.device.close_link(LinkId(9)), [], "another link is no matter");
    assert_eq!(joined(rig.device.close_link(LINK)), [Did::GiveUp(request), Did::CloseChannel]);
    assert_eq!(rig.respond(request, &[0]), []);
    assert_eq!(rig.pass(1_000), []);
    rig.request(OTHER_LINK, other);
}

#[test]
fn a_request_already_cancelled_is_not_given_up_twice() {
    let (mut rig, cid) = Rig::with_channel();
    let request = rig.request(LINK, cid);
    assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), [Did::GiveUp(request)]);
    assert_eq!(joined(rig.device.close_link(LINK)), [Did::CloseChannel]);
}
