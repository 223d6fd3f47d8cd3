//! authenticatorConfig (CTAP 2.3 §6.11).

use latchkey_container::Profile;
use latchkey_ctap::{Answer, Operation, Want};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::config::{Params, PinParams, Request as Config, SubCommand};
use latchkey_protocol::get_info::Response as Info;
use latchkey_protocol::{Command, Request, Status};

use crate::client_pin::{change, padded};
use crate::device::{Device, PIN, status};
use crate::platform::{PROTOCOLS, RP, Session, Token, ask_token_by_pin, passkey, received, token};
use crate::table::{Row, run};

const ACFG: Permissions = Permissions::AUTHENTICATOR_CONFIGURATION;
const GA: Permissions = Permissions::GET_ASSERTION;

pub fn info(device: &mut Device) -> Info {
    Info::parse(&device.send(&Request::GetInfo)).unwrap()
}

fn bare(subcommand: SubCommand, pin: Option<PinParams>) -> Config {
    Config { subcommand, params: pin.map(Params::new), protocol: None, pin_uv_auth_param: None }
}

fn proven(subcommand: SubCommand, pin: Option<PinParams>, token: &Token) -> Config {
    let mut request = bare(subcommand, pin);
    let mut message = vec![0xFF; 32];
    message.extend([Command::CONFIG.0, subcommand.0]);
    message.extend_from_slice(request.params.as_ref().map(Params::raw).unwrap_or_default());
    request.pin_uv_auth_param = Some(token.mac(&message));
    request.protocol = Some(token.protocol);
    request
}

fn send(device: &mut Device, request: Config) -> Status {
    let response = device.send(&Request::Config(request));
    assert_eq!(response.len(), 1, "§6.11: no result");
    status(&response)
}

/// setMinPINLength with a fresh token.
pub fn set_pin_rules(device: &mut Device, pin: PinParams) -> Status {
    let token = token(device, ACFG, None);
    send(device, proven(SubCommand::SET_MIN_PIN_LENGTH, Some(pin), &token))
}

/// enableEnterpriseAttestation with a fresh token.
pub fn enable_enterprise_attestation(device: &mut Device) -> Status {
    let token = token(device, ACFG, None);
    send(device, proven(SubCommand::ENABLE_ENTERPRISE_ATTESTATION, None, &token))
}

fn length(length: u64) -> PinParams {
    PinParams { new_min_pin_length: Some(length), ..PinParams::default() }
}

fn forced() -> PinParams {
    PinParams { force_change_pin: Some(true), ..PinParams::default() }
}

#[test]
fn a_change_needs_a_token_for_it() {
    let rows: &[Row<Config>] = &[
        Row { name: "as it is", change: |_| {}, expected: Status::OK, clause: "§6.11" },
        Row {
            name: "no MAC",
            change: |r| r.pin_uv_auth_param = None,
            expected: Status::PUAT_REQUIRED,
            clause: "step 4.1",
        },
        Row {
            name: "no protocol",
            change: |r| r.protocol = None,
            expected: Status::MISSING_PARAMETER,
            clause: "step 4.2",
        },
        Row {
            name: "unknown protocol",
            change: |r| r.protocol = Some(3),
            expected: Status::INVALID_PARAMETER,
            clause: "step 4.3",
        },
        Row {
            name: "the other protocol",
            change: |r| r.protocol = Some(1),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 4.4",
        },
        Row {
            name: "half of the MAC",
            change: |r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 4.4, CVE-2025-29991",
        },
        Row {
            name: "other parameters than those of the MAC",
            change: |r| r.params = Some(Params::new(length(9))),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 4.4",
        },
        Row {
            name: "another subcommand than that of the MAC",
            change: |r| r.subcommand = SubCommand::ENABLE_LONG_TOUCH_FOR_RESET,
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 4.4",
        },
        Row {
            name: "vendorPrototype",
            change: |r| r.subcommand = SubCommand::VENDOR_PROTOTYPE,
            expected: Status::INVALID_PARAMETER,
            clause: "step 2",
        },
        Row {
            name: "no such subcommand, and no token",
            change: |r| (r.subcommand, r.pin_uv_auth_param) = (SubCommand(9), None),
            expected: Status::INVALID_PARAMETER,
            clause: "step 2",
        },
    ];
    let prepare = || {
        let mut device = Device::with_pin();
        let token = token(&mut device, ACFG, None);
        (device, proven(SubCommand::SET_MIN_PIN_LENGTH, Some(length(6)), &token))
    };
    run(rows, prepare, Request::Config);

    let mut device = Device::with_pin();
    let other = token(&mut device, Permissions::CREDENTIAL_MANAGEMENT | GA, Some(RP));
    let long = proven(SubCommand::ENABLE_LONG_TOUCH_FOR_RESET, None, &other);
    assert_eq!(send(&mut device, long), Status::PIN_AUTH_INVALID, "step 4.5: acfg");
    for protocol in PROTOCOLS {
        let token = ask_token_by_pin(&mut device, protocol, PIN, ACFG, None).unwrap();
        let long = proven(SubCommand::ENABLE_LONG_TOUCH_FOR_RESET, None, &token);
        assert_eq!(send(&mut device, long), Status::OK);
    }
}

#[test]
fn the_minimum_length_grows_and_never_shrinks_before_a_reset() {
    let rows = [
        (Some(5), Status::PIN_POLICY_VIOLATION),
        (Some(64), Status::PIN_POLICY_VIOLATION),
        (Some(256 + 8), Status::PIN_POLICY_VIOLATION),
        (None, Status::OK),
        (Some(6), Status::OK),
    ];
    let mut device = Device::with_pin();
    for (new_min_pin_length, expected) in rows {
        let pin = PinParams { new_min_pin_length, ..PinParams::default() };
        assert_eq!(set_pin_rules(&mut device, pin), expected, "§6.11.4: {new_min_pin_length:?}");
        assert_eq!(info(&mut device).min_pin_length, Some(6));
    }
    assert_eq!(set_pin_rules(&mut device, length(8)), Status::OK);
    device.power_cycle();
    assert_eq!(info(&mut device).min_pin_length, Some(8), "kept");
    assert_eq!(info(&mut device).force_pin_change, Some(true), "six are too few");
    let session = Session::new(&mut device, 2);
    let short = change(&session, PIN, &padded(b"482760"));
    assert_eq!(status(&device.send(&Request::ClientPin(short))), Status::PIN_POLICY_VIOLATION);
    let long = change(&session, PIN, &padded(b"48276015"));
    assert_eq!(status(&device.send(&Request::ClientPin(long))), Status::OK);
    assert_eq!(info(&mut device).force_pin_change, Some(false));
    assert_eq!(device.send(&Request::Reset), [0]);
    assert_eq!(info(&mut device).min_pin_length, Some(6));
}

#[test]
fn a_pin_that_must_be_changed_gives_no_token() {
    let mut device = Device::with_pin();
    let before = token(&mut device, ACFG, None);
    let demand = proven(SubCommand::SET_MIN_PIN_LENGTH, Some(forced()), &before);
    assert_eq!(send(&mut device, demand.clone()), Status::OK);
    assert_eq!(info(&mut device).force_pin_change, Some(true));
    assert_eq!(send(&mut device, demand), Status::PIN_AUTH_INVALID, "§6.11.4: tokens end");
    device.power_cycle();
    for protocol in PROTOCOLS {
        let refused = ask_token_by_pin(&mut device, protocol, PIN, GA, Some(RP)).err();
        assert_eq!(refused, Some(Status::PIN_POLICY_VIOLATION), "§6.5.5.7.2 step 11");
        let session = Session::new(&mut device, protocol);
        let mut request = session.request(latchkey_protocol::client_pin::SubCommand::GET_PIN_TOKEN);
        request.pin_hash_enc = Some(session.encrypt(&crate::platform::pin_hash(PIN)));
        let refused = received(&mut device, &session, request).err();
        assert_eq!(refused, Some(Status::PIN_INVALID), "§6.5.5.7.1 step 11");
    }
    let session = Session::new(&mut device, 2);
    let same = change(&session, PIN, &padded(PIN.as_bytes()));
    assert_eq!(status(&device.send(&Request::ClientPin(same))), Status::PIN_POLICY_VIOLATION, "§6.5.5.6");
    let other = change(&session, PIN, &padded(b"482760"));
    assert_eq!(status(&device.send(&Request::ClientPin(other))), Status::OK);
    assert!(ask_token_by_pin(&mut device, 2, "482760", GA, Some(RP)).is_ok());
}

#[test]
fn more_than_a_length_can_be_asked_of_a_pin() {
    let complex = || PinParams { pin_complexity_policy: Some(true), ..PinParams::default() };
    let mut device = Device::with_pin();
    assert_eq!(info(&mut device).pin_complexity_policy, Some(false));
    assert_eq!(set_pin_rules(&mut device, complex()), Status::OK);
    let told = info(&mut device);
    assert_eq!(told.pin_complexity_policy, Some(true));
    assert_eq!(told.force_pin_change, Some(true), "{PIN} goes in even steps");
    for (new, expected) in [("987654", Status::PIN_POLICY_VIOLATION), ("482760", Status::OK)] {
        let session = Session::new(&mut device, 2);
        let response = device.send(&Request::ClientPin(change(&session, PIN, &padded(new.as_bytes()))));
        assert_eq!(status(&response), expected, "{new}");
    }
    let token = ask_token_by_pin(&mut device, 2, "482760", ACFG, None).unwrap();
    let off = PinParams { pin_complexity_policy: Some(false), ..PinParams::default() };
    assert_eq!(send(&mut device, proven(SubCommand::SET_MIN_PIN_LENGTH, Some(off), &token)), Status::OK);
    assert_eq!(info(&mut device).pin_complexity_policy, Some(true), "it cannot be turned off");
}

#[test]
fn the_list_of_relying_parties_is_replaced_and_has_an_end() {
    let listed = |count: usize| PinParams {
        min_pin_length_rp_ids: Some((0..count).map(|n| format!("{n}.example")).collect()),
        ..PinParams::default()
    };
    let mut device = Device::with_pin();
    let most = usize::try_from(info(&mut device).max_rp_ids_for_set_min_pin_length.unwrap()).unwrap();
    for (count, expected, kept) in
        [(most, Status::OK, most), (most + 1, Status::KEY_STORE_FULL, most), (1, Status::OK, 1)]
    {
        assert_eq!(set_pin_rules(&mut device, listed(count)), expected, "§6.11.4: {count}");
        assert_eq!(device.container().settings().pin_facts_for.len(), kept);
    }
    assert_eq!(set_pin_rules(&mut device, length(6)), Status::OK);
    assert_eq!(device.container().settings().pin_facts_for.len(), 1, "not named, not changed");
}

#[test]
fn always_uv_stands_fast_with_one_profile_and_toggles_with_the_other() {
    let mut hello = Device::with_pin();
    let token = token(&mut hello, ACFG, None);
    let toggle = proven(SubCommand::TOGGLE_ALWAYS_UV, None, &token);
    assert_eq!(send(&mut hello, toggle), Status::OPERATION_DENIED, "§6.11.2");
    assert!(info(&mut hello).option("alwaysUv"));
    assert!(!info(&mut hello).authenticator_config_commands.unwrap().contains(&2), "so it is not offered");

    let mut key = Device::of(Profile::SecurityKey);
    assert!(info(&mut key).authenticator_config_commands.unwrap().contains(&2));
    for on in [true, false] {
        let toggle = bare(SubCommand::TOGGLE_ALWAYS_UV, None);
        assert_eq!(send(&mut key, toggle), Status::OK, "§6.11 step 3: nobody can be verified");
        assert_eq!(info(&mut key).option("alwaysUv"), on);
        let asked = key.asked();
        assert_eq!((asked[0].operation, asked.len()), (Operation::Configure, 1), "but the user is asked");
        let other = send(&mut key, bare(SubCommand::ENABLE_LONG_TOUCH_FOR_RESET, None));
        assert_eq!(other, if on { Status::PUAT_REQUIRED } else { Status::OK });
        key.asked();
    }
    key.user([Answer::Denied]);
    assert_eq!(send(&mut key, bare(SubCommand::TOGGLE_ALWAYS_UV, None)), Status::OPERATION_DENIED);
    assert!(!info(&mut key).option("alwaysUv"));
    assert_eq!(send(&mut key, bare(SubCommand::SET_MIN_PIN_LENGTH, Some(forced()))), Status::PIN_NOT_SET);
}

#[test]
fn a_long_touch_for_a_reset_is_a_yes_of_its_own() {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    assert_eq!(info(&mut device).long_touch_for_reset, Some(false));
    let token = token(&mut device, ACFG, None);
    let long = proven(SubCommand::ENABLE_LONG_TOUCH_FOR_RESET, None, &token);
    assert_eq!(send(&mut device, long), Status::OK);
    device.power_cycle();
    assert_eq!(info(&mut device).long_touch_for_reset, Some(true));
    device.asked();
    assert_eq!(device.send(&Request::Reset), [0]);
    let asked = device.asked();
    assert_eq!((asked[0].operation, asked[0].want), (Operation::Reset, Want::Insistence));
    assert_eq!(info(&mut device).long_touch_for_reset, Some(false), "§6.6: factory settings");
}
