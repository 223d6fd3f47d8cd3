//! What organisations and this machine's administrator decide about passkeys.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::{CompartmentId, Container};

use super::Refusal;
use super::facts::Facts;
use crate::policy::{LocalPolicy, resolve};

/// An organisation that has certified this device's attestation key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouching {
    /// The compartment with that key.
    pub compartment: CompartmentId,
    /// Its certificate, DER. Its issuer is the root that relying parties know.
    pub certificate: Vec<u8>,
    /// RP IDs of the relying parties that may learn which device this is.
    pub relying_parties: Vec<String>,
}

/// The decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PasskeyRules {
    /// Who vouches for the device, the organisation that was joined first in front.
    pub vouching: Vec<Vouching>,
    /// Whether passkeys may have algorithms that some clients do not know. One organisation that does not say yes is
    /// enough for a no.
    pub post_quantum_algorithms: bool,
    /// Whether one certificate vouches for all passkeys of this installation; decided as the above.
    pub attestation_certificate: bool,
}

impl PasskeyRules {
    /// The rules of now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn of(container: &mut Container, files: &[LocalPolicy]) -> Result<Self, Refusal> {
        let of_machine = resolve(None, files).policy;
        let mut rules = Self {
            vouching: Vec::new(),
            post_quantum_algorithms: of_machine.post_quantum_algorithms,
            attestation_certificate: of_machine.attestation_certificate,
        };
        for found in container.compartments()? {
            let facts = Facts::read(&found.facts)?;
            let Some(document) = &facts.policy else { continue };
            let policy = resolve(Some(document), files).policy;
            rules.post_quantum_algorithms &= policy.post_quantum_algorithms;
            rules.attestation_certificate &= policy.attestation_certificate;
            let certificate =
                facts.device.as_ref().and_then(|device| device.attestation_certificate.as_ref());
            if let Some(certificate) = certificate {
                rules.vouching.push(Vouching {
                    compartment: found.id,
                    certificate: BASE64_STANDARD.decode(certificate).map_err(|_| Refusal::Facts)?,
                    relying_parties: policy.attestation_relying_parties.iter().map(str::to_owned).collect(),
                });
            }
        }
        Ok(rules)
    }
}
