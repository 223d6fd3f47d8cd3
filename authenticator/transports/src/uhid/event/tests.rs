use super::*;

/// An event as the kernel writes it.
fn said(kind: u32, body: &[u8]) -> Event {
    Event::parse(&[&kind.to_ne_bytes(), body].concat())
}

fn sent(data: &[u8]) -> Event {
    let mut body = data.to_vec();
    body.resize(DATA, 0);
    body.extend(u16::try_from(data.len()).unwrap().to_ne_bytes());
    body.push(1);
    said(OUTPUT, &body)
}

#[test]
fn a_report_comes_with_its_number_or_without() {
    let report = [7; REPORT];
    assert_eq!(sent(&report), Event::Output(report));
    assert_eq!(sent(&[&[0], &report[..]].concat()), Event::Output(report));
}

#[test]
fn what_is_no_report_is_nothing() {
    for data in [&[][..], &[7; REPORT - 1], &[7; REPORT + 1], &[0; REPORT + 2], &[0; DATA]] {
        assert_eq!(sent(data), Event::Other, "{} bytes", data.len());
    }
    let too_long = [&[0; DATA][..], &u16::MAX.to_ne_bytes(), &[1]].concat();
    assert_eq!(said(OUTPUT, &too_long), Event::Other);
    assert_eq!(said(OUTPUT, &[0; 70]), Event::Other);
    assert_eq!(Event::parse(&[4, 0]), Event::Other);
    assert_eq!(said(99, &[]), Event::Other);
}

#[test]
fn a_request_for_a_feature_report_is_answered_with_its_number() {
    let id = 0x0102_0304_u32.to_ne_bytes();
    let body = [&id[..], &[0, 0]].concat();
    for (asked, answered) in [(GET_REPORT, GET_REPORT_REPLY), (SET_REPORT, SET_REPORT_REPLY)] {
        let reply = [&answered.to_ne_bytes()[..], &id, &EIO.to_ne_bytes()].concat();
        assert_eq!(said(asked, &body), Event::Asked(reply));
        assert_eq!(said(asked, &id[..3]), Event::Other);
    }
}

#[test]
fn clients_come_and_go() {
    assert_eq!((said(OPEN, &[]), said(CLOSE, &[])), (Event::Open, Event::Close));
}
