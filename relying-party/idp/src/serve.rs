//! `latchkey-idp serve`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use clap::Args;
use hyper_util::rt::TokioTimer;
use latchkey_idp::http::router;
use latchkey_idp::provider::Provider;
use latchkey_idp::tls::allow_plain_http;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::certificates::Certificates;
use crate::{Failure, Place, open, settings};

/// Keys and certificates are read again and expired rows removed this often.
const TEND_EVERY: Duration = Duration::from_mins(1);
/// How long requests that are under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a connection may take to send a request's headers, and be idle before that.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "LATCHKEY_IDP_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Speak plain http to a proxy on this machine, which speaks https to everyone else
    #[arg(long, env = "LATCHKEY_IDP_BEHIND_PROXY")]
    behind_proxy: bool,
}

type Service = IntoMakeServiceWithConnectInfo<axum::Router, SocketAddr>;

pub(crate) async fn serve(place: &Place, options: &Serve) -> Result<(), Box<dyn Error>> {
    let settings = settings(place)?;
    let certificates = if settings.secure() && !options.behind_proxy {
        Some(place.tls.open(&settings)?)
    } else {
        allow_plain_http(options.listen)?;
        None
    };
    let provider = Arc::new(open(place).await?);
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Failure(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    })?;
    // Before the URL is printed: whoever waits for it may stop us at once.
    let stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    println!("Latchkey identity provider: {} on {}", place.public_url, listener.local_addr()?);

    let handle = Handle::new();
    let stopping = tokio::spawn(stop_at(stop, handle.clone()));
    let config = certificates.as_ref().map(Certificates::config);
    let tending = tokio::spawn(tend(Arc::clone(&provider), certificates));
    let service = router(Arc::clone(&provider)).into_make_service_with_connect_info::<SocketAddr>();
    let server = Server::from_listener(listener).handle(handle).acceptor(NoDelayAcceptor::new());
    match config {
        Some(config) => {
            let tls = |plain| RustlsAcceptor::new(config).acceptor(plain);
            ready(server.map(tls)).serve(service).await?;
        }
        None => ready(server).serve::<Service>(service).await?,
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
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
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
