//! A browser without a screen: it keeps cookies, reads forms, and follows nothing by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use latchkey_idp::http::router;
use latchkey_idp::storage::NewPasskey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};
use uuid::Uuid;
use webauthn_rs::prelude::WebauthnBuilder;

use crate::rig::{REDIRECT, Rig, URL, VERIFIER};

pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
}

pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub set_cookies: Vec<String>,
    pub policy: String,
    pub html: String,
}

impl Page {
    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.html.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        unescaped(rest.split_once('"').unwrap().0)
    }

    pub fn attribute(&self, name: &str) -> String {
        let (_, rest) = self.html.split_once(&format!("{name}=\"")).unwrap();
        unescaped(rest.split_once('"').unwrap().0)
    }

    /// The page has the form of this step.
    #[track_caller]
    pub fn shows(&self, step: &str) {
        let form = format!("name=\"step\" value=\"{step}\"");
        assert!(
            self.status == 200 && self.html.contains(&form),
            "{step}: {} {:?}\n{}",
            self.status,
            self.location,
            self.html
        );
    }

    /// The page says this about what was sent.
    #[track_caller]
    pub fn says(&self, code: u32) {
        assert!(self.html.contains(&format!("data-code=\"{code}\"")), "{code}: {}", self.html);
    }

    /// What the client is sent, by name.
    #[track_caller]
    pub fn answer(&self) -> BTreeMap<String, String> {
        let location = self.location.as_deref().unwrap_or_else(|| panic!("{} {}", self.status, self.html));
        let query = location.strip_prefix(REDIRECT).and_then(|rest| rest.strip_prefix('?'));
        form_urlencoded::parse(query.unwrap_or_else(|| panic!("{location}")).as_bytes())
            .into_owned()
            .collect()
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#38;", "&").replace("&amp;", "&")
}

impl Browser {
    pub fn new(rig: &Rig) -> Self {
        Self { router: router(Arc::clone(&rig.provider)), cookies: BTreeMap::new() }
    }

    async fn send(&mut self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let all = parts.headers.get_all("set-cookie").iter();
        let set_cookies: Vec<String> = all.map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &set_cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
            if value.is_empty() {
                self.cookies.remove(name);
            }
        }
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Page {
            status: parts.status.as_u16(),
            location: text("location"),
            policy: text("content-security-policy").unwrap_or_default(),
            set_cookies,
            html,
        }
    }

    fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = Request::get(path).header("cookie", self.cookie_header());
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header("cookie", self.cookie_header());
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Opens the web application's authorization request with some parameters besides.
    pub async fn authorize(&mut self, rig: &Rig, more: &[(&str, &str)]) -> Page {
        let path = format!("/{}/oauth2/v2.0/authorize?{}", rig.tenant, request(rig, more));
        self.get(&path).await
    }

    /// Sends the form of a page.
    pub async fn submit(&mut self, page: &Page, step: &str, fields: &[(&str, &str)]) -> Page {
        let (ctx, token, canary) = (page.field("ctx"), page.field("flowToken"), page.field("canary"));
        let mut all = vec![("ctx", ctx.as_str()), ("flowToken", &token), ("canary", &canary), ("step", step)];
        all.extend_from_slice(fields);
        let action = page.html.split_once("action=\"").unwrap().1.split_once('"').unwrap().0;
        self.post(action.strip_prefix(URL).unwrap(), &all).await
    }

    /// From the first page to the one after the password.
    pub async fn password(&mut self, rig: &Rig, name: &str, password: &str) -> Page {
        let page = self.authorize(rig, &[]).await;
        page.shows("user");
        let page = self.submit(&page, "user", &[("loginfmt", name)]).await;
        page.shows("password");
        self.submit(&page, "password", &[("passwd", password)]).await
    }
}

/// The query of the web application's request; an empty value leaves a parameter out.
pub fn request(rig: &Rig, more: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let web = rig.web.to_string();
    let mut fields = BTreeMap::from([
        ("client_id", web.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid offline_access"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    fields.extend(more.iter().copied());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// One passkey of one user.
pub struct Passkey {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    user: Uuid,
    count: u32,
    /// Flags of its answers: user present and verified.
    pub flags: u8,
}

impl Passkey {
    /// Makes a passkey for the rig's user, as a registration elsewhere would have.
    pub async fn enrol(rig: &Rig) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let passkey = Self { key, id: vec![7; 32], user: rig.user.id.guid(), count: 0, flags: 0x05 };
        let origin = Url::parse(URL).unwrap();
        let webauthn = WebauthnBuilder::new("id.example.org", &origin).unwrap();
        let webauthn = webauthn.build().unwrap();
        let (options, state) =
            webauthn.start_passkey_registration(passkey.user, "alice", "Alice", None).unwrap();
        let options = serde_json::to_value(&options).unwrap();
        let response = passkey.registration(options["publicKey"]["challenge"].as_str().unwrap());
        let made =
            webauthn.finish_passkey_registration(&serde_json::from_value(response).unwrap(), &state).unwrap();
        let new = NewPasskey {
            id: Uuid::from_u128(70),
            user: rig.user.id,
            credential_id: passkey.id.clone(),
            record: serde_json::to_string(&made).unwrap(),
            name: "Key".to_owned(),
            aaguid: Uuid::nil(),
            attestation: "none".to_owned(),
            signature_count: 0,
        };
        rig.database.passkeys().add(&new, rig.now()).await.unwrap();
        passkey
    }

    fn registration(&self, challenge: &str) -> Value {
        let point = self.key.public_key().as_ref();
        let key = Cbor::Map(vec![
            (Cbor::from(1), Cbor::from(2)),
            (Cbor::from(3), Cbor::from(-7)),
            (Cbor::from(-1), Cbor::from(1)),
            (Cbor::from(-2), Cbor::Bytes(point[1..33].to_vec())),
            (Cbor::from(-3), Cbor::Bytes(point[33..].to_vec())),
        ]);
        let mut encoded = Vec::new();
        ciborium::into_writer(&key, &mut encoded).unwrap();
        let data = [data(0x45, 0), vec![0; 16], vec![0, 32], self.id.clone(), encoded].concat();
        let object = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        let mut attestation = Vec::new();
        ciborium::into_writer(&object, &mut attestation).unwrap();
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": {
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data("webauthn.create", challenge, URL)),
        }})
    }

    /// The answer to the options of a page.
    pub fn sign(&mut self, options: &str, origin: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        assert_eq!(options["userVerification"], "required");
        self.count += 1;
        let data = data(self.flags, self.count);
        let client_data = client_data("webauthn.get", options["challenge"].as_str().unwrap(), origin);
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": {
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": URL_SAFE_NO_PAD.encode(self.user.as_bytes()),
        }})
        .to_string()
    }
}

fn client_data(kind: &str, challenge: &str, origin: &str) -> String {
    json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false }).to_string()
}

fn data(flags: u8, count: u32) -> Vec<u8> {
    [digest(&SHA256, b"id.example.org").as_ref(), &[flags], &count.to_be_bytes()].concat()
}
