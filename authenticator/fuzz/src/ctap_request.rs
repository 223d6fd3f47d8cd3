//! Requests to the engine: whatever comes, there is an answer with a status that CTAP names, in the form that a
//! platform can read, and no signature without a yes or a token.
//!
//! An input is a row of requests. Before each: a byte (bit 0 the channel, bit 1 whether it closes first, bits 2-4 what
//! the user answers, bits 5-7 how much time has passed) and the request's length.

use std::cell::RefCell;
use std::time::Duration;

use latchkey_ctap::{Answer, ChannelId};
use latchkey_protocol::{
    Command, MAX_MESSAGE, Request, Status, cbor, client_pin, credential_management, get_assertion, get_info,
    make_credential,
};

use crate::device::{CHANNEL, Device, PIN, status, typed};
use crate::input::Input;

/// Requests of one input; more teach nothing.
const LONGEST_ROW: usize = 12;

thread_local! {
    static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Any bytes.
///
/// # Panics
/// When an answer is none.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    // Taken out, so that a device whose engine panicked is not used again.
    let device = DEVICE.with_borrow_mut(Option::take);
    let mut device = device.map_or_else(Device::new, Device::renewed);
    let mut evidence = false;
    for _ in 0..LONGEST_ROW {
        let (Some(control), Some(request)) = (input.byte(), input.piece()) else { break };
        read_again(request);
        let response = one(&mut device, control, request);
        evidence |= device.prompts.iter().any(|_| answer(control).is_some_and(|given| is_yes(&given)));
        judge(request, &response, evidence);
        device.prompts.clear();
    }
    DEVICE.set(Some(device));
}

fn one(device: &mut Device, control: u8, request: &[u8]) -> Vec<u8> {
    let channel = if control & 1 == 0 { CHANNEL } else { ChannelId(2) };
    if control & 2 == 2 {
        device.close(channel);
    }
    let seconds = [0, 1, 9, 10, 29, 30, 599, 3600];
    let passed = seconds.get(usize::from(control >> 5)).copied().unwrap_or(0);
    device.uptime += Duration::from_secs(passed);
    device.user((0..4).filter_map(|_| answer(control)));
    device.bytes_on(channel, request)
}

/// What the user answers to every prompt of a request; `None`: approves.
fn answer(control: u8) -> Option<Answer> {
    Some(match control >> 2 & 7 {
        0 => Answer::Approved,
        1 => typed(PIN),
        2 => typed("654321"),
        3 => Answer::Denied,
        4 => Answer::Cancelled,
        5 => Answer::TimedOut,
        _ => return None,
    })
}

const fn is_yes(answer: &Answer) -> bool {
    matches!(answer, Answer::Approved | Answer::Pin(_))
}

/// What was understood is the same when it is sent on.
fn read_again(request: &[u8]) {
    if let Ok(read) = Request::parse(request) {
        assert_eq!(Request::parse(&read.encode()).as_ref(), Ok(&read), "a request stays what it is");
    }
}

fn judge(request: &[u8], response: &[u8], evidence: bool) {
    let status = status(response);
    assert!(status.name().is_some(), "{status} has no name in CTAP");
    assert_ne!(status, Status::OTHER, "nothing is wrong with the device");
    assert!(response.len() <= MAX_MESSAGE, "an answer fits into a message");
    if status != Status::OK {
        assert_eq!(response.len(), 1, "a refusal says nothing more");
        return;
    }
    let command = Command(*request.first().expect("an empty request is refused"));
    if let Some(body) = response.get(1..).filter(|body| !body.is_empty()) {
        let value = cbor::decode(body).expect("an answer is canonical CBOR");
        assert_eq!(cbor::encode(&value), body);
    }
    match command {
        Command::MAKE_CREDENTIAL => {
            assert!(evidence, "nobody said yes to a passkey");
            drop(make_credential::Response::parse(response).expect("a platform can read it"));
        }
        Command::GET_ASSERTION => {
            assert!(evidence, "nobody said yes to a signature");
            drop(get_assertion::Response::parse(response).expect("a platform can read it"));
        }
        Command::GET_INFO => {
            drop(get_info::Response::parse(response).expect("a platform can read it"));
        }
        Command::CLIENT_PIN => {
            drop(client_pin::Response::parse(response).expect("a platform can read it"));
        }
        Command::CREDENTIAL_MANAGEMENT => {
            drop(credential_management::Response::parse(response).expect("a platform can read it"));
        }
        Command(_) => {}
    }
}
