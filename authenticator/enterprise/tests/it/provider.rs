//! The provider, played: its device CA and its PIN reset service's keys, good or not.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::secret::Secret32;
use latchkey_enterprise::wire::kdf;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
    PublicKeyData as _, date_time_ymd,
};
use serde_json::{Value, json};

pub const TENANT: &str = "7f6b2b0e-6a0c-4e0c-9f6a-0d9f3c1b2a10";
pub const OBJECT: &str = "1c6f1d6e-2f4b-4d52-8f0e-5a7d9c3b2e11";
pub const DEVICE: &str = "5d0c8f5a-3b7e-4f0d-a1c2-9e8f7a6b5c12";
pub const UPN: &str = "ann@example.org";

/// A provider with an anchor of its own.
pub struct Provider {
    issuer: Issuer<'static, KeyPair>,
    pub anchor: Vec<u8>,
    service: KeyPair,
    service_certificate: Vec<u8>,
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

impl Provider {
    pub fn new() -> Self {
        let mut authority = params();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let anchor = authority.self_signed(&key).unwrap().der().to_vec();
        let issuer = Issuer::new(authority, key);
        let service = KeyPair::generate().unwrap();
        let service_certificate = params().signed_by(&service, &issuer).unwrap().der().to_vec();
        Self { issuer, anchor, service, service_certificate }
    }

    /// Answers a join as it should be.
    pub fn register(&self, body: &Value) -> Value {
        let request = BASE64_STANDARD.decode(text(&body["CertificateRequest"]["Data"])).unwrap();
        let mut request = CertificateSigningRequestParams::from_der(&request.into()).unwrap();
        request.params.not_before = date_time_ymd(2026, 1, 1);
        request.params.not_after = date_time_ymd(2027, 1, 1);
        let certificate = request.signed_by(&self.issuer).unwrap();
        json!({
            "Certificate": { "RawBody": BASE64_STANDARD.encode(certificate.der()) },
            "User": { "Upn": UPN },
            "DeviceId": DEVICE,
            "TenantId": TENANT,
            "Policy": self.policy(),
        })
    }

    pub fn policy(&self) -> Value {
        json!({
            "tenantId": TENANT,
            "tenantName": "Example",
            "version": 1,
            "EnablePinRecovery": true,
            "PinReset": {
                "Url": "https://id.example.org",
                "Anchor": BASE64_STANDARD.encode(&self.anchor),
                "Allowed": true,
            },
        })
    }

    /// The key of its PIN reset service.
    pub fn reset_key(&self) -> Value {
        let point = self.service.der_bytes();
        let [x, y] = [&point[1..33], &point[33..]].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
        json!({
            "kid": "1",
            "alg": "hpke-p256",
            "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y },
            "x5c": [BASE64_STANDARD.encode(&self.service_certificate)],
            "notAfter": "2027-01-01T00:00:00Z",
        })
    }

    /// A primary refresh token whose session key is for the transport key in the body of a join.
    pub fn primary_token(token: &str, join: &Value) -> String {
        let blob = BASE64_STANDARD.decode(text(&join["TransportKey"])).unwrap();
        let (exponent, modulus) = (&blob[24..27], &blob[27..]);
        let components = PublicKeyComponents { n: modulus, e: exponent };
        let der: PublicKeyX509Der<'_> = components.as_der().unwrap();
        let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(der.as_ref()).unwrap()).unwrap();
        let mut sealed = vec![0; key.ciphertext_size()];
        let sealed = key.encrypt(&OAEP_SHA1_MGF1SHA1, &SESSION_KEY, &mut sealed, None).unwrap();
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"enc":"A256GCM","alg":"RSA-OAEP"}"#);
        let content = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &SESSION_KEY).unwrap());
        let nonce = Nonce::assume_unique_for_key([1; 12]);
        let tag = content.seal_in_place_separate_tag(nonce, Aad::from(&header), &mut []).unwrap();
        let [sealed, iv, tag] =
            [&*sealed, &[1; 12], tag.as_ref()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        json!({
            "refresh_token": token,
            "session_key_jwe": format!("{header}.{sealed}.{iv}..{tag}"),
            "refresh_token_expires_in": 1_209_599,
        })
        .to_string()
    }
}

/// The answer to a request that the session key has proved.
pub fn answer(said: &Value) -> String {
    const CONTEXT: [u8; 24] = [9; 24];
    let header = json!({ "alg": "dir", "enc": "A256GCM", "ctx": BASE64_STANDARD.encode(CONTEXT) });
    let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    let key = kdf::version_1(&Secret32::new(SESSION_KEY), &CONTEXT);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).unwrap());
    let mut text = said.to_string().into_bytes();
    let nonce = Nonce::assume_unique_for_key([2; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&header), &mut text).unwrap();
    let [iv, text, tag] = [&[2; 12], &*text, tag.as_ref()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{text}.{tag}")
}

/// The session key of every token that is issued here.
pub const SESSION_KEY: [u8; 32] = [7; 32];

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
