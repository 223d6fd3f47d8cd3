//! `latchkey-idp`: sets the identity provider up, and serves it until it is told to stop.

mod admin;
mod audit;
mod authenticators;
mod certificates;
mod commands;
mod connections;
mod key_place;
mod keys_command;
mod pin_reset_command;
mod reset_place;
mod serve;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_idp::clock::{Clock, UnixTime};
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::{Settings, SettingsError};
use latchkey_idp::storage::Database;

/// The Latchkey identity provider.
#[derive(Debug, Parser)]
#[command(name = "latchkey-idp", version)]
struct Options {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

/// Where the provider keeps what it knows.
#[derive(Debug, Args)]
struct Place {
    /// `sqlite:PATH` or `postgres://USER@HOST/NAME`
    #[arg(long, global = true, env = "LATCHKEY_IDP_DATABASE", default_value = "sqlite:latchkey-idp.db")]
    database: String,
    #[command(flatten)]
    keys: key_place::KeyPlace,
    /// Where browsers and clients find the provider
    #[arg(long, global = true, env = "LATCHKEY_IDP_PUBLIC_URL", default_value = "http://localhost:8090")]
    public_url: String,
    /// RP ID of passkeys [default: the host of the public URL]
    #[arg(long, global = true, env = "LATCHKEY_IDP_RP_ID")]
    rp_id: Option<String>,
    /// A further origin that passkeys may be used from; may be given more than once
    #[arg(long = "origin", global = true, env = "LATCHKEY_IDP_ORIGINS", value_delimiter = ',')]
    origins: Vec<String>,
    #[command(flatten)]
    tls: certificates::Files,
    #[command(flatten)]
    reset: reset_place::ResetPlace,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the key, the database, a tenant and its first administrator
    Init(admin::Init),
    /// Serve
    Serve(serve::Serve),
    #[command(flatten)]
    Tenant(commands::TenantCommand),
    /// Replace the signing keys before their time
    RotateKeys,
    /// The keys under which secrets in the database are sealed
    #[command(subcommand)]
    Keys(keys_command::KeysVerb),
    /// The PIN reset service as a process of its own, and its keys
    #[command(subcommand)]
    PinReset(pin_reset_command::PinResetVerb),
    /// The log of what administrators and operators did
    #[command(subcommand)]
    Audit(audit::AuditVerb),
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
        .unwrap_or_else(|_| "warn,latchkey_idp=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-idp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &options.verb {
            Verb::Init(init) => admin::init(&options.place, init).await,
            Verb::Serve(serve) => serve::serve(&options.place, serve).await,
            Verb::Tenant(command) => commands::run(&options.place, command).await,
            Verb::RotateKeys => admin::rotate_keys(&options.place).await,
            Verb::Keys(verb) => keys_command::run(&options.place, verb).await,
            Verb::PinReset(verb) => pin_reset_command::run(&options.place, verb).await,
            Verb::Audit(verb) => audit::run(&options.place, verb).await,
        }
    })
}

/// Opens an existing provider.
async fn open(place: &Place) -> Result<Provider, Box<dyn Error>> {
    open_with(place, place.keys.source()?.load().await?).await
}

async fn open_with(place: &Place, sealing: SealingKeys) -> Result<Provider, Box<dyn Error>> {
    let settings = settings(place)?;
    let database = Database::open(&place.database).await?;
    let entropy = Box::new(UnwrapErr(SysRng));
    let cores = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let passwords = Pool::start(&PoolOptions::for_cores(cores))?;
    let keys = (Arc::new(sealing), passwords);
    let provider = Provider::open(settings, database, keys, Clock::new(read_clock), entropy).await?;
    Ok(provider.with_reset_places(place.reset.open(place.keys.tcti())?))
}

fn settings(place: &Place) -> Result<Settings, SettingsError> {
    let settings = Settings::new(&place.public_url, place.rp_id.as_deref(), &place.origins)?;
    match &place.reset.pin_reset_url {
        Some(url) => settings.with_pin_reset_at(url),
        None => Ok(settings),
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this program reads the clock")]
fn read_clock() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}
