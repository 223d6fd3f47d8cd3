//! The public areas of the objects we make, and the policies that guard them, computed without asking the TPM.

use sha2::{Digest as _, Sha256};
use tss_esapi::Result;
use tss_esapi::attributes::{NvIndexAttributes, ObjectAttributes, ObjectAttributesBuilder};
use tss_esapi::constants::NvIndexType;
use tss_esapi::constants::tss::{TPM2_ALG_SHA256, TPM2_CC_PolicyAuthValue, TPM2_CC_PolicySecret};
use tss_esapi::handles::NvIndexTpmHandle;
use tss_esapi::interface_types::algorithm::{HashingAlgorithm, PublicAlgorithm};
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::key_bits::RsaKeyBits;
use tss_esapi::structures::{
    Digest, EccParameter, EccPoint, EccScheme, HashScheme, KeyDerivationFunctionScheme, KeyedHashScheme,
    NvPublic, Public, PublicBuilder, PublicEccParameters, PublicKeyRsa, PublicKeyedHashParameters,
    PublicRsaParameters, RsaExponent, RsaScheme, SymmetricDefinitionObject,
};
use tss_esapi::traits::Marshall;
use tss_esapi::tss2_esys::TPM2B_NV_PUBLIC;

use latchkey_container::tpm::KeyAlgorithm;

/// The bytes of a PIN index: `pinCount` and `pinLimit` (TPM 2.0 Part 2 §13.3, `TPMS_NV_PIN_COUNTER_PARAMETERS`).
pub const PIN_INDEX_LENGTH: u16 = 8;
/// The bytes of a number modulo an RSA-2048 key.
pub const RSA_BYTES: usize = 256;

/// The storage root key: ECC P-256, AES-128-CFB, unique fields of 32 zero bytes
/// (TCG TPM v2.0 Provisioning Guidance §7.5.1).
pub fn storage_root() -> Result<Public> {
    let zeros = EccPoint::new(EccParameter::try_from(vec![0; 32])?, EccParameter::try_from(vec![0; 32])?);
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(
            fixed()
                .with_sensitive_data_origin(true)
                .with_user_with_auth(true)
                .with_no_da(true)
                .with_restricted(true)
                .with_decrypt(true)
                .build()?,
        )
        .with_ecc_parameters(PublicEccParameters::new(
            SymmetricDefinitionObject::AES_128_CFB,
            EccScheme::Null,
            EccCurve::NistP256,
            KeyDerivationFunctionScheme::Null,
        ))
        .with_ecc_unique_identifier(zeros)
        .build()
}

/// Whether `public` can be the parent of what we make, and cannot leave its TPM.
pub fn is_storage_root(public: &Public) -> bool {
    let attributes = public.object_attributes();
    attributes.fixed_tpm() && attributes.fixed_parent() && attributes.restricted() && attributes.decrypt()
}

/// A user key: signs any digest under its authorisation value, never leaves the TPM. It names no scheme, which goes with
/// each signature: verifiers of WebAuthn's format "tpm" read no public area that has one.
pub fn user_key(algorithm: KeyAlgorithm) -> Result<Public> {
    let builder = PublicBuilder::new()
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(signing().build()?);
    let on = |curve| {
        PublicEccParameters::new(
            SymmetricDefinitionObject::Null,
            EccScheme::Null,
            curve,
            KeyDerivationFunctionScheme::Null,
        )
    };
    match algorithm {
        KeyAlgorithm::Es256 => builder
            .with_public_algorithm(PublicAlgorithm::Ecc)
            .with_ecc_parameters(on(EccCurve::NistP256))
            .with_ecc_unique_identifier(EccPoint::default()),
        KeyAlgorithm::Es384 => builder
            .with_public_algorithm(PublicAlgorithm::Ecc)
            .with_ecc_parameters(on(EccCurve::NistP384))
            .with_ecc_unique_identifier(EccPoint::default()),
        KeyAlgorithm::Rs256 => builder
            .with_public_algorithm(PublicAlgorithm::Rsa)
            .with_rsa_parameters(PublicRsaParameters::new(
                SymmetricDefinitionObject::Null,
                RsaScheme::Null,
                RsaKeyBits::Rsa2048,
                RsaExponent::default(),
            ))
            .with_rsa_unique_identifier(PublicKeyRsa::default()),
    }
    .build()
}

/// A transport key: decrypts RSAES-OAEP with SHA-1 (RFC 8017 §7.1) under its authorisation value, never leaves the TPM.
pub fn transport_key() -> Result<Public> {
    let attributes = fixed()
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_decrypt(true);
    PublicBuilder::new()
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes.build()?)
        .with_public_algorithm(PublicAlgorithm::Rsa)
        .with_rsa_parameters(PublicRsaParameters::new(
            SymmetricDefinitionObject::Null,
            RsaScheme::Oaep(HashScheme::new(HashingAlgorithm::Sha1)),
            RsaKeyBits::Rsa2048,
            RsaExponent::default(),
        ))
        .with_rsa_unique_identifier(PublicKeyRsa::default())
        .build()
}

/// An attestation key: signs only what the TPM itself has written (`restricted`), never leaves the TPM.
pub fn attestation_key() -> Result<Public> {
    PublicBuilder::new()
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(signing().with_restricted(true).build()?)
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_ecc_parameters(PublicEccParameters::new(
            SymmetricDefinitionObject::Null,
            EccScheme::EcDsa(HashScheme::new(HashingAlgorithm::Sha256)),
            EccCurve::NistP256,
            KeyDerivationFunctionScheme::Null,
        ))
        .with_ecc_unique_identifier(EccPoint::default())
        .build()
}

/// The administrative key: an HMAC key, because the TPM wants every object to be something; only its authorisation
/// value is ever used.
pub fn admin_key() -> Result<Public> {
    keyed_hash(signing().build()?, KeyedHashScheme::HMAC_SHA_256, Digest::default())
}

/// A sealed secret that this TPM opens under its authorisation value alone, which may be empty.
pub fn open_secret() -> Result<Public> {
    let attributes = fixed().with_user_with_auth(true).with_no_da(true).build()?;
    keyed_hash(attributes, KeyedHashScheme::Null, Digest::default())
}

/// A sealed secret that only `policy` opens, with dictionary-attack protection.
pub fn sealed_secret(policy: Digest) -> Result<Public> {
    keyed_hash(fixed().build()?, KeyedHashScheme::Null, policy)
}

/// The PIN index: the TPM counts wrong authorisations and refuses at the limit (TPM 2.0 Part 1 §37.2.8).
/// Only `write_policy` can write it; `AUTHREAD` is what lets `PolicySecret` use its authorisation value. The TPM sets
/// `written` at the first write.
pub fn pin_index(handle: NvIndexTpmHandle, write_policy: Digest, written: bool) -> Result<NvPublic> {
    NvPublic::builder()
        .with_nv_index(handle)
        .with_index_name_algorithm(HashingAlgorithm::Sha256)
        .with_index_attributes(pin_index_attributes(written)?)
        .with_index_auth_policy(write_policy)
        .with_data_area_size(usize::from(PIN_INDEX_LENGTH))
        .build()
}

/// Whether somebody's index has the shape of our PIN indices, whatever its policy.
pub fn is_pin_index(public: &NvPublic) -> bool {
    let is = |written| pin_index_attributes(written).is_ok_and(|ours| ours == public.attributes());
    public.data_size() == usize::from(PIN_INDEX_LENGTH) && (is(true) || is(false))
}

fn pin_index_attributes(written: bool) -> Result<NvIndexAttributes> {
    NvIndexAttributes::builder()
        .with_nv_index_type(NvIndexType::PinFail)
        .with_policy_write(true)
        .with_auth_read(true)
        .with_owner_read(true)
        .with_no_da(true)
        .with_written(written)
        .build()
}

/// The Name of an object (TPM 2.0 Part 1 §16): the hash algorithm, and the hash of the public area.
pub fn object_name(public: &Public) -> Result<Vec<u8>> {
    Ok(name(&public.marshall()?))
}

/// The Name of an NV index (TPM 2.0 Part 1 §16), over its `TPMS_NV_PUBLIC` (Part 2 §13.6).
pub fn index_name(public: &NvPublic) -> Result<Vec<u8>> {
    let area = TPM2B_NV_PUBLIC::try_from(public.clone())?.nvPublic;
    let policy = public.authorization_policy().value();
    let mut bytes = area.nvIndex.to_be_bytes().to_vec();
    bytes.extend_from_slice(&area.nameAlg.to_be_bytes());
    bytes.extend_from_slice(&area.attributes.to_be_bytes());
    bytes.extend_from_slice(&area.authPolicy.size.to_be_bytes());
    bytes.extend_from_slice(policy);
    bytes.extend_from_slice(&area.dataSize.to_be_bytes());
    Ok(name(&bytes))
}

fn name(public_area: &[u8]) -> Vec<u8> {
    let mut name = TPM2_ALG_SHA256.to_be_bytes().to_vec();
    name.extend_from_slice(&Sha256::digest(public_area));
    name
}

/// `PolicySecret(name)`: the policy that lets the administrative key write the PIN index.
pub fn secret_policy(name: &[u8]) -> Result<Digest> {
    Digest::try_from(after_policy_secret(name).to_vec())
}

/// `PolicySecret(name)` and then `PolicyAuthValue`: the policy of a sealed secret.
pub fn secret_and_auth_policy(name: &[u8]) -> Result<Digest> {
    let digest = Sha256::new()
        .chain_update(after_policy_secret(name))
        .chain_update(TPM2_CC_PolicyAuthValue.to_be_bytes())
        .finalize();
    Digest::try_from(digest.to_vec())
}

/// TPM 2.0 Part 3 §23.4 with an empty `policyRef`: two extends, the second of nothing.
fn after_policy_secret(name: &[u8]) -> [u8; 32] {
    let first = Sha256::new()
        .chain_update([0; 32])
        .chain_update(TPM2_CC_PolicySecret.to_be_bytes())
        .chain_update(name);
    Sha256::digest(first.finalize()).into()
}

fn fixed() -> ObjectAttributesBuilder {
    ObjectAttributesBuilder::new().with_fixed_tpm(true).with_fixed_parent(true)
}

fn signing() -> ObjectAttributesBuilder {
    fixed()
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_sign_encrypt(true)
}

fn keyed_hash(attributes: ObjectAttributes, scheme: KeyedHashScheme, policy: Digest) -> Result<Public> {
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy)
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(scheme))
        .with_keyed_hash_unique_identifier(Digest::default())
        .build()
}
