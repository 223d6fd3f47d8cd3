//! A recovery between its request and the service's answer.

use rand_core::CryptoRng;

use super::blind_p256::{self, Blinding};
use super::hpke_p256::AnswerKey;
use super::protector::Details;
use super::{RecoveryAnswer, RecoveryProtocol, RecoveryPurpose, RecoveryRequest};
use crate::compartment::CompartmentId;
use crate::secret::Secret32;

/// Domain of the service's answer.
pub(super) const ANSWER_INFO: &[u8] = b"latchkey pin reset answer 1";

/// Holds what alone opens the answer. Not `Clone`, wiped on drop, never printed.
pub struct PendingRecovery {
    compartment: CompartmentId,
    protector_version: u64,
    purpose: RecoveryPurpose,
    answer_key: AnswerKey,
    blinding: Option<Blinding>,
}

impl PendingRecovery {
    /// Begins a recovery; `None` when the record does not hold what it should.
    pub(crate) fn begin(
        details: &Details,
        compartment: CompartmentId,
        purpose: RecoveryPurpose,
        rng: &mut dyn CryptoRng,
    ) -> Option<(RecoveryRequest, Self)> {
        let (answer_key, response_key) = AnswerKey::generate(rng);
        let (blinding, blinded) = match details.service.protocol() {
            RecoveryProtocol::Hpke => (None, None),
            RecoveryProtocol::Blind => {
                let (kept, _, _) = details.part(compartment, purpose);
                let (blinding, blinded) = blind_p256::blind(kept, rng)?;
                (Some(blinding), Some(blinded))
            }
        };
        let protected_secret = details.envelope(compartment);
        Some((
            RecoveryRequest { protected_secret, response_key, blinded },
            Self { compartment, protector_version: details.version(), purpose, answer_key, blinding },
        ))
    }

    /// The secret in the answer; `None` for every answer that is not to this request, or not by the pinned service.
    pub(crate) fn secret(&self, details: &Details, answer: &RecoveryAnswer) -> Option<Secret32> {
        let opened = self.answer_key.open(ANSWER_INFO, &answer.request_hash, &answer.sealed)?;
        match &self.blinding {
            None => Some(Secret32::new(*<&[u8; 32]>::try_from(opened.as_slice()).ok()?)),
            Some(blinding) => {
                let (_, point, bound_to) = details.part(self.compartment, self.purpose);
                blinding.recover(point, bound_to.as_bytes(), &opened)
            }
        }
    }

    pub(crate) const fn compartment(&self) -> CompartmentId {
        self.compartment
    }

    pub(crate) const fn protector_version(&self) -> u64 {
        self.protector_version
    }
}

impl std::fmt::Debug for PendingRecovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingRecovery")
            .field("compartment", &self.compartment)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
