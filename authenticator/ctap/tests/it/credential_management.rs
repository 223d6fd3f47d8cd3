//! authenticatorCredentialManagement (CTAP 2.3 §6.8).

use latchkey_ctap::{Answer, ChannelId, Operation};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::credential_management::{Params, Request as Management, Response, SubCommand};
use latchkey_protocol::{CredentialDescriptor, Request, Status, UserEntity};
use sha2::{Digest, Sha256};

use crate::device::{CHANNEL, Device, status};
use crate::platform::{self, RP, Token, passkey, user};

const CM: Permissions = Permissions::CREDENTIAL_MANAGEMENT;
const OTHER_RP: &str = "other.example";

fn hash(rp_id: &str) -> [u8; 32] {
    Sha256::digest(rp_id).into()
}

pub fn request(subcommand: SubCommand, params: Option<Params>, token: &Token) -> Management {
    let mut message = vec![subcommand.0];
    message.extend_from_slice(params.as_ref().map(Params::raw).unwrap_or_default());
    let pin_uv_auth_param = Some(token.mac(&message));
    Management { subcommand, params, protocol: Some(token.protocol), pin_uv_auth_param }
}

pub fn bare(subcommand: SubCommand) -> Management {
    Management { subcommand, params: None, protocol: None, pin_uv_auth_param: None }
}

pub fn send(device: &mut Device, request: Management) -> Result<Response, Status> {
    send_on(device, CHANNEL, request)
}

fn send_on(device: &mut Device, channel: ChannelId, request: Management) -> Result<Response, Status> {
    let response = device.send_on(channel, &Request::CredentialManagement(request));
    match status(&response) {
        Status::OK if response.len() == 1 => Ok(Response::default()),
        Status::OK => Ok(Response::parse(&response).unwrap()),
        refused => Err(refused),
    }
}

/// What makes a request wrong, and the status of that.
type Change = (fn(&mut Management), Status);

/// Alice and bob at one site, carol at another, and one passkey that is not discoverable.
fn populated() -> (Device, Token) {
    let mut device = Device::with_pin();
    passkey(&mut device, RP, "alice");
    passkey(&mut device, OTHER_RP, "carol");
    let mut bob = platform::registration();
    bob.user = user("bob");
    (bob.extensions.large_blob_key, bob.extensions.third_party_payment) = (Some(true), Some(true));
    platform::register(&mut device, bob);
    let mut hidden = platform::registration();
    hidden.options.rk = None;
    platform::register(&mut device, hidden);
    let token = platform::token(&mut device, CM, None);
    (device, token)
}

pub fn of_rp(rp_id: &str) -> Params {
    Params::new(Some(hash(rp_id)), None, None)
}

pub fn first_of(device: &mut Device, token: &Token, rp_id: &str) -> Response {
    send(device, request(SubCommand::ENUMERATE_CREDENTIALS_BEGIN, Some(of_rp(rp_id)), token)).unwrap()
}

#[test]
fn metadata_counts_what_is_discoverable() {
    let (mut device, token) = populated();
    let response = send(&mut device, request(SubCommand::GET_CREDS_METADATA, None, &token)).unwrap();
    assert_eq!(response.existing_resident_credentials_count, Some(3));
    assert_eq!(response.max_possible_remaining_resident_credentials_count, Some(99_997));
}

#[test]
fn relying_parties_are_listed_one_by_one() {
    let (mut device, token) = populated();
    let first = send(&mut device, request(SubCommand::ENUMERATE_RPS_BEGIN, None, &token)).unwrap();
    assert_eq!(first.total_rps, Some(2));
    let next = SubCommand::ENUMERATE_RPS_GET_NEXT_RP;
    let elsewhere = send_on(&mut device, ChannelId(2), bare(next));
    assert_eq!(elsewhere, Err(Status::NOT_ALLOWED), "another channel");
    let second = send(&mut device, bare(next)).unwrap();
    assert_eq!(second.total_rps, None);
    let mut seen = Vec::new();
    for response in [first, second] {
        let rp = response.rp.unwrap();
        assert_eq!(response.rp_id_hash, Some(hash(&rp.id)));
        seen.push(rp.id);
    }
    assert_eq!(seen, [OTHER_RP, RP]);
    assert_eq!(send(&mut device, bare(next)), Err(Status::NOT_ALLOWED), "at the end");
}

#[test]
fn passkeys_of_a_relying_party_are_listed_one_by_one() {
    let (mut device, token) = populated();
    let first = first_of(&mut device, &token, RP);
    assert_eq!(first.total_credentials, Some(2));
    let next = SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL;
    assert_eq!(send_on(&mut device, ChannelId(2), bare(next)), Err(Status::NOT_ALLOWED));
    let second = send(&mut device, bare(next)).unwrap();
    assert_eq!(send(&mut device, bare(next)), Err(Status::NOT_ALLOWED));
    for (response, name) in [(first, "bob"), (second, "alice")] {
        assert_eq!(response.user, Some(user(name)));
        assert_eq!(response.cred_protect, Some(3), "the profile's default");
        let extras = (response.large_blob_key.is_some(), response.third_party_payment);
        assert_eq!(extras, (name == "bob", Some(name == "bob")), "§6.8, 0x0B and 0x0C");
        assert!(response.public_key.is_some() && response.credential_id.is_some());
    }
}

#[test]
fn an_enumeration_lasts_thirty_seconds_and_no_longer_than_its_token() {
    let subcommands = [
        (SubCommand::ENUMERATE_RPS_BEGIN, None, SubCommand::ENUMERATE_RPS_GET_NEXT_RP),
        (
            SubCommand::ENUMERATE_CREDENTIALS_BEGIN,
            Some(of_rp(RP)),
            SubCommand::ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL,
        ),
    ];
    for (begin, params, next) in subcommands {
        let (mut device, token) = populated();
        for (seconds, allowed) in [(29, true), (30, false)] {
            send(&mut device, request(begin, params.clone(), &token)).unwrap();
            device.pass(seconds);
            assert_eq!(send(&mut device, bare(next)).is_ok(), allowed, "{next} after {seconds} s");
        }
        send(&mut device, request(begin, params.clone(), &token)).unwrap();
        platform::token(&mut device, CM, None);
        assert_eq!(send(&mut device, bare(next)), Err(Status::NOT_ALLOWED), "{next}: another token");
    }
}

#[test]
fn nothing_to_list_is_no_credentials() {
    let mut device = Device::with_pin();
    let token = platform::token(&mut device, CM, None);
    let rps = request(SubCommand::ENUMERATE_RPS_BEGIN, None, &token);
    assert_eq!(send(&mut device, rps), Err(Status::NO_CREDENTIALS));
    let passkeys = request(SubCommand::ENUMERATE_CREDENTIALS_BEGIN, Some(of_rp(RP)), &token);
    assert_eq!(send(&mut device, passkeys), Err(Status::NO_CREDENTIALS));
}

#[test]
fn everything_needs_a_token_with_the_permission() {
    let params =
        Params::new(Some(hash(RP)), Some(CredentialDescriptor::public_key(vec![1; 32])), Some(user("x")));
    for subcommand in [1, 2, 4, 6, 7].map(SubCommand) {
        let (mut device, token) = populated();
        let covered = |token: &Token| {
            let with_params = !matches!(subcommand.0, 1 | 2);
            request(subcommand, with_params.then(|| params.clone()), token)
        };
        let good = covered(&token);
        let changes: [Change; 5] = [
            (|r| r.pin_uv_auth_param = None, Status::PUAT_REQUIRED),
            (|r| r.protocol = None, Status::MISSING_PARAMETER),
            (|r| r.protocol = Some(3), Status::INVALID_PARAMETER),
            (|r| r.pin_uv_auth_param.as_mut().unwrap().truncate(16), Status::PIN_AUTH_INVALID),
            (|r| r.pin_uv_auth_param.as_mut().unwrap()[0] ^= 1, Status::PIN_AUTH_INVALID),
        ];
        for (change, expected) in changes {
            let mut wrong = good.clone();
            change(&mut wrong);
            assert_eq!(send(&mut device, wrong), Err(expected), "{subcommand}");
        }
        let unpermitted = platform::token(&mut device, Permissions::GET_ASSERTION, Some(RP));
        assert_eq!(send(&mut device, covered(&unpermitted)), Err(Status::PIN_AUTH_INVALID), "{subcommand}");
    }
}

#[test]
fn a_token_for_one_site_sees_only_that_site() {
    let (mut device, _) = populated();
    let token = platform::token(&mut device, CM, Some(RP));
    for subcommand in [SubCommand::GET_CREDS_METADATA, SubCommand::ENUMERATE_RPS_BEGIN] {
        assert_eq!(send(&mut device, request(subcommand, None, &token)), Err(Status::PIN_AUTH_INVALID));
    }
    let elsewhere = request(SubCommand::ENUMERATE_CREDENTIALS_BEGIN, Some(of_rp(OTHER_RP)), &token);
    assert_eq!(send(&mut device, elsewhere), Err(Status::PIN_AUTH_INVALID));
    let mine = first_of(&mut device, &token, RP).credential_id;
    let unbound = platform::token(&mut device, CM, None);
    let theirs = first_of(&mut device, &unbound, OTHER_RP).credential_id;
    let token = platform::token(&mut device, CM, Some(RP));
    for (descriptor, expected) in [(theirs, Err(Status::PIN_AUTH_INVALID)), (mine, Ok(Response::default()))] {
        let params = Some(Params::new(None, descriptor, None));
        assert_eq!(send(&mut device, request(SubCommand::DELETE_CREDENTIAL, params, &token)), expected);
    }
}

#[test]
fn parameters_are_mandatory() {
    let (mut device, token) = populated();
    let empty = || Some(Params::new(None, None, None));
    for subcommand in [4, 6, 7].map(SubCommand) {
        for params in [None, empty()] {
            let refused = send(&mut device, request(subcommand, params, &token));
            assert_eq!(refused, Err(Status::MISSING_PARAMETER), "{subcommand}");
        }
    }
    let no_user = Some(Params::new(None, Some(CredentialDescriptor::public_key(vec![1])), None));
    let refused = send(&mut device, request(SubCommand::UPDATE_USER_INFORMATION, no_user, &token));
    assert_eq!(refused, Err(Status::MISSING_PARAMETER));
    for unknown in [0, 8, 255].map(SubCommand) {
        assert_eq!(send(&mut device, bare(unknown)), Err(Status::INVALID_SUBCOMMAND));
    }
}

#[test]
fn deleting_asks_the_user_and_names_the_passkey() {
    for (answer, expected) in [
        (Answer::Denied, Err(Status::OPERATION_DENIED)),
        (Answer::Cancelled, Err(Status::KEEPALIVE_CANCEL)),
        (Answer::Approved, Ok(Response::default())),
    ] {
        let (mut device, token) = populated();
        let carol = first_of(&mut device, &token, OTHER_RP).credential_id;
        let delete =
            || request(SubCommand::DELETE_CREDENTIAL, Some(Params::new(None, carol.clone(), None)), &token);
        device.user([answer]);
        device.asked();
        assert_eq!(send(&mut device, delete()), expected);
        let asked = device.asked();
        assert_eq!(asked[0].operation, Operation::Delete);
        assert_eq!(asked[0].to_string(), "Delete the passkey of carol at other.example");
        if expected.is_ok() {
            assert_eq!(send(&mut device, delete()), Err(Status::NO_CREDENTIALS), "it is gone");
            assert_eq!(device.container().discoverable_count().unwrap(), 2);
        }
    }
}

#[test]
fn an_update_replaces_the_names_and_never_the_handle() {
    let (mut device, token) = populated();
    let carol = first_of(&mut device, &token, OTHER_RP).credential_id;
    let mut update = |id: &Option<CredentialDescriptor>, user: UserEntity| {
        let params = Some(Params::new(None, id.clone(), Some(user)));
        send(&mut device, request(SubCommand::UPDATE_USER_INFORMATION, params, &token))
    };
    let stranger = Some(CredentialDescriptor::public_key(vec![1; 32]));
    assert_eq!(update(&stranger, user("carol")), Err(Status::NO_CREDENTIALS));
    assert_eq!(update(&carol, user("mallory")), Err(Status::INVALID_PARAMETER));
    let renamed = UserEntity {
        id: b"carol".to_vec(),
        name: Some("caroline".to_owned()),
        display_name: Some(String::new()),
    };
    assert_eq!(update(&carol, renamed), Ok(Response::default()));
    let listed = first_of(&mut device, &token, OTHER_RP).user.unwrap();
    assert_eq!(
        (listed.name.as_deref(), listed.display_name),
        (Some("caroline"), None),
        "§6.8.6: empty is removed"
    );
}

#[test]
fn the_prototypes_command_does_the_same() {
    let (mut device, token) = populated();
    let encoded =
        Request::CredentialManagement(request(SubCommand::GET_CREDS_METADATA, None, &token)).encode();
    let as_prototype = [&[0x41], &encoded[1..]].concat();
    let (now, then) = (device.bytes_on(CHANNEL, &encoded), device.bytes_on(CHANNEL, &as_prototype));
    assert_eq!((status(&now), &now), (Status::OK, &then));
}
