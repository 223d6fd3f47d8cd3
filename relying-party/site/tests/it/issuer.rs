//! An identity provider that does what OIDC wants, but for one change that a test makes to one part of its answers. The
//! real provider signs in at `tests/e2e`; this one is for what a real one never says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use latchkey_site::IdentityProviderSettings;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

/// What the tests of the site take for the time, in seconds.
const NOW: i64 = 1_750_000_000;
const CLIENT: &str = "demo-site";
const SECRET: &str = "a client secret";
const CODE: &str = "the code";
const ACCESS_TOKEN: &str = "the access token";

/// A part of the provider's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Metadata,
    Keys,
    /// The ID token's header; `alg` decides how it is signed.
    Header,
    Claims,
    /// The key that signs the ID token: any change means another one under the same ID.
    Signature,
    /// The token endpoint's answer.
    Tokens,
    /// The user info endpoint's answer.
    Person,
}

pub type Change = fn(&mut Value);

#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    change: Option<(Part, Change)>,
    refusal: Option<StatusCode>,
    asked: HashMap<String, String>,
    subject: String,
    reads: usize,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/t", listener.local_addr().unwrap().port());
        let script = Script { subject: "subject-1".to_owned(), ..Script::default() };
        let issuer = Self { url, script: Arc::new(Mutex::new(script)) };
        let router = Router::new()
            .route("/t/.well-known/openid-configuration", get(metadata))
            .route("/t/keys", get(keys))
            .route("/t/token", post(token))
            .route("/t/userinfo", get(person))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    pub fn settings(&self) -> IdentityProviderSettings {
        IdentityProviderSettings::new(&self.url, CLIENT, Some(SECRET), None).unwrap()
    }

    pub fn change(&self, part: Part, change: Change) {
        self.script.lock().unwrap().change = Some((part, change));
    }

    /// From now on the token endpoint answers with an OAuth error.
    pub fn refuse(&self, status: StatusCode) {
        self.script.lock().unwrap().refusal = Some(status);
    }

    pub fn sign_in_as(&self, subject: &str) {
        subject.clone_into(&mut self.script.lock().unwrap().subject);
    }

    /// How often the metadata was read.
    pub fn reads(&self) -> usize {
        self.script.lock().unwrap().reads
    }

    /// What a person's sign-in at the authorization endpoint comes to: the way back to the site.
    pub fn signed_in(&self, location: &str) -> String {
        let state = self.see(location);
        let issuer: String = url::form_urlencoded::byte_serialize(self.url.as_bytes()).collect();
        format!("/identity/answer?code={}&state={state}&iss={issuer}", CODE.replace(' ', "+"))
    }

    /// Looks at an authorization request and returns its state.
    pub fn see(&self, location: &str) -> String {
        let url = Url::parse(location).unwrap();
        assert!(location.starts_with(&format!("{}/authorize?", self.url)), "{location}");
        let asked: HashMap<_, _> = url.query_pairs().into_owned().collect();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", "http://localhost:8080/identity/answer"),
            ("scope", "openid profile"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
        }
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(asked[name].len(), 43, "{name} carries 32 bytes");
        }
        self.script.lock().unwrap().asked.clone_from(&asked);
        asked["state"].clone()
    }

    fn changed(&self, part: Part, mut value: Value) -> Value {
        if let Some((changed, change)) = self.script.lock().unwrap().change
            && changed == part
        {
            change(&mut value);
        }
        value
    }

    fn id_token(&self) -> String {
        let (nonce, subject) = {
            let script = self.script.lock().unwrap();
            (script.asked["nonce"].clone(), script.subject.clone())
        };
        let header = self.changed(Part::Header, json!({"alg": "ES256", "kid": "key-1", "typ": "JWT"}));
        let hash = Sha256::digest(ACCESS_TOKEN);
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT, "sub": subject, "nonce": nonce, "sid": "session-1",
            "iat": NOW, "exp": NOW + 300, "at_hash": URL_SAFE_NO_PAD.encode(&hash[..16]),
        });
        if header["alg"] != "ES256" {
            // The check of the hash would refuse these too; only the list of algorithms is to answer.
            claims.as_object_mut().unwrap().remove("at_hash");
        }
        let claims = self.changed(Part::Claims, claims);
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = match header["alg"].as_str() {
            Some("none") => Vec::new(),
            Some("HS256") => {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(signed.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            _ => {
                let other = self.changed(Part::Signature, Value::Null) != Value::Null;
                let signature: Signature = key(if other { 2 } else { 1 }).sign(signed.as_bytes());
                signature.to_bytes().to_vec()
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

async fn metadata(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.script.lock().unwrap().reads += 1;
    let url = &issuer.url;
    Json(issuer.changed(
        Part::Metadata,
        json!({
            "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"), "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/keys"), "end_session_endpoint": format!("{url}/logout"),
            "response_types_supported": ["code"], "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": true,
        }),
    ))
}

async fn keys(State(issuer): State<Issuer>) -> Json<Value> {
    let public = key(1).verifying_key().to_sec1_point(false);
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = (coordinate(&public.as_bytes()[1..33]), coordinate(&public.as_bytes()[33..]));
    Json(issuer.changed(
        Part::Keys,
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "key-1", "x": x, "y": y,
        }]}),
    ))
}

async fn token(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(status) = issuer.script.lock().unwrap().refusal {
        return (status, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let credentials = STANDARD.encode(format!("{CLIENT}:{}", SECRET.replace(' ', "+")));
    assert_eq!(headers["authorization"], format!("Basic {credentials}"));
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", CODE));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(challenge, issuer.script.lock().unwrap().asked["code_challenge"], "PKCE");
    let tokens = json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": issuer.id_token(),
    });
    Json(issuer.changed(Part::Tokens, tokens)).into_response()
}

async fn person(State(issuer): State<Issuer>, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    let subject = issuer.script.lock().unwrap().subject.clone();
    let person = json!({"sub": subject, "name": "Ann Example", "preferred_username": "ann@example.org"});
    Json(issuer.changed(Part::Person, person))
}
