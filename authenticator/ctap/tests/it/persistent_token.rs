//! The persistent pinUvAuthToken: permission pcmr (CTAP 2.3 §6.5.5.7), read-only credential management (§6.8), and what
//! getInfo tells its holder (§6.4).

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use hkdf::Hkdf;
use latchkey_ctap::Operation;
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::config::PinParams;
use latchkey_protocol::credential_management::{Params, SubCommand};
use latchkey_protocol::get_info::Response as Info;
use latchkey_protocol::{CredentialDescriptor, Request, Status};
use sha2::Sha256;

use crate::client_pin::{change, padded};
use crate::config::{info, set_pin_rules};
use crate::credential_management::{bare, first_of, of_rp, request, send};
use crate::device::{Device, PIN, status, typed};
use crate::platform::{
    PROTOCOLS, RP, Session, Token, ask_token_by_gesture, ask_token_by_pin, authentication, passkey,
    prove_authentication, token, user,
};

const PCMR: Permissions = Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;
const CM: Permissions = Permissions::CREDENTIAL_MANAGEMENT;
const OTHER_RP: &str = "other.example";

fn populated() -> Device {
    let mut device = Device::with_pin();
    for (rp_id, name) in [(RP, "alice"), (OTHER_RP, "carol"), (RP, "bob")] {
        passkey(&mut device, rp_id, name);
    }
    device
}

/// What getInfo says to the holder of the token, read as CTAP 2.3 §6.4 has it.
fn told(device: &mut Device, token: &Token) -> [[u8; 16]; 2] {
    let info = info(device);
    let open = |encrypted: Option<Vec<u8>>, name: &[u8]| {
        let encrypted = encrypted.unwrap();
        let mut key = [0; 16];
        Hkdf::<Sha256>::new(Some(&[0; 32]), &token.secret).expand(name, &mut key).unwrap();
        let (iv, sealed) = encrypted.split_first_chunk::<16>().unwrap();
        let mut block = Array::from(<[u8; 16]>::try_from(sealed).unwrap());
        cbc::Decryptor::<Aes128>::new(&Array::from(key), &Array::from(*iv)).decrypt_block(&mut block);
        block.0
    };
    [open(info.enc_identifier, b"encIdentifier"), open(info.enc_cred_store_state, b"encCredStoreState")]
}

#[test]
fn it_is_asked_for_alone_and_everybody_gets_the_same() {
    let mut device = Device::with_pin();
    let session_token = token(&mut device, CM, None);
    for other in [CM, Permissions::GET_ASSERTION, Permissions::AUTHENTICATOR_CONFIGURATION] {
        let refused = ask_token_by_pin(&mut device, 2, PIN, PCMR | other, Some(RP)).err();
        assert_eq!(refused, Some(Status::UNAUTHORIZED_PERMISSION), "§6.5.5.7.2 step 4: {other}");
    }
    let mut all = Vec::new();
    for protocol in PROTOCOLS {
        all.push(ask_token_by_pin(&mut device, protocol, PIN, PCMR, None).unwrap().secret);
        device.user([typed(PIN)]);
        device.asked();
        all.push(ask_token_by_gesture(&mut device, protocol, PCMR, None).unwrap().secret);
        let asked = device.asked();
        assert_eq!(asked[0].operation, Operation::KeepListing);
        assert!(asked[0].to_string().contains("without asking again"), "the prompt says what is given away");
    }
    all.dedup();
    assert_eq!((all.len(), all[0].len()), (1, 32));
    let listed = send(&mut device, request(SubCommand::GET_CREDS_METADATA, None, &session_token));
    assert!(listed.is_ok(), "§6.5.5.7.2 step 12: the other token is not touched");
}

#[test]
fn it_lists_without_a_gesture_after_a_power_cycle_and_changes_nothing() {
    for protocol in PROTOCOLS {
        let mut device = populated();
        let token = ask_token_by_pin(&mut device, protocol, PIN, PCMR, None).unwrap();
        device.power_cycle();
        device.pass(3600);
        device.asked();
        let count = send(&mut device, request(SubCommand::GET_CREDS_METADATA, None, &token)).unwrap();
        assert_eq!(count.existing_resident_credentials_count, Some(3));
        let rps = send(&mut device, request(SubCommand::ENUMERATE_RPS_BEGIN, None, &token)).unwrap();
        let next = send(&mut device, bare(SubCommand::ENUMERATE_RPS_GET_NEXT_RP)).unwrap();
        assert_eq!(rps.total_rps, Some(2));
        assert_eq!([rps.rp.unwrap().id, next.rp.unwrap().id], [OTHER_RP, RP]);
        let bob = first_of(&mut device, &token, RP);
        let alice = send(&mut device, bare(SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL)).unwrap();
        assert_eq!((bob.total_credentials, bob.user), (Some(2), Some(user("bob"))));
        assert_eq!(alice.user, Some(user("alice")));
        assert!(
            alice.public_key.is_some() && alice.cred_protect == Some(3) && alice.large_blob_key.is_none()
        );
        let over = send(&mut device, bare(SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL));
        assert_eq!(over, Err(Status::NOT_ALLOWED));
        assert!(device.asked().is_empty(), "nobody is asked");

        let params = || Some(Params::new(None, alice.credential_id.clone(), Some(user("alice"))));
        for subcommand in [SubCommand::DELETE_CREDENTIAL, SubCommand::UPDATE_USER_INFORMATION] {
            let refused = send(&mut device, request(subcommand, params(), &token));
            assert_eq!(refused, Err(Status::PIN_AUTH_INVALID), "§6.8.5, §6.8.6: {subcommand}");
        }
        let mut sign_in = authentication();
        prove_authentication(&mut sign_in, &token);
        let refused = status(&device.send(&Request::GetAssertion(sign_in)));
        assert_eq!(refused, Status::PIN_AUTH_INVALID, "it opens no key");
        let mut half = request(SubCommand::GET_CREDS_METADATA, None, &token);
        half.pin_uv_auth_param.as_mut().unwrap().truncate(15);
        assert_eq!(send(&mut device, half), Err(Status::PIN_AUTH_INVALID));
    }
}

#[test]
fn it_ends_with_its_pin() {
    type End = fn(&mut Device);
    let ends: [(&str, End); 3] = [
        ("§6.5.5.6: changePIN", |device| {
            let session = Session::new(device, 2);
            let request = change(&session, PIN, &padded(b"482760"));
            assert_eq!(device.send(&Request::ClientPin(request)), [0]);
        }),
        ("§6.11.4: forcePINChange", |device| {
            let pin = PinParams { force_change_pin: Some(true), ..PinParams::default() };
            assert_eq!(set_pin_rules(device, pin), Status::OK);
        }),
        ("§6.6: reset", |device| {
            device.power_cycle();
            assert_eq!(device.send(&Request::Reset), [0]);
        }),
    ];
    for (name, end) in ends {
        let mut device = populated();
        let token = ask_token_by_pin(&mut device, 2, PIN, PCMR, None).unwrap();
        first_of(&mut device, &token, RP);
        end(&mut device);
        let next = send(&mut device, bare(SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL));
        assert_eq!(next, Err(Status::NOT_ALLOWED), "{name}: what was begun");
        for _ in 0..2 {
            let refused = send(&mut device, request(SubCommand::GET_CREDS_METADATA, None, &token));
            assert_eq!(refused, Err(Status::PIN_AUTH_INVALID), "{name}");
            assert_eq!(info(&mut device).enc_identifier, None, "{name}");
            device.power_cycle();
        }
    }
}

#[test]
fn its_holder_recognises_device_and_state_and_nobody_else_does() {
    let mut device = populated();
    assert_eq!((info(&mut device).enc_identifier, info(&mut device).enc_cred_store_state), (None, None));
    let token = ask_token_by_pin(&mut device, 2, PIN, PCMR, None).unwrap();
    let first = told(&mut device, &token);
    device.power_cycle();
    assert_eq!(told(&mut device, &token), first, "the same device and state");
    let secrets = |info: Info| [info.enc_identifier.unwrap(), info.enc_cred_store_state.unwrap()];
    let (one, two) = (secrets(info(&mut device)), secrets(info(&mut device)));
    assert!(one.iter().zip(&two).all(|(one, two)| one.len() == 32 && one[..16] != two[..16]), "a fresh iv");

    passkey(&mut device, RP, "dave");
    let after = told(&mut device, &token);
    assert_eq!((after[0], after[1] == first[1]), (first[0], false), "another passkey, another state");
    let session = Session::new(&mut device, 2);
    assert_eq!(device.send(&Request::ClientPin(change(&session, PIN, &padded(b"482760")))), [0]);
    let token = ask_token_by_pin(&mut device, 2, "482760", PCMR, None).unwrap();
    assert_eq!(told(&mut device, &token), after, "another PIN, the same device");
    device.power_cycle();
    assert_eq!(device.send(&Request::Reset), [0]);
    let session = Session::new(&mut device, 2);
    let set = crate::client_pin::set(&session, &padded(PIN.as_bytes()));
    assert_eq!(device.send(&Request::ClientPin(set)), [0]);
    let token = ask_token_by_pin(&mut device, 2, PIN, PCMR, None).unwrap();
    let anew = told(&mut device, &token);
    assert!(anew[0] != after[0] && anew[1] != after[1], "a reset makes another one");
}

#[test]
fn what_it_lists_is_what_there_is() {
    let mut device = populated();
    let persistent = ask_token_by_pin(&mut device, 2, PIN, PCMR, None).unwrap();
    let cm = token(&mut device, CM, None);
    let bob = first_of(&mut device, &cm, RP).credential_id;
    let renamed = Params::new(None, bob, Some(latchkey_protocol::UserEntity { name: None, ..user("bob") }));
    let update = request(SubCommand::UPDATE_USER_INFORMATION, Some(renamed), &cm);
    assert!(send(&mut device, update).is_ok());
    let listed = first_of(&mut device, &persistent, RP);
    assert_eq!(listed.user.unwrap().name, None);
    let delete = |id: Option<CredentialDescriptor>| Some(Params::new(None, id, None));
    let carol = first_of(&mut device, &persistent, OTHER_RP).credential_id;
    let deleted = send(&mut device, request(SubCommand::DELETE_CREDENTIAL, delete(carol), &cm));
    assert!(deleted.is_ok());
    let none = request(SubCommand::ENUMERATE_CREDENTIALS_BEGIN, Some(of_rp(OTHER_RP)), &persistent);
    assert_eq!(send(&mut device, none), Err(Status::NO_CREDENTIALS));
}
