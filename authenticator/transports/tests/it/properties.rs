//! What holds for every message and for every 64 bytes.

use latchkey_transports::ctaphid::{
    Assembler, Cid, Command, Frame, LONGEST_MESSAGE, LinkId, REPORT, reports,
};
use proptest::prelude::*;

use crate::rig::{Did, LINK, Rig};

/// Reports that hit a rule more often than noise would: few channels, known commands, small sequence numbers.
fn likely_report() -> impl Strategy<Value = [u8; REPORT]> {
    let cid = prop_oneof![Just(0_u32), Just(u32::MAX), 1..4_u32, any::<u32>()];
    let kind = prop_oneof![
        prop::sample::select(vec![0x81, 0x83, 0x84, 0x86, 0x88, 0x90, 0x91, 0xBB, 0xBF]),
        0..4_u8,
        any::<u8>()
    ];
    let length = prop_oneof![0..70_u16, 7600..7620_u16, any::<u16>()];
    (cid, kind, length, any::<[u8; 32]>()).prop_map(|(cid, kind, length, noise)| {
        let mut report = [0; REPORT];
        report[..4].copy_from_slice(&cid.to_be_bytes());
        report[4] = kind;
        report[5..7].copy_from_slice(&length.to_be_bytes());
        report[7..39].copy_from_slice(&noise);
        report
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_comes_back_together(
        cid in any::<u32>(),
        command in 0..0x80_u8,
        payload in prop::collection::vec(any::<u8>(), 0..=LONGEST_MESSAGE),
    ) {
        let mut message: Option<Assembler> = None;
        for report in reports(Cid(cid), Command(command), &payload).unwrap() {
            match (Frame::parse(&report), &mut message) {
                (Frame::Initialization { cid: at, command, length, data }, None) => {
                    prop_assert_eq!(at, Cid(cid));
                    message = Some(Assembler::start(command, length, &data).unwrap());
                }
                (Frame::Continuation { cid: at, sequence, data }, Some(message)) => {
                    prop_assert_eq!(at, Cid(cid));
                    prop_assert!(!message.is_complete());
                    message.add(sequence, &data).unwrap();
                }
                (frame, _) => prop_assert!(false, "{:?}", frame),
            }
        }
        let message = message.unwrap();
        prop_assert!(message.is_complete());
        prop_assert_eq!(message.command(), Command(command));
        prop_assert_eq!(message.into_payload(), payload);
    }

    #[test]
    fn the_device_lives_through_anything(
        steps in prop::collection::vec((0..3_u64, likely_report(), 0..700_u64, any::<u8>()), 1..200),
    ) {
        let mut rig = Rig::new();
        for (link, report, gap, choice) in steps {
            let mut did = rig.pass(gap);
            did.extend(rig.report(LinkId(link), &report));
            for did in did {
                match (did, choice % 3) {
                    (Did::Ask(transaction, request), 0) => {
                        prop_assert!(!request.is_empty());
                        rig.respond(transaction, &request);
                    }
                    (Did::Ask(..), 1) => {
                        rig.device.set_waiting_for_user(true, rig.now);
                    }
                    (Did::GiveUp(transaction), _) => {
                        rig.respond(transaction, &[0x2D]);
                    }
                    (_, _) => {}
                }
            }
            if choice == 7 {
                rig.device.close_link(LinkId(link));
            }
        }
        // Whatever happened, a link that is new gets a channel, and an echo once the device is free.
        let fresh = LinkId(9);
        rig.pass(11_000);
        for link in 0..3 {
            rig.device.close_link(LinkId(link));
        }
        let cid = rig.allocate(fresh);
        prop_assert_eq!(
            rig.message(fresh, cid, Command::PING, b"x"),
            [Did::Say(fresh, cid, Command::PING, b"x".to_vec())]
        );
    }

    #[test]
    fn noise_is_harmless(steps in prop::collection::vec(any::<[u8; 32]>(), 1..100)) {
        let mut rig = Rig::new();
        for noise in steps {
            let mut report = [0; REPORT];
            report[..32].copy_from_slice(&noise);
            rig.report(LINK, &report);
        }
    }
}
