//! An organisation in miniature: a device CA and a PIN reset service, played to the daemon over its control socket. It
//! checks nothing; what a provider must refuse is tested at the real one.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer,
    KeyPair, SubjectPublicKeyInfo,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::control::ask;
use crate::daemon::Home;
use crate::pin_reset_service::{Asked, PinResetService, open};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const USER: &str = "22222222-2222-4222-8222-222222222222";
const DEVICE: &str = "33333333-3333-4333-8333-333333333333";
const UPN: &str = "ann@organisation.example";
const URL: &str = "https://id.organisation.example";
/// `SubjectPublicKeyInfo` of a P-256 key, up to the point.
const P256_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Its keys.
pub struct Organisation {
    devices: Authority,
    resets: Authority,
    /// Decrypts what devices encrypt to its key.
    pub service: PinResetService,
    /// The same with the key that is there after a rotation.
    rotated: PinResetService,
}

/// The names of the two keys.
const KIDS: [&str; 2] = ["k1", "k2"];

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("signed");
        Self { issuer: Issuer::new(params, key), certificate }
    }
}

impl Default for Organisation {
    fn default() -> Self {
        Self::new()
    }
}

impl Organisation {
    /// New keys.
    #[must_use]
    pub fn new() -> Self {
        Self {
            devices: Authority::new("devices"),
            resets: Authority::new("PIN resets"),
            service: PinResetService::new(&mut rng()),
            rotated: PinResetService::new(&mut rng()),
        }
    }

    /// Registers the device; the compartment's name.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn join(&self, home: &Home) -> Result<String, String> {
        let begun = keyring(
            home,
            &json!({ "begin_join": {
                "provider": { "url": URL, "ca": null, "tenant": TENANT },
                "user": { "upn": UPN, "object": USER, "name": "Ann" },
            } }),
        )?;
        let at = text(&begun["join_begun"]["at"]);
        let machine = json!({ "name": "machine", "os_version": "1" });
        let body =
            keyring(home, &json!({ "build_join": { "at": at, "challenge": null, "machine": machine } }))?;
        let request = decode(&body["body"]["CertificateRequest"]["Data"]);
        let certificate = CertificateSigningRequestParams::from_der(&request.into())
            .and_then(|request| request.signed_by(&self.devices.issuer))
            .expect("the device's request can be certified");
        let joined = json!({
            "Certificate": { "RawBody": STANDARD.encode(certificate.der()) },
            "User": { "Upn": UPN },
            "DeviceId": DEVICE,
            "TenantId": TENANT,
            "Policy": self.policy(),
        });
        keyring(home, &json!({ "finish_join": { "at": at, "joined": joined } }))?;
        Ok(at)
    }

    /// Makes an enterprise key and takes it into use. A gesture must have opened the session.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn provision(&self, home: &Home, at: &str) -> Result<(), String> {
        let audience = format!("{URL}/EnrollmentServer/key/");
        keyring(home, &json!({ "build_key": { "at": at, "nonce": "nonce", "audience": audience } }))?;
        let registered = json!({ "kid": "kid", "upn": UPN });
        keyring(home, &json!({ "finish_key": { "at": at, "registered": registered } })).map(drop)
    }

    /// Has the enterprise key sign a sign-in. A gesture must have opened the session.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn sign_in(&self, home: &Home, at: &str) -> Result<(), String> {
        let nonces = json!({ "at": at, "user_nonce": "nonce", "device_nonce": "nonce" });
        keyring(home, &json!({ "build_sign_in": nonces })).map(drop)
    }

    /// Tells the device the service's key; the next gesture by PIN makes the protector.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn offer_recovery(&self, home: &Home, at: &str) -> Result<(), String> {
        offer(home, at, &self.service_key())
    }

    /// The same with another key.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn rotate(&self, home: &Home, at: &str) -> Result<(), String> {
        offer(home, at, &self.key_of(KIDS[1], &self.rotated))
    }

    /// The service's key with its chain, as `getencryptionkey` would answer.
    #[must_use]
    pub fn service_key(&self) -> Value {
        self.key_of(KIDS[0], &self.service)
    }

    fn key_of(&self, kid: &str, service: &PinResetService) -> Value {
        let point = service.key();
        let info = SubjectPublicKeyInfo::from_der(&[P256_INFO.as_slice(), &point].concat());
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "PIN reset key");
        let certificate =
            params.signed_by(&info.expect("a public key"), &self.resets.issuer).expect("signed");
        let part = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        json!({
            "kid": kid,
            "alg": "hpke-p256",
            "jwk": { "kty": "EC", "crv": "P-256", "x": part(1), "y": part(33) },
            "x5c": [STANDARD.encode(certificate.der()), STANDARD.encode(self.resets.certificate.der())],
        })
    }

    /// The certificate that the chain ends at, in base64.
    #[must_use]
    pub fn anchor(&self) -> String {
        STANDARD.encode(self.resets.certificate.der())
    }

    /// Sets a new PIN in the place of a forgotten one.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn reset_pin(&self, home: &Home, at: &str, new: &str) -> Result<(), String> {
        let answer = self.recover(home, at, "recover")?;
        ask(home, &json!({ "reset_pin": { "new": new, "answer": { "secret": answer } } })).map(drop)
    }

    /// Gives the PIN its tries back.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn rearm_pin(&self, home: &Home, at: &str) -> Result<(), String> {
        let answer = self.recover(home, at, "administer")?;
        ask(home, &json!({ "rearm_pin": { "answer": { "secret": answer } } })).map(drop)
    }

    /// Deletes every key, sets a PIN, and provisions anew.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn begin_anew(&self, home: &Home, at: &str, new: &str) -> Result<(), String> {
        ask(home, &json!({ "delete_keys": {} }))?;
        ask(home, &json!({ "set_pin": { "new": new } }))?;
        open_session(home, new)?;
        self.provision(home, at)
    }

    /// Removes the compartment.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn leave(&self, home: &Home, at: &str) -> Result<(), String> {
        keyring(home, &json!({ "leave": { "at": at } })).map(drop)
    }

    /// Begins a recovery: the envelope, and the signed request.
    ///
    /// # Errors
    /// What the daemon said.
    pub fn envelope(&self, home: &Home, at: &str, purpose: &str) -> Result<(String, String), String> {
        let (audience, rearm) = (format!("{URL}/unprotectsecret/v1"), purpose == "administer");
        let body = keyring(
            home,
            &json!({ "build_recovery": { "at": at, "nonce": "nonce", "audience": audience, "rearm": rearm } }),
        )?;
        Ok((text(&body["body"]["protectedSecret"]), text(&body["body"]["request"])))
    }

    fn recover(&self, home: &Home, at: &str, purpose: &str) -> Result<String, String> {
        let (protected_secret, request) = self.envelope(home, at, purpose)?;
        let payload = URL_SAFE_NO_PAD.decode(request.split('.').nth(1).expect("a JWS")).expect("base64url");
        let payload: Value = serde_json::from_slice(&payload).expect("JSON");
        let key = URL_SAFE_NO_PAD.decode(text(&payload["key"])).expect("base64url");
        let asked = Asked { protected_secret: &protected_secret, purpose, blinded: None };
        let is_old = open(&protected_secret)["kid"] == KIDS[0];
        let service = if is_old { &self.service } else { &self.rotated };
        let sealed = PinResetService::seal(
            &service.plaintext(asked, &mut rng()),
            &key.try_into().expect("a point"),
            &Sha256::digest(request).into(),
            &mut rng(),
        );
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn policy(&self) -> Value {
        json!({
            "tenantId": TENANT,
            "tenantName": "Organisation",
            "version": 1,
            "UsePassportForWork": true,
            "EnablePinRecovery": true,
            "PINComplexity": { "LowercaseLetters": 0, "SpecialCharacters": 0 },
            "PinReset": { "Url": URL, "Anchor": self.anchor(), "Allowed": true },
        })
    }
}

/// Opens the session with a PIN.
///
/// # Errors
/// What the daemon said.
pub fn open_session(home: &Home, pin: &str) -> Result<(), String> {
    ask(home, &json!({ "open_session": { "pin": pin } })).map(drop)
}

/// The compartments that the daemon shows.
///
/// # Errors
/// What the daemon said.
pub fn compartments(home: &Home) -> Result<Vec<Value>, String> {
    let found = keyring(home, &json!({ "look": {} }))?;
    Ok(found["compartments"].as_array().cloned().unwrap_or_default())
}

fn offer(home: &Home, at: &str, key: &Value) -> Result<(), String> {
    keyring(home, &json!({ "set_recovery": { "at": at, "key": key } })).map(drop)
}

fn keyring(home: &Home, request: &Value) -> Result<Value, String> {
    let answer = ask(home, &json!({ "enterprise": request }))?;
    Ok(answer["enterprise"].clone())
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).expect("base64")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
