//! `latchkey-site`: serves the demo website until it is told to stop.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_site::{Clock, IdentityProviderSettings, Settings, Site, UnixTime, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Expired sessions are removed this often.
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// How long requests that are under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// The Latchkey demo website: accounts that are opened by passkeys.
#[derive(Debug, Parser)]
#[command(name = "latchkey-site", version)]
struct Options {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "LATCHKEY_SITE_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Origin at which browsers see the site [default: http://localhost:PORT]
    #[arg(long, env = "LATCHKEY_SITE_ORIGIN")]
    origin: Option<String>,
    /// RP ID: the host of the origin, or a domain above it [default: the host]
    #[arg(long, env = "LATCHKEY_SITE_RP_ID")]
    rp_id: Option<String>,
    /// Database file; made if missing
    #[arg(long, env = "LATCHKEY_SITE_DATABASE", default_value = "latchkey-site.db")]
    database: PathBuf,
    /// Serve the server API of the conformance suites too (`/attestation/options` and its three siblings); for tests,
    /// on loopback addresses only
    #[arg(long)]
    conformance: bool,
    #[command(flatten)]
    idp: Idp,
}

/// The identity provider whose users may sign in here too.
#[derive(Debug, Args)]
struct Idp {
    /// Its issuer, such as <https://id.example.org/TENANT/v2.0>; without it nobody signs in that way
    #[arg(long = "idp-issuer", env = "LATCHKEY_SITE_IDP_ISSUER", requires = "client_id")]
    issuer: Option<String>,
    /// This site's client ID there; its redirect URI is ORIGIN/identity/answer
    #[arg(long = "idp-client-id", env = "LATCHKEY_SITE_IDP_CLIENT_ID", requires = "issuer")]
    client_id: Option<String>,
    /// File with the client secret
    #[arg(
        long = "idp-client-secret-file",
        env = "LATCHKEY_SITE_IDP_CLIENT_SECRET_FILE",
        requires = "issuer",
        value_name = "FILE"
    )]
    client_secret_file: Option<PathBuf>,
    /// PEM file with the CA that its certificate comes from [default: the CAs that the system trusts]
    #[arg(long = "idp-ca", env = "LATCHKEY_SITE_IDP_CA", requires = "issuer", value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Idp {
    fn settings(&self) -> Result<Option<IdentityProviderSettings>, Box<dyn Error>> {
        let (Some(issuer), Some(client_id)) = (&self.issuer, &self.client_id) else {
            return Ok(None);
        };
        let secret = self.client_secret_file.as_deref().map(read).transpose()?;
        let secret = secret.map(String::from_utf8).transpose()?;
        let ca = self.ca.as_deref().map(read).transpose()?;
        Ok(Some(IdentityProviderSettings::new(issuer, client_id, secret.as_deref(), ca)?))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure(format!("{} cannot be read: {error}", path.display())))
}

/// Why the program ends early: what went wrong and what to do.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,latchkey_site=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-site: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.conformance && !options.listen.ip().is_loopback() {
        return Err(Failure(format!(
            "--conformance answers anyone without limit, so it does not go with --listen {}: choose 127.0.0.1 or [::1]",
            options.listen
        ))
        .into());
    }
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Failure(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    })?;
    let port = listener.local_addr()?.port();
    let origin = options.origin.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
    let mut settings = Settings::new(&origin, options.rp_id.as_deref())?;
    settings.identity_provider = options.idp.settings()?;
    settings.conformance = options.conformance;
    let origin = settings.origin().to_owned();
    let site =
        Site::open(settings, &options.database, Clock::new(read_clock), Box::new(UnwrapErr(SysRng))).await?;
    let site = Arc::new(site);
    // Before the URL is printed: whoever waits for it may stop us at once.
    let stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    println!("Latchkey demo site: {origin}");
    println!("Press Ctrl-C to stop.");

    let purging = tokio::spawn(purge_now_and_then(Arc::clone(&site)));
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let service = router(Arc::clone(&site)).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        first_of(stop).await;
        let _ = stopping.send(());
    });
    // A peer that keeps its connection open must not keep the program from ending.
    let out_of_patience = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(DRAIN).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = serving => served?,
        () = out_of_patience => tracing::warn!("some requests were cut off"),
    }
    purging.abort();
    site.close().await;
    println!("Stopped.");
    Ok(())
}

async fn first_of([mut terminate, mut interrupt]: [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn purge_now_and_then(site: Arc<Site>) {
    let mut ticks = tokio::time::interval(PURGE_EVERY);
    loop {
        ticks.tick().await;
        site.purge().await;
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this program reads the clock")]
fn read_clock() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
