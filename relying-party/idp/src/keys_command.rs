//! `latchkey-idp keys`: the keys under which secrets in the database are sealed.

use std::error::Error;

use clap::Subcommand;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_idp::reseal::reseal;
use latchkey_idp::secrets::new_key_line;
use latchkey_idp::storage::Database;

use crate::Place;
use crate::key_place::FormerKeyPlace;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Print a new key, to be stored in a key file or a key management service
    New,
    /// Seal all secrets again under the first key of --key-file, --key-command or --key-tpm (made if it is not there), so
    /// that keys of other places and further keys can be given up; no provider may be running meanwhile
    Reseal(FormerKeyPlace),
}

pub(crate) async fn run(place: &Place, verb: &KeysVerb) -> Result<(), Box<dyn Error>> {
    match verb {
        KeysVerb::New => {
            print!("{}", *new_key_line(&mut UnwrapErr(SysRng)));
            Ok(())
        }
        KeysVerb::Reseal(former) => reseal_all(place, former).await,
    }
}

async fn reseal_all(place: &Place, former: &FormerKeyPlace) -> Result<(), Box<dyn Error>> {
    // First what is there already: nothing new is made for a reseal that cannot be.
    let mut known = Vec::new();
    for source in place.keys.former(former) {
        known.push(source.load().await?);
    }
    let source = place.keys.source()?;
    let keys = source.load_or_make().await?;
    let keys = known.into_iter().fold(keys, latchkey_idp::secrets::SealingKeys::with_former);
    let database = Database::open(&place.database).await?;
    let done = reseal(&database, &keys, &mut UnwrapErr(SysRng)).await?;
    database.close().await;
    println!("Sealed again: {}; already under this key: {}.", done.changed, done.unchanged);
    println!("{}", source.advice());
    Ok(())
}
