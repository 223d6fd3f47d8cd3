//! The bytes of reports (CTAP 2.3 §11.2.4), written out by hand.

use latchkey_transports::ctaphid::{
    Assembler, Broken, Cid, Command, Frame, LONGEST_MESSAGE, REPORT, TooLong, reports,
};

const CID: Cid = Cid(0x0102_0304);

#[test]
fn a_short_message_is_one_padded_report() {
    let cut = reports(CID, Command::CBOR, &[0xAA, 0xBB]).unwrap();
    let mut expected = [0; REPORT];
    expected[..9].copy_from_slice(&[1, 2, 3, 4, 0x90, 0, 2, 0xAA, 0xBB]);
    assert_eq!(cut, [expected]);
}

#[test]
fn a_long_message_goes_on_in_numbered_reports() {
    let payload: Vec<u8> = (0..=255).chain(0..=255).collect();
    let cut = reports(CID, Command::PING, &payload[..300]).unwrap();
    assert_eq!(cut.len(), 1 + 5, "57 + 4 x 59 + 7");
    assert_eq!(cut[0][..8], [1, 2, 3, 4, 0x81, 1, 44, 0]);
    assert_eq!(cut[1][..6], [1, 2, 3, 4, 0, 57]);
    assert_eq!(cut[5][..6], [1, 2, 3, 4, 4, 37]);
    assert_eq!(cut[5][12..], [0; 52], "padding");
}

#[test]
fn the_number_of_reports_follows_the_length() {
    for (length, packets) in
        [(0, 1), (57, 1), (58, 2), (116, 2), (117, 3), (LONGEST_MESSAGE - 1, 129), (LONGEST_MESSAGE, 129)]
    {
        assert_eq!(reports(CID, Command::PING, &vec![1; length]).unwrap().len(), packets, "{length} bytes");
    }
    assert_eq!(reports(CID, Command::PING, &vec![1; LONGEST_MESSAGE + 1]), Err(TooLong));
}

#[test]
fn reports_are_taken_apart() {
    let mut report = [9; REPORT];
    report[..7].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF, 0x86, 0x12, 0x34]);
    let expected =
        Frame::Initialization { cid: Cid::BROADCAST, command: Command::INIT, length: 0x1234, data: [9; 57] };
    assert_eq!(Frame::parse(&report), expected);
    report[4] = 0x7F;
    let Frame::Continuation { cid, sequence, data } = Frame::parse(&report) else {
        panic!("bit 7 is clear");
    };
    assert_eq!((cid, sequence, data[..3].to_vec()), (Cid::BROADCAST, 0x7F, vec![0x12, 0x34, 9]));
}

#[test]
fn a_message_takes_only_its_next_packet() {
    assert!(Assembler::start(Command::PING, 7610, &[0; 57]).is_err());
    let mut message = Assembler::start(Command::PING, 120, &[1; 57]).unwrap();
    assert_eq!(message.add(1, &[2; 59]), Err(Broken));
    assert_eq!(message.add(0, &[2; 59]), Ok(()));
    assert!(!message.is_complete());
    assert_eq!(message.add(0, &[3; 59]), Err(Broken), "the same once more");
    assert_eq!(message.add(1, &[3; 59]), Ok(()));
    assert!(message.is_complete());
    assert_eq!(message.add(2, &[4; 59]), Err(Broken), "one too many");
    assert_eq!(message.into_payload(), [&[1; 57][..], &[2; 59], &[3; 4]].concat());
}
