//! Proof to others that keys live in this TPM: endorsement key, attestation keys, `TPM2_Certify`.

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{
    Certification, CreatedAttestationKey, CredentialChallenge, Endorsement, KeyBlob, TpmError,
};
use tss_esapi::abstraction::ek;
use tss_esapi::handles::{AuthHandle, KeyHandle, NvIndexHandle, NvIndexTpmHandle, TpmHandle};
use tss_esapi::interface_types::algorithm::AsymmetricAlgorithm;
use tss_esapi::interface_types::resource_handles::{Hierarchy, NvAuth};
use tss_esapi::structures::{Data, EncryptedSecret, IdObject, Public, SignatureScheme};
use tss_esapi::traits::Marshall;
use zeroize::Zeroizing;

use super::blob::ObjectBlob;
use super::connection::{Connection, tss_auth};
use super::fault::{Fault, ResponseCode};
use super::pin::policy_secret;
use super::template;

/// Where a TPM keeps the certificate of its endorsement key (TCG EK Credential Profile §2.2.1.4).
const CERTIFICATES: [(AsymmetricAlgorithm, u32); 2] =
    [(AsymmetricAlgorithm::Rsa, 0x01C0_0002), (AsymmetricAlgorithm::Ecc, 0x01C0_000A)];
/// Bytes to read at once: every TPM gives as many.
const READ_LENGTH: u16 = 512;

impl Connection {
    /// The endorsement key and its certificate.
    pub fn endorsement(&mut self) -> Result<Endorsement, Fault> {
        let (algorithm, certificate) = self.endorsement_certificate()?;
        let (key, public) = self.create_endorsement_key(algorithm)?;
        let saved = self.save(key);
        self.flush(key.into());
        self.endorsement_key = Some(saved?);
        Ok(Endorsement { public_area: public.marshall()?, certificate })
    }

    /// Creates an attestation key.
    pub fn create_attestation_key(&mut self, auth: &AuthValue) -> Result<CreatedAttestationKey, Fault> {
        let made = self.create(template::attestation_key()?, Some(auth), None)?;
        Ok(CreatedAttestationKey { blob: KeyBlob(made.encode()?), public_area: made.public.marshall()? })
    }

    /// Opens a challenge to the endorsement key and an attestation key.
    pub fn activate_credential(
        &mut self,
        attestation_key: &KeyBlob,
        auth: &AuthValue,
        challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let credential = sized(&challenge.credential_blob).and_then(|bytes| IdObject::try_from(bytes).ok());
        let secret = sized(&challenge.secret).and_then(|bytes| EncryptedSecret::try_from(bytes).ok());
        let (Some(credential), Some(secret)) = (credential, secret) else {
            return Err(Fault::Known(TpmError::BadCiphertext));
        };
        // Both keys and the parent of one: all the slots that a small TPM has.
        self.forget_keys();
        let endorsement_key = self.load_endorsement_key()?;
        let opened = self.with_key(attestation_key, auth, |connection, key| {
            connection.open_credential(endorsement_key, key, credential, secret)
        });
        self.flush(endorsement_key.into());
        opened
    }

    /// Lets the TPM describe `key`, signed by the attestation key.
    pub fn certify(
        &mut self,
        attestation_key: (&KeyBlob, &AuthValue),
        key: (&KeyBlob, &AuthValue),
        qualifying: &[u8; 32],
    ) -> Result<Certification, Fault> {
        let (object, object_auth) = (ObjectBlob::decode(&key.0.0)?, key.1);
        let public_area = object.public.marshall()?;
        // One statement seldom comes alone, so the attestation key stays loaded. The key that it is about does not: both
        // and their parent are all the slots that a small TPM has.
        self.with_key(attestation_key.0, attestation_key.1, |connection, signer| {
            connection.with_loaded(object, |connection, object| {
                connection.context.tr_set_auth(object.into(), tss_auth(object_auth)?)?;
                let (attest, signature) = connection.certify_loaded(signer, object, qualifying)?;
                Ok(Certification { attest, signature, public_area })
            })
        })
    }

    fn certify_loaded(
        &mut self,
        signer: KeyHandle,
        object: KeyHandle,
        qualifying: &[u8; 32],
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let qualifying = Data::try_from(qualifying.as_slice())?;
        let second = self.start_second()?;
        let certified = self.run_with_second(second, |context| {
            context.certify(object.into(), signer, qualifying, SignatureScheme::Null)
        });
        if certified.is_err() {
            self.flush_session(second);
        }
        let (attest, signature) = certified?;
        Ok((attest.marshall()?, signature.marshall()?))
    }

    /// The endorsement key wants the endorsement hierarchy's authorisation (TCG EK Credential Profile §B.6.2).
    fn open_credential(
        &mut self,
        endorsement_key: KeyHandle,
        attestation_key: KeyHandle,
        credential: IdObject,
        secret: EncryptedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let policy = self.start_policy(false)?;
        let opened = self
            .run(|context| policy_secret(context, policy, AuthHandle::Endorsement))
            .map_err(|fault| fault.if_unauthorised(TpmError::EndorsementAuth))
            .and_then(|()| {
                self.run_with_second(policy.into(), |context| {
                    context.activate_credential(attestation_key, endorsement_key, credential, secret)
                })
                .map_err(|fault| fault.unless_unauthorised(TpmError::BadCiphertext))
            });
        if opened.is_err() {
            self.flush_session(policy.into());
        }
        Ok(Zeroizing::new(opened?.value().to_vec()))
    }

    /// Loads the endorsement key; the caller flushes it. Making it takes a TPM of metal seconds, so what was made in this
    /// connection is loaded again.
    fn load_endorsement_key(&mut self) -> Result<KeyHandle, Fault> {
        match self.endorsement_key.clone().map(|saved| self.load_saved(saved)) {
            // The TPM was reset: with another connection it is made anew.
            Some(Err(Fault::Known(TpmError::ForeignBlob))) => Err(Fault::Lost),
            Some(loaded) => loaded,
            None => {
                let (algorithm, _) = self.endorsement_certificate()?;
                Ok(self.create_endorsement_key(algorithm)?.0)
            }
        }
    }

    /// Makes the endorsement key, which is the same each time; the caller flushes it.
    fn create_endorsement_key(
        &mut self,
        algorithm: AsymmetricAlgorithm,
    ) -> Result<(KeyHandle, Public), Fault> {
        let template = ek::create_ek_public_from_default_template(algorithm, None)?;
        let made = self
            .run(|context| context.create_primary(Hierarchy::Endorsement, template, None, None, None, None))
            .map_err(|fault| fault.if_unauthorised(TpmError::EndorsementAuth))?;
        Ok((made.key_handle, made.out_public))
    }

    /// Which endorsement key the manufacturer has certified, and the certificate. Without one it is the RSA key.
    fn endorsement_certificate(&mut self) -> Result<(AsymmetricAlgorithm, Option<Vec<u8>>), Fault> {
        for (algorithm, index) in CERTIFICATES {
            if let Some(certificate) = self.read_certificate(index)? {
                return Ok((algorithm, Some(certificate)));
            }
        }
        Ok((AsymmetricAlgorithm::Rsa, None))
    }

    fn read_certificate(&mut self, index: u32) -> Result<Option<Vec<u8>>, Fault> {
        let handle = TpmHandle::NvIndex(NvIndexTpmHandle::new(index)?);
        let found = self.context.execute_without_session(|context| context.tr_from_tpm_public(handle));
        let mut object = match found.map_err(Fault::from) {
            Ok(object) => object,
            Err(Fault::Refused(ResponseCode::HANDLE)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let read = self.read_index(object.into());
        self.broken |= self.context.tr_close(&mut object).is_err();
        Ok(read?.as_deref().and_then(der_object).map(<[u8]>::to_vec))
    }

    /// The whole content of an index, `None` when it is empty or not for us.
    fn read_index(&mut self, index: NvIndexHandle) -> Result<Option<Vec<u8>>, Fault> {
        let (public, _) = self.context.execute_without_session(|context| context.nv_read_public(index))?;
        let attributes = public.attributes();
        let auth = if attributes.auth_read() {
            NvAuth::NvIndex(index)
        } else if attributes.owner_read() {
            NvAuth::Owner
        } else {
            return Ok(None);
        };
        if !attributes.written() {
            return Ok(None);
        }
        let length = u16::try_from(public.data_size()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(usize::from(length));
        let mut offset = 0;
        while offset < length {
            let size = READ_LENGTH.min(length - offset);
            let chunk = self
                .run(|context| context.nv_read(auth, index, size, offset))
                .map_err(|fault| fault.if_unauthorised(TpmError::OwnerAuth))?;
            bytes.extend_from_slice(chunk.value());
            offset += size;
        }
        Ok(Some(bytes))
    }
}

/// What a `TPM2B` structure holds, when its size is right.
fn sized(structure: &[u8]) -> Option<&[u8]> {
    let (size, content) = structure.split_first_chunk::<2>()?;
    (usize::from(u16::from_be_bytes(*size)) == content.len()).then_some(content)
}

/// The certificate at the start of an index, which may be larger than it. Certificates have 256 bytes or more, so their
/// length has two bytes (X.690 §8.1.3.5).
fn der_object(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.strip_prefix(&[0x30, 0x82])?.first_chunk::<2>()?;
    bytes.get(..4 + usize::from(u16::from_be_bytes(*length)))
}
