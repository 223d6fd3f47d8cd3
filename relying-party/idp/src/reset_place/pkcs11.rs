//! Keys of the PIN reset service in a hardware security module, through PKCS #11 (v3.0): the private half is made there, is not
//! extractable, and does nothing but ECDH.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use latchkey_idp::pin_reset::place::{Answering, KeyPlace, NewKey, PlaceError};
use latchkey_idp::pin_reset::point::{self, Shared};
use p256::PublicKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::Failure;

/// The OID of P-256 (prime256v1), DER: `CKA_EC_PARAMS`.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// What people see in the module's own list.
const LABEL: &[u8] = b"Latchkey PIN reset";
/// The length of a key's ID in the module.
const ID: usize = 16;

/// Keys in a security module, behind one session.
pub(super) struct Pkcs11Keys {
    session: Arc<Mutex<Session>>,
}

impl Pkcs11Keys {
    /// Loads the module's library and logs in at the token with this label.
    pub(super) fn open(module: &Path, token: &str, pin: &Path) -> Result<Self, Failure> {
        let pin = std::fs::read_to_string(pin)
            .map(Zeroizing::new)
            .map_err(|error| Failure(format!("{} cannot be read: {error}", pin.display())))?;
        let session = session(module, token, pin.trim()).map_err(|error| {
            Failure(format!("the security module {} cannot be used: {error}", module.display()))
        })?;
        let session =
            session.ok_or_else(|| Failure(format!("the security module has no token {token:?}")))?;
        Ok(Self { session: Arc::new(Mutex::new(session)) })
    }

    /// Modules take their time, so they are asked on a thread of their own.
    fn ask<'a, T: Send + 'static>(
        &self,
        question: impl FnOnce(&Session) -> Result<T, PlaceError> + Send + 'static,
    ) -> Answering<'a, T> {
        let session = Arc::clone(&self.session);
        Box::pin(async move {
            let asked = move || question(&session.lock().unwrap_or_else(PoisonError::into_inner));
            tokio::task::spawn_blocking(asked).await.map_err(|_| unusable("it did not answer"))?
        })
    }
}

impl KeyPlace for Pkcs11Keys {
    fn name(&self) -> &'static str {
        "pkcs11"
    }

    fn create<'a>(&'a self, rng: &'a mut (dyn CryptoRng + Send)) -> Answering<'a, NewKey> {
        let mut id = [0; ID];
        rng.fill_bytes(&mut id);
        self.ask(move |session| create(session, &id))
    }

    fn agree<'a>(&'a self, handle: &'a [u8], peer: &'a PublicKey) -> Answering<'a, Shared> {
        let (id, peer) = (handle.to_vec(), point::bytes(peer));
        self.ask(move |session| agree(session, &id, &peer))
    }

    fn destroy<'a>(&'a self, handle: &'a [u8]) -> Answering<'a, ()> {
        let id = handle.to_vec();
        self.ask(move |session| {
            for object in session.find_objects(&[Attribute::Id(id)]).map_err(unusable)? {
                session.destroy_object(object).map_err(unusable)?;
            }
            Ok(())
        })
    }
}

fn session(module: &Path, token: &str, pin: &str) -> Result<Option<Session>, cryptoki::error::Error> {
    let module = Pkcs11::new(module)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    for slot in module.get_slots_with_token()? {
        if module.get_token_info(slot)?.label() == token {
            let session = module.open_rw_session(slot)?;
            session.login(UserType::User, Some(&AuthPin::new(pin.into())))?;
            return Ok(Some(session));
        }
    }
    Ok(None)
}

fn create(session: &Session, id: &[u8; ID]) -> Result<NewKey, PlaceError> {
    let common = [Attribute::Token(true), Attribute::Id(id.to_vec()), Attribute::Label(LABEL.to_vec())];
    let of_public = [Attribute::Private(false), Attribute::EcParams(P256.to_vec())];
    let of_private = [
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(true),
        Attribute::Sign(false),
    ];
    let (public, _) = session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &[&common[..], &of_public].concat(),
            &[&common[..], &of_private].concat(),
        )
        .map_err(unusable)?;
    let found = session.get_attributes(public, &[AttributeType::EcPoint]).map_err(unusable)?;
    let Some(Attribute::EcPoint(encoded)) = found.first() else { return Err(unusable("it made no point")) };
    // An OCTET STRING with the point in it; some modules leave the wrapping out.
    let bytes = encoded.strip_prefix(&[0x04, 0x41]).unwrap_or(encoded);
    let public = point::parse(bytes).ok_or_else(|| unusable("it made a key that is none of P-256"))?;
    Ok(NewKey { public, handle: Zeroizing::new(id.to_vec()) })
}

fn agree(session: &Session, id: &[u8], peer: &[u8; point::POINT]) -> Result<Shared, PlaceError> {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
    let found = session.find_objects(&wanted).map_err(unusable)?;
    let private = found.first().ok_or_else(|| unusable("the key is not in it any more"))?;
    let parameters = Ecdh1DeriveParams::new(EcKdf::null(), peer);
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::Token(false),
    ];
    let derived = session.derive_key(&Mechanism::Ecdh1Derive(parameters), *private, &template);
    let derived = derived.map_err(unusable)?;
    let shared = value(session, derived);
    session.destroy_object(derived).map_err(unusable)?;
    shared
}

/// The x-coordinate, which the module gave the form of a key.
fn value(session: &Session, derived: ObjectHandle) -> Result<Shared, PlaceError> {
    let found = session.get_attributes(derived, &[AttributeType::Value]).map_err(unusable)?;
    let Some(Attribute::Value(value)) = found.into_iter().next() else {
        return Err(unusable("it does not show what it derived"));
    };
    let value = Zeroizing::new(value);
    let shared = value.as_slice().try_into().map_err(|_| unusable("what it derived has another length"))?;
    Ok(Zeroizing::new(shared))
}

fn unusable(why: impl std::fmt::Display) -> PlaceError {
    PlaceError(format!("the key of the PIN reset service in the security module cannot be used: {why}"))
}
