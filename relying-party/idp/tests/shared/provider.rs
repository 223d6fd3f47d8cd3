//! A provider over the files of one that was set up: for programs that put into it what a person would.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_idp::clock::{Clock, UnixTime};
use latchkey_idp::password::{Pool, PoolOptions};
use latchkey_idp::provider::Provider;
use latchkey_idp::secrets::SealingKeys;
use latchkey_idp::settings::Settings;
use latchkey_idp::storage::Database;

/// Opens the provider that serves at `url`, with the real time and randomness.
pub async fn open(url: &str, database: &Database, key_file: &Path) -> Provider {
    let settings = Settings::new(url, None, &[]).expect("a URL");
    let sealing = Arc::new(SealingKeys::load(key_file).expect("a key file"));
    let passwords = Pool::start(&PoolOptions::for_cores(NonZeroUsize::MIN)).expect("a pool");
    let entropy = Box::new(UnwrapErr(SysRng));
    let provider = Provider::open(settings, database.clone(), (sealing, passwords), Clock::new(now), entropy);
    provider.await.expect("a provider")
}

/// The time of the machine.
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    UnixTime::from_seconds(i64::try_from(since_epoch.as_secs()).expect("this age"))
}
