//! What an enrolment belongs to, and what ends it.

use latchkey_container::{Pin, PinHash};
use latchkey_ctap::{Answer, Captured, Step};
use latchkey_protocol::bio_enrollment::{Request as Bio, Response, SubCommand};
use latchkey_protocol::{Request, Status};

use super::{BE, GOOD, OTHER, about, begin, begun, next, proven, send, send_on};
use crate::device::{CHANNEL, Device, NOW, PIN, status, typed};
use crate::platform::token;
use crate::sensor::{Sensor, device_with_sensor, sample};

/// Does something to a device amid an enrolment.
type End = fn(&mut Device);

#[test]
fn what_ends_an_enrolment_ends_it() {
    let ends: [(&str, End); 5] = [
        ("its time, §6", |device| device.pass(30)),
        ("cancelCurrentEnrollment, §6.7.5", |device| {
            let cancel = Bio {
                modality: Some(1),
                subcommand: Some(SubCommand::CANCEL_CURRENT_ENROLLMENT),
                ..Bio::default()
            };
            assert_eq!(send(device, cancel), Ok(Response::default()), "no token is needed");
        }),
        ("its channel", |device| device.engine().channel_closed(CHANNEL)),
        ("the finger's owner says no", |device| {
            let token = token(device, BE, None);
            assert_eq!(begin(device, &token, [Answer::Denied]), Err(Status::OPERATION_DENIED));
        }),
        ("a power cycle", |device| {
            device.power_cycle();
            device.add_biometrics(Box::new(Sensor::default()));
        }),
    ];
    for (name, end) in ends {
        let (mut device, _sensor, _) = begun("thumb");
        end(&mut device);
        let now = device.uptime;
        device.engine().tick(now);
        assert!(!device.engine().is_enrolling(), "{name}");
        let token = token(&mut device, BE, None);
        let refused = next(&mut device, &token, "thumb", sample("thumb", GOOD, 0));
        assert_eq!(refused, Err(Status::NOT_ALLOWED), "{name}");
    }
}

#[test]
fn an_enrolment_belongs_to_its_channel_token_and_template() {
    let (mut device, sensor, token) = begun("thumb");
    let request = || proven(SubCommand::ENROLL_CAPTURE_NEXT_SAMPLE, Some(about("thumb")), &token);
    assert_eq!(send_on(&mut device, OTHER, request()), Err(Status::NOT_ALLOWED), "another channel");
    let cancel = proven(SubCommand::CANCEL_CURRENT_ENROLLMENT, None, &token);
    assert_eq!(send_on(&mut device, OTHER, cancel), Ok(Response::default()), "which ends only its own");
    let wrong = next(&mut device, &token, "index", sample("thumb", GOOD, 1));
    assert_eq!(wrong, Err(Status::INVALID_PARAMETER), "another template");
    let unnamed = send(&mut device, proven(SubCommand::ENROLL_CAPTURE_NEXT_SAMPLE, None, &token));
    assert_eq!(unnamed, Err(Status::MISSING_PARAMETER));
    assert!(next(&mut device, &token, "thumb", sample("thumb", GOOD, 1)).is_ok(), "undisturbed by all that");
    let newer = crate::platform::token(&mut device, BE, None);
    let refused = next(&mut device, &newer, "thumb", sample("thumb", GOOD, 0));
    assert_eq!(refused, Err(Status::NOT_ALLOWED), "it ends with its token");
    assert!(sensor.names().is_empty());
}

#[test]
fn a_new_enrolment_takes_the_place_of_the_old_one() {
    let (mut device, sensor, token) = begun("thumb");
    begin(&mut device, &token, [Answer::Approved, sample("index", GOOD, 1)]).unwrap();
    let old = next(&mut device, &token, "thumb", sample("thumb", GOOD, 0));
    assert_eq!(old, Err(Status::INVALID_PARAMETER), "§6.7.4: an unfinished one is cancelled");
    next(&mut device, &token, "index", sample("index", GOOD, 0)).unwrap();
    assert_eq!(sensor.names(), ["index"]);
}

#[test]
fn what_the_user_and_the_sensor_answer_decides() {
    let rows = || {
        [
            (Answer::Denied, Status::OPERATION_DENIED),
            (typed(PIN), Status::OPERATION_DENIED),
            (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
            (Answer::TimedOut, Status::USER_ACTION_TIMEOUT),
        ]
    };
    let of_the_sensor = || {
        [
            (Answer::Captured(Captured::Full), Status::FP_DATABASE_FULL),
            (Answer::Captured(Captured::Failed), Status::OTHER),
            (Answer::Approved, Status::OPERATION_DENIED),
        ]
    };
    for (answer, expected) in rows() {
        let (mut device, _sensor) = device_with_sensor();
        let token = token(&mut device, BE, None);
        assert_eq!(begin(&mut device, &token, [answer]), Err(expected), "at the prompt");
        assert!(device.captures.is_empty(), "the sensor never listened");
    }
    for (answer, expected) in rows().into_iter().chain(of_the_sensor()) {
        let (mut device, _sensor) = device_with_sensor();
        let token = token(&mut device, BE, None);
        assert_eq!(
            begin(&mut device, &token, [Answer::Approved, answer]),
            Err(expected),
            "while it captures"
        );
    }
    for (answer, expected) in rows().into_iter().chain(of_the_sensor()) {
        let (mut device, sensor, token) = begun("thumb");
        assert_eq!(next(&mut device, &token, "thumb", answer), Err(expected), "at a further sample");
        assert!(!device.engine().is_enrolling() && sensor.names().is_empty());
        let refused = next(&mut device, &token, "thumb", sample("thumb", GOOD, 0));
        assert_eq!(refused, Err(Status::NOT_ALLOWED), "and it is over");
    }
}

#[test]
fn a_changed_pin_ends_the_enrolment_that_the_old_one_allowed() {
    let (mut device, sensor, token) = begun("thumb");
    let request = proven(SubCommand::ENROLL_CAPTURE_NEXT_SAMPLE, Some(about("thumb")), &token);
    let Step::Capture(_, suspended) = device.handle(CHANNEL, &Request::BioEnrollment(request).encode())
    else {
        panic!("no capture");
    };
    let (mut rng, new) = (device.rng.clone(), Pin::parse(b"another pin", 6).unwrap());
    device.engine().change_pin(&PinHash::typed(PIN), &new, NOW, &mut rng).unwrap();
    let Step::Respond(refused) = device.resume(suspended, sample("thumb", GOOD, 0)) else { panic!("asked") };
    assert_eq!(status(&refused), Status::PIN_AUTH_INVALID);
    assert!(sensor.names().is_empty());
}

#[test]
fn a_reset_takes_the_fingers_too() {
    let (mut device, sensor, _) = super::enrolled("thumb");
    device.power_cycle();
    device.add_biometrics(Box::new(sensor.clone()));
    assert_eq!(device.send(&Request::Reset), [0], "§6.6");
    assert!(sensor.names().is_empty());
    assert!(!super::info(&mut device).options["bioEnroll"]);
    assert_eq!(device.container().biometrics().unwrap(), []);
}
