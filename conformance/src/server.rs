//! The other half: a conversation with a WebAuthn server, over the server API of the FIDO conformance tools.
//!
//! `http` carries, `key`, `authenticator_data`, `certificate` and `statement` are an authenticator whose every byte can be chosen,
//! `ceremony` is the client in front of it, `cases` has the rules.

use reqwest::Url;
use serde_json::{Map, Value as Json, json};

use crate::case::{Judged, Need, State, Stop, ensure};
use crate::cbor::hex;
use crate::session::Exchange;

mod authenticator_data;
mod cases;
mod ceremony;
mod certificate;
mod http;
mod key;
mod reason;
mod statement;

pub use cases::cases;
pub use reason::{Codes, Reason};

use http::Http;

/// The members of a JSON object.
pub type Members = Map<String, Json>;

/// A conversation with one server. Every case is another user with another browser.
pub struct Server {
    http: Http,
    /// The RP ID of credentials.
    pub rp_id: String,
    /// The origin that clients write into client data.
    pub origin: String,
    codes: Codes,
    run: String,
    users: u32,
    trace: Vec<Exchange>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` if it is no JSON.
    pub body: Json,
}

impl Server {
    /// The server at this address; its API lies beside the address's last slash.
    ///
    /// # Errors
    /// A sentence on what is wrong with the address or this machine.
    pub fn new(url: &Url, codes: Codes) -> Result<Self, String> {
        let host = url.host_str().ok_or_else(|| format!("{url} has no host"))?;
        let mut run = [0; 6];
        getrandom::fill(&mut run).map_err(|error| format!("the system gives no randomness: {error}"))?;
        Ok(Self {
            http: Http::new(url.clone())?,
            rp_id: host.to_owned(),
            origin: url.origin().ascii_serialization(),
            codes,
            run: hex(&run),
            users: 0,
            trace: Vec::new(),
        })
    }

    /// A user name that nobody has had.
    pub fn new_user(&mut self) -> String {
        self.users = self.users.saturating_add(1);
        format!("{}-{}", self.run, self.users)
    }

    /// Goes on in a browser that knows nothing.
    pub fn new_browser(&mut self) {
        self.http.forget();
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn post(&mut self, path: &str, body: &Json) -> Result<Reply, Stop> {
        self.post_text(path, &body.to_string())
    }

    /// Posts anything, as JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn post_text(&mut self, path: &str, body: &str) -> Result<Reply, Stop> {
        let (status, text) = self.http.post(path, body).map_err(Stop::Broken)?;
        self.trace.push(Exchange {
            request: format!("POST /{path}"),
            request_bytes: body.to_owned(),
            answer: format!("HTTP {status}"),
            answer_bytes: text.clone(),
        });
        Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// Options for a registration.
    ///
    /// # Errors
    /// Unless the server gives some.
    pub fn creation_options(&mut self, user: &str, conveyance: &str) -> Result<Members, Stop> {
        let asked = json!({
            "username": user,
            "displayName": format!("User {user}"),
            "authenticatorSelection": {"userVerification": "required"},
            "attestation": conveyance,
        });
        self.post("attestation/options", &asked)?.accepted()
    }

    /// Options for a sign-in.
    ///
    /// # Errors
    /// Unless the server gives some.
    pub fn request_options(&mut self, user: &str) -> Result<Members, Stop> {
        self.post("assertion/options", &json!({"username": user, "userVerification": "required"}))?.accepted()
    }

    /// Fails unless the server refused, for one of these reasons as far as it says why.
    ///
    /// # Errors
    /// [`Stop::Failed`] with what it did.
    pub fn refused(&self, reply: &Reply, reasons: &[Reason]) -> Result<(), Stop> {
        let wanted = "a refusal: a status 4xx and {\"status\": \"failed\", \"errorMessage\": …}";
        let member = |name: &str| reply.body.get(name).and_then(Json::as_str);
        ensure((400..500).contains(&reply.status), format!("the answer is HTTP {}", reply.status), wanted)?;
        ensure(member("status") == Some("failed"), "the answer has no \"status\": \"failed\"", wanted)?;
        ensure(
            member("errorMessage").is_some_and(|text| !text.is_empty()),
            "errorMessage is missing or empty",
            wanted,
        )?;
        let Some(code) = member("reason").or_else(|| member("code")) else { return Ok(()) };
        let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        ensure(
            self.codes.mean(code, reasons),
            format!("the refusal's code is {code}"),
            format!("a code that means {}", names.join(" or ")),
        )
    }
}

impl Reply {
    /// The members of an answer that says ok.
    ///
    /// # Errors
    /// [`Stop::Failed`] if it does not.
    pub fn accepted(&self) -> Result<Members, Stop> {
        let said = self.body.get("status").and_then(Json::as_str);
        if let (200, Some("ok"), Json::Object(members)) = (self.status, said, &self.body) {
            return Ok(members.clone());
        }
        let told = ["errorMessage", "code", "reason"]
            .map(|name| self.body.get(name).and_then(Json::as_str).unwrap_or("-"));
        Err(Stop::failed(
            format!("the answer is HTTP {}: {}", self.status, told.join(", ")),
            "HTTP 200 and {\"status\": \"ok\", \"errorMessage\": \"\"}",
        ))
    }
}

impl Judged for Server {
    const NAME: &'static str = "server";
    const STANDARD: &'static str = "WebAuthn Level 3";

    fn begin(&mut self, _: State) -> Result<(), Stop> {
        self.trace.clear();
        self.new_browser();
        Ok(())
    }

    fn unmet(&self, _: &[Need]) -> Option<String> {
        None
    }

    fn end(&mut self) -> Result<Vec<Exchange>, Stop> {
        Ok(std::mem::take(&mut self.trace))
    }

    fn disturb(&mut self) {
        self.new_browser();
    }
}
