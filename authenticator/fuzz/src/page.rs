//! A page's request, from its JSON to what the page gets back, with an authenticator that says yes to everything.

use latchkey_client::{
    Account, Attachment, Authenticator, Caller, DomException, TransactError, create, request,
};
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

/// Which ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// `navigator.credentials.create()`.
    Create,
    /// `navigator.credentials.get()`.
    Get,
}

/// Runs a ceremony. What a page gets back is JSON.
///
/// # Errors
/// The exception that the page would see.
///
/// # Panics
/// When the answer is no JSON.
pub fn ceremony(ceremony: Ceremony, options: &str, caller: Caller<'_>) -> Result<Value, DomException> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let answer = match ceremony {
        Ceremony::Create => create(options, caller, &mut Willing, &mut rng),
        Ceremony::Get => {
            let mut first = |_: &str, _: &[Account]| Some(0);
            request(options, caller, &mut Willing, &mut first, &mut rng)
        }
    };
    answer.map(|json| serde_json::from_str(&json).expect("a page is answered in JSON"))
}

/// Has a passkey of everybody's everywhere.
struct Willing;

impl Authenticator for Willing {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        let request = Request::parse(request).expect("the client's requests are well-formed");
        #[allow(clippy::wildcard_enum_match_arm, reason = "it knows nothing else, whatever there will be")]
        Ok(match request {
            Request::GetInfo => information().encode(),
            Request::MakeCredential(request) => registered(&request).encode(),
            Request::GetAssertion(request) => signed(&request).encode(),
            _ => Status::INVALID_COMMAND.response(),
        })
    }

    fn attachment(&self) -> Attachment {
        Attachment::Platform
    }
}

fn information() -> get_info::Response {
    // Without tokens: user verification is in the request itself.
    let options = ["rk", "uv"];
    get_info::Response {
        versions: vec!["FIDO_2_3".to_owned()],
        options: options.into_iter().map(|name| (name.to_owned(), true)).collect(),
        ..get_info::Response::default()
    }
}

fn data(rp_id: &str, attested: Option<AttestedCredential>) -> Vec<u8> {
    AuthenticatorData {
        rp_id_hash: Sha256::digest(rp_id).into(),
        flags: Flags::UP | Flags::UV,
        sign_count: 1,
        attested,
        extensions: None,
    }
    .encode()
}

fn registered(request: &make_credential::Request) -> make_credential::Response {
    let attested = AttestedCredential {
        aaguid: [9; 16],
        credential_id: vec![7; 32],
        public_key: CoseKey::P256 { x: [1; 32], y: [2; 32] },
    };
    let att_stmt = AttestationStatement::PackedSelf { alg: Algorithm::ES256, sig: vec![3; 70] };
    make_credential::Response::new(data(&request.rp.id, Some(attested)), att_stmt)
}

fn signed(request: &get_assertion::Request) -> get_assertion::Response {
    let asked = request.allow_list.as_ref().and_then(|list| list.first());
    let credential = asked.cloned().unwrap_or_else(|| CredentialDescriptor::public_key(vec![7; 32]));
    let user = Some(UserEntity { id: vec![1], name: None, display_name: None });
    get_assertion::Response {
        user,
        ..get_assertion::Response::new(credential, data(&request.rp_id, None), vec![3; 70])
    }
}
