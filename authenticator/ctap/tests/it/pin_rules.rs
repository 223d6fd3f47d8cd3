//! The rules of organisations for PINs, as a platform meets them: getInfo, setPIN, changePIN, tokens and gestures.

use latchkey_container::{PinComplexity, PinRules};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::get_info::Response;
use latchkey_protocol::{Request, Status};

use crate::client_pin::{change, padded, set};
use crate::device::{Device, NOW, PIN, status, typed};
use crate::platform::{PROTOCOLS, RP, Session, ask_token_by_gesture, ask_token_by_pin};

const GA: Permissions = Permissions::GET_ASSERTION;

fn follow(device: &mut Device, change: impl FnOnce(&mut PinComplexity)) {
    let mut rules = PinComplexity::default();
    change(&mut rules);
    device.container().follow_pin_rules(PinRules::Policy(rules));
}

fn info(device: &mut Device) -> Response {
    Response::parse(&device.send(&Request::GetInfo)).unwrap()
}

#[test]
fn get_info_tells_the_lengths_and_pins_that_break_a_rule_are_not_set() {
    for protocol in PROTOCOLS {
        let mut device = Device::fresh();
        follow(&mut device, |rules| (rules.minimum_length, rules.maximum_length) = (8, 12));
        let told = info(&mut device);
        assert_eq!((told.min_pin_length, told.max_pin_length), (Some(8), Some(12)));
        assert_eq!(told.force_pin_change, Some(false));
        let rows = [
            ("739264", Status::PIN_POLICY_VIOLATION),
            ("7392648517305", Status::PIN_POLICY_VIOLATION),
            ("7392648x", Status::PIN_POLICY_VIOLATION),
            ("12345678", Status::PIN_POLICY_VIOLATION),
            ("73926485", Status::OK),
        ];
        for (pin, expected) in rows {
            let session = Session::new(&mut device, protocol);
            let response = device.send(&Request::ClientPin(set(&session, &padded(pin.as_bytes()))));
            assert_eq!(status(&response), expected, "{pin}");
            assert_eq!(device.container().has_pin(), expected == Status::OK, "{pin}");
        }
        assert!(ask_token_by_pin(&mut device, protocol, "73926485", GA, Some(RP)).is_ok());
    }
}

#[test]
fn a_pin_comes_again_no_sooner_than_the_history_allows() {
    let mut device = Device::with_pin();
    follow(&mut device, |rules| rules.history = 2);
    let mut changed = |old: &str, new: &str| {
        let session = Session::new(&mut device, 2);
        status(&device.send(&Request::ClientPin(change(&session, old, &padded(new.as_bytes())))))
    };
    assert_eq!(changed(PIN, PIN), Status::PIN_POLICY_VIOLATION);
    assert_eq!(changed(PIN, "480175"), Status::OK);
    assert_eq!(changed("480175", PIN), Status::PIN_POLICY_VIOLATION);
    assert_eq!(changed("480175", "739264"), Status::OK);
    assert_eq!(changed("739264", "480175"), Status::PIN_POLICY_VIOLATION);
    assert_eq!(changed("739264", "617283"), Status::OK);
}

#[test]
fn a_pin_that_must_be_changed_gives_no_token_and_is_no_wrong_pin() {
    let mut device = Device::with_pin();
    follow(&mut device, |rules| rules.minimum_length = 8);
    assert_eq!(info(&mut device).force_pin_change, Some(false), "its length is sealed");
    for protocol in PROTOCOLS {
        for _ in 0..3 {
            let refused = ask_token_by_pin(&mut device, protocol, PIN, GA, Some(RP));
            assert_eq!(refused.err(), Some(Status::PIN_POLICY_VIOLATION));
        }
    }
    assert_eq!(info(&mut device).force_pin_change, Some(true));
    device.user([typed(PIN)]);
    assert_eq!(
        ask_token_by_gesture(&mut device, 2, GA, Some(RP)).err(),
        Some(Status::PIN_POLICY_VIOLATION),
        "nor does the PIN at our own prompt"
    );
    let session = Session::new(&mut device, 2);
    let response = device.send(&Request::ClientPin(change(&session, PIN, &padded(b"73926485"))));
    assert_eq!(status(&response), Status::OK, "changing it is the way out");
    assert_eq!(info(&mut device).force_pin_change, Some(false));
    assert!(ask_token_by_pin(&mut device, 2, "73926485", GA, Some(RP)).is_ok());
}

#[test]
fn an_expired_pin_is_told_before_anybody_types_it() {
    let mut device = Device::fresh();
    let session = Session::new(&mut device, 2);
    let response = device.send(&Request::ClientPin(set(&session, &padded(b"739264"))));
    assert_eq!(status(&response), Status::OK);
    let days = |days: u64| latchkey_container::UnixTime(NOW.0 + days * 24 * 60 * 60);
    follow(&mut device, |rules| rules.expiration = 30);
    device.now = days(29);
    assert_eq!(info(&mut device).force_pin_change, Some(false));
    assert!(ask_token_by_pin(&mut device, 2, "739264", GA, Some(RP)).is_ok());
    device.now = days(30);
    assert_eq!(info(&mut device).force_pin_change, Some(true));
    let refused = ask_token_by_pin(&mut device, 2, "739264", GA, Some(RP));
    assert_eq!(refused.err(), Some(Status::PIN_POLICY_VIOLATION));
}
