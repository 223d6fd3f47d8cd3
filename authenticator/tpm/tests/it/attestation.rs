//! Whether a stranger can believe what the TPM says about its keys: the verifier is played here, without a TPM.

pub mod verifier;

use latchkey_container::tpm::{
    CreatedAttestationKey, CredentialChallenge, DeviceKeys, KeyAlgorithm, KeyBlob, PinSlot, Tpm, TpmError,
};
use latchkey_tpm::DeviceTpm;
use p256::ecdsa::signature::Verifier;
use sha2::{Digest, Sha256};

use crate::providers::{Device, Provider, Software, auth, index};
use verifier::{PublicArea, attested_name, attested_qualifying, ecdsa_signature, make_credential, name};

/// The endorsement authorisation's policy (TCG EK Credential Profile §B.6.2, `PolicyA` with SHA-256).
const POLICY_A: [u8; 8] = [0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8];
/// `TPMA_OBJECT` (TPM 2.0 Part 2 §8.3).
const FIXED_TPM: u32 = 1 << 1;
const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
const RESTRICTED: u32 = 1 << 16;
const DECRYPT: u32 = 1 << 17;
const SIGN: u32 = 1 << 18;

fn attestation_key(tpm: &mut DeviceTpm) -> CreatedAttestationKey {
    tpm.create_attestation_key(&auth(0xA1)).expect("an attestation key")
}

#[test]
fn the_endorsement_key_is_the_one_that_the_maker_certified() {
    let device = Device::certified();
    let endorsement = device.open_device().endorsement().expect("answered").expect("a TPM attests");
    let public = PublicArea::parse(&endorsement.public_area);
    assert_eq!(public.attributes & (FIXED_TPM | SENSITIVE_DATA_ORIGIN), FIXED_TPM | SENSITIVE_DATA_ORIGIN);
    assert_eq!(public.attributes & (RESTRICTED | DECRYPT | SIGN), RESTRICTED | DECRYPT);
    assert_eq!(public.policy[..8], POLICY_A);
    let certificate = endorsement.certificate.expect("swtpm_setup wrote one");
    assert!(
        certificate.windows(256).any(|window| window == public.rsa_modulus()),
        "the certificate is about this key"
    );
    assert!(device.maker().contains("BEGIN CERTIFICATE"));
    let again = device.open_device().endorsement().expect("answered").expect("a TPM attests");
    assert_eq!(again.public_area, endorsement.public_area, "the same after a restart");
}

#[test]
fn a_tpm_without_a_certificate_has_an_endorsement_key_all_the_same() {
    let endorsement = Device::new().open_device().endorsement().expect("answered").expect("a TPM attests");
    assert_eq!(endorsement.certificate, None);
    assert_eq!(PublicArea::parse(&endorsement.public_area).policy[..8], POLICY_A);
}

#[test]
fn without_a_tpm_nothing_is_attested() {
    let mut tpm = Software::new(1).open();
    assert_eq!(tpm.endorsement(), Ok(None));
    assert_eq!(tpm.create_attestation_key(&auth(1)).err(), Some(TpmError::NoAttestation));
    let key = tpm.create_key(KeyAlgorithm::Rs256, &auth(2)).expect("a key");
    let challenge = CredentialChallenge { credential_blob: Vec::new(), secret: Vec::new() };
    let opened = tpm.activate_credential(&key.blob, &auth(2), &challenge);
    assert_eq!(opened.err(), Some(TpmError::NoAttestation));
    let certified = tpm.certify((&key.blob, &auth(2)), (&key.blob, &auth(2)), &[0; 32]);
    assert_eq!(certified.err(), Some(TpmError::NoAttestation));
}

#[test]
fn a_challenge_opens_in_the_tpm_that_holds_both_keys() {
    let (device, elsewhere) = (Device::certified(), Device::new());
    let (mut tpm, mut stranger) = (device.open_device(), elsewhere.open_device());
    let endorsement = tpm.endorsement().expect("answered").expect("a TPM attests").public_area;
    let key = attestation_key(&mut tpm);
    let challenge = make_credential(&endorsement, &name(&key.public_area), &[0xC5; 32]);
    let opened = tpm.activate_credential(&key.blob, &auth(0xA1), &challenge).expect("opened");
    assert_eq!(**opened, [0xC5; 32]);

    let other_key = attestation_key(&mut tpm);
    let theirs = stranger.endorsement().expect("answered").expect("a TPM attests").public_area;
    let refused: Vec<(&str, &KeyBlob, CredentialChallenge)> = vec![
        ("to another attestation key", &other_key.blob, challenge.clone()),
        ("to another TPM", &key.blob, make_credential(&theirs, &name(&key.public_area), &[0xC5; 32])),
        ("cut short", &key.blob, cut(&challenge)),
        ("changed", &key.blob, changed(&challenge)),
        ("empty", &key.blob, CredentialChallenge { credential_blob: Vec::new(), secret: Vec::new() }),
    ];
    for (what, blob, challenge) in refused {
        let opened = tpm.activate_credential(blob, &auth(0xA1), &challenge);
        assert_eq!(opened.err(), Some(TpmError::BadCiphertext), "{what}");
    }
    let wrong = tpm.activate_credential(&key.blob, &auth(0xA2), &challenge);
    assert_eq!(wrong.err(), Some(TpmError::WrongAuth));
    let foreign = stranger.activate_credential(&key.blob, &auth(0xA1), &challenge);
    assert_eq!(foreign.err(), Some(TpmError::ForeignBlob));
    tpm.activate_credential(&key.blob, &auth(0xA1), &challenge).expect("nothing was disturbed");
}

fn cut(challenge: &CredentialChallenge) -> CredentialChallenge {
    let mut cut = challenge.clone();
    cut.credential_blob.pop();
    cut
}

fn changed(challenge: &CredentialChallenge) -> CredentialChallenge {
    let mut changed = challenge.clone();
    *changed.credential_blob.last_mut().expect("not empty") ^= 1;
    changed
}

/// Whatever was loaded or saved in the TPM before: after its reset it is made or loaded anew.
#[test]
fn a_restart_in_the_middle_of_an_attestation_goes_unnoticed() {
    let mut device = Device::new();
    let mut tpm = device.open_device();
    let endorsement = tpm.endorsement().expect("answered").expect("a TPM attests").public_area;
    let signer = attestation_key(&mut tpm);
    let challenge = make_credential(&endorsement, &name(&signer.public_area), &[0xC5; 32]);
    for _ in 0..2 {
        device.swtpm.restart();
        let opened = tpm.activate_credential(&signer.blob, &auth(0xA1), &challenge).expect("opened");
        assert_eq!(**opened, [0xC5; 32]);
        tpm.certify((&signer.blob, &auth(0xA1)), (&signer.blob, &auth(0xA1)), &[7; 32]).expect("certified");
        device.swtpm.restart();
        tpm.certify((&signer.blob, &auth(0xA1)), (&signer.blob, &auth(0xA1)), &[7; 32]).expect("certified");
    }
}

#[test]
fn what_is_certified_verifies_without_the_tpm() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let signer = attestation_key(&mut tpm);
    let signer_area = PublicArea::parse(&signer.public_area);
    assert_eq!(
        signer_area.attributes & (FIXED_TPM | RESTRICTED | SIGN | DECRYPT),
        FIXED_TPM | RESTRICTED | SIGN
    );
    let keys = [
        (tpm.create_key(KeyAlgorithm::Rs256, &auth(2)).expect("a device key").blob, SIGN),
        (tpm.create_key(KeyAlgorithm::Es256, &auth(2)).expect("a user key").blob, SIGN),
        (tpm.create_transport_key(&auth(2)).expect("a transport key").blob, DECRYPT),
    ];
    for (n, (key, use_of_key)) in (0_u8..).zip(&keys) {
        // A loaded key must not be in the way.
        let hot = tpm.create_key(KeyAlgorithm::Es256, &auth(9)).expect("a key");
        tpm.sign(&hot.blob, &auth(9), &[1; 32]).expect("signed");
        let certified =
            tpm.certify((&signer.blob, &auth(0xA1)), (key, &auth(2)), &[n; 32]).expect("certified");

        let signature = ecdsa_signature(&certified.signature);
        signer_area.p256().verify(&certified.attest, &signature).expect("the attestation key signed it");
        assert_eq!(attested_qualifying(&certified.attest), [n; 32]);
        assert_eq!(attested_name(&certified.attest), name(&certified.public_area));
        let area = PublicArea::parse(&certified.public_area);
        let fixed = FIXED_TPM | SENSITIVE_DATA_ORIGIN;
        assert_eq!(area.attributes & (fixed | RESTRICTED | SIGN | DECRYPT), fixed | use_of_key);
    }
}

#[test]
fn the_certified_public_area_is_the_keys_own() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let signer = attestation_key(&mut tpm);
    let key = tpm.create_key(KeyAlgorithm::Es256, &auth(2)).expect("a key");
    let certified =
        tpm.certify((&signer.blob, &auth(0xA1)), (&key.blob, &auth(2)), &[7; 32]).expect("certified");
    let digest: [u8; 32] = Sha256::digest(b"message").into();
    let der = tpm.sign(&key.blob, &auth(2), &digest).expect("signed");
    let signature = p256::ecdsa::Signature::from_der(&der).expect("DER");
    PublicArea::parse(&certified.public_area).p256().verify(b"message", &signature).expect("one key");
}

#[test]
fn certifying_needs_both_values_and_both_keys() {
    let (device, elsewhere) = (Device::new(), Device::new());
    let (mut tpm, mut stranger) = (device.open_device(), elsewhere.open_device());
    let signer = attestation_key(&mut tpm);
    let key = tpm.create_key(KeyAlgorithm::Rs256, &auth(2)).expect("a key");
    let foreign = stranger.create_key(KeyAlgorithm::Rs256, &auth(2)).expect("a key");
    let good = (&signer.blob, &auth(0xA1));
    // More failures than a TPM has slots and sessions: none leaves anything behind.
    for _ in 0..4 {
        let wrong_key = tpm.certify(good, (&key.blob, &auth(3)), &[0; 32]);
        assert_eq!(wrong_key.err(), Some(TpmError::WrongAuth));
        let wrong_signer = tpm.certify((&signer.blob, &auth(0xA2)), (&key.blob, &auth(2)), &[0; 32]);
        assert_eq!(wrong_signer.err(), Some(TpmError::WrongAuth));
        let other_tpm = tpm.certify(good, (&foreign.blob, &auth(2)), &[0; 32]);
        assert_eq!(other_tpm.err(), Some(TpmError::ForeignBlob));
    }
    tpm.certify(good, (&key.blob, &auth(2)), &[0; 32]).expect("certified");
}

/// What makes the rest worth anything: the key signs nothing that comes from outside the TPM.
#[test]
fn an_attestation_key_signs_nothing_else() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let signer = attestation_key(&mut tpm);
    for _ in 0..4 {
        let refused = tpm.sign(&signer.blob, &auth(0xA1), &[1; 32]);
        assert!(matches!(refused, Err(TpmError::Unexpected(_))), "{refused:?}");
    }
}

#[test]
fn an_endorsement_hierarchy_with_a_value_is_named() {
    let device = Device::new();
    let mut tpm = device.open_device();
    let key = attestation_key(&mut tpm);
    let endorsement = tpm.endorsement().expect("answered").expect("a TPM attests").public_area;
    let challenge = make_credential(&endorsement, &name(&key.public_area), &[1; 32]);
    crate::device::tpm2(&device, "tpm2_changeauth", &["-c", "endorsement", "secret"]);
    assert_eq!(tpm.endorsement(), Err(TpmError::EndorsementAuth));
    let refused = tpm.activate_credential(&key.blob, &auth(0xA1), &challenge);
    assert_eq!(refused.err(), Some(TpmError::EndorsementAuth));
    let admin = tpm.create_admin_key(&auth(0xAD)).expect("the rest works");
    tpm.define_pin_index(index(PinSlot::A, &admin), &auth(1), 8, &auth(0xAD)).expect("defined");
}
