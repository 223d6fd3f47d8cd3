//! The profile `security-key`: makeCredential (CTAP 2.3 §6.1.2) and getAssertion (§6.2.2) where presence is enough.

use latchkey_container::{PasskeyClass, Profile, Settings};
use latchkey_ctap::{Answer, Operation, Want};
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::get_assertion::{self, Request as Authentication};
use latchkey_protocol::make_credential::{self, Request as Registration};
use latchkey_protocol::{CredentialDescriptor, Request, Status, UserEntity, get_info};

use crate::device::{Device, NOW, PIN, rng, status, typed};
use crate::hmac_secret::{input, output};
use crate::platform::{
    RP, Session, attested, authentication, passkey, prove_authentication, prove_registration, register,
    registration, token, user,
};
use crate::table::{Row, run};

fn fresh() -> Device {
    Device::of(Profile::SecurityKey)
}

fn with_pin() -> Device {
    fresh().set_pin()
}

/// Registers with nothing but a touch, and returns the credential's descriptor.
fn touched(device: &mut Device, change: impl FnOnce(&mut Registration)) -> CredentialDescriptor {
    let mut request = registration();
    change(&mut request);
    let response = device.send(&Request::MakeCredential(request));
    device.asked();
    let response = make_credential::Response::parse(&response).unwrap();
    CredentialDescriptor::public_key(attested(&response).credential_id)
}

fn flags(auth_data: &[u8]) -> Flags {
    let Flags(bits) = AuthenticatorData::parse(auth_data).unwrap().flags;
    Flags(bits & (Flags::UP.0 | Flags::UV.0))
}

fn assertion(device: &mut Device, request: Authentication) -> Result<get_assertion::Response, Status> {
    let response = device.send(&Request::GetAssertion(request));
    match status(&response) {
        Status::OK => Ok(get_assertion::Response::parse(&response).unwrap()),
        refused => Err(refused),
    }
}

#[test]
fn get_info_tells_the_profile() {
    for (mut device, pin) in [(fresh(), false), (with_pin(), true)] {
        let options = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap().options;
        for (option, expected) in [
            ("alwaysUv", false),
            ("makeCredUvNotRqd", false),
            ("clientPin", pin),
            ("uv", pin),
            ("rk", true),
            ("up", true),
            ("pinUvAuthToken", true),
        ] {
            assert_eq!(options.get(option), Some(&expected), "{option}, §6.4");
        }
    }
}

#[test]
fn without_a_pin_a_touch_registers() {
    let rows: &[Row<Registration>] = &[
        Row { name: "discoverable", change: |_| {}, expected: Status::OK, clause: "§6.1.2 step 14" },
        Row {
            name: "not discoverable",
            change: |r| r.options.rk = None,
            expected: Status::OK,
            clause: "step 14",
        },
        Row {
            name: "uv false",
            change: |r| r.options.uv = Some(false),
            expected: Status::OK,
            clause: "step 5",
        },
        Row {
            name: "uv true",
            change: |r| r.options.uv = Some(true),
            expected: Status::INVALID_OPTION,
            clause: "step 5",
        },
        Row {
            name: "up false",
            change: |r| r.options.up = Some(false),
            expected: Status::INVALID_OPTION,
            clause: "step 5",
        },
        Row {
            name: "credProtect 1",
            change: |r| r.extensions.cred_protect = Some(1),
            expected: Status::OK,
            clause: "§12.1",
        },
        Row {
            name: "credProtect 2",
            change: |r| r.extensions.cred_protect = Some(2),
            expected: Status::OK,
            clause: "§12.1",
        },
        Row {
            name: "credProtect 3, which no key is there for",
            change: |r| r.extensions.cred_protect = Some(3),
            expected: Status::PUAT_REQUIRED,
            clause: "DESIGN.md, profiles",
        },
        Row {
            name: "a pinUvAuthParam that no token can have made",
            change: |r| (r.pin_uv_auth_param, r.pin_uv_auth_protocol) = (Some(vec![0; 32]), Some(2)),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 11.1",
        },
        Row {
            name: "too long an exclude list",
            change: |r| r.exclude_list = vec![CredentialDescriptor::public_key(vec![7; 32]); 129],
            expected: Status::LIMIT_EXCEEDED,
            clause: "§6.4 maxCredentialCountInList",
        },
    ];
    run(rows, || (fresh(), registration()), Request::MakeCredential);
}

#[test]
fn a_pin_that_is_set_is_asked_for() {
    let rows: &[Row<Registration>] = &[
        Row {
            name: "discoverable",
            change: |_| {},
            expected: Status::PUAT_REQUIRED,
            clause: "§6.1.2 step 8",
        },
        Row {
            name: "not discoverable: makeCredUvNotRqd is false",
            change: |r| r.options.rk = Some(false),
            expected: Status::PUAT_REQUIRED,
            clause: "§6.1.2 step 8",
        },
        Row {
            name: "uv false",
            change: |r| r.options.uv = Some(false),
            expected: Status::PUAT_REQUIRED,
            clause: "§6.1.2 step 8",
        },
        Row {
            name: "a wrong pinUvAuthParam",
            change: |r| (r.pin_uv_auth_param, r.pin_uv_auth_protocol) = (Some(vec![0; 32]), Some(2)),
            expected: Status::PIN_AUTH_INVALID,
            clause: "step 11.1",
        },
    ];
    run(rows, || (with_pin(), registration()), Request::MakeCredential);

    // A token, or a gesture here, for each level; the flag UV says so.
    for level in [None, Some(1), Some(2), Some(3)] {
        for by_token in [true, false] {
            let mut device = with_pin();
            let mut request = registration();
            request.extensions.cred_protect = level;
            if by_token {
                let token = token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
                prove_registration(&mut request, &token);
            } else {
                request.options.uv = Some(true);
                device.user([typed(PIN)]);
            }
            let response = device.send(&Request::MakeCredential(request));
            let response = make_credential::Response::parse(&response).unwrap();
            assert_eq!(flags(&response.auth_data), Flags::UP | Flags::UV);
            assert_eq!(device.asked().len(), 1);
            let unlocked =
                device.container().unlock(&latchkey_container::PinHash::typed(PIN), NOW, &mut rng()).unwrap();
            let made = device.container().passkeys_for(&unlocked, RP).unwrap().remove(0);
            let expected = if level == Some(3) { PasskeyClass::Verified } else { PasskeyClass::Presence };
            assert_eq!(made.class, expected);
        }
    }
}

#[test]
fn what_the_user_answers_decides() {
    for (answer, expected) in [
        (Answer::Approved, Status::OK),
        (Answer::Denied, Status::OPERATION_DENIED),
        (Answer::TimedOut, Status::OPERATION_DENIED),
        (typed(PIN), Status::OPERATION_DENIED),
        (Answer::Cancelled, Status::KEEPALIVE_CANCEL),
    ] {
        let mut device = fresh();
        let again = answer_again(&answer);
        device.user([answer]);
        let made = device.send(&Request::MakeCredential(registration()));
        assert_eq!(status(&made), expected, "§6.1.2 step 14");
        let asked = device.asked();
        assert_eq!(
            (asked.len(), asked[0].operation, asked[0].want),
            (1, Operation::Register, Want::Approval)
        );
        assert_eq!(device.container().discoverable_count().unwrap(), u32::from(expected == Status::OK));

        touched(&mut device, |_| {});
        device.user([again]);
        let response = device.send(&Request::GetAssertion(authentication()));
        assert_eq!(status(&response), expected, "§6.2.2 step 9");
        let asked = device.asked();
        assert_eq!((asked[0].operation, asked[0].want), (Operation::SignIn, Want::Approval));
        assert_eq!(asked[0].to_string(), "Sign in to site.example as alice");
    }
}

fn answer_again(answer: &Answer) -> Answer {
    match answer {
        Answer::Approved => Answer::Approved,
        Answer::Denied | Answer::Recognised(_) | Answer::Captured(_) => Answer::Denied,
        Answer::TimedOut => Answer::TimedOut,
        Answer::Pin(_) => typed(PIN),
        Answer::Cancelled => Answer::Cancelled,
    }
}

#[test]
fn an_excluded_passkey_is_told_after_a_touch_without_verification_too() {
    for level in [1, 2] {
        let mut device = fresh();
        let here = touched(&mut device, |r| r.extensions.cred_protect = Some(level));
        let mut request = registration();
        request.exclude_list = vec![here];
        let response = device.send(&Request::MakeCredential(request));
        assert_eq!(status(&response), Status::CREDENTIAL_EXCLUDED, "§6.1.2 step 12");
        assert_eq!(device.asked()[0].operation, Operation::Excluded);
    }
}

/// Attack class A2: what a program learns that neither touches nor verifies.
#[test]
fn cred_protect_hides_what_it_should() {
    for level in [1, 2, 3] {
        let mut device = with_pin();
        let mut request = registration();
        request.extensions.cred_protect = Some(level);
        let id = attested(&register(&mut device, request)).credential_id;
        // Even while a token of somebody else has the container open.
        let other = token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        for (listed, seen) in [(false, level == 1), (true, level < 3)] {
            for up in [Some(false), None] {
                let mut request = authentication();
                request.allow_list = listed.then(|| vec![CredentialDescriptor::public_key(id.clone())]);
                request.options.up = up;
                let expected = if up.is_none() { Flags::UP } else { Flags(0) };
                match assertion(&mut device, request) {
                    Ok(response) => {
                        assert!(seen, "credProtect {level}, listed {listed}: §6.2.2 step 7");
                        assert_eq!(flags(&response.auth_data), expected, "no gesture, no UV");
                    }
                    Err(refused) => {
                        assert!(!seen, "credProtect {level}, listed {listed}: §6.2.2 step 7");
                        assert_eq!(refused, Status::NO_CREDENTIALS);
                    }
                }
                assert_eq!(device.asked().len(), usize::from(seen && up.is_none()), "step 9");
            }
        }
        // With verification everything is here.
        let mut request = authentication();
        prove_authentication(&mut request, &other);
        let response = assertion(&mut device, request).unwrap();
        assert_eq!(flags(&response.auth_data), Flags::UP | Flags::UV);
        let mut request = authentication();
        request.options.uv = Some(true);
        device.user([typed(PIN)]);
        let response = assertion(&mut device, request).unwrap();
        assert_eq!(flags(&response.auth_data), Flags::UP | Flags::UV);
    }
}

#[test]
fn a_sign_in_needs_no_pin_and_a_wish_for_one_is_refused() {
    let mut device = fresh();
    touched(&mut device, |_| {});
    for (uv, expected) in [(None, Ok(())), (Some(false), Ok(())), (Some(true), Err(Status::INVALID_OPTION))] {
        let mut request = authentication();
        request.options.uv = uv;
        let response = assertion(&mut device, request);
        assert_eq!(response.map(|response| assert_eq!(flags(&response.auth_data), Flags::UP)), expected);
    }
    let mut request = authentication();
    request.rp_id = "other.example".to_owned();
    assert_eq!(assertion(&mut device, request).err(), Some(Status::NO_CREDENTIALS), "§6.2.2 step 7");
}

#[test]
fn names_of_accounts_are_for_verified_users() {
    let mut device = with_pin();
    for name in ["alice", "bob", "carol"] {
        passkey(&mut device, RP, name);
    }
    for verified in [false, true] {
        let mut request = authentication();
        if verified {
            let token = token(&mut device, Permissions::GET_ASSERTION, Some(RP));
            prove_authentication(&mut request, &token);
        }
        let first = assertion(&mut device, request).unwrap();
        assert_eq!(first.number_of_credentials, Some(3));
        let mut users = vec![first.user.unwrap()];
        for _ in 0..2 {
            let response = device.send(&Request::GetNextAssertion);
            let next = get_assertion::Response::parse(&response).unwrap();
            assert_eq!(flags(&next.auth_data).contains(Flags::UV), verified);
            users.push(next.user.unwrap());
        }
        let expected = ["carol", "bob", "alice"].map(|name| {
            let nameless = UserEntity { name: None, display_name: None, ..user(name) };
            if verified { user(name) } else { nameless }
        });
        assert_eq!(users, expected, "§6.2.2 step 12");
        assert_eq!(status(&device.send(&Request::GetNextAssertion)), Status::NOT_ALLOWED, "§6.3");
    }
}

#[test]
fn the_secret_without_verification_is_another_one() {
    let mut device = with_pin();
    let mut request = registration();
    request.extensions.hmac_secret = Some(true);
    register(&mut device, request);
    let mut secrets = Vec::new();
    for verified in [false, true, false, true] {
        let session = Session::new(&mut device, 2);
        let mut request = authentication();
        request.extensions.hmac_secret = Some(input(&session, &[1; 32]));
        if verified {
            request.options.uv = Some(true);
            device.user([typed(PIN)]);
        }
        secrets.push(output(&session, &device.send(&Request::GetAssertion(request))).unwrap());
    }
    assert_eq!(secrets[0], secrets[2]);
    assert_eq!(secrets[1], secrets[3]);
    assert_ne!(secrets[0], secrets[1], "§12.7");
}

#[test]
fn a_passkey_from_before_the_pin_stays_and_a_reset_ends_it() {
    let mut device = fresh();
    touched(&mut device, |_| {});
    let mut device = device.set_pin();
    assert_eq!(flags(&assertion(&mut device, authentication()).unwrap().auth_data), Flags::UP);
    let mut request = authentication();
    request.options.uv = Some(true);
    device.user([typed(PIN)]);
    assert_eq!(flags(&assertion(&mut device, request).unwrap().auth_data), Flags::UP | Flags::UV);
    device.power_cycle();
    assert_eq!(status(&device.send(&Request::Reset)), Status::OK);
    assert_eq!(assertion(&mut device, authentication()).err(), Some(Status::NO_CREDENTIALS), "§6.6");
}

/// Attack class A13: a client that forgets user verification gets none without it, where alwaysUv is on.
#[test]
fn always_uv_stops_what_is_not_verified() {
    let always = |device: &mut Device| {
        let settings = Settings { always_uv: true, ..Settings::default() };
        device.container().change_settings(settings, &mut rng()).unwrap();
    };
    // Without a PIN nothing can be verified, and a PIN can be set.
    let mut device = fresh();
    let here = touched(&mut device, |r| r.extensions.cred_protect = Some(1));
    always(&mut device);
    let options = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap().options;
    assert_eq!(options.get("alwaysUv"), Some(&true));
    let refused = device.send(&Request::MakeCredential(registration()));
    assert_eq!(status(&refused), Status::PUAT_REQUIRED, "§6.1.2 step 6");
    assert_eq!(assertion(&mut device, authentication()).err(), Some(Status::PUAT_REQUIRED), "§6.2.2 step 5");
    assert!(device.asked().is_empty());

    let mut device = device.set_pin();
    for (allow_list, uv) in [(None, None), (Some(vec![here.clone()]), Some(false))] {
        let mut request = authentication();
        (request.allow_list, request.options.uv) = (allow_list, uv);
        device.user([Answer::Approved]);
        let approved = assertion(&mut device, request.clone());
        assert_eq!(approved.err(), Some(Status::OPERATION_DENIED), "a yes verifies nobody");
        device.user([typed(PIN)]);
        let response = assertion(&mut device, request).unwrap();
        assert_eq!(flags(&response.auth_data), Flags::UP | Flags::UV, "§6.2.2 step 5");
    }
    // It is about requests with user presence: a silent one proves none, and no relying party takes it.
    let mut request = authentication();
    (request.allow_list, request.options.up) = (Some(vec![here]), Some(false));
    assert_eq!(flags(&assertion(&mut device, request).unwrap().auth_data), Flags(0));
}
