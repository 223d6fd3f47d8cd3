//! webauthn-rs, which the site builds on, judges a registration by U2F as browsers hand it on (WebAuthn L3 §6.1.2, §8.6).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::{Value, cbor};
use latchkey_container::{Container, CreateOptions, Profile, StretchCost, UnixTime};
use latchkey_ctap::{Ambient, Answer, Authenticator, ChannelId};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{RegisterPublicKeyCredential, Webauthn, WebauthnBuilder};

const RP_ID: &str = "localhost";
const ORIGIN: &str = "http://localhost:8080";

fn webauthn() -> Webauthn {
    WebauthnBuilder::new(RP_ID, &Url::parse(ORIGIN).unwrap()).unwrap().build().unwrap()
}

fn ambient(rng: &mut ChaCha20Rng) -> Ambient<'_> {
    Ambient { uptime: Duration::ZERO, now: UnixTime(1_700_000_000), rng }
}

/// What a security key answers to a registration, after a touch.
fn registered(client_data: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let tpm = SoftwareTpm::open(directory.path(), Box::new(ChaCha20Rng::seed_from_u64(2))).unwrap();
    let stretch = StretchCost { memory_kib: 8, passes: 1 };
    let options = CreateOptions { stretch, require_tpm: false, profile: Profile::SecurityKey };
    let path = directory.path().join("container");
    let container = Container::create(&path, Box::new(tpm), &options, UnixTime(1), &mut rng).unwrap();
    let mut engine = Authenticator::power_up(container, ambient(&mut rng));
    let (challenge, application) = (Sha256::digest(client_data), Sha256::digest(RP_ID));
    let message = [&[0, 1, 3, 0, 0, 0, 64][..], &challenge, &application, &[0, 0]].concat();
    let (_, touch) = engine.message(ChannelId(1), &message, ambient(&mut rng)).ask.unwrap();
    engine.touched(touch, &Answer::Approved);
    let response = engine.message(ChannelId(1), &message, ambient(&mut rng)).response;
    let (data, word) = response.split_last_chunk::<2>().unwrap();
    assert_eq!(word, &[0x90, 0x00]);
    data.to_vec()
}

/// The credential that a browser makes of it; `spoil` changes the signature or the data that it covers first.
fn credential(client_data: &str, spoil: impl FnOnce(&mut [u8], &mut [u8])) -> RegisterPublicKeyCredential {
    let data = registered(client_data);
    let (point, rest) = (&data[1..66], &data[66..]);
    let (key_handle, rest) = rest[1..].split_at(usize::from(rest[0]));
    let certificate = 4 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let (certificate, signature) = rest.split_at(certificate);
    let mut signature = signature.to_vec();
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let key = cbor!({ 1 => 2, 3 => -7, -1 => 1, -2 => bytes(&point[1..33]), -3 => bytes(&point[33..]) });
    let length = u16::try_from(key_handle.len()).unwrap().to_be_bytes();
    let mut head = [&Sha256::digest(RP_ID)[..], &[0x41, 0, 0, 0, 0], &[0; 16], &length, key_handle].concat();
    spoil(&mut signature, &mut head);
    let auth_data = [head, encoded(&key.unwrap())].concat();
    let statement = cbor!({ "x5c" => vec![bytes(certificate)], "sig" => bytes(&signature) }).unwrap();
    let object = cbor!({ "fmt" => "fido-u2f", "attStmt" => statement, "authData" => bytes(&auth_data) });
    let id = URL_SAFE_NO_PAD.encode(key_handle);
    serde_json::from_value(json!({
        "id": id, "rawId": id, "type": "public-key", "extensions": {},
        "response": {
            "attestationObject": URL_SAFE_NO_PAD.encode(encoded(&object.unwrap())),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
        },
    }))
    .unwrap()
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_fido_u2f_attestation_is_verified_and_a_spoilt_one_is_not() {
    /// What is wrong with a registration, and whether it is taken.
    type Case = (&'static str, fn(&mut [u8], &mut [u8]), bool);
    let cases: [Case; 3] = [
        ("nothing", |_, _| {}, true),
        ("the signature", |signature, _| *signature.last_mut().unwrap() ^= 1, false),
        ("the credential id", |_, head| *head.last_mut().unwrap() ^= 1, false),
    ];
    for (name, spoil, taken) in cases {
        let webauthn = webauthn();
        let (options, state) = webauthn
            .start_securitykey_registration(Uuid::from_u128(1), "alice", "Alice", None, None, None)
            .unwrap();
        let challenge = serde_json::to_value(&options).unwrap()["publicKey"]["challenge"].clone();
        let client_data =
            json!({ "type": "webauthn.create", "challenge": challenge, "origin": ORIGIN }).to_string();
        let outcome = webauthn.finish_securitykey_registration(&credential(&client_data, spoil), &state);
        assert_eq!(outcome.is_ok(), taken, "{name}: {outcome:?}");
    }
}
