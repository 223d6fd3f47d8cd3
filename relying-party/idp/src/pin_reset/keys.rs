//! The service's keys: made, given to devices, kept for as long as envelopes need them, retired.
//!
//! Each protocol has one current key, the newest; envelopes of older ones are opened until an administrator retires the key. A
//! device wraps its secret again for the current key when it is next unlocked.

use std::time::Duration;

use p256::elliptic_curve::Generate as _;
use p256::{PublicKey, SecretKey};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Error;
use super::anchor::{Anchor, Usage};
use super::blind::Master;
use super::envelope::Protocol;
use super::place::{KeyPlace as _, NewKey, Software};
use super::point::{self, Shared};
use crate::clock::UnixTime;
use crate::provider::Provider;
use crate::secrets::{Place, Purpose};
use crate::storage::StoredResetKey;
use crate::tokens;

/// A key is replaced by another one after this long.
const REPLACED_AFTER: Duration = Duration::from_hours(180 * 24);
/// A device may take a key for this long, should nobody be there to replace it.
const CERTIFIED_FOR: Duration = Duration::from_hours(730 * 24);
/// The anchor's name among the sealed keys.
const ANCHOR: &str = "pin-reset-anchor";

/// The anchor, made at its first use.
pub(super) async fn anchor(provider: &Provider) -> Result<Anchor, Error> {
    let place = Place { purpose: Purpose::ServiceKey, row: ANCHOR.as_bytes() };
    let proposed = Anchor::create(provider.now())?;
    let proposed = provider.draw(|rng| provider.sealing.seal(place, proposed.as_bytes(), rng));
    let stored = provider.database.signing_keys().service_key(ANCHOR, &proposed).await?;
    Ok(Anchor::open(&provider.sealing.open(place, &stored)?)?)
}

/// The key of a protocol that devices are given; the first one is made here.
pub(super) async fn current(provider: &Provider, protocol: Protocol) -> Result<StoredResetKey, Error> {
    if let Some(key) = provider.database.reset_keys().current(protocol).await? {
        return Ok(key);
    }
    replace(provider, protocol, None).await
}

/// All keys, the newest first; the first ones are made here.
///
/// # Errors
/// When they cannot be read or made.
pub async fn all(provider: &Provider) -> Result<Vec<StoredResetKey>, Error> {
    tend(provider).await?;
    Ok(provider.database.reset_keys().all().await?)
}

/// What a key is used for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Devices are given it.
    Current,
    /// What was made for it is opened still.
    Old,
    /// Its private half was destroyed then: what was made for it never opens again.
    Retired(UnixTime),
}

impl State {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Old => "old",
            Self::Retired(_) => "retired",
        }
    }
}

/// All keys with their states, the newest first; the first ones are made here.
///
/// # Errors
/// When they cannot be read or made.
pub async fn states(provider: &Provider) -> Result<Vec<(StoredResetKey, State)>, Error> {
    let mut current = Vec::new();
    for protocol in Protocol::ALL {
        current.push(self::current(provider, protocol).await?.kid);
    }
    let state = |key: StoredResetKey| {
        let state = match key.retired_at {
            Some(at) => State::Retired(at),
            None if current.contains(&key.kid) => State::Current,
            None => State::Old,
        };
        (key, state)
    };
    Ok(provider.database.reset_keys().all().await?.into_iter().map(state).collect())
}

/// The SHA-256 of the anchor's certificate, by which people compare what devices pinned.
///
/// # Errors
/// When the anchor cannot be opened or made.
pub async fn anchor_fingerprint(provider: &Provider) -> Result<[u8; 32], Error> {
    Ok(Sha256::digest(anchor(provider).await?.certificate()).into())
}

/// Refuses to replace keys that this process does not reach: a process without the TPM or the security module would go on
/// with a key in software, and nobody would see it.
///
/// # Errors
/// When the private half of a current key is where this process does not reach it.
pub async fn reached(provider: &Provider) -> Result<(), Error> {
    for protocol in Protocol::ALL {
        provider.reset_places.named(&current(provider, protocol).await?.place)?;
    }
    Ok(())
}

/// Replaces what is old enough, in all protocols.
///
/// # Errors
/// When a key cannot be made or stored, or this process does not reach the old one; the old ones stay in use.
pub async fn tend(provider: &Provider) -> Result<(), Error> {
    let mut tended = Ok(());
    for protocol in Protocol::ALL {
        let key = current(provider, protocol).await?;
        if provider.now().since(key.created_at) < REPLACED_AFTER {
            continue;
        }
        match provider.reset_places.named(&key.place) {
            Ok(_) => drop(replace(provider, protocol, Some(&key)).await?),
            // The other protocol's key may be at hand.
            Err(unreached) => tended = Err(unreached.into()),
        }
    }
    tended
}

/// Replaces the keys of all protocols before their time: the new ones.
///
/// # Errors
/// When a key cannot be made or stored.
pub async fn rotate(provider: &Provider) -> Result<Vec<StoredResetKey>, Error> {
    let mut new = Vec::new();
    for protocol in Protocol::ALL {
        let known = provider.database.reset_keys().current(protocol).await?;
        let key = replace(provider, protocol, known.as_ref()).await?;
        new.push(key);
    }
    Ok(new)
}

/// Destroys the private half of a key: envelopes that were made for it open no more.
///
/// # Errors
/// When there is no such live key, or it is the one that devices are given.
pub async fn retire(provider: &Provider, kid: &str) -> Result<(), Error> {
    let keys = provider.database.reset_keys();
    let key = keys.find(kid).await?.filter(|key| key.retired_at.is_none()).ok_or(Error::NoSuchKey)?;
    if keys.current(key.protocol).await?.is_some_and(|current| current.kid == kid) {
        return Err(Error::CurrentKey);
    }
    let place = provider.reset_places.named(&key.place)?;
    // First the row: a key that is destroyed in its place and still offered would be worse than one that is left there.
    let handle = open(provider, &key)?;
    if !keys.retire(kid, provider.now()).await? {
        return Err(Error::NoSuchKey);
    }
    Ok(place.destroy(&handle).await?)
}

/// Uses a live key once: whether its place has it, and it is the one that was certified.
///
/// # Errors
/// When it cannot be used, or is another one.
pub async fn check(provider: &Provider, key: &StoredResetKey) -> Result<(), Error> {
    let public = point::parse(&key.public).ok_or(Error::Damaged)?;
    let same = match key.protocol {
        Protocol::Hpke => {
            let peer = SecretKey::generate_from_rng(&mut provider.seeded());
            *agree(provider, key, &peer.public_key()).await? == *point::agree(&peer, &public)
        }
        Protocol::Blind => PublicKey::from(master(provider, key)?.signing_key().verifying_key()) == public,
    };
    if same { Ok(()) } else { Err(Error::Damaged) }
}

/// The ECDH of a live key of `hpke-p256` with a point, in the place where the key is.
///
/// # Errors
/// When the place is not reached, or refuses.
pub async fn agree(provider: &Provider, key: &StoredResetKey, peer: &PublicKey) -> Result<Shared, Error> {
    let handle = open(provider, key)?;
    Ok(provider.reset_places.named(&key.place)?.agree(&handle, peer).await?)
}

/// The master secret of a live key of `blind-p256`.
pub(super) fn master(provider: &Provider, key: &StoredResetKey) -> Result<Master, Error> {
    let bytes = open(provider, key)?;
    Ok(Master::new(bytes.as_slice().try_into().map_err(|_| Error::Damaged)?))
}

/// Stores a new key, unless another process was faster: the one that devices are given now.
async fn replace(
    provider: &Provider,
    protocol: Protocol,
    known: Option<&StoredResetKey>,
) -> Result<StoredResetKey, Error> {
    // Times are whole seconds, and devices are given the newest key: also when two are made within one.
    let after = known.map(|known| known.created_at.plus(Duration::from_secs(1)));
    let at = after.map_or(provider.now(), |after| after.max(provider.now()));
    let new = make(provider, protocol, at).await?;
    let keys = provider.database.reset_keys();
    if keys.add(&new, known.map(|known| known.kid.as_str())).await? {
        return Ok(new);
    }
    let handle = open(provider, &new)?;
    provider.reset_places.named(&new.place)?.destroy(&handle).await?;
    keys.current(protocol).await?.ok_or(Error::Damaged)
}

async fn make(provider: &Provider, protocol: Protocol, at: UnixTime) -> Result<StoredResetKey, Error> {
    let mut rng = provider.seeded();
    let (place, usage, pair) = match protocol {
        Protocol::Hpke => {
            let place = provider.reset_places.first();
            (place.name(), Usage::Agreement, place.create(&mut rng).await?)
        }
        // Its scalars are derived per device: no TPM and no security module does that, so it is in software always.
        Protocol::Blind => (Software.name(), Usage::Signature, blind(&mut rng)),
    };
    let public = point::bytes(&pair.public);
    let kid = tokens::PublicKey::P256(public).thumbprint();
    let name = format!("PIN reset {protocol} {kid}");
    let anchor = anchor(provider).await?;
    let certified = anchor.certify((&name, &pair.public), usage, (at, CERTIFIED_FOR))?;
    let sealed = provider.sealing.seal(sealed_at(&kid), &pair.handle, &mut rng);
    Ok(StoredResetKey {
        kid,
        protocol,
        place: place.to_owned(),
        public: public.to_vec(),
        sealed,
        certificate: certified.certificate,
        created_at: at,
        expires_at: certified.expires_at,
        retired_at: None,
    })
}

/// A master secret, with the key that signs its points.
fn blind(rng: &mut dyn CryptoRng) -> NewKey {
    let master = Master::random(rng);
    let public = PublicKey::from(master.signing_key().verifying_key());
    NewKey { public, handle: Zeroizing::new(master.expose().to_vec()) }
}

fn open(provider: &Provider, key: &StoredResetKey) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(provider.sealing.open(sealed_at(&key.kid), &key.sealed)?)
}

const fn sealed_at(kid: &str) -> Place<'_> {
    Place { purpose: Purpose::ServiceKey, row: kid.as_bytes() }
}
