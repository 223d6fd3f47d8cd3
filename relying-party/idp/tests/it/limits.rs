//! Requests are counted by address, through restarts, and cheaply; what is too large or too deep is refused.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use latchkey_idp::clock::{Clock, UnixTime};
use latchkey_idp::http::router;
use latchkey_idp::limits::{Kind, Subscriber};
use latchkey_idp::network::{Forwarding, Network};
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::rig::{Answer, Rig, SECRET, URL};

/// A process of the provider.
#[derive(Clone)]
struct Process(Router);

impl Process {
    /// The rig's own.
    fn first(rig: &Rig) -> Self {
        Self(router(Arc::clone(&rig.provider)))
    }

    /// Another one on the same database: after a restart, or beside the first.
    async fn another(rig: &Rig, network: Network) -> Self {
        let settings = Settings::new(URL, None, &[]).unwrap();
        let sealing = Arc::new(SealingKeys::new(&[1; 32], &[]));
        let passwords = Pool::start(&PoolOptions::for_cores(NonZeroUsize::MIN)).unwrap();
        let now = rig.now();
        let rng = Box::new(ChaCha20Rng::seed_from_u64(3));
        let (database, clock) = (rig.database.clone(), Clock::new(move || now));
        let provider = Provider::open(settings, database, (sealing, passwords), clock, rng).await.unwrap();
        Self(router(Arc::new(provider.in_network(network))))
    }

    /// A request of a peer, with what a proxy may have written.
    async fn ask(&self, peer: &str, path: &str, forwarded: Option<&str>) -> Answer {
        let mut request = Request::post(path);
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::from("client_id=x")).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1234)));
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, text: String::new() }
    }

    /// How many requests are let in before the first that is refused.
    async fn let_in(&self, peer: &str, path: &str, forwarded: Option<&str>) -> usize {
        for count in 0..2_000 {
            if self.ask(peer, path, forwarded).await.status == 429 {
                return count;
            }
        }
        panic!("nobody counts");
    }
}

fn device(rig: &Rig) -> String {
    format!("/{}/oauth2/v2.0/devicecode", rig.tenant)
}

#[tokio::test]
async fn too_many_requests_of_one_address_are_refused() {
    let rig = Rig::start().await;
    let (idp, path) = (Process::first(&rig), device(&rig));
    assert_eq!(idp.let_in("192.0.2.1", &path, None).await, 60);
    let refused = idp.ask("192.0.2.1", &path, None).await;
    refused.refused(429, "temporarily_unavailable", 90_055);
    assert_eq!(refused.headers["retry-after"], "5");
    // Another address and another kind of request have allowances of their own; another case of the path has not.
    assert_eq!(idp.ask("192.0.2.2", &path, None).await.status, 400);
    assert_eq!(idp.ask("192.0.2.1", &path.replace("devicecode", "token"), None).await.status, 400);
    assert_eq!(idp.ask("192.0.2.1", &path.to_uppercase(), None).await.status, 429);
    // A header that no proxy wrote changes nothing.
    assert_eq!(idp.ask("192.0.2.1", &path, Some("198.51.100.1")).await.status, 429);
    // One subscriber has a whole /64.
    assert_eq!(idp.let_in("2001:db8::1", &path, None).await, 60);
    assert_eq!(idp.ask("2001:db8::2", &path, None).await.status, 429);
    rig.wait(Duration::from_secs(5));
    assert_eq!(idp.let_in("192.0.2.1", &path, None).await, 5, "a block was earned back");
}

#[tokio::test]
async fn people_get_a_page() {
    let rig = Rig::start().await;
    let (idp, path) = (Process::first(&rig), format!("/{}/login", rig.tenant));
    assert_eq!(idp.let_in("192.0.2.1", &path, None).await, 1_000);
    let refused = idp.ask("192.0.2.1", &path, None).await;
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (429, "2"));
    assert!(refused.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(refused.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
}

#[tokio::test]
async fn a_restart_forgets_no_request() {
    let rig = Rig::start().await;
    let (idp, path) = (Process::first(&rig), device(&rig));
    for _ in 0..31 {
        idp.ask("192.0.2.1", &path, None).await;
    }
    // Seven blocks were taken for 31 requests; the rest of the seventh is lost, the other five remain.
    let again = Process::another(&rig, Network::default()).await;
    assert_eq!(again.let_in("192.0.2.1", &path, None).await, 25);
    // And so it is with a second process beside the first.
    assert_eq!(idp.let_in("192.0.2.1", &path, None).await, 4, "what the first one still had in memory");
}

#[tokio::test]
async fn a_token_costs_no_write() {
    let rig = Rig::start().await;
    let web = rig.web.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://files/.default"),
    ];
    let key = Kind::Token.key(Subscriber::of("0.0.0.0".parse().unwrap()));
    let mut states = Vec::new();
    for _ in 0..201 {
        rig.token(&fields).await.ok();
        let state: Option<UnixTime> = rig.database.limits().state(&key, rig.now()).await.unwrap();
        states.push(state.unwrap().seconds() - rig.now().seconds());
    }
    assert_eq!((states[0], states[199], states[200]), (1, 1, 2), "one write for 200 tokens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_counted_like_one_after_the_other() {
    let rig = Rig::start().await;
    let (idp, path) = (Process::first(&rig), device(&rig));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (idp, path) = (idp.clone(), path.clone());
        tasks.spawn(async move { idp.ask("192.0.2.1", &path, None).await.status });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 400).count(), 60);
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_asks() {
    let network = Network {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        forwarding: Forwarding::XForwardedFor,
        unlimited: vec!["198.51.100.0/24".parse().unwrap()],
    };
    let rig = Rig::start().await;
    let (idp, path) = (Process::another(&rig, network).await, device(&rig));
    assert_eq!(idp.let_in("10.0.0.1", &path, Some("192.0.2.1")).await, 60);
    assert_eq!(idp.ask("10.0.0.2", &path, Some("9.9.9.9, 192.0.2.1, 10.0.0.9")).await.status, 429);
    assert_eq!(idp.ask("10.0.0.1", &path, Some("192.0.2.2")).await.status, 400);
    assert_eq!(idp.ask("192.0.2.1", &path, Some("192.0.2.3")).await.status, 429, "nobody trusts this peer");
    for _ in 0..100 {
        assert_eq!(idp.ask("10.0.0.1", &path, Some("198.51.100.1")).await.status, 400, "unlimited");
    }
    assert_eq!(idp.let_in("192.0.2.9", &path, Some("198.51.100.1")).await, 60, "but not by saying so");
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_is_refused() {
    let rig = Rig::start().await;
    let large = "x".repeat(70_000);
    let answer = rig.token(&[("grant_type", &large)]).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (413, Some("request_too_large")));
    let fields: Vec<(String, String)> =
        (0..65).map(|number| (format!("f{number}"), "1".to_owned())).collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    rig.token(&fields).await.refused(400, "invalid_request", 90_014);
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let web = rig.web.to_string();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", web.as_str()),
            ("response_type", "code"),
            ("redirect_uri", crate::rig::REDIRECT),
            ("scope", "openid"),
            ("claims", deep.as_str()),
        ])
        .finish();
    let answer = rig.get(&format!("/{}/oauth2/v2.0/authorize?{query}", rig.tenant), None).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert!(location.contains("error=invalid_request"), "{location}");
}
