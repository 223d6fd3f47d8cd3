//! A platform: its own side of the PIN/UV auth protocols, written apart from the engine's, and ready-made
//! requests.

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_ctap::Answer;
use latchkey_protocol::client_pin::{self, Permissions, SubCommand};
use latchkey_protocol::cose::KeyAgreement;
use latchkey_protocol::extensions::{AuthenticationExtensions, RegistrationExtensions};
use latchkey_protocol::{
    Algorithm, CredentialDescriptor, CredentialParameter, Options, Request, RpEntity, Status, UserEntity,
    get_assertion, make_credential,
};
use p256::{PublicKey, Sec1Point, SecretKey};
use sha2::{Digest, Sha256};

use crate::device::{CHANNEL, Device, PIN, status, typed};

pub const RP: &str = "site.example";
pub const HASH: [u8; 32] = [0xCD; 32];
pub const PROTOCOLS: [u64; 2] = [1, 2];

/// A key agreement with the device.
pub struct Session {
    pub protocol: u64,
    pub point: KeyAgreement,
    mac_key: [u8; 32],
    aes_key: [u8; 32],
}

impl Session {
    pub fn new(device: &mut Device, protocol: u64) -> Self {
        let mut request = client_pin::Request::new(SubCommand::GET_KEY_AGREEMENT);
        request.protocol = Some(protocol);
        let response = device.send(&Request::ClientPin(request));
        let theirs = client_pin::Response::parse(&response).unwrap().key_agreement.unwrap();
        let encoded = [&[4][..], &theirs.x, &theirs.y].concat();
        let theirs = PublicKey::from_sec1_bytes(&encoded).unwrap();
        let secret = SecretKey::from_slice(&[3; 32]).unwrap();
        let ours = Sec1Point::from(secret.public_key());
        let ours = ours.as_bytes();
        let point = KeyAgreement { x: ours[1..33].try_into().unwrap(), y: ours[33..65].try_into().unwrap() };
        let shared = secret.diffie_hellman(&theirs);
        let shared = shared.raw_secret_bytes();
        let (mut mac_key, mut aes_key) = ([0; 32], [0; 32]);
        if protocol == 1 {
            mac_key = Sha256::digest(shared).into();
            aes_key = mac_key;
        } else {
            let extracted = Hkdf::<Sha256>::new(Some(&[0; 32]), shared);
            extracted.expand(b"CTAP2 HMAC key", &mut mac_key).unwrap();
            extracted.expand(b"CTAP2 AES key", &mut aes_key).unwrap();
        }
        Self { protocol, point, mac_key, aes_key }
    }

    pub fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let iv = if self.protocol == 1 { [0; 16] } else { [0xA5; 16] };
        let mut cipher = cbc::Encryptor::<Aes256>::new(&Array::from(self.aes_key), &Array::from(iv));
        let mut sealed = if self.protocol == 1 { Vec::new() } else { iv.to_vec() };
        for chunk in plaintext.chunks(16) {
            let mut block: Array<u8, _> = <[u8; 16]>::try_from(chunk).unwrap().into();
            cipher.encrypt_block(&mut block);
            sealed.extend_from_slice(&block);
        }
        sealed
    }

    pub fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let (iv, body) = if self.protocol == 1 { (&[0; 16][..], sealed) } else { sealed.split_at(16) };
        let iv: [u8; 16] = iv.try_into().unwrap();
        let mut cipher = cbc::Decryptor::<Aes256>::new(&Array::from(self.aes_key), &Array::from(iv));
        let mut opened = Vec::new();
        for chunk in body.chunks(16) {
            let mut block: Array<u8, _> = <[u8; 16]>::try_from(chunk).unwrap().into();
            cipher.decrypt_block(&mut block);
            opened.extend_from_slice(&block);
        }
        opened
    }

    pub fn mac(&self, message: &[u8]) -> Vec<u8> {
        mac(self.protocol, &self.mac_key, message)
    }

    /// A request of this session, to be completed.
    pub fn request(&self, subcommand: SubCommand) -> client_pin::Request {
        let mut request = client_pin::Request::new(subcommand);
        request.protocol = Some(self.protocol);
        request.key_agreement = Some(self.point.clone());
        request
    }

    fn token_request(
        &self,
        subcommand: SubCommand,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> client_pin::Request {
        let mut request = self.request(subcommand);
        request.permissions = Some(permissions);
        request.rp_id = rp_id.map(str::to_owned);
        request
    }
}

pub fn mac(protocol: u64, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut computation = Hmac::<Sha256>::new_from_slice(key).unwrap();
    computation.update(message);
    let mut mac = computation.finalize().into_bytes().to_vec();
    mac.truncate(if protocol == 1 { 16 } else { 32 });
    mac
}

pub fn pin_hash(pin: &str) -> Vec<u8> {
    Sha256::digest(pin)[..16].to_vec()
}

/// A token, as the platform knows it.
#[derive(Clone)]
pub struct Token {
    pub protocol: u64,
    pub secret: Vec<u8>,
}

impl Token {
    pub fn mac(&self, message: &[u8]) -> Vec<u8> {
        mac(self.protocol, &self.secret, message)
    }
}

/// Asks for a token with the PIN collected here, and returns the token or the status. The user consents; what
/// they will answer to the prompts after that is left alone, and so is the list of prompts.
pub fn ask_token_by_pin(
    device: &mut Device,
    protocol: u64,
    pin: &str,
    permissions: Permissions,
    rp_id: Option<&str>,
) -> Result<Token, Status> {
    let session = Session::new(device, protocol);
    let subcommand = SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS;
    let mut request = session.token_request(subcommand, permissions, rp_id);
    request.pin_hash_enc = Some(session.encrypt(&pin_hash(pin)));
    consented(device, &session, request)
}

/// [`received`] with the consent of the user.
pub fn consented(
    device: &mut Device,
    session: &Session,
    request: client_pin::Request,
) -> Result<Token, Status> {
    let later = std::mem::replace(&mut device.answers, [Answer::Approved].into());
    let before = device.prompts.len();
    let token = received(device, session, request);
    device.answers = later;
    device.prompts.truncate(before);
    token
}

/// Asks for a token with the PIN typed at the device's prompt.
pub fn ask_token_by_gesture(
    device: &mut Device,
    protocol: u64,
    permissions: Permissions,
    rp_id: Option<&str>,
) -> Result<Token, Status> {
    let session = Session::new(device, protocol);
    let subcommand = SubCommand::GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS;
    let request = session.token_request(subcommand, permissions, rp_id);
    received(device, &session, request)
}

pub fn received(
    device: &mut Device,
    session: &Session,
    request: client_pin::Request,
) -> Result<Token, Status> {
    let response = device.send_on(CHANNEL, &Request::ClientPin(request));
    match status(&response) {
        Status::OK => {
            let parsed = client_pin::Response::parse(&response).unwrap();
            let secret = session.decrypt(&parsed.pin_uv_auth_token.unwrap());
            Ok(Token { protocol: session.protocol, secret })
        }
        refused => Err(refused),
    }
}

pub fn token(device: &mut Device, permissions: Permissions, rp_id: Option<&str>) -> Token {
    ask_token_by_pin(device, 2, PIN, permissions, rp_id).unwrap()
}

pub fn gesture_token(device: &mut Device, permissions: Permissions, rp_id: Option<&str>) -> Token {
    device.user([typed(PIN)]);
    let token = ask_token_by_gesture(device, 2, permissions, rp_id).unwrap();
    device.asked();
    token
}

/// A registration of `alice` at [`RP`], without evidence of user verification.
pub fn registration() -> make_credential::Request {
    make_credential::Request {
        client_data_hash: HASH,
        rp: RpEntity { id: RP.to_owned(), name: Some("Site".to_owned()) },
        user: user("alice"),
        pub_key_cred_params: vec![CredentialParameter::public_key(Algorithm::ES256)],
        exclude_list: Vec::new(),
        extensions: RegistrationExtensions::default(),
        options: Options { rk: Some(true), up: None, uv: None },
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: Vec::new(),
    }
}

pub fn user(name: &str) -> UserEntity {
    UserEntity {
        id: name.as_bytes().to_vec(),
        name: Some(name.to_owned()),
        display_name: Some(name.to_uppercase()),
    }
}

/// A sign-in at [`RP`] with discoverable credentials, without evidence of user verification.
pub fn authentication() -> get_assertion::Request {
    get_assertion::Request {
        rp_id: RP.to_owned(),
        client_data_hash: HASH,
        allow_list: None,
        extensions: AuthenticationExtensions::default(),
        options: Options::default(),
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

/// Adds what proves that the platform has the token.
pub fn prove_registration(request: &mut make_credential::Request, token: &Token) {
    request.pin_uv_auth_param = Some(token.mac(&request.client_data_hash));
    request.pin_uv_auth_protocol = Some(token.protocol);
}

pub fn prove_authentication(request: &mut get_assertion::Request, token: &Token) {
    request.pin_uv_auth_param = Some(token.mac(&request.client_data_hash));
    request.pin_uv_auth_protocol = Some(token.protocol);
}

/// Registers with a fresh token and the user's approval.
pub fn register(device: &mut Device, mut request: make_credential::Request) -> make_credential::Response {
    let token = token(device, Permissions::MAKE_CREDENTIAL, Some(&request.rp.id));
    prove_registration(&mut request, &token);
    let response = device.send(&Request::MakeCredential(request));
    device.asked();
    make_credential::Response::parse(&response).unwrap()
}

/// The credential ID and public key in authenticator data.
pub fn attested(
    response: &make_credential::Response,
) -> latchkey_protocol::authenticator_data::AttestedCredential {
    let data = latchkey_protocol::authenticator_data::AuthenticatorData::parse(&response.auth_data).unwrap();
    data.attested.unwrap()
}

/// Registers `name` at `rp_id` and returns the credential's descriptor.
pub fn passkey(device: &mut Device, rp_id: &str, name: &str) -> CredentialDescriptor {
    let mut request = registration();
    rp_id.clone_into(&mut request.rp.id);
    request.user = user(name);
    CredentialDescriptor::public_key(attested(&register(device, request)).credential_id)
}
