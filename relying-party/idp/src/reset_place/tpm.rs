//! Keys of the PIN reset service that only this machine's TPM uses. What is stored are the blobs under the storage root key; each
//! ECDH loads them, and its result comes back over an encrypted session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::pin_reset::place::{Answering, KeyPlace, NewKey, PlaceError};
use latchkey_idp::pin_reset::point::{self, Shared};
use p256::PublicKey;
use p256::pkcs8::DecodePublicKey as _;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::Failure;
use crate::key_place::tpm::{Bench, SESSION, Tpm};

/// Nothing may lock the key: what it does is refused by the service, not by wrong tries.
const ATTRIBUTES: &str = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|decrypt";

/// Keys in a TPM. It works for one at a time, and has few places for what is loaded.
pub(super) struct TpmKeys {
    tpm: Mutex<Tpm>,
}

/// What is stored of a key, in base64: only the TPM that made it can use it.
#[derive(Serialize, Deserialize)]
struct Handle {
    parent: String,
    public: String,
    private: String,
}

impl TpmKeys {
    pub(super) fn at(tcti: &str) -> Self {
        Self { tpm: Mutex::new(Tpm::at(tcti)) }
    }
}

impl KeyPlace for TpmKeys {
    fn name(&self) -> &'static str {
        "tpm"
    }

    fn create<'a>(&'a self, _rng: &'a mut (dyn CryptoRng + Send)) -> Answering<'a, NewKey> {
        Box::pin(async move {
            let tpm = self.tpm.lock().await;
            let bench = tpm.bench().map_err(failed)?;
            let created = create(&bench).await;
            bench.clear().await;
            created.map_err(failed)
        })
    }

    fn agree<'a>(&'a self, handle: &'a [u8], peer: &'a PublicKey) -> Answering<'a, Shared> {
        Box::pin(async move {
            let handle: Handle = serde_json::from_slice(handle)
                .map_err(|_| PlaceError("a stored key is none of a TPM".to_owned()))?;
            let tpm = self.tpm.lock().await;
            let bench = tpm.bench().map_err(failed)?;
            let agreed = agree(&bench, &handle, peer).await;
            bench.clear().await;
            agreed.map_err(failed)
        })
    }

    /// The TPM keeps nothing: without the blobs there is no key.
    fn destroy<'a>(&'a self, _handle: &'a [u8]) -> Answering<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

async fn create(bench: &Bench<'_>) -> Result<NewKey, Failure> {
    bench.find_parent().await?;
    bench.begin_session().await?;
    let create = [
        "-Q",
        "-C",
        "parent.tr",
        "-P",
        SESSION,
        "-G",
        "ecc256",
        "-a",
        ATTRIBUTES,
        "-u",
        "key.pub",
        "-r",
        "key.priv",
    ];
    bench.tool("tpm2_create", &create).await?;
    bench.load_key().await?;
    let pem = bench.tool("tpm2_readpublic", &["-Q", "-c", "key.ctx", "-f", "pem", "-o", "key.pem"]).await;
    pem?;
    let pem = bench.read("key.pem")?;
    let public = std::str::from_utf8(&pem).ok().and_then(|pem| PublicKey::from_public_key_pem(pem).ok());
    let public = public.ok_or_else(|| Failure("the TPM made a key that is none of P-256".to_owned()))?;
    let read = |name: &str| bench.read(name).map(|bytes| STANDARD.encode(bytes));
    let handle = Handle { parent: read("parent.tr")?, public: read("key.pub")?, private: read("key.priv")? };
    let handle = serde_json::to_vec(&handle).map_err(|error| Failure(error.to_string()))?;
    Ok(NewKey { public, handle: Zeroizing::new(handle) })
}

async fn agree(bench: &Bench<'_>, handle: &Handle, peer: &PublicKey) -> Result<Shared, Failure> {
    for (name, text) in
        [("parent.tr", &handle.parent), ("key.pub", &handle.public), ("key.priv", &handle.private)]
    {
        let damaged = |_| Failure("a stored key is none of a TPM".to_owned());
        bench.write(name, &STANDARD.decode(text).map_err(damaged)?)?;
    }
    bench.begin_session().await?;
    bench.load_key().await?;
    bench.write("peer.point", &written(&point::bytes(peer)))?;
    let multiply = ["-c", "key.ctx", "-p", SESSION, "-u", "peer.point", "-o", "/dev/stdout"];
    let product = bench.tool("tpm2_ecdhzgen", &multiply).await?;
    x_of(&product).ok_or_else(|| Failure("the TPM's answer is no point".to_owned()))
}

/// `TPM2B_ECC_POINT` (TPM 2.0 Part 2, 11.2.5.3).
fn written(point: &[u8; point::POINT]) -> Vec<u8> {
    let (x, y) = point.split_at(1).1.split_at(32);
    [&[0, 68, 0, 32], x, &[0, 32], y].concat()
}

/// The x-coordinate of a `TPM2B_ECC_POINT`, which may come without its leading zeros.
fn x_of(point: &[u8]) -> Option<Shared> {
    let (_, rest) = point.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (x, _) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let mut shared = Zeroizing::new([0; 32]);
    let at = shared.len().checked_sub(x.len())?;
    shared.get_mut(at..)?.copy_from_slice(x);
    Some(shared)
}

fn failed(Failure(text): Failure) -> PlaceError {
    PlaceError(format!("the key of the PIN reset service in the TPM cannot be used: {text}"))
}
