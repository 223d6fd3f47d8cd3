//! Attestation (CTAP 2.3 §6.1.2 steps 9 and 17, §7.1; WebAuthn L3 §8): which statement a registration gets, and who
//! signs it.
//!
//! | statement | who gets it |
//! |---|---|
//! | none | who prefers it |
//! | tpm | relying parties on an organisation's list that prefer it, and enterprise attestation |
//! | packed, by the passkey itself | everybody else |
//! | packed, with the certificate of the installation | the same, where an administrator wants it |
//!
//! The certificate in a tpm statement is one device's, so two relying parties that get one can tell that they know the
//! same device; so can all that get the installation's. Self attestation tells the model and nothing else.

mod installation;

use latchkey_container::tpm::{TpmClass, TpmError};
use latchkey_container::{Access, CompartmentId, Error as ContainerError, Passkey, PasskeyAlgorithm};
use latchkey_protocol::Algorithm;
use latchkey_protocol::attestation::{AttestationStatement, TpmStatement};
use latchkey_protocol::make_credential::{Request, Response};
use sha2::{Digest, Sha256};

use crate::engine::Authenticator;
use crate::keys::cose_algorithm;
use crate::policy::{Organisation, Policy};
use crate::status::Failure;
use crate::step::Ambient;

const NONE: &str = "none";
const PACKED: &str = "packed";
const TPM: &str = "tpm";

/// `enterpriseAttestation` of a request (CTAP 2.3 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enterprise {
    /// 1: for the relying parties that the authenticator itself has on a list.
    VendorFacilitated,
    /// 2: the platform has the list.
    PlatformManaged,
}

/// Who signs a statement.
enum Signer {
    /// Nobody.
    Nobody,
    /// The passkey.
    Itself,
    /// The key of this installation, with its certificate.
    Installation,
    /// The attestation key of this compartment, with its certificates.
    Organisation(CompartmentId, Vec<Vec<u8>>),
}

impl Authenticator {
    /// Takes the decisions of administrators, in place of those before.
    pub fn follow(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The formats that can be had here, the one for everybody first (getInfo 0x16). "none" is never named (§6.4).
    pub(crate) fn attestation_formats(&self) -> Vec<String> {
        let tpm = self.can_attest_enterprise().then_some(TPM);
        [PACKED].into_iter().chain(tpm).map(str::to_owned).collect()
    }

    /// Whether there is an attestation that names this device: a TPM, and an organisation that certified its key.
    pub(crate) fn can_attest_enterprise(&self) -> bool {
        match self.container.class() {
            TpmClass::Hardware | TpmClass::Virtual => !self.policy.organisations.is_empty(),
            TpmClass::Software => false,
        }
    }

    /// Step 9: refused unless enterprise attestation can be given and was switched on (authenticatorConfig 0x01).
    pub(crate) fn enterprise(&self, requested: Option<u64>) -> Result<Option<Enterprise>, Failure> {
        let Some(requested) = requested else { return Ok(None) };
        if !self.can_attest_enterprise() || !self.container.settings().enterprise_attestation {
            return Err(Failure::BadParameter);
        }
        match requested {
            1 => Ok(Some(Enterprise::VendorFacilitated)),
            2 => Ok(Some(Enterprise::PlatformManaged)),
            _ => Err(Failure::InvalidOption),
        }
    }

    /// Steps 17 to 19: the response for a new passkey and its authenticator data.
    pub(crate) fn attest(
        &mut self,
        request: &Request,
        enterprise: Option<Enterprise>,
        passkey: &Passkey,
        auth_data: Vec<u8>,
        access: Access<'_>,
        ambient: &mut Ambient<'_>,
    ) -> Result<Response, Failure> {
        let named = self.named_by(request, enterprise, passkey.algorithm);
        let (signer, is_enterprise) = match named {
            Some(organisation) => (Signer::from(organisation), true),
            None => (self.preferred(request, passkey.algorithm), false),
        };
        let message: [&[u8]; 2] = [&auth_data, &request.client_data_hash];
        let statement = match signer {
            Signer::Nobody => AttestationStatement::None,
            Signer::Itself => AttestationStatement::PackedSelf {
                alg: cose_algorithm(passkey.algorithm),
                sig: self.container.sign(access, passkey, &message)?.bytes,
            },
            Signer::Installation => self.vouched_for(&message, ambient)?,
            Signer::Organisation(compartment, x5c) => {
                self.certified(access, passkey, compartment, x5c, &message)?
            }
        };
        let mut response = Response::new(auth_data, statement);
        response.enterprise_attestation = is_enterprise.then_some(true);
        Ok(response)
    }

    /// Who vouches under enterprise attestation. A relying party that is on no list, or a key that no TPM has, gets what
    /// it would have got without asking (§7.1.2).
    fn named_by(
        &self,
        request: &Request,
        enterprise: Option<Enterprise>,
        algorithm: PasskeyAlgorithm,
    ) -> Option<&Organisation> {
        if !is_device_bound(algorithm) {
            return None;
        }
        match enterprise? {
            Enterprise::VendorFacilitated => self.policy.lists(&request.rp.id),
            Enterprise::PlatformManaged => {
                self.policy.lists(&request.rp.id).or_else(|| self.policy.organisations.first())
            }
        }
    }

    /// The first format of the preference list that this passkey can have here; where there is none, packed.
    fn preferred(&self, request: &Request, algorithm: PasskeyAlgorithm) -> Signer {
        let organisation = self
            .policy
            .lists(&request.rp.id)
            .filter(|_| self.can_attest_enterprise() && is_device_bound(algorithm));
        let preferred = request.attestation_formats_preference.iter().find_map(|format| {
            match (format.as_str(), organisation) {
                (NONE, _) => Some(Signer::Nobody),
                (PACKED, _) => Some(self.packed()),
                (TPM, Some(organisation)) => Some(Signer::from(organisation)),
                _ => None,
            }
        });
        preferred.unwrap_or_else(|| self.packed())
    }

    const fn packed(&self) -> Signer {
        if self.policy.attestation_certificate { Signer::Installation } else { Signer::Itself }
    }

    /// WebAuthn L3 §8.3.
    fn certified(
        &mut self,
        access: Access<'_>,
        passkey: &Passkey,
        compartment: CompartmentId,
        x5c: Vec<Vec<u8>>,
        message: &[&[u8]; 2],
    ) -> Result<AttestationStatement, Failure> {
        let mut extra_data = Sha256::new();
        for part in message {
            extra_data.update(part);
        }
        let qualifying = extra_data.finalize().into();
        let certification = self.container.certify_passkey(access, passkey, compartment, &qualifying)?;
        // Deviation: WebAuthn L3 §8.3 names the `TPMT_SIGNATURE` itself. Windows' statements, the test vectors of §16 and
        // every verifier have what §6.5.5 says of the algorithm.
        let sig = certification.ecdsa_signature().ok_or_else(|| {
            let text = "with a signature of another kind than the attestation key's".to_owned();
            ContainerError::Tpm(TpmError::Unexpected(text))
        })?;
        let statement = TpmStatement {
            // Every attestation key is one, whatever the passkey is.
            alg: Algorithm::ES256,
            x5c,
            sig,
            cert_info: certification.attest,
            pub_area: certification.public_area,
        };
        Ok(statement.into())
    }
}

impl From<&Organisation> for Signer {
    fn from(organisation: &Organisation) -> Self {
        Self::Organisation(organisation.compartment, organisation.certificates.clone())
    }
}

/// A sealed key has never been in a TPM, so no TPM can say anything of it.
const fn is_device_bound(algorithm: PasskeyAlgorithm) -> bool {
    match algorithm {
        PasskeyAlgorithm::DeviceBound(_) => true,
        PasskeyAlgorithm::Sealed(_) => false,
    }
}
