//! An authenticator in memory that says of itself what a test wants, and remembers what it was asked.

use std::collections::VecDeque;
use std::time::Duration;

use latchkey_client::{Attachment, Authenticator, Caller, TransactError};
use latchkey_protocol::attestation::AttestationStatement;
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{
    Algorithm, CredentialDescriptor, Request, Status, UserEntity, get_assertion, get_info, make_credential,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub const RP_ID: &str = "example.org";
pub const CALLER: Caller<'static> = Caller { origin: "https://login.example.org", cross_origin: false };

pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

/// A credential id, told apart by one number.
pub fn id(number: u8) -> Vec<u8> {
    vec![number; 32]
}

/// The id as JSON carries it.
pub fn id_text(number: u8) -> String {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(id(number))
}

pub fn bytes(value: &Value) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

pub struct Scripted {
    pub info: get_info::Response,
    pub attachment: Attachment,
    /// The credentials that it holds: id and account.
    pub holds: Vec<(Vec<u8>, UserEntity)>,
    pub statement: AttestationStatement,
    pub aaguid: [u8; 16],
    pub flags: Flags,
    /// The RP ID in authenticator data, if it is not the one in the request.
    pub signs_for: Option<&'static str>,
    pub key: CoseKey,
    /// Answers instead of its own, to all commands but getInfo.
    pub fails: Option<Result<Status, TransactError>>,
    /// Everything asked after getInfo.
    pub asked: Vec<Request>,
    pub limit: Option<Duration>,
    next: VecDeque<get_assertion::Response>,
}

impl Scripted {
    pub fn new(options: &[&str]) -> Self {
        Self {
            info: get_info::Response {
                versions: vec!["FIDO_2_3".to_owned()],
                options: options.iter().map(|name| ((*name).to_owned(), true)).collect(),
                max_msg_size: Some(2048),
                max_credential_count_in_list: Some(2),
                max_credential_id_length: Some(64),
                transports: vec!["usb".to_owned()],
                ..get_info::Response::default()
            },
            attachment: Attachment::Platform,
            holds: Vec::new(),
            statement: AttestationStatement::PackedSelf { alg: Algorithm::ES256, sig: vec![1, 2, 3] },
            aaguid: [9; 16],
            flags: Flags::UP | Flags::UV,
            signs_for: None,
            key: CoseKey::P256 { x: [1; 32], y: [2; 32] },
            fails: None,
            asked: Vec::new(),
            limit: None,
            next: VecDeque::new(),
        }
    }

    pub fn holding(mut self, numbers: &[u8]) -> Self {
        let account = |number: &u8| UserEntity {
            id: vec![*number],
            name: Some(format!("user{number}")),
            display_name: None,
        };
        self.holds = numbers.iter().map(|number| (id(*number), account(number))).collect();
        self
    }

    pub fn only_make_credential(&self) -> &make_credential::Request {
        let mut found = self.asked.iter().filter_map(|request| match request {
            Request::MakeCredential(request) => Some(request),
            _ => None,
        });
        let only = found.next().expect("makeCredential was asked");
        assert!(found.next().is_none(), "makeCredential was asked once");
        only
    }

    /// The getAssertion requests: the silent look-ups and the one that asks for presence.
    pub fn get_assertions(&self) -> (Vec<&get_assertion::Request>, Option<&get_assertion::Request>) {
        let all = self.asked.iter().filter_map(|request| match request {
            Request::GetAssertion(request) => Some(request),
            _ => None,
        });
        let (silent, loud): (Vec<_>, Vec<_>) = all.partition(|request| request.options.up == Some(false));
        assert!(loud.len() <= 1, "presence is asked for once");
        (silent, loud.first().copied())
    }

    fn data(&self, rp_id: &str, flags: Flags, attested: bool) -> Vec<u8> {
        AuthenticatorData {
            rp_id_hash: Sha256::digest(self.signs_for.unwrap_or(rp_id).as_bytes()).into(),
            flags,
            sign_count: 1,
            attested: attested.then(|| AttestedCredential {
                aaguid: self.aaguid,
                credential_id: id(1),
                public_key: self.key.clone(),
            }),
            extensions: None,
        }
        .encode()
    }

    fn make(&self, request: &make_credential::Request) -> Vec<u8> {
        let excluded =
            |descriptor: &CredentialDescriptor| self.holds.iter().any(|(id, _)| *id == descriptor.id);
        if request.exclude_list.iter().any(excluded) {
            return Status::CREDENTIAL_EXCLUDED.response();
        }
        let data = self.data(&request.rp.id, self.flags, true);
        make_credential::Response::new(data, self.statement.clone()).encode()
    }

    fn assert(&mut self, request: &get_assertion::Request) -> Vec<u8> {
        let allowed = |id: &Vec<u8>| {
            request.allow_list.as_ref().is_none_or(|list| list.iter().any(|descriptor| descriptor.id == *id))
        };
        let flags = if request.options.up == Some(false) { Flags::UV } else { self.flags };
        let data = self.data(&request.rp_id, flags, false);
        let mut found: VecDeque<get_assertion::Response> = self
            .holds
            .iter()
            .filter(|(id, _)| allowed(id))
            .map(|(id, user)| {
                let credential = CredentialDescriptor::public_key(id.clone());
                let mut response = get_assertion::Response::new(credential, data.clone(), vec![3; 70]);
                response.user = Some(user.clone());
                response
            })
            .collect();
        let count = u64::try_from(found.len()).unwrap();
        let Some(mut first) = found.pop_front() else { return Status::NO_CREDENTIALS.response() };
        match &request.allow_list {
            Some(list) => {
                first.user = None;
                // CTAP lets an authenticator leave the credential out when there is only one to choose from.
                first.credential = first.credential.filter(|_| list.len() > 1);
            }
            None if count > 1 => {
                first.number_of_credentials = Some(count);
                self.next = found;
            }
            None => {}
        }
        first.encode()
    }
}

impl Authenticator for Scripted {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        let request = Request::parse(request).expect("the client's requests are well-formed");
        if request == Request::GetInfo {
            return Ok(self.info.encode());
        }
        self.asked.push(request.clone());
        if let Some(failure) = self.fails.clone() {
            return failure.map(Status::response);
        }
        Ok(match request {
            Request::MakeCredential(request) => self.make(&request),
            Request::GetAssertion(request) => self.assert(&request),
            Request::GetNextAssertion => self.next.pop_front().expect("there is a next assertion").encode(),
            _ => Status::INVALID_COMMAND.response(),
        })
    }

    fn ceremony_begins(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    fn attachment(&self) -> Attachment {
        self.attachment
    }
}
