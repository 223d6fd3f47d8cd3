use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::{Carrier, Channel, Command, Error, Flow, Frame, HidError, LONGEST_MESSAGE, REPORT, Waiting};

/// Answers with frames that were laid out before, and keeps what was sent.
struct Played {
    answers: VecDeque<Frame>,
    sent: std::rc::Rc<std::cell::RefCell<Vec<Frame>>>,
}

impl Carrier for Played {
    fn send(&mut self, report: &[u8; REPORT]) -> io::Result<()> {
        self.sent.borrow_mut().push(Frame::parse(report));
        Ok(())
    }

    fn receive(&mut self, _wait: Duration) -> io::Result<Option<[u8; REPORT]>> {
        Ok(self.answers.pop_front().map(|frame| frame.report()))
    }
}

fn channel(answers: Vec<Frame>) -> (Channel, std::rc::Rc<std::cell::RefCell<Vec<Frame>>>) {
    let sent = std::rc::Rc::default();
    let carrier = Played { answers: answers.into(), sent: std::rc::Rc::clone(&sent) };
    (Channel { carrier: Box::new(carrier), cid: 7 }, sent)
}

#[test]
fn messages_of_every_length_are_cut_and_put_together() {
    for length in [0, 1, 57, 58, 116, 117, LONGEST_MESSAGE] {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let frames = Frame::of_message(7, Command::PING, &payload);
        assert_eq!(frames.len(), 1 + length.saturating_sub(57).div_ceil(59), "{length}");
        let (mut channel, sent) = channel(frames.clone());
        let answer = channel.exchange(Command::PING, &payload, &mut |_| Flow::Wait).expect("it answers");
        assert_eq!(answer, payload);
        assert_eq!(sent.borrow().len(), frames.len());
    }
}

#[test]
fn keepalives_are_told_other_channels_ignored_and_errors_passed_on() {
    let (mut played, sent) = channel(vec![
        Frame::first(8, Command::CBOR, 1, &[9]),
        Frame::first(7, Command::KEEPALIVE, 1, &[1]),
        Frame::first(7, Command::KEEPALIVE, 1, &[2]),
        Frame::first(7, Command::CBOR, 1, &[0x2D]),
    ]);
    let mut heard = Vec::new();
    let answer = played.exchange(Command::CBOR, &[4], &mut |waiting| {
        heard.push(waiting);
        if waiting == Waiting::ForUser { Flow::Cancel } else { Flow::Wait }
    });
    assert_eq!(answer.expect("it answers"), [0x2D]);
    assert_eq!(heard, [Waiting::Processing, Waiting::ForUser]);
    assert_eq!(sent.borrow().last(), Some(&Frame::first(7, Command::CANCEL, 0, &[])));

    let (mut played, _) = channel(vec![Frame::first(7, Command::ERROR, 1, &[6])]);
    let refused = played.exchange(Command::PING, &[], &mut |_| Flow::Wait);
    assert!(matches!(refused, Err(Error::Hid(HidError::CHANNEL_BUSY))));
}

#[test]
fn a_target_that_lies_about_its_packets_is_found_out() {
    let out_of_order = vec![Frame::first(7, Command::PING, 100, &[0; 57]), Frame::next(7, 1, &[0; 43])];
    let (mut played, _) = channel(out_of_order);
    assert!(matches!(played.message(Duration::ZERO), Err(Error::Garbled(_))));
    let (mut played, _) = channel(vec![Frame::first(7, Command::WINK, 0, &[])]);
    assert!(matches!(played.exchange(Command::PING, &[], &mut |_| Flow::Wait), Err(Error::Garbled(_))));
}
