//! Channels, INIT, PING, WINK, LOCK and refused commands: `conformance.md` 1.3 and 1.4, rule by rule.

use std::collections::HashSet;

use latchkey_transports::ctaphid::{Cid, Command, ErrorCode, LinkId};

use crate::rig::{Did, LINK, OTHER_LINK, Rig, cid_in, error};

#[test]
fn init_on_broadcast_gives_a_channel() {
    let mut rig = Rig::new();
    let did = rig.message(LINK, Cid::BROADCAST, Command::INIT, b"nonce-08");
    let [Did::Say(LINK, Cid::BROADCAST, Command::INIT, answer)] = &did[..] else {
        panic!("{did:?}");
    };
    assert_eq!(answer.len(), 17);
    assert_eq!(&answer[..8], b"nonce-08");
    assert!(![Cid::RESERVED, Cid::BROADCAST].contains(&cid_in(answer)));
    assert_eq!(answer[12], 2, "the protocol's version");
    assert_eq!(answer[16], 0x01 | 0x04 | 0x08, "WINK, CBOR, NMSG");
}

#[test]
fn channels_are_unique_over_all_links() {
    let mut rig = Rig::new();
    let cids: HashSet<Cid> = (0..1000).map(|number| rig.allocate(LinkId(number % 100))).collect();
    assert_eq!(cids.len(), 1000);
}

#[test]
fn init_on_an_own_channel_keeps_it() {
    let (mut rig, cid) = Rig::with_channel();
    let did = rig.message(LINK, cid, Command::INIT, b"again-08");
    let [Did::Say(LINK, at, Command::INIT, answer)] = &did[..] else { panic!("{did:?}") };
    assert_eq!((*at, cid_in(answer)), (cid, cid));
}

#[test]
fn init_on_a_channel_never_allocated_is_answered_and_allocates_it() {
    let mut rig = Rig::new();
    let cid = Cid(0x1234_5678);
    let did = rig.message(LINK, cid, Command::INIT, b"nonce-08");
    let [Did::Say(LINK, at, Command::INIT, answer)] = &did[..] else { panic!("{did:?}") };
    assert_eq!((*at, cid_in(answer)), (cid, cid));
    assert_eq!(
        rig.message(LINK, cid, Command::PING, b"x"),
        [Did::Say(LINK, cid, Command::PING, b"x".to_vec())]
    );
}

#[test]
fn a_channel_belongs_to_its_link() {
    let (mut rig, cid) = Rig::with_channel();
    let refused = error(OTHER_LINK, cid, ErrorCode::INVALID_CHANNEL);
    assert_eq!(rig.message(OTHER_LINK, cid, Command::PING, b"x"), refused);
    assert_eq!(rig.message(OTHER_LINK, cid, Command::INIT, b"nonce-08"), refused);
    let request = rig.request(LINK, cid);
    assert_eq!(rig.message(OTHER_LINK, cid, Command::CANCEL, &[]), refused);
    assert_eq!(rig.respond(request, &[0]), [Did::Say(LINK, cid, Command::CBOR, vec![0])]);
}

#[test]
fn a_flood_of_init_replaces_only_the_channels_of_its_own_link() {
    let (mut rig, victim) = Rig::with_channel();
    let mut closed = 0;
    let mut last = Cid::RESERVED;
    for _ in 0..10_000 {
        let did = rig.message(OTHER_LINK, Cid::BROADCAST, Command::INIT, b"12345678");
        closed += did.iter().filter(|did| matches!(did, Did::CloseChannel)).count();
        let Some(Did::Say(_, _, _, answer)) = did.last() else { panic!("{did:?}") };
        last = cid_in(answer);
    }
    assert_eq!(closed, 10_000 - 32, "a bounded number of channels is kept");
    for (link, cid) in [(LINK, victim), (OTHER_LINK, last)] {
        assert_eq!(
            rig.message(link, cid, Command::PING, b"x"),
            [Did::Say(link, cid, Command::PING, b"x".to_vec())]
        );
    }
}

#[test]
fn a_flood_of_init_keeps_the_channel_with_a_request_under_way() {
    let (mut rig, cid) = Rig::with_channel();
    let request = rig.request(LINK, cid);
    for _ in 0..100 {
        rig.allocate(LINK);
    }
    assert_eq!(rig.respond(request, &[0]), [Did::Say(LINK, cid, Command::CBOR, vec![0])]);
    assert_eq!(rig.message(LINK, cid, Command::PING, b"x").len(), 1);
}

#[test]
fn ping_echoes_any_length() {
    let (mut rig, cid) = Rig::with_channel();
    for length in (0..=1024).chain([7608, 7609]) {
        // Begins with zero bytes: nothing may be trimmed.
        let payload: Vec<u8> = (0..length).map(|place: u32| u8::try_from(place / 3 % 256).unwrap()).collect();
        assert_eq!(
            rig.message(LINK, cid, Command::PING, &payload),
            [Did::Say(LINK, cid, Command::PING, payload.clone())],
            "{length} bytes"
        );
    }
}

#[test]
fn refused_first_packets() {
    const OWN: Cid = Cid(7);
    let unknown: Vec<Command> = (0..=0x7F)
        .map(Command)
        .filter(|command| {
            let known =
                [Command::PING, Command::LOCK, Command::INIT, Command::WINK, Command::CBOR, Command::CANCEL];
            !known.contains(command)
        })
        .collect();
    assert!(unknown.contains(&Command::MSG), "NMSG is set");
    let mut rows = vec![
        (OWN, Command::PING, 7610, ErrorCode::INVALID_LEN),
        (OWN, Command::PING, 0xFFFF, ErrorCode::INVALID_LEN),
        (OWN, Command::CBOR, 7610, ErrorCode::INVALID_LEN),
        (OWN, Command::CBOR, 0, ErrorCode::INVALID_LEN),
        (OWN, Command::INIT, 7, ErrorCode::INVALID_LEN),
        (OWN, Command::INIT, 9, ErrorCode::INVALID_LEN),
        (OWN, Command::INIT, 7610, ErrorCode::INVALID_LEN),
        (OWN, Command::WINK, 1, ErrorCode::INVALID_LEN),
        (OWN, Command::LOCK, 0, ErrorCode::INVALID_LEN),
        (OWN, Command::LOCK, 2, ErrorCode::INVALID_LEN),
        (Cid::RESERVED, Command::PING, 0, ErrorCode::INVALID_CHANNEL),
        (Cid::RESERVED, Command::INIT, 8, ErrorCode::INVALID_CHANNEL),
        (Cid::BROADCAST, Command::PING, 0, ErrorCode::INVALID_CHANNEL),
        (Cid::BROADCAST, Command::CBOR, 1, ErrorCode::INVALID_CHANNEL),
        (Cid::BROADCAST, Command::CANCEL, 0, ErrorCode::INVALID_CHANNEL),
        (Cid(99), Command::PING, 0, ErrorCode::INVALID_CHANNEL),
    ];
    rows.extend(unknown.iter().map(|command| (OWN, *command, 0, ErrorCode::INVALID_CMD)));
    // Refused by its first packet already, so that the rest of it is stray.
    rows.extend(unknown.iter().map(|command| (OWN, *command, 500, ErrorCode::INVALID_CMD)));
    for (cid, command, length, code) in rows {
        let mut rig = Rig::new();
        rig.message(LINK, OWN, Command::INIT, b"12345678");
        assert_eq!(
            rig.claim(LINK, cid, command, length),
            error(LINK, cid, code),
            "{command:?} of {length} on {cid:?}"
        );
        assert_eq!(rig.continuation(LINK, cid, 0), [], "the rest is ignored");
        assert_eq!(rig.message(LINK, OWN, Command::PING, b"x").len(), 1, "and the device is free");
    }
}

#[test]
fn wink_is_echoed_and_shown() {
    let (mut rig, cid) = Rig::with_channel();
    let expected = [Did::Say(LINK, cid, Command::WINK, vec![]), Did::Wink];
    assert_eq!(rig.message(LINK, cid, Command::WINK, &[]), expected);
}

#[test]
fn lock_keeps_others_out_until_released() {
    let (mut rig, cid) = Rig::with_channel();
    let other = rig.allocate(OTHER_LINK);
    let done = [Did::Say(LINK, cid, Command::LOCK, vec![])];
    assert_eq!(rig.message(LINK, cid, Command::LOCK, &[0]), done, "0 is fine without a lock");
    assert_eq!(rig.message(LINK, cid, Command::LOCK, &[8]), done);
    for at in [other, Cid::BROADCAST] {
        let busy = error(OTHER_LINK, at, ErrorCode::CHANNEL_BUSY);
        assert_eq!(rig.message(OTHER_LINK, at, Command::INIT, b"12345678"), busy);
    }
    let busy = error(OTHER_LINK, other, ErrorCode::CHANNEL_BUSY);
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x"), busy);
    assert_eq!(rig.message(OTHER_LINK, other, Command::LOCK, &[0]), busy, "only its holder releases it");
    assert_eq!(rig.message(LINK, cid, Command::PING, b"x").len(), 1, "its holder works on");
    assert_eq!(rig.message(LINK, cid, Command::LOCK, &[0]), done);
    assert_eq!(
        rig.message(OTHER_LINK, other, Command::PING, b"x")[0].clone(),
        Did::Say(OTHER_LINK, other, Command::PING, b"x".to_vec())
    );
}

#[test]
fn lock_ends_by_itself_and_with_its_link() {
    let (mut rig, cid) = Rig::with_channel();
    let other = rig.allocate(OTHER_LINK);
    let busy = error(OTHER_LINK, other, ErrorCode::CHANNEL_BUSY);
    let echo = [Did::Say(OTHER_LINK, other, Command::PING, b"x".to_vec())];
    assert_eq!(rig.message(LINK, cid, Command::LOCK, &[11]), error(LINK, cid, ErrorCode::INVALID_PAR));
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x"), echo, "a refused lock is none");
    rig.message(LINK, cid, Command::LOCK, &[10]);
    rig.pass(9_999);
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x"), busy);
    rig.now += std::time::Duration::from_millis(1);
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x"), echo);
    rig.message(LINK, cid, Command::LOCK, &[10]);
    rig.device.close_link(LINK);
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x"), echo);
}

#[test]
fn an_idle_device_is_silent() {
    let (mut rig, cid) = Rig::with_channel();
    assert_eq!(rig.device.next_deadline(), None);
    assert_eq!(rig.pass(3_000), []);
    for sequence in [0, 1, 127] {
        for at in [cid, Cid(99), Cid::RESERVED, Cid::BROADCAST] {
            assert_eq!(rig.continuation(LINK, at, sequence), [], "a stray continuation packet is ignored");
        }
    }
}

#[test]
fn closing_a_link_frees_its_channels() {
    let (mut rig, cid) = Rig::with_channel();
    let second = rig.allocate(LINK);
    let other = rig.allocate(OTHER_LINK);
    assert_eq!(crate::rig::joined(rig.device.close_link(LINK)), [Did::CloseChannel, Did::CloseChannel]);
    for gone in [cid, second] {
        assert_eq!(
            rig.message(LINK, gone, Command::PING, b"x"),
            error(LINK, gone, ErrorCode::INVALID_CHANNEL)
        );
    }
    assert_eq!(rig.message(OTHER_LINK, other, Command::PING, b"x").len(), 1);
    assert_eq!(rig.device.close_link(LINK), []);
}

#[test]
fn u2f_messages_are_taken_where_they_are_offered() {
    let (mut rig, cid) = Rig::with_channel();
    let nmsg = |rig: &mut Rig| match &rig.message(LINK, cid, Command::INIT, b"nonce-08")[..] {
        [Did::Say(LINK, _, Command::INIT, answer)] => answer[16] & 0x08 != 0,
        other => panic!("{other:?}"),
    };
    let version = [0, 3, 0, 0, 0, 0, 0];
    for offered in [false, true, false] {
        rig.device.offer_messages(offered);
        assert_eq!(nmsg(&mut rig), !offered, "the capability says what is true now");
        let did = rig.message(LINK, cid, Command::MSG, &version);
        if !offered {
            assert_eq!(did, error(LINK, cid, ErrorCode::INVALID_CMD));
            continue;
        }
        let [Did::Hand(transaction, message)] = &did[..] else { panic!("{did:?}") };
        assert_eq!(message, &version);
        // Not even CANCEL ends it: that is for CBOR (§11.2.9.1.5).
        assert_eq!(rig.message(LINK, cid, Command::CANCEL, &[]), []);
        let other = rig.allocate(OTHER_LINK);
        assert_eq!(
            rig.message(OTHER_LINK, other, Command::MSG, &version),
            error(OTHER_LINK, other, ErrorCode::CHANNEL_BUSY)
        );
        assert_eq!(
            rig.respond(*transaction, b"U2F_V2\x90\x00"),
            [Did::Say(LINK, cid, Command::MSG, b"U2F_V2\x90\x00".to_vec())]
        );
        assert_eq!(rig.message(LINK, cid, Command::MSG, &[]), error(LINK, cid, ErrorCode::INVALID_LEN));
    }
}
