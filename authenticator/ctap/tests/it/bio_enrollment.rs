//! authenticatorBioEnrollment (CTAP 2.3 §6.7).

use std::time::Duration;

use latchkey_ctap::{Answer, Capture, ChannelId, Operation, SampleStatus, Want};
use latchkey_protocol::bio_enrollment::{Params, Request as Bio, Response, SubCommand};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::get_info;
use latchkey_protocol::{Request, Status};

use crate::device::{CHANNEL, Device, PIN, status, typed};
use crate::platform::{RP, Token, ask_token_by_gesture, ask_token_by_pin, token};
use crate::sensor::{CAPACITY, SAMPLES, Sensor, device_with_sensor, recognised, sample};
use crate::table::{Row, run};

mod life;

const BE: Permissions = Permissions::BIO_ENROLLMENT;
const OTHER: ChannelId = ChannelId(2);
const GOOD: SampleStatus = SampleStatus::Good;

/// A request that the token's holder sends.
pub fn proven(subcommand: SubCommand, params: Option<Params>, token: &Token) -> Bio {
    let raw = params.as_ref().map(Params::raw).unwrap_or_default();
    let param = token.mac(&[&[1, subcommand.0], raw].concat());
    Bio {
        modality: Some(1),
        subcommand: Some(subcommand),
        params,
        protocol: Some(token.protocol),
        pin_uv_auth_param: Some(param),
        get_modality: None,
    }
}

fn about(id: &str) -> Params {
    Params::new(Some(id.as_bytes().to_vec()), None, None)
}

fn within(milliseconds: u64) -> Params {
    Params::new(None, None, Some(milliseconds))
}

fn send_on(device: &mut Device, channel: ChannelId, request: Bio) -> Result<Response, Status> {
    let response = device.send_on(channel, &Request::BioEnrollment(request));
    match status(&response) {
        Status::OK => Ok(Response::parse(&response).unwrap()),
        refused => Err(refused),
    }
}

fn send(device: &mut Device, request: Bio) -> Result<Response, Status> {
    send_on(device, CHANNEL, request)
}

fn begin(
    device: &mut Device,
    token: &Token,
    answers: impl IntoIterator<Item = Answer>,
) -> Result<Response, Status> {
    device.user(answers);
    send(device, proven(SubCommand::ENROLL_BEGIN, None, token))
}

fn next(device: &mut Device, token: &Token, finger: &str, answer: Answer) -> Result<Response, Status> {
    device.user([answer]);
    send(device, proven(SubCommand::ENROLL_CAPTURE_NEXT_SAMPLE, Some(about(finger)), token))
}

/// A device that has the first of three samples of `finger`.
fn begun(finger: &str) -> (Device, Sensor, Token) {
    let (mut device, sensor) = device_with_sensor();
    let token = token(&mut device, BE, None);
    begin(&mut device, &token, [Answer::Approved, sample(finger, GOOD, 2)]).unwrap();
    device.asked();
    (device, sensor, token)
}

/// A device that has learnt `finger`.
fn enrolled(finger: &str) -> (Device, Sensor, Token) {
    let (mut device, sensor, token) = begun(finger);
    next(&mut device, &token, finger, sample(finger, GOOD, 1)).unwrap();
    next(&mut device, &token, finger, sample(finger, GOOD, 0)).unwrap();
    (device, sensor, token)
}

fn info(device: &mut Device) -> get_info::Response {
    get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap()
}

#[test]
fn without_a_sensor_there_is_no_such_command() {
    let mut device = Device::with_pin();
    let token = token(&mut device, Permissions::CREDENTIAL_MANAGEMENT, None);
    let request = Request::BioEnrollment(proven(SubCommand::ENUMERATE_ENROLLMENTS, None, &token)).encode();
    for command in [0x09, 0x40] {
        let answer = device.bytes_on(CHANNEL, &[&[command], &request[1..]].concat());
        assert_eq!(answer, [Status::INVALID_COMMAND.0], "§6.7.1: no option, no command");
    }
    let refused = ask_token_by_pin(&mut device, 2, PIN, BE, None).err();
    assert_eq!(refused, Some(Status::UNAUTHORIZED_PERMISSION), "§6.5.5.7.2 step 4");
    let info = info(&mut device);
    for option in ["bioEnroll", "userVerificationMgmtPreview", "uvBioEnroll"] {
        assert!(!info.options.contains_key(option), "{option}");
    }
    assert_eq!(info.uv_modality, Some(0x04), "a PIN typed at our own prompt");
}

#[test]
fn get_info_says_what_there_is() {
    let (mut device, _sensor) = device_with_sensor();
    let before = info(&mut device);
    let (mut device, ..) = enrolled("thumb");
    let after = info(&mut device);
    for (info, expected) in [(before, false), (after, true)] {
        assert_eq!(info.options["bioEnroll"], expected, "§6.4");
        assert_eq!(info.options["userVerificationMgmtPreview"], expected, "the prototype, §6.12");
        assert!(info.options["uvBioEnroll"]);
        assert_eq!(info.uv_modality, Some(0x02 | 0x04), "fingerprint and PIN");
    }
}

#[test]
fn what_the_sensor_is_needs_no_token() {
    let (mut device, _sensor) = device_with_sensor();
    let answer = send(&mut device, Bio { get_modality: Some(true), ..Bio::default() }).unwrap();
    assert_eq!(answer, Response { modality: Some(1), ..Response::default() }, "§6.7.2");
    let asked = Bio {
        modality: Some(1),
        subcommand: Some(SubCommand::GET_FINGERPRINT_SENSOR_INFO),
        ..Bio::default()
    };
    let expected = Response {
        modality: Some(1),
        fingerprint_kind: Some(1),
        max_capture_samples_required_for_enroll: Some(SAMPLES.into()),
        max_template_friendly_name: Some(64),
        ..Response::default()
    };
    assert_eq!(send(&mut device, asked), Ok(expected), "§6.7.3");
}

#[test]
fn each_defect_has_its_status() {
    let rows: [Row<Bio>; 14] = [
        row("as it should be", |_| {}, Status::OK, "§6.7.4"),
        row("no modality", |bio| bio.modality = None, Status::MISSING_PARAMETER, "§6.7"),
        row("another modality", |bio| bio.modality = Some(2), Status::INVALID_PARAMETER, "§6.7"),
        row("no subcommand", |bio| bio.subcommand = None, Status::MISSING_PARAMETER, "§6.7"),
        row("an unknown one", |bio| bio.subcommand = Some(SubCommand(8)), Status::INVALID_SUBCOMMAND, "§8.2"),
        row("no proof", |bio| bio.pin_uv_auth_param = None, Status::PUAT_REQUIRED, "§6.7.4"),
        row("no protocol", |bio| bio.protocol = None, Status::MISSING_PARAMETER, "§6.7.4"),
        row("an unknown protocol", |bio| bio.protocol = Some(3), Status::INVALID_PARAMETER, "§6.7.4"),
        row("the other protocol", |bio| bio.protocol = Some(1), Status::PIN_AUTH_INVALID, "§6.5.7"),
        row("half of the MAC", half_of_the_mac, Status::PIN_AUTH_INVALID, "§6.5.7: exact length"),
        row("another timeout", |bio| bio.params = Some(within(1)), Status::PIN_AUTH_INVALID, "§6.7.4"),
        row("parameters away", |bio| bio.params = None, Status::PIN_AUTH_INVALID, "§6.7.4"),
        row(
            "another subcommand",
            |bio| bio.subcommand = Some(SubCommand::ENUMERATE_ENROLLMENTS),
            Status::PIN_AUTH_INVALID,
            "§6.7.6",
        ),
        row(
            "getModality: false",
            |bio| bio.get_modality = Some(false),
            Status::OK,
            "§6.7.2: it asks nothing",
        ),
    ];
    let prepare = || {
        let (mut device, _sensor) = device_with_sensor();
        let token = token(&mut device, BE, None);
        device.user([Answer::Approved, sample("thumb", GOOD, 2)]);
        let request = proven(SubCommand::ENROLL_BEGIN, Some(Params::new(None, None, Some(9))), &token);
        (device, request)
    };
    run(&rows, prepare, Request::BioEnrollment);
}

fn row(name: &'static str, change: fn(&mut Bio), expected: Status, clause: &'static str) -> Row<Bio> {
    Row { name, change, expected, clause }
}

fn half_of_the_mac(bio: &mut Bio) {
    bio.pin_uv_auth_param.as_mut().unwrap().truncate(16);
}

#[test]
fn every_subcommand_that_changes_or_tells_wants_its_permission() {
    let (mut device, sensor, _) = enrolled("thumb");
    let named = Some(Params::new(Some(b"thumb".to_vec()), Some("mine".to_owned()), None));
    for subcommand in [1, 2, 4, 5, 6].map(SubCommand) {
        let wrong = token(&mut device, Permissions::CREDENTIAL_MANAGEMENT, None);
        let refused = send(&mut device, proven(subcommand, named.clone(), &wrong));
        assert_eq!(refused, Err(Status::PIN_AUTH_INVALID), "§6.5.5.7: be, for {subcommand}");
        let mut without = proven(subcommand, named.clone(), &wrong);
        without.pin_uv_auth_param = None;
        assert_eq!(send(&mut device, without), Err(Status::PUAT_REQUIRED), "{subcommand}");
    }
    assert_eq!(sensor.names(), ["thumb"]);
}

#[test]
fn an_enrolled_finger_opens_the_container_without_another_pin() {
    let (mut device, sensor) = device_with_sensor();
    let token = token(&mut device, BE, None);
    device.user([Answer::Approved, sample("thumb", GOOD, 2)]);
    let first = send(&mut device, proven(SubCommand::ENROLL_BEGIN, Some(within(7000)), &token)).unwrap();
    let asked = device.asked();
    assert_eq!((asked.len(), asked[0].operation, asked[0].want), (1, Operation::Enrol, Want::Approval));
    assert_eq!(
        (first.template_id.as_deref(), first.last_enroll_sample_status, first.remaining_samples),
        (Some(b"thumb".as_slice()), Some(0), Some(2))
    );
    let second = next(&mut device, &token, "thumb", sample("thumb", GOOD, 1)).unwrap();
    assert_eq!((second.template_id, second.remaining_samples), (None, Some(1)));
    assert!(sensor.names().is_empty(), "two samples are no finger");
    let last = next(&mut device, &token, "thumb", sample("thumb", GOOD, 0)).unwrap();
    assert_eq!((last.last_enroll_sample_status, last.remaining_samples), (Some(0), Some(0)));
    let [one, two, three] = device.captures[..] else { panic!("{:?}", device.captures) };
    assert_eq!(one, Capture { first: true, timeout: Some(Duration::from_secs(7)) });
    assert_eq!((two, three), (Capture { first: false, timeout: None }, two));
    assert!(!device.engine().is_enrolling());
    device.user([recognised("thumb")]);
    assert!(ask_token_by_gesture(&mut device, 2, Permissions::GET_ASSERTION, Some(RP)).is_ok());
}

#[test]
fn a_sample_that_is_not_good_is_told_and_counts_for_nothing() {
    let (mut device, _sensor, token) = begun("thumb");
    for (bad, number) in [
        (SampleStatus::NotCentred, 0x03),
        (SampleStatus::PoorQuality, 0x07),
        (SampleStatus::TooShort, 0x09),
        (SampleStatus::MergeFailure, 0x0A),
        (SampleStatus::Exists, 0x0B),
        (SampleStatus::NoUserActivity, 0x0D),
        (SampleStatus::NotLifted, 0x0E),
    ] {
        let told = next(&mut device, &token, "thumb", sample("thumb", bad, 2)).unwrap();
        assert_eq!((told.last_enroll_sample_status, told.remaining_samples), (Some(number), Some(2)));
    }
    assert!(device.engine().is_enrolling());
}

#[test]
fn a_full_sensor_asks_nobody() {
    let (mut device, sensor, token) = enrolled("thumb");
    begin(&mut device, &token, [Answer::Approved, sample("index", GOOD, 0)]).unwrap();
    assert_eq!(sensor.names().len(), CAPACITY);
    device.asked();
    assert_eq!(begin(&mut device, &token, []), Err(Status::FP_DATABASE_FULL), "§6.7.4");
    assert!(device.asked().is_empty());
}

#[test]
fn templates_are_listed_renamed_and_removed() {
    let (mut device, sensor) = device_with_sensor();
    let be = token(&mut device, BE, None);
    let list = |device: &mut Device, be: &Token| {
        send(device, proven(SubCommand::ENUMERATE_ENROLLMENTS, None, be)).map(|found| {
            let infos = found.template_infos.unwrap().into_iter();
            infos.map(|info| (info.template_id, info.friendly_name.unwrap())).collect::<Vec<_>>()
        })
    };
    assert_eq!(list(&mut device, &be), Err(Status::INVALID_OPTION), "§6.7.6: nothing is enrolled");
    begin(&mut device, &be, [Answer::Approved, sample("thumb", GOOD, 0)]).unwrap();
    assert_eq!(list(&mut device, &be), Ok(vec![(b"thumb".to_vec(), "thumb".to_owned())]));
    let rename = |id: &str, name: Option<&str>| {
        let params = Params::new(Some(id.as_bytes().to_vec()), name.map(str::to_owned), None);
        proven(SubCommand::SET_FRIENDLY_NAME, Some(params), &be)
    };
    let longest = "ä".repeat(32);
    for (id, name, expected) in [
        ("thumb", Some(format!("{longest}.")), Err(Status::INVALID_LENGTH)),
        ("index", Some("mine".to_owned()), Err(Status::INVALID_OPTION)),
        ("thumb", None, Err(Status::MISSING_PARAMETER)),
        ("thumb", Some(longest.clone()), Ok(Response::default())),
    ] {
        assert_eq!(send(&mut device, rename(id, name.as_deref())), expected, "§6.7.7: {name:?}");
    }
    assert_eq!(sensor.names(), [longest]);
    for (id, expected) in [
        (Some("index"), Err(Status::INVALID_OPTION)),
        (None, Err(Status::MISSING_PARAMETER)),
        (Some("thumb"), Ok(Response::default())),
        (Some("thumb"), Err(Status::INVALID_OPTION)),
    ] {
        let request = proven(SubCommand::REMOVE_ENROLLMENT, id.map(about), &be);
        assert_eq!(send(&mut device, request), expected, "§6.7.8: {id:?}");
    }
    device.user([recognised("thumb"), Answer::Denied]);
    assert!(ask_token_by_gesture(&mut device, 2, Permissions::GET_ASSERTION, Some(RP)).is_err());
}

#[test]
fn a_finger_does_not_let_in_another() {
    let (mut device, ..) = enrolled("thumb");
    device.user([recognised("thumb"), typed(PIN)]);
    assert!(ask_token_by_gesture(&mut device, 2, BE, None).is_ok(), "uvBioEnroll");
    let asked = device.asked();
    assert_eq!(asked.len(), 2, "the finger did not do, the PIN did");
    for prompt in asked {
        assert_eq!((prompt.operation, prompt.takes_gestures()), (Operation::ManageFingers, false));
    }
    device.user([typed(PIN)]);
    let several = BE | Permissions::CREDENTIAL_MANAGEMENT;
    assert!(ask_token_by_gesture(&mut device, 2, several, None).is_ok());
    assert_eq!(device.asked()[0].operation, Operation::ManageFingers, "what opens all is named");
}
