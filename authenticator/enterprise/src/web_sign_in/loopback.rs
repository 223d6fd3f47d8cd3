//! Where the browser comes back to: a port of this machine that takes one answer (RFC 8252 §7.3).

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::http::printable;

/// More than the head of a browser's request ever is.
const LARGEST: usize = 32 * 1024;
/// A browser sends its request at once; somebody else must not keep the port busy.
const REQUEST: Duration = Duration::from_secs(5);

const DONE: &str = include_str!("done.html");

/// A listening port with its redirect URI.
pub(super) struct Loopback {
    listener: TcpListener,
    redirect_uri: String,
}

/// What the browser brought back: a code, or error and description; and who says so.
pub(super) struct Returned {
    pub(super) issuer: Option<String>,
    pub(super) outcome: Result<Zeroizing<String>, (String, String)>,
}

impl Loopback {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let redirect_uri = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
        Ok(Self { listener, redirect_uri })
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the answer with this state. Whatever else knocks gets an error and ends nothing: every program of this
    /// machine, and every page in the browser, can reach the port.
    pub(super) async fn answer(&self, state: &str) -> io::Result<Returned> {
        loop {
            let (mut stream, _peer) = self.listener.accept().await?;
            let Ok(Some(target)) = timeout(REQUEST, head(&mut stream)).await else { continue };
            let returned = returned(&target, state);
            let page = match &returned {
                Some(Returned { outcome: Ok(_), .. }) => response("200 OK", "text/html", DONE),
                Some(_) => {
                    response("200 OK", "text/plain", "Nobody was signed in. You can close this page.\n")
                }
                None => response("404 Not Found", "text/plain", "Nothing waits for this here.\n"),
            };
            // The browser may be gone already; its answer is here.
            let _gone = timeout(REQUEST, stream.write_all(page.as_bytes())).await;
            let _gone = stream.shutdown().await;
            if let Some(returned) = returned {
                return Ok(returned);
            }
        }
    }
}

/// The target of a GET request, read up to the end of its head.
async fn head(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if bytes.len() > LARGEST || stream.read_buf(&mut *bytes).await.ok()? == 0 {
            return None;
        }
    }
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    (method == "GET").then(|| Zeroizing::new(target.to_owned()))
}

/// The answer in a target, if it is one to this sign-in.
pub(super) fn returned(target: &str, state: &str) -> Option<Returned> {
    let query = target.strip_prefix("/?")?;
    let field = |wanted: &str| {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        let first = found.next().map(|(_, value)| Zeroizing::new(value.into_owned()));
        // Twice is no answer that can be trusted (RFC 6749 §3.1).
        first.filter(|_| found.next().is_none())
    };
    if field("state")?.as_str() != state {
        return None;
    }
    let shown = |text: Zeroizing<String>| printable(&text);
    let outcome = match (field("code"), field("error")) {
        (Some(code), None) => Ok(code),
        (_, Some(error)) => Err((shown(error), field("error_description").map(shown).unwrap_or_default())),
        (None, None) => return None,
    };
    Some(Returned { issuer: field("iss").map(shown), outcome })
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
