//! `cargo run -p latchkey-fuzz --example seeds`: writes inputs to begin with into the corpus, from the specification's
//! test vectors and from what our own platform and client send. They are named `seed-…`; what a fuzzer finds has names
//! of its own. Wanted again when a message changes its form.
#![allow(
    clippy::unusual_byte_groupings,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a tool for us"
)]

#[path = "../../ctap/tests/it/platform.rs"]
#[allow(dead_code, unreachable_pub, reason = "the engine's tests use more of it")]
mod platform;

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_fuzz::device::{self, Device, PIN};
use latchkey_protocol::attestation::{AttestationObject, AttestationStatement};
use latchkey_protocol::client_pin::{self, Permissions, SubCommand};
use latchkey_protocol::{Request, cbor, make_credential};
use latchkey_transports::ctaphid::{Cid, Command, reports};
use latchkey_transports::native_messaging;
use platform::{RP, Session, authentication, passkey, registration};
use serde_json::{Value, json};

fn main() {
    engine();
    framing();
    vectors();
    records();
    callers();
    pages();
}

fn write(target: &str, name: &str, input: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join(format!("seed-{name}")), input).expect("a file can be written");
}

/// What the platform sent since the device was new, as an input. `control` says what the user answers.
fn row(device: &Device, control: u8) -> Vec<u8> {
    let piece = |request: &Vec<u8>| {
        let length = u16::try_from(request.len()).expect("a request fits");
        [&[control][..], &length.to_be_bytes(), request].concat()
    };
    device.requests.iter().flat_map(piece).collect()
}

/// A name, what the user answers, and what the platform does.
type Scenario = (&'static str, u8, fn(&mut Device));

fn engine() {
    let scenarios: [Scenario; 7] = [
        ("get-info", 0, |device| drop(device.send(&Request::GetInfo))),
        ("register-and-sign-in", 0, |device| {
            let passkey = passkey(device, RP, "alice");
            let token = platform::token(device, Permissions::GET_ASSERTION, Some(RP));
            let mut request = authentication();
            request.allow_list = Some(vec![passkey]);
            platform::prove_authentication(&mut request, &token);
            device.send(&Request::GetAssertion(request));
        }),
        ("two-accounts", 0, |device| {
            passkey(device, RP, "alice");
            passkey(device, RP, "bob");
            let token = platform::token(device, Permissions::GET_ASSERTION, Some(RP));
            let mut request = authentication();
            platform::prove_authentication(&mut request, &token);
            device.send(&Request::GetAssertion(request));
            device.send(&Request::GetNextAssertion);
        }),
        ("built-in-verification", 4, |device| {
            device.answers = (0..9).map(|_| device::typed(PIN)).collect();
            let mut request = registration();
            request.options.uv = Some(true);
            device.send(&Request::MakeCredential(request));
            let mut request = authentication();
            request.options.uv = Some(true);
            device.send(&Request::GetAssertion(request));
        }),
        ("change-the-pin", 0, |device| {
            let session = Session::new(device, 1);
            let mut request = session.request(SubCommand::CHANGE_PIN);
            let mut new = b"2468ac".to_vec();
            new.resize(64, 0);
            let new = session.encrypt(&new);
            let old = session.encrypt(&platform::pin_hash(PIN));
            request.pin_uv_auth_param = Some(session.mac(&[new.clone(), old.clone()].concat()));
            (request.new_pin_enc, request.pin_hash_enc) = (Some(new), Some(old));
            device.send(&Request::ClientPin(request));
        }),
        ("reset-and-retries", 0, |device| {
            device.send(&Request::ClientPin(client_pin::Request::new(SubCommand::GET_PIN_RETRIES)));
            device.send(&Request::ClientPin(client_pin::Request::new(SubCommand::GET_UV_RETRIES)));
            device.send(&Request::Selection);
            device.send(&Request::Reset);
            device.send(&Request::GetInfo);
        }),
        ("manage", 0, |device| {
            passkey(device, RP, "alice");
            let token = platform::token(device, Permissions::CREDENTIAL_MANAGEMENT, None);
            // getCredsMetadata, enumerateRPsBegin.
            for subcommand in [1_u8, 2] {
                let body = management(subcommand, token.protocol, &token.mac(&[subcommand]));
                device.bytes_on(device::CHANNEL, &[&[0x0A], &body[..]].concat());
            }
        }),
    ];
    for (name, control, run) in scenarios {
        let mut device = Device::new();
        run(&mut device);
        write("ctap_request", name, &row(&device, control));
    }
}

/// `{1: subcommand, 3: protocol, 4: proof}`.
fn management(subcommand: u8, protocol: u64, proof: &[u8]) -> Vec<u8> {
    cbor::encode(&cbor::Value::Map(vec![
        (1.into(), subcommand.into()),
        (3.into(), protocol.into()),
        (4.into(), cbor::Value::Bytes(proof.to_vec())),
    ]))
}

/// Events of `ctaphid_stream`: INIT on broadcast, then messages on the channel that it gave.
fn framing() {
    let init = [&[0b000_111_00][..], &[1, 2, 3, 4, 5, 6, 7, 8]].concat();
    let own = |command, payload: &[u8]| -> Vec<u8> {
        let reports = reports(Cid(0), command, payload).expect("it fits");
        reports.iter().flat_map(|report| [&[0b000_010_00][..], &report[4..]].concat()).collect()
    };
    let long = vec![7; 7609];
    let streams = [
        ("ping", [init.clone(), own(Command::PING, b"hello")].concat()),
        ("long-ping", [init.clone(), own(Command::PING, &long)].concat()),
        (
            "cbor-and-answer",
            [init.clone(), own(Command::CBOR, &[4]), vec![0b100_000_00, 0b000_100_00, 9]].concat(),
        ),
        (
            "cbor-and-cancel",
            [init.clone(), own(Command::CBOR, &[2; 100]), own(Command::CANCEL, &[])].concat(),
        ),
        ("lock", [init.clone(), own(Command::LOCK, &[5]), own(Command::LOCK, &[0])].concat()),
        (
            "cut-short",
            [init.clone(), own(Command::CBOR, &[2; 300])[..120].to_vec(), vec![0b110_000_00]].concat(),
        ),
        ("closed", [init.clone(), own(Command::CBOR, &[4]), vec![0b000_110_00]].concat()),
        ("wink-by-short-form", [init, vec![0b000_011_00, 8, 0]].concat()),
    ];
    for (name, stream) in streams {
        write("ctaphid_stream", name, &stream);
    }
}

/// W3C's vectors, and the records and statements of our own passkeys.
fn vectors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let vector: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for ceremony in ["registration", "authentication"] {
            if let Some(bytes) = hex(&vector[ceremony]["authenticator_data"]) {
                write("authenticator_data", &format!("{name}-{ceremony}"), &bytes);
            }
        }
        if let Some(bytes) = hex(&vector["registration"]["attestation_object"]) {
            write("attestation_object", &name, &bytes);
        }
    }
    for (name, statement) in [("own-none", true), ("own-packed", false)] {
        let mut device = Device::new();
        let mut request = registration();
        request.extensions.hmac_secret = Some(true);
        let made: make_credential::Response = platform::register(&mut device, request);
        let att_stmt = if statement { AttestationStatement::None } else { made.att_stmt };
        let object = AttestationObject { att_stmt, auth_data: made.auth_data.clone() };
        write("attestation_object", name, &object.encode());
        write("authenticator_data", name, &made.auth_data);
    }
}

fn hex(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Payloads as the container writes them: three secrets, then CBOR.
fn records() {
    let bytes = |length| cbor::Value::Bytes(vec![9; length]);
    let one =
        |kind: &str, parts: [cbor::Value; 2]| cbor::Value::Map(vec![(kind.into(), parts.to_vec().into())]);
    let keys = [
        ("es256", one("e", [bytes(32), bytes(32)])),
        ("rs256", one("r", [bytes(256), 65537.into()])),
        ("short-coordinate", one("e", [bytes(32), bytes(31)])),
    ];
    let facts = |key: &cbor::Value, more: &[(&str, cbor::Value)]| {
        let all = [
            ("id", bytes(32)),
            ("rp", RP.into()),
            ("uh", bytes(5)),
            ("kb", bytes(120)),
            ("pk", key.clone()),
            ("di", true.into()),
            ("cp", 3.into()),
            ("hs", true.into()),
            ("cr", 1_767_225_600.into()),
        ];
        let members = all.iter().chain(more).map(|(name, value)| ((*name).into(), value.clone()));
        [vec![5; 96], cbor::encode(&cbor::Value::Map(members.collect()))].concat()
    };
    for (name, key) in &keys {
        write("container_record", name, &facts(key, &[]));
    }
    let names = [("un", "alice".into()), ("ud", "Alice".into()), ("la", "mine".into())];
    write("container_record", "with-names", &facts(&keys[0].1, &names));
    write("container_record", "from-a-later-version", &facts(&keys[0].1, &[("zz", 1.into())]));
    write("container_record", "secrets-only", &[5; 96]);
}

fn callers() {
    let hosts = [
        "example.org",
        "login.example.org:8443",
        "xn--bcher-kva.example",
        "127.0.0.1",
        "localhost",
        "a.b.c.d.example",
    ];
    for (choice, host) in (0_u8..).zip(hosts) {
        let input = [&[choice % 4][..], &32_u16.to_be_bytes(), &[choice; 32], host.as_bytes()].concat();
        write("client_data_json", &format!("host-{choice}"), &input);
    }
}

fn pages() {
    let create = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": { "id": "example.org", "name": "Site" }, "timeout": 60000,
        "user": { "id": "AQ", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
        "excludeCredentials": [{ "type": "public-key", "id": "AQID", "transports": ["usb"] }],
        "authenticatorSelection": { "residentKey": "required", "userVerification": "preferred" },
        "attestation": "direct", "extensions": { "credProps": true, "prf": { "eval": { "first": "AA" } } },
    });
    let get = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.org", "userVerification": "required",
        "allowCredentials": [{ "type": "public-key", "id": "AQID" }],
        "extensions": { "prf": { "evalByCredential": { "AQID": { "first": "AA", "second": "AQ" } } } },
    });
    let origin = "https://login.example.org";
    let messages = [
        ("create", json!({ "id": 1, "kind": "create", "origin": origin, "options": create })),
        ("get", json!({ "id": 2, "kind": "get", "origin": origin, "crossOrigin": true, "options": get })),
        ("no-list", json!({ "id": 3, "kind": "get", "origin": origin, "options": { "challenge": "AA" } })),
        ("cancel", json!({ "id": 2, "kind": "cancel" })),
        ("status", json!({ "id": 4, "kind": "status" })),
        ("bad-options", json!({ "id": 5, "kind": "create", "origin": origin, "options": [1, null] })),
    ];
    let mut all = Vec::new();
    for (name, message) in messages {
        let mut frame = Vec::new();
        native_messaging::write(&mut frame, &message).expect("it fits");
        write("native_message", name, &frame);
        all.extend(frame);
    }
    write("native_message", "all-in-a-row", &all);
}
