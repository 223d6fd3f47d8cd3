//! The container's keys in COSE's words.

use latchkey_container::tpm::{KeyAlgorithm, PublicKey};
use latchkey_container::{PasskeyAlgorithm, PasskeyPublicKey, SealedAlgorithm};
use latchkey_protocol::cose::CoseKey;
use latchkey_protocol::{Algorithm, CredentialParameter};

use crate::engine::Authenticator;
use crate::status::Failure;

impl Authenticator {
    /// What can be made here, our own preference first; a request's order goes before it. Keys of the device come before
    /// those that are merely sealed, and last what an administrator must allow.
    pub(crate) fn algorithms(&self) -> Vec<PasskeyAlgorithm> {
        let device = self.container.device_algorithms().iter().copied().map(PasskeyAlgorithm::DeviceBound);
        let sealed = [SealedAlgorithm::Ed25519].into_iter();
        let allowed = self.policy.ml_dsa_44.then_some(SealedAlgorithm::MlDsa44);
        device.chain(sealed.chain(allowed).map(PasskeyAlgorithm::Sealed)).collect()
    }

    /// Step 3 of makeCredential (CTAP 2.3 §6.1.2): the first algorithm of the request that can be made here.
    pub(crate) fn chosen_algorithm(
        &self,
        parameters: &[CredentialParameter],
    ) -> Result<PasskeyAlgorithm, Failure> {
        let ours = self.algorithms();
        let made = |wanted: Algorithm| ours.iter().copied().find(|one| cose_algorithm(*one) == wanted);
        let mut known = parameters.iter().filter(|parameter| parameter.is_public_key());
        known.find_map(|parameter| made(parameter.alg)).ok_or(Failure::UnsupportedAlgorithm)
    }
}

pub(crate) const fn cose_algorithm(algorithm: PasskeyAlgorithm) -> Algorithm {
    match algorithm {
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es256) => Algorithm::ES256,
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es384) => Algorithm::ES384,
        PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Rs256) => Algorithm::RS256,
        PasskeyAlgorithm::Sealed(SealedAlgorithm::Ed25519) => Algorithm::EDDSA,
        PasskeyAlgorithm::Sealed(SealedAlgorithm::MlDsa44) => Algorithm::ML_DSA_44,
    }
}

/// A point on P-256 as SEC1 writes it, uncompressed.
pub(crate) fn sec1_point(key: &PublicKey) -> Option<[u8; 65]> {
    let PublicKey::P256 { x, y } = key else { return None };
    let mut point = [4; 65];
    for (to, from) in point.iter_mut().skip(1).zip(x.iter().chain(y)) {
        *to = *from;
    }
    Some(point)
}

pub(crate) fn cose_key(key: &PasskeyPublicKey) -> CoseKey {
    match key {
        PasskeyPublicKey::DeviceBound(PublicKey::P256 { x, y }) => CoseKey::P256 { x: *x, y: *y },
        PasskeyPublicKey::DeviceBound(PublicKey::P384 { x, y }) => CoseKey::P384 { x: *x, y: *y },
        PasskeyPublicKey::DeviceBound(PublicKey::Rsa { modulus, exponent }) => CoseKey::Rsa {
            n: modulus.clone(),
            e: exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect(),
        },
        PasskeyPublicKey::Ed25519(x) => CoseKey::Ed25519 { x: *x },
        PasskeyPublicKey::MlDsa44(key) => CoseKey::MlDsa44 { key: key.clone() },
    }
}
