//! A registered device and its broker, played: keys in memory, messages as libhimmelblau and roadtx write them.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::devices::{Authorities, IssuedFor};
use latchkey_idp::domain::{
    self, DeviceAttestation, DeviceId, DeviceSystem, EnterpriseKey, EnterpriseKeyId, JoinType, Rsa1, UserId,
    first_party,
};
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::storage::{KeyPlaced, NewDevice, Placed};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::rig::{Answer, Rig};

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A device as it knows itself.
pub struct Device {
    pub id: DeviceId,
    pub certificate: Vec<u8>,
    key: RsaKeyPair,
    transport: OaepPrivateDecryptingKey,
}

/// A user's key on a device.
pub struct HelloKey {
    pub id: EnterpriseKeyId,
    pub kid: String,
    key: RsaKeyPair,
}

/// A primary token and its session key.
pub struct Held {
    pub token: String,
    pub session_key: [u8; 32],
    pub answer: Value,
}

fn part(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// A JWS that an RSA key signed.
pub fn signed_by(key: &RsaKeyPair, header: &Value, payload: &Value) -> String {
    let signed = format!("{}.{}", part(header.to_string()), part(payload.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", part(signature))
}

pub fn new_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

pub fn spki(key: &RsaKeyPair) -> Vec<u8> {
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    der.as_ref().to_vec()
}

fn rsa1(key: &RsaKeyPair) -> Rsa1 {
    let public = key.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero();
    Rsa1::new(public.exponent().big_endian_without_leading_zero(), modulus).unwrap()
}

/// The provider's device CA, whose key lies in its database.
async fn authorities(rig: &Rig) -> Authorities {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    Authorities::open(&rig.database, &SealingKeys::new(&[1; 32], &[]), rig.now(), &mut rng).await.unwrap()
}

/// A certificate of a CA for a device.
pub async fn certificate(rig: &Rig, id: DeviceId, key: &RsaKeyPair) -> Vec<u8> {
    let join = JoinType::Joined;
    let issued_for = IssuedFor { device: id, user: rig.user.id, tenant: rig.tenant, join };
    let times = (rig.now(), Uuid::new_v4());
    authorities(rig).await.device.certify_device(&issued_for, &spki(key), times).unwrap()
}

impl Device {
    /// Registers a device of the rig's user.
    pub async fn register(rig: &Rig, name: &str) -> Self {
        let key = new_key();
        let transport = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let pair = RsaKeyPair::from_pkcs8(transport.as_der().unwrap().as_ref()).unwrap();
        let id = DeviceId::new(Uuid::new_v4());
        let certificate = certificate(rig, id, &key).await;
        let device = domain::Device {
            id,
            tenant: rig.tenant,
            owner: rig.user.id,
            name: name.to_owned(),
            system: DeviceSystem::default(),
            certificate: certificate.clone(),
            transport_key: rsa1(&pair),
            attestation: DeviceAttestation::None,
            tpm: None,
            enabled: true,
            created_at: rig.now(),
            last_seen_at: None,
        };
        let device_key = Sha256::digest(spki(&key)).into();
        let new = NewDevice { device: &device, device_key: &device_key, reuses_name: false, quota: 20 };
        assert_eq!(rig.database.devices().place(&new, rig.now()).await.unwrap(), Placed::Registered(vec![]));
        Self { id, certificate, key, transport: OaepPrivateDecryptingKey::new(transport).unwrap() }
    }

    /// Registers a key of a user on this device.
    pub async fn add_key(&self, rig: &Rig, user: UserId) -> HelloKey {
        let key = new_key();
        let public = rsa1(&key);
        let stored = EnterpriseKey {
            id: EnterpriseKeyId::new(Uuid::new_v4()),
            key: public.clone(),
            tenant: rig.tenant,
            user,
            device: self.id,
            multifactor: true,
            attestation: DeviceAttestation::None,
            created_at: rig.now(),
            last_used_at: None,
        };
        assert_eq!(rig.database.enterprise_keys().place(&stored).await.unwrap(), KeyPlaced::Added);
        HelloKey { id: stored.id, kid: STANDARD.encode(public.key_id()), key }
    }

    /// A request as roadtx signs it.
    pub fn signed(&self, payload: &Value) -> String {
        let x5c = STANDARD.encode(&self.certificate);
        self.signed_under(&json!({ "alg": "RS256", "typ": "JWT", "x5c": x5c, "kdf_ver": 2 }), payload)
    }

    pub fn signed_under(&self, header: &Value, payload: &Value) -> String {
        signed_by(&self.key, header, payload)
    }

    /// Sends a device-signed request to the v1.0 endpoint of no tenant in particular.
    pub async fn ask(&self, rig: &Rig, request: &str) -> Answer {
        ask(rig, request).await
    }

    /// What the device keeps of an answer.
    pub fn held(&self, answer: Value) -> Held {
        let jwe = answer["session_key_jwe"].as_str().unwrap();
        Held {
            token: answer["refresh_token"].as_str().unwrap().to_owned(),
            session_key: self.session_key(jwe),
            answer,
        }
    }

    pub fn session_key(&self, jwe: &str) -> [u8; 32] {
        let mut room = vec![0; self.transport.min_output_size()];
        let wrapped = decoded(jwe.split('.').nth(1).unwrap());
        let key = self.transport.decrypt(&OAEP_SHA1_MGF1SHA1, &wrapped, &mut room, None).unwrap();
        (&*key).try_into().unwrap()
    }
}

/// What the assertion of the rig's user says, as libhimmelblau writes it.
pub fn claims(rig: &Rig, nonce: &str) -> Value {
    let now = rig.now().seconds();
    json!({
        "iss": rig.user.upn, "aud": rig.tenant, "iat": now - 300, "exp": now + 300,
        "scope": "openid aza ugs", "request_nonce": nonce,
    })
}

impl HelloKey {
    /// An assertion as libhimmelblau makes it.
    pub fn assertion(&self, rig: &Rig, nonce: &str) -> String {
        self.assertion_with(&claims(rig, nonce))
    }

    pub fn assertion_with(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid, "use": "ngc" });
        self.assertion_under(&header, claims)
    }

    pub fn assertion_under(&self, header: &Value, claims: &Value) -> String {
        signed_by(&self.key, header, claims)
    }
}

impl Held {
    /// The key of a message, by whichever derivation, written down here a second time.
    pub fn derived(&self, version: u8, context: &[u8], payload: &[u8]) -> [u8; 32] {
        let context = match version {
            2 => Sha256::new().chain_update(context).chain_update(payload).finalize().to_vec(),
            _ => context.to_vec(),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.session_key);
        let text = [&[0, 0, 0, 1], &b"AzureAD-SecureConversation\0"[..], &context, &[0, 0, 1, 0]].concat();
        hmac::sign(&key, &text).as_ref().try_into().unwrap()
    }

    /// A message under the session key, as roadtx makes it.
    pub fn message(&self, payload: &Value) -> String {
        self.message_of(2, payload)
    }

    pub fn message_of(&self, version: u8, payload: &Value) -> String {
        let (context, text) = ([7; 24], payload.to_string());
        let mut header = json!({ "alg": "HS256", "typ": "JWT", "ctx": STANDARD.encode(context) });
        if version > 1 {
            header["kdf_ver"] = version.into();
        }
        tagged(&header, payload, &self.derived(version, &context, text.as_bytes()))
    }

    pub async fn send(&self, rig: &Rig, message: &str) -> Answer {
        ask(rig, message).await
    }

    /// What is in a sealed answer.
    pub fn opened(&self, answer: &Answer) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.headers[CONTENT_TYPE], "application/jose");
        serde_json::from_slice(&self.unsealed(&answer.text)).unwrap()
    }

    fn unsealed(&self, jwe: &str) -> Vec<u8> {
        let parts: Vec<_> = jwe.split('.').collect();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        let context = STANDARD.decode(header["ctx"].as_str().unwrap()).unwrap();
        let key = self.derived(1, &context, &[]);
        let mut sealed = [decoded(parts[3]), decoded(parts[4])].concat();
        let iv = decoded(parts[2]);
        let opened = if iv.len() == 12 {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
            let nonce = Nonce::try_assume_unique_for_key(&iv).unwrap();
            key.open_in_place(nonce, Aad::from(parts[0].as_bytes()), &mut sealed).unwrap()
        } else {
            let key = UnboundCipherKey::new(&AES_256, &key).unwrap();
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
            let iv: [u8; 16] = iv.as_slice().try_into().unwrap();
            key.decrypt(&mut sealed, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap()
        };
        opened.to_vec()
    }
}

/// A JWS under a symmetric key.
pub fn tagged(header: &Value, payload: &Value, key: &[u8]) -> String {
    let signed = format!("{}.{}", part(header.to_string()), part(payload.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", part(tag))
}

/// A nonce, fetched as libhimmelblau does: without a content type.
pub async fn nonce(rig: &Rig) -> String {
    let request = Request::post("/common/oauth2/token").body(Body::from("grant_type=srv_challenge"));
    rig.send(request.unwrap()).await.ok()["Nonce"].as_str().unwrap().to_owned()
}

/// Sends a signed request.
pub async fn ask(rig: &Rig, request: &str) -> Answer {
    ask_with(rig, request, &[]).await
}

pub async fn ask_with(rig: &Rig, request: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [("windows_api_version", "2.2"), ("grant_type", JWT_BEARER), ("request", request)];
    let fields = [&fields[..], &[("client_info", "1"), ("tgt", "true")], more].concat();
    rig.post("/common/oauth2/token", &fields).await
}

fn request(nonce: &str, proof: &Value) -> Value {
    let mut request = json!({
        "client_id": first_party::PRT, "request_nonce": nonce, "scope": "openid aza ugs",
        "group_sids": [], "win_ver": "10.0.19041.868",
    });
    for (name, value) in proof.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

pub fn password_request(nonce: &str, username: &str, password: &str) -> Value {
    request(nonce, &json!({ "grant_type": "password", "username": username, "password": password }))
}

pub fn key_request(nonce: &str, assertion: &str) -> Value {
    request(nonce, &json!({ "grant_type": JWT_BEARER, "username": "ignored", "assertion": assertion }))
}

pub fn refresh_request(nonce: &str, token: &str) -> Value {
    let mut request = request(nonce, &json!({ "grant_type": "refresh_token", "refresh_token": token }));
    request["client_id"] = first_party::BROKER.to_string().into();
    request
}

/// As long as a nonce is good.
pub const NONCE: Duration = Duration::from_mins(5);
