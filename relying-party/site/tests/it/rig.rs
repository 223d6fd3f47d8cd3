//! A site on a database of its own, a clock that tests move, and browsers that keep cookies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use latchkey_site::{Clock, Settings, Site, UnixTime, router};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::device::Device;

pub const ORIGIN: &str = "http://localhost:8080";

pub struct Rig {
    pub router: Router,
    now: Arc<AtomicI64>,
    _directory: TempDir,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(Settings::new(ORIGIN, None).unwrap()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_750_000_000_000));
        let clock = {
            let now = Arc::clone(&now);
            Clock::new(move || UnixTime::from_millis(now.load(Ordering::SeqCst)))
        };
        let path = directory.path().join("site.db");
        let rng = Box::new(ChaCha20Rng::seed_from_u64(1));
        let site = Site::open(settings, &path, clock, rng).await.unwrap();
        Self { router: router(Arc::new(site)), now, _directory: directory }
    }

    pub fn wait(&self, duration: Duration) {
        self.now.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            origin: Some(ORIGIN.to_owned()),
            cookie: None,
            csrf: String::new(),
            address: "192.0.2.1:40000".parse().unwrap(),
        }
    }

    /// A browser in which `name` has just registered.
    pub async fn registered(&self, name: &str, device: &mut Device) -> Browser {
        let mut browser = self.browser();
        browser.get("/register").await;
        browser.register(name, device).await.expect_ok();
        browser.get("/account").await;
        browser
    }
}

pub struct Browser {
    router: Router,
    pub origin: Option<String>,
    pub cookie: Option<String>,
    pub csrf: String,
    pub address: SocketAddr,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn expect_ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.json()
    }

    /// The refusal has this status and code, and a sentence for people.
    #[track_caller]
    pub fn expect_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{}", self.body);
        assert!(self.json()["error"]["message"].as_str().unwrap().len() > 10);
    }
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Request::get(path), Body::empty()).await;
        if let Some((_, rest)) = answer.body.split_once("name=\"csrf-token\" content=\"") {
            rest.split('"').next().unwrap().clone_into(&mut self.csrf);
        }
        answer
    }

    pub async fn call(&mut self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("x-csrf-token", self.csrf.as_str());
        self.send(request, Body::from(body.to_string())).await
    }

    pub async fn form(&mut self, path: &str, fields: &str) -> Answer {
        let body = format!("csrf={}&{fields}", self.csrf);
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    pub async fn send(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie.as_str());
        }
        if let Some(origin) = self.origin.as_deref().filter(|_| request.method_ref().unwrap() != "GET") {
            request = request.header("origin", origin);
        }
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(cookie) = parts.headers.get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let gone = cookie.contains("Max-Age=0");
            self.cookie = (!gone).then(|| cookie.split(';').next().unwrap().to_owned());
        }
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn register(&mut self, name: &str, device: &mut Device) -> Answer {
        let start = serde_json::json!({ "username": name });
        let answer = self.call("/api/register/options", &start).await;
        if answer.status != StatusCode::OK {
            return answer;
        }
        let credential = device.create(&answer.json()["publicKey"]);
        self.call("/api/register/finish", &serde_json::json!({ "credential": credential })).await
    }

    /// Options for a sign-in, with or without a user name.
    pub async fn sign_in_options(&mut self, name: Option<&str>) -> Value {
        let start = name.map_or(serde_json::json!({}), |name| serde_json::json!({ "username": name }));
        self.call("/api/sign-in/options", &start).await.expect_ok()["publicKey"].clone()
    }

    pub async fn sign_in(&mut self, name: Option<&str>, device: &mut Device) -> Answer {
        let options = self.sign_in_options(name).await;
        let credential = device.get(&options);
        self.call("/api/sign-in/finish", &serde_json::json!({ "credential": credential })).await
    }

    pub async fn add_passkey(&mut self, name: &str, device: &mut Device) -> Answer {
        let answer = self.call("/api/passkeys/options", &serde_json::json!({})).await;
        if answer.status != StatusCode::OK {
            return answer;
        }
        let credential = device.create(&answer.json()["publicKey"]);
        let body = serde_json::json!({ "credential": credential, "name": name });
        self.call("/api/passkeys/finish", &body).await
    }

    pub async fn signed_in(&mut self) -> bool {
        self.get("/account").await.status == StatusCode::OK
    }
}
