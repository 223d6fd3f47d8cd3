//! `latchkey-idp pin-reset`: the service as a process of its own, and its keys.

use std::error::Error;

use clap::Subcommand;
use latchkey_idp::administration::{Administrator, Refused, ResetKey, ResetKeys};
use latchkey_idp::http::pin_reset_router;
use latchkey_idp::pin_reset::keys::{self, State};
use latchkey_idp::provider::Provider;

use crate::serve::{Listening, listen};
use crate::{Failure, Place, open, settings};

#[derive(Debug, Subcommand)]
pub(crate) enum PinResetVerb {
    /// Serve the PIN reset service alone, on the provider's database
    Serve(Listening),
    /// The keys of the service
    #[command(subcommand)]
    Keys(KeysVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// All keys, the newest first
    List,
    /// Give devices new keys from now on; what was protected with older ones can still be opened
    Rotate,
    /// Use each live key once, to see that the TPM or security module with its private half is reached
    Check,
    /// Destroy a key: what was protected with it can never be opened again
    #[command(disable_help_flag = true)]
    Retire {
        /// Its name, as `pin-reset keys list` prints it. One in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Print help
        #[arg(long, action = clap::ArgAction::HelpLong)]
        help: Option<bool>,
    },
}

pub(crate) async fn run(place: &Place, verb: &PinResetVerb) -> Result<(), Box<dyn Error>> {
    match verb {
        PinResetVerb::Serve(listening) => {
            let settings = settings(place)?;
            let url = settings.pin_reset_url().to_owned();
            let provider = open(place).await?.in_network(listening.network());
            listen((place, &url), listening, provider, ("Latchkey PIN reset service", pin_reset_router)).await
        }
        PinResetVerb::Keys(verb) => {
            let provider = open(place).await?;
            let done = of_keys(&provider, verb).await;
            provider.close().await;
            done
        }
    }
}

async fn of_keys(provider: &Provider, verb: &KeysVerb) -> Result<(), Box<dyn Error>> {
    let operator = Administrator::operator_of_installation(provider).await?;
    match verb {
        KeysVerb::List => list(&operator, |_| true).await?,
        KeysVerb::Rotate => {
            let new = operator.rotate_reset_keys().await?;
            list(&operator, |key| new.contains(&key.kid)).await?;
            println!("Devices wrap again when they are next unlocked. Until then keep the older keys.");
        }
        KeysVerb::Check => {
            for key in keys::all(provider).await?.iter().filter(|key| key.retired_at.is_none()) {
                keys::check(provider, key).await.map_err(|error| Failure(format!("{}: {error}", key.kid)))?;
                println!("{}  {}  works", key.kid, key.place);
            }
        }
        KeysVerb::Retire { kid, .. } => {
            operator.retire_reset_key(kid).await?;
            println!("Retired.");
        }
    }
    Ok(())
}

async fn list(operator: &Administrator<'_>, wanted: impl Fn(&ResetKey) -> bool) -> Result<(), Refused> {
    let ResetKeys { anchor, keys, .. } = operator.reset_keys().await?;
    for key in keys.iter().filter(|key| wanted(key)) {
        println!("{}", line(key));
    }
    println!("Devices pinned the anchor with the SHA-256 {anchor}.");
    Ok(())
}

fn line(key: &ResetKey) -> String {
    let ResetKey { kid, protocol, place, created_at, state, .. } = key;
    let since = match state {
        State::Retired(at) => format!(" {}", at.to_text()),
        State::Current | State::Old => String::new(),
    };
    format!("{kid}  {protocol}  {place}  made {}  {}{since}", created_at.to_text(), state.word())
}
