//! `passkey-authenticator` on either of its cryptographic back ends, with its own store in memory.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use passkey::authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod};
use passkey::crypto::CryptoBackend;
use passkey::crypto::aws_lc_rs::AwsLcRsBackend;
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};

use crate::Peer;

/// A user who agrees to everything at once.
struct Agreeing;

#[async_trait::async_trait]
impl UserValidationMethod for Agreeing {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _hint: UiHint<'a, Passkey>,
        presence: bool,
        _verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification: true })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// The authenticator, and what tells its back ends apart.
pub struct PasskeyRs<C>(Authenticator<MemoryStore, Agreeing, C>);

/// A back end with a name.
pub trait Named {
    /// What the peer is called with it.
    const NAME: &'static str;
}

impl Named for AwsLcRsBackend {
    const NAME: &'static str = "passkey 0.6 with aws-lc-rs";
}

impl Named for RustCryptoBackend {
    const NAME: &'static str = "passkey 0.6 with RustCrypto";
}

impl<C: CryptoBackend> PasskeyRs<C> {
    /// Without passkeys.
    pub fn new(backend: C) -> Self {
        Self(Authenticator::new(Aaguid::new_empty(), MemoryStore::new(), Agreeing, backend))
    }
}

impl<C: CryptoBackend + Named> Peer for PasskeyRs<C> {
    const NAME: &'static str = C::NAME;
    const ATTESTATION: &'static str = "none";

    fn make_credential(&mut self, request: &[u8]) -> Vec<u8> {
        let request = ciborium::from_reader(request).expect("passkey reads the request");
        encode(&at_once(self.0.make_credential(request)).expect("passkey registers"))
    }

    fn get_assertion(&mut self, request: &[u8]) -> Vec<u8> {
        let request = ciborium::from_reader(request).expect("passkey reads the request");
        encode(&at_once(self.0.get_assertion(request)).expect("passkey signs"))
    }
}

fn encode(response: &impl serde::Serialize) -> Vec<u8> {
    let mut encoded = Vec::new();
    ciborium::into_writer(response, &mut encoded).expect("passkey's response encodes");
    encoded
}

/// What a future that never waits comes to: nothing here does, and so no executor is in what is measured.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory does not wait"),
    }
}
