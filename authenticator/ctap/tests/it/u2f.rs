//! U2F (FIDO U2F Raw Message Formats 1.2), and what U2F and CTAP2 have of each other (CTAP 2.3 §10).

use latchkey_container::{Profile, Settings};
use latchkey_ctap::{Answer, ChannelId, Operation, Reply};
use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::{
    Algorithm, CredentialDescriptor, CredentialParameter, Request, Status, get_assertion, get_info,
    make_credential,
};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::device::{CHANNEL, Device, rng, status};
use crate::platform::{HASH, RP, attested, authentication, prove_registration, registration, token};

/// A name, and how something comes about.
type Case<A> = (&'static str, fn(&mut A));

const CHALLENGE: [u8; 32] = [0xC4; 32];
const OTHER: ChannelId = ChannelId(2);
const CHECK_ONLY: u8 = 0x07;
const ENFORCE: u8 = 0x03;
const DO_NOT_ENFORCE: u8 = 0x08;

fn key() -> Device {
    Device::of(Profile::SecurityKey)
}

fn application() -> [u8; 32] {
    Sha256::digest(RP).into()
}

/// An extended APDU, as every client over CTAPHID sends it.
fn apdu(instruction: u8, p1: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [&[0, instruction, p1, 0, 0], &length[..], data, &[0, 0]].concat()
}

fn register() -> Vec<u8> {
    apdu(1, 3, &[CHALLENGE, application()].concat())
}

fn authenticate(p1: u8, key_handle: &[u8]) -> Vec<u8> {
    let length = u8::try_from(key_handle.len()).unwrap();
    apdu(2, p1, &[&CHALLENGE[..], &application(), &[length], key_handle].concat())
}

/// Data and status word.
fn parts(reply: &Reply) -> (&[u8], u16) {
    let (data, word) = reply.response.split_last_chunk::<2>().unwrap();
    (data, u16::from_be_bytes(*word))
}

fn word(device: &mut Device, message: &[u8]) -> u16 {
    parts(&device.message(CHANNEL, message)).1
}

/// Sends, has the user say yes, and sends again, as a client that polls.
fn touched(device: &mut Device, message: &[u8]) -> Vec<u8> {
    let reply = device.message(CHANNEL, message);
    assert_eq!(parts(&reply), (&[][..], 0x6985));
    let (prompt, touch) = reply.ask.unwrap();
    device.prompts.push(prompt);
    device.engine().touched(touch, &Answer::Approved);
    let reply = device.message(CHANNEL, message);
    let (data, word) = parts(&reply);
    assert_eq!((word, reply.ask.is_none()), (0x9000, true));
    data.to_vec()
}

/// What a registration says.
struct Registered {
    point: [u8; 65],
    key_handle: Vec<u8>,
    certificate: Vec<u8>,
    signature: Vec<u8>,
}

fn registered(device: &mut Device) -> Registered {
    let data = touched(device, &register());
    assert_eq!(data[0], 5);
    let length = usize::from(data[66]);
    let (key_handle, rest) = data[67..].split_at(length);
    let (signature, _) = X509Certificate::from_der(rest).unwrap();
    Registered {
        point: data[1..66].try_into().unwrap(),
        key_handle: key_handle.to_vec(),
        certificate: rest[..rest.len() - signature.len()].to_vec(),
        signature: signature.to_vec(),
    }
}

fn verifies(point: &[u8], message: &[&[u8]], signature: &[u8]) {
    let key = VerifyingKey::from_sec1_bytes(point).unwrap();
    key.verify(&message.concat(), &Signature::from_der(signature).unwrap()).unwrap();
}

#[test]
fn every_command_has_its_status_words() {
    let mut device = key();
    let known = registered(&mut device).key_handle;
    let here = |p1| authenticate(p1, &known);
    let elsewhere = apdu(2, CHECK_ONLY, &[&CHALLENGE[..], &[1; 32], &[32], &known].concat());
    let rows: [(&str, Vec<u8>, u16); 15] = [
        ("version", apdu(3, 0, &[]), 0x9000),
        ("version, short", vec![0, 3, 0, 0], 0x9000),
        ("version with data", apdu(3, 0, &[1]), 0x6700),
        ("register, first poll", register(), 0x6985),
        ("register with too little", apdu(1, 0, &[0; 63]), 0x6700),
        ("register with too much", apdu(1, 0, &[0; 65]), 0x6700),
        ("check-only, known", here(CHECK_ONLY), 0x6985),
        ("check-only, unknown", authenticate(CHECK_ONLY, &[1; 32]), 0x6A80),
        ("check-only, of another application", elsewhere, 0x6A80),
        ("enforce, unknown", authenticate(ENFORCE, &[1; 32]), 0x6A80),
        ("do not enforce, known", here(DO_NOT_ENFORCE), 0x9000),
        ("another control byte", here(1), 0x6A86),
        ("a handle shorter than it says", apdu(2, 7, &[&[0; 64][..], &[9, 1]].concat()), 0x6700),
        ("another instruction", apdu(4, 0, &[]), 0x6D00),
        ("another class", vec![0x80, 3, 0, 0], 0x6E00),
    ];
    for (name, message, expected) in rows {
        assert_eq!(word(&mut device, &message), expected, "{name}");
    }
    assert_eq!(parts(&device.message(CHANNEL, &[0, 3, 0, 0, 0, 0, 0])).0, b"U2F_V2");
}

#[test]
fn a_registration_is_vouched_for_by_its_own_key() {
    let mut device = key();
    let [first, second] = [registered(&mut device), registered(&mut device)];
    for it in [&first, &second] {
        let (rest, certificate) = X509Certificate::from_der(&it.certificate).unwrap();
        assert!(rest.is_empty() && certificate.verify_signature(None).is_ok());
        assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), it.point);
        let message: [&[u8]; 5] = [&[0], &application(), &CHALLENGE, &it.key_handle, &it.point];
        verifies(&it.point, &message, &it.signature);
    }
    assert_ne!(first.certificate, second.certificate, "nothing is common to two sites (A12)");
    let asked = device.asked();
    assert_eq!(asked[0].operation, Operation::RegisterU2f);
    assert_eq!(asked[0].to_string(), "Register a key by U2F, which does not tell the site");
}

#[test]
fn an_authentication_counts_and_says_whether_somebody_was_there() {
    let mut device = key();
    let it = registered(&mut device);
    let mut last = 0;
    for (p1, presence) in [(ENFORCE, 1), (DO_NOT_ENFORCE, 0), (ENFORCE, 1)] {
        let message = authenticate(p1, &it.key_handle);
        let data = match p1 {
            ENFORCE => touched(&mut device, &message),
            _ => parts(&device.message(CHANNEL, &message)).0.to_vec(),
        };
        let (head, signature) = data.split_at(5);
        assert_eq!(head[0], presence);
        let count = u32::from_be_bytes(head[1..].try_into().unwrap());
        assert!(count > last);
        last = count;
        verifies(&it.point, &[&application(), head, &CHALLENGE], signature);
    }
}

#[test]
fn the_user_is_asked_once_however_often_a_client_polls() {
    let mut device = key();
    let message = register();
    let (_, touch) = device.message(CHANNEL, &message).ask.unwrap();
    for _ in 0..20 {
        device.pass(1);
        let reply = device.message(CHANNEL, &message);
        assert_eq!((parts(&reply).1, reply.ask.is_none()), (0x6985, true));
    }
    // Another channel neither takes the question away nor gets what was answered to it.
    let other = device.message(OTHER, &message);
    assert_eq!((parts(&other).1, other.ask.is_none()), (0x6985, true));
    assert_eq!(device.engine().awaited_touch(), Some(touch));
    device.engine().touched(touch, &Answer::Approved);
    assert_eq!(device.engine().awaited_touch(), None);
    assert_eq!(parts(&device.message(OTHER, &message)).1, 0x6985);
    assert_eq!(word(&mut device, &message), 0x9000);
    // It served one request.
    let again = device.message(CHANNEL, &message);
    assert_eq!((parts(&again).1, again.ask.is_some()), (0x6985, true));
}

#[test]
fn a_touch_serves_the_request_that_it_was_asked_for() {
    let mut device = key();
    let known = registered(&mut device).key_handle;
    let (_, touch) = device.message(CHANNEL, &register()).ask.unwrap();
    device.engine().touched(touch, &Answer::Approved);
    let sign_in = device.message(CHANNEL, &authenticate(ENFORCE, &known));
    assert_eq!((parts(&sign_in).1, sign_in.ask.is_some()), (0x6985, true), "A1");
    device.engine().touched(touch, &Answer::Approved);
    assert_eq!(word(&mut device, &authenticate(ENFORCE, &known)), 0x6985, "an answer to an older question");
}

#[test]
fn a_question_ends_when_nobody_waits_for_it() {
    let ends: [Case<Device>; 4] = [
        ("no poll for five seconds", |device| {
            device.pass(5);
            let uptime = device.uptime;
            device.engine().tick(uptime);
        }),
        ("the channel is gone", |device| device.engine().channel_closed(CHANNEL)),
        ("CTAP2 asks something", |device| {
            let step = device.handle(OTHER, &Request::Selection.encode());
            assert!(matches!(step, latchkey_ctap::Step::Ask(..)));
        }),
        ("it was declined", |device| {
            let touch = device.engine().awaited_touch().unwrap();
            device.engine().touched(touch, &Answer::Denied);
        }),
    ];
    for (name, end) in ends {
        let mut device = key();
        let (_, touch) = device.message(CHANNEL, &register()).ask.unwrap();
        assert_eq!(device.engine().awaited_touch(), Some(touch));
        end(&mut device);
        assert_eq!(device.engine().awaited_touch(), None, "{name}");
        device.engine().touched(touch, &Answer::Approved);
        if name != "it was declined" {
            assert_eq!(word(&mut device, &register()), 0x6985, "{name}");
        }
    }
    // Who declined is not asked again by the same polling, only after it has stopped.
    let mut device = key();
    let (_, touch) = device.message(CHANNEL, &register()).ask.unwrap();
    device.engine().touched(touch, &Answer::Denied);
    for seconds in [1, 4, 5] {
        device.pass(seconds);
        let reply = device.message(CHANNEL, &register());
        assert_eq!((parts(&reply).1, reply.ask.is_some()), (0x6985, seconds == 5));
    }
}

#[test]
fn a_key_of_u2f_signs_for_ctap2() {
    let mut device = key();
    let it = registered(&mut device);
    let descriptor = CredentialDescriptor::public_key(it.key_handle.clone());
    let mut request = authentication();
    request.allow_list = Some(vec![descriptor.clone()]);
    let response = device.send(&Request::GetAssertion(request.clone()));
    let response = get_assertion::Response::parse(&response).unwrap();
    assert_eq!(AuthenticatorData::parse(&response.auth_data).unwrap().flags, Flags::UP);
    assert_eq!(response.user, None);
    verifies(&it.point, &[&response.auth_data, &HASH], &response.signature);
    // With the appid extension the platform sends the application's identifier for the RP ID; it is the hash that counts.
    request.rp_id = "other.example".to_owned();
    assert_eq!(status(&device.send(&Request::GetAssertion(request))), Status::NO_CREDENTIALS);
    let mut excluding = registration();
    excluding.exclude_list = vec![descriptor];
    assert_eq!(status(&device.send(&Request::MakeCredential(excluding))), Status::CREDENTIAL_EXCLUDED);
}

#[test]
fn a_passkey_signs_for_u2f_where_it_could_have_been_made_by_it() {
    let es256: fn(&mut make_credential::Request) = |r| r.options.rk = Some(false);
    let rows: [(Case<make_credential::Request>, bool); 5] = [
        (("as it is", es256), true),
        (("credProtect 2", |r| (r.options.rk, r.extensions.cred_protect) = (None, Some(2))), true),
        (("credProtect 3", |r| (r.options.rk, r.extensions.cred_protect) = (None, Some(3))), false),
        (("discoverable", |r| r.options.rk = Some(true)), false),
        (
            ("RS256", |r| {
                r.options.rk = None;
                r.pub_key_cred_params = vec![CredentialParameter::public_key(Algorithm::RS256)];
            }),
            false,
        ),
    ];
    for ((name, change), usable) in rows {
        let mut device = key().set_pin();
        let mut request = registration();
        change(&mut request);
        let token = token(&mut device, Permissions::MAKE_CREDENTIAL, Some(RP));
        prove_registration(&mut request, &token);
        let response = device.send(&Request::MakeCredential(request));
        device.asked();
        let key_handle = attested(&make_credential::Response::parse(&response).unwrap()).credential_id;
        let expected = if usable { 0x6985 } else { 0x6A80 };
        assert_eq!(word(&mut device, &authenticate(CHECK_ONLY, &key_handle)), expected, "{name}, §10.3");
        if usable {
            assert_eq!(touched(&mut device, &authenticate(ENFORCE, &key_handle))[0], 1);
            assert_eq!(device.asked()[0].to_string(), "Sign in to site.example as alice");
        }
    }
}

#[test]
fn it_is_off_where_every_use_wants_verification() {
    let off = |device: &mut Device| {
        let versions = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap().versions;
        assert!(!versions.iter().any(|version| version == "U2F_V2"), "§7.2");
        assert!(!device.engine().speaks_u2f());
        for message in [register(), apdu(3, 0, &[]), vec![0, 3, 0, 0]] {
            assert_eq!(word(device, &message), 0x6986);
        }
    };
    off(&mut Device::with_pin());
    off(&mut Device::fresh());
    let mut device = key();
    let versions = get_info::Response::parse(&device.send(&Request::GetInfo)).unwrap().versions;
    assert!(versions.iter().any(|version| version == "U2F_V2") && device.engine().speaks_u2f());
    let known = registered(&mut device).key_handle;
    let settings = Settings { always_uv: true, ..Settings::default() };
    device.container().change_settings(settings, &mut rng()).unwrap();
    off(&mut device);
    assert_eq!(word(&mut device, &authenticate(DO_NOT_ENFORCE, &known)), 0x6986, "A13");
}
