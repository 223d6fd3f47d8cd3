//! A browser without a screen: it keeps cookies, reads forms, and follows nothing by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_idp::domain::User;
use latchkey_idp::http::router;
use latchkey_idp::passkeys::{self, Enrolment, LIFETIME};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use url::form_urlencoded;
use uuid::Uuid;

use crate::authenticator::{Authenticator, Statement};
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

    /// The page says that what was sent will not do.
    #[track_caller]
    pub fn refuses(&self) {
        assert!(self.html.contains("data-kind=\"error\""), "{}", self.html);
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

    pub async fn send(&mut self, request: Request<Body>) -> Page {
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

    pub fn cookie_header(&self) -> String {
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

    /// Answers the questions that come after the proofs, until the browser is sent to the client or asked for something
    /// else.
    pub async fn through(&mut self, mut page: Page) -> Page {
        while page.status == 200 && page.html.contains("name=\"step\" value=\"stay\"") {
            page = self.submit(&page, "stay", &[("LoginOptions", "3")]).await;
        }
        page
    }
}

/// The query of the web application's request; an empty value leaves a parameter out.
pub fn request(rig: &Rig, more: &[(&str, &str)]) -> String {
    let challenge = challenge();
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

/// The PKCE challenge of the rig's verifier.
pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// One passkey of one user.
pub struct Passkey {
    made: Authenticator,
    user: Uuid,
    /// Of its last answer.
    pub count: u32,
    /// Flags of its answers: user present and verified.
    pub flags: u8,
}

/// What an authenticator and a browser put into an answer, before it is signed.
pub struct Parts {
    pub client_data: Value,
    pub data: Vec<u8>,
    pub id: Vec<u8>,
    pub raw_id: Vec<u8>,
    pub handle: Option<Vec<u8>>,
    /// In place of the real one.
    pub signature: Option<Vec<u8>>,
}

impl Passkey {
    /// Makes a passkey for the rig's user, by the registration that pages and API use.
    pub async fn enrol(rig: &Rig) -> Self {
        Self::enrol_for(rig, &rig.user, 7).await
    }

    /// Makes a passkey for a user; `number` tells passkeys apart.
    pub async fn enrol_for(rig: &Rig, user: &User, number: u8) -> Self {
        let made = Authenticator::new("id.example.org", URL, number);
        let actor = user.id.to_string();
        let enrolment = Enrolment { user, place: "test", actor: &actor };
        let begun = passkeys::begin(&rig.provider, &enrolment, LIFETIME).await.unwrap();
        let answer = made.register(&begun.options, Statement::None).to_string();
        passkeys::finish(&rig.provider, &enrolment, &answer, "Key").await.unwrap();
        Self::of(made, user.id.guid())
    }

    /// The passkey that an authenticator made for this user.
    pub fn of(made: Authenticator, user: Uuid) -> Self {
        Self { made, user, count: 0, flags: 0x05 }
    }

    /// The answer to the options of a page.
    pub fn sign(&mut self, options: &str, origin: &str) -> String {
        self.sign_changed(options, |parts| parts.client_data["origin"] = origin.into())
    }

    /// The answer to the options of a page, with something changed before it is signed.
    pub fn sign_changed(&mut self, options: &str, change: impl FnOnce(&mut Parts)) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        assert_eq!(options["userVerification"], "required");
        self.count += 1;
        let mut parts = Parts {
            client_data: json!({
                "type": "webauthn.get", "challenge": options["challenge"], "origin": URL, "crossOrigin": false,
            }),
            data: self.made.data(self.flags, self.count),
            id: self.made.id.clone(),
            raw_id: self.made.id.clone(),
            handle: Some(self.user.as_bytes().to_vec()),
            signature: None,
        };
        change(&mut parts);
        let client_data = parts.client_data.to_string();
        let signed = [parts.data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.made.key.sign(&SystemRandom::new(), &signed).unwrap();
        let signature = parts.signature.unwrap_or_else(|| signature.as_ref().to_vec());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut response = json!({
            "authenticatorData": text(&parts.data),
            "clientDataJSON": text(client_data.as_bytes()),
            "signature": text(&signature),
        });
        if let Some(handle) = &parts.handle {
            response["userHandle"] = text(handle).into();
        }
        json!({
            "id": text(&parts.id),
            "rawId": text(&parts.raw_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        })
        .to_string()
    }
}
