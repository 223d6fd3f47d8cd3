//! `SoftToken` of `webauthn-authenticator-rs`, through the CBOR door that its tunnels use.

use std::collections::BTreeMap;

use serde_cbor_2::Value;
use webauthn_authenticator_rs::ctap2::commands::{GetAssertionRequest, MakeCredentialRequest};
use webauthn_authenticator_rs::softtoken::SoftToken;
use webauthn_authenticator_rs::{perform_auth_with_request, perform_register_with_request};

use crate::Peer;

/// It waits for nobody.
const TIMEOUT_MS: u32 = 1000;

/// The token.
pub struct Token(SoftToken);

impl Token {
    /// Without passkeys.
    pub fn new() -> Self {
        let (token, _certificate) = SoftToken::new(true).expect("SoftToken starts");
        Self(token)
    }
}

impl Peer for Token {
    const NAME: &'static str = "SoftToken 0.6.2";
    const ATTESTATION: &'static str = "packed, by a key of its own";

    fn make_credential(&mut self, request: &[u8]) -> Vec<u8> {
        let request = MakeCredentialRequest::try_from(members(request)).expect("SoftToken reads the request");
        perform_register_with_request(&mut self.0, request, TIMEOUT_MS).expect("SoftToken registers")
    }

    fn get_assertion(&mut self, request: &[u8]) -> Vec<u8> {
        let request = GetAssertionRequest::try_from(members(request)).expect("SoftToken reads the request");
        perform_auth_with_request(&mut self.0, request, TIMEOUT_MS).expect("SoftToken signs")
    }
}

fn members(request: &[u8]) -> BTreeMap<u32, Value> {
    serde_cbor_2::from_slice(request).expect("a request is a map")
}
