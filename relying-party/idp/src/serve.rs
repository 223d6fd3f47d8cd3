//! `latchkey-idp serve`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use clap::{Args, ValueEnum};
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use latchkey_idp::http::router;
use latchkey_idp::network::{Forwarding, Network};
use latchkey_idp::provider::Provider;
use latchkey_idp::settings::Settings;
use latchkey_idp::tls::allow_plain_http;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::authenticators::Authenticators;
use crate::certificates::Certificates;
use crate::connections::Bounded;
use crate::{Failure, Place, open};

/// Keys and certificates are read again and expired rows removed this often.
const TEND_EVERY: Duration = Duration::from_mins(1);
/// How long requests that are under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a connection may take to send a request's headers, and be idle before that.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

/// Larger than any header that a client sends; brokers' cookies are the largest.
const LARGEST_HEADERS: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    listening: Listening,
    #[command(flatten)]
    authenticators: Authenticators,
}

/// Where a server listens, and whom it believes.
#[derive(Debug, Args)]
pub(crate) struct Listening {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "LATCHKEY_IDP_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Speak plain http to a proxy on this machine, which speaks https to everyone else
    #[arg(long, env = "LATCHKEY_IDP_BEHIND_PROXY")]
    behind_proxy: bool,
    /// A network whose proxies say for whom they ask, such as 10.0.0.0/8; may be given more than once. From other peers a
    /// forwarding header is ignored
    #[arg(
        long = "trusted-proxy",
        value_name = "CIDR",
        env = "LATCHKEY_IDP_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<IpNet>,
    /// The header in which they say it; make sure that they overwrite or extend this one
    #[arg(long, value_enum, default_value_t, env = "LATCHKEY_IDP_FORWARDING")]
    forwarding: Header,
    /// A network whose requests are not counted, such as a gateway that counts them itself; may be given more than once
    #[arg(long, value_name = "CIDR", env = "LATCHKEY_IDP_UNLIMITED", value_delimiter = ',')]
    unlimited: Vec<IpNet>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Header {
    #[default]
    XForwardedFor,
    Forwarded,
}

impl Listening {
    pub(crate) fn network(&self) -> Network {
        if self.behind_proxy && self.trusted_proxies.is_empty() {
            tracing::warn!(
                "every request seems to come from the proxy, also for lockouts and rates: name it with --trusted-proxy"
            );
        }
        let forwarding = match self.forwarding {
            Header::XForwardedFor => Forwarding::XForwardedFor,
            Header::Forwarded => Forwarding::Forwarded,
        };
        let (trusted_proxies, unlimited) = (self.trusted_proxies.clone(), self.unlimited.clone());
        Network { trusted_proxies, forwarding, unlimited }
    }
}

type Service = IntoMakeServiceWithConnectInfo<axum::Router, SocketAddr>;

pub(crate) async fn serve(place: &Place, options: &Serve) -> Result<(), Box<dyn Error>> {
    let models = options.authenticators.models()?;
    let roots = options.authenticators.endorsement_roots()?;
    let network = options.listening.network();
    let provider = open(place).await?.in_network(network).with_endorsement_roots(roots);
    let provider = provider.with_models(models).await?;
    listen((place, &place.public_url), &options.listening, provider, ("Latchkey identity provider", router))
        .await
}

/// What a server answers.
type Routes = fn(Arc<Provider>) -> axum::Router;

/// Serves these routes at this URL until it is told to stop.
pub(crate) async fn listen(
    (place, url): (&Place, &str),
    options: &Listening,
    provider: Provider,
    (what, routes): (&str, Routes),
) -> Result<(), Box<dyn Error>> {
    let at = Settings::new(url, None, &[])?;
    let certificates = if at.secure() && !options.behind_proxy {
        Some(place.tls.open(at.host())?)
    } else {
        allow_plain_http(options.listen)?;
        None
    };
    let provider = Arc::new(provider);
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Failure(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    })?;
    // Before the URL is printed: whoever waits for it may stop us at once.
    let stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    println!("{what}: {url} on {}", listener.local_addr()?);

    let handle = Handle::new();
    let stopping = tokio::spawn(stop_at(stop, handle.clone()));
    let config = certificates.as_ref().map(Certificates::config);
    let tending = tokio::spawn(tend(Arc::clone(&provider), certificates));
    let service = routes(Arc::clone(&provider)).into_make_service_with_connect_info::<SocketAddr>();
    let server = Server::from_listener(listener).handle(handle).acceptor(NoDelayAcceptor::new());
    match config {
        Some(config) => {
            let tls = |plain| Bounded::new(RustlsAcceptor::new(config).acceptor(plain));
            ready(server.map(tls)).serve(service).await?;
        }
        None => ready(server.map(Bounded::new)).serve::<Service>(service).await?,
    }
    stopping.abort();
    tending.abort();
    provider.close().await;
    println!("Stopped.");
    Ok(())
}

/// HTTP/1.1 only: then a connection that was accepted before the stop still has its first request answered.
fn ready<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    let mut builder = server.http_builder().http1();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    builder.max_buf_size(LARGEST_HEADERS).max_headers(MOST_HEADERS);
    server
}

async fn tend(provider: Arc<Provider>, mut certificates: Option<Certificates>) {
    let mut ticks = tokio::time::interval(TEND_EVERY);
    loop {
        ticks.tick().await;
        provider.tend().await;
        if let Some(certificates) = &mut certificates {
            certificates.tend();
        }
    }
}

/// At a signal: no new connections; requests under way are answered. A peer that keeps its connection open must not keep
/// the program from ending, so patience ends.
async fn stop_at([mut terminate, mut interrupt]: [Signal; 2], handle: Handle<SocketAddr>) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    handle.graceful_shutdown(Some(DRAIN));
}
