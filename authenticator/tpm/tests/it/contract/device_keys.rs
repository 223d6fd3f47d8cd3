//! The transport key, on every provider.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::RsaPublicKeyComponents;

use super::*;

contract!(
    a_transport_key_decrypts,
    a_transport_key_needs_its_auth,
    what_was_not_encrypted_to_it_is_refused,
    transport_keys_and_signing_keys_do_not_stand_in_for_each_other,
);

fn encrypting(public: &PublicKey) -> OaepPublicEncryptingKey {
    let PublicKey::Rsa { modulus, exponent: 65537 } = public else { panic!("an RSA key") };
    let components = RsaPublicKeyComponents { n: modulus.clone(), e: vec![1, 0, 1] };
    let key: PublicEncryptingKey = components.try_into().expect("a key");
    OaepPublicEncryptingKey::new(key).expect("a key")
}

/// `message` as only the transport key reads it.
pub fn encrypted(
    public: &PublicKey,
    algorithm: &'static aws_lc_rs::rsa::OaepAlgorithm,
    message: &[u8],
) -> Vec<u8> {
    let key = encrypting(public);
    let mut out = vec![0; key.ciphertext_size()];
    key.encrypt(algorithm, message, &mut out, None).expect("encrypted").to_vec()
}

fn a_transport_key_decrypts(provider: &dyn Provider, other: &dyn Provider) {
    let mut tpm = provider.open();
    let key = tpm.create_transport_key(&auth(3)).expect("a key");
    for length in [1, 32, 214] {
        let message = vec![0xA5; length];
        let ciphertext = encrypted(&key.public, &OAEP_SHA1_MGF1SHA1, &message);
        assert_eq!(*tpm.decrypt(&key.blob, &auth(3), &ciphertext).expect("decrypted"), message);
        tpm.forget_keys();
        let again = provider.open().decrypt(&key.blob, &auth(3), &ciphertext);
        assert_eq!(*again.expect("decrypted after a restart"), message);
        let foreign = other.open().decrypt(&key.blob, &auth(3), &ciphertext);
        assert_eq!(foreign.err(), Some(TpmError::ForeignBlob));
    }
}

fn a_transport_key_needs_its_auth(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let key = tpm.create_transport_key(&auth(3)).expect("a key");
    let ciphertext = encrypted(&key.public, &OAEP_SHA1_MGF1SHA1, b"message");
    assert_eq!(tpm.decrypt(&key.blob, &auth(4), &ciphertext).err(), Some(TpmError::WrongAuth), "cold");
    tpm.decrypt(&key.blob, &auth(3), &ciphertext).expect("decrypted");
    assert_eq!(tpm.decrypt(&key.blob, &auth(4), &ciphertext).err(), Some(TpmError::WrongAuth), "hot");
}

fn what_was_not_encrypted_to_it_is_refused(provider: &dyn Provider, _other: &dyn Provider) {
    let mut tpm = provider.open();
    let key = tpm.create_transport_key(&auth(3)).expect("a key");
    let others = tpm.create_transport_key(&auth(3)).expect("a key");
    let good = encrypted(&key.public, &OAEP_SHA1_MGF1SHA1, b"message");
    let mut changed = good.clone();
    changed[100] ^= 1;
    let refused = [
        Vec::new(),
        good[1..].to_vec(),
        [good.as_slice(), &[0]].concat(),
        vec![0xFF; 256],
        changed,
        encrypted(&others.public, &OAEP_SHA1_MGF1SHA1, b"message"),
        encrypted(&key.public, &OAEP_SHA256_MGF1SHA256, b"message"),
    ];
    for ciphertext in refused {
        let refused = tpm.decrypt(&key.blob, &auth(3), &ciphertext);
        assert_eq!(refused.err(), Some(TpmError::BadCiphertext), "{} bytes", ciphertext.len());
        tpm.decrypt(&key.blob, &auth(3), &good).expect("nothing was disturbed");
    }
}

fn transport_keys_and_signing_keys_do_not_stand_in_for_each_other(
    provider: &dyn Provider,
    _other: &dyn Provider,
) {
    let mut tpm = provider.open();
    let transport = tpm.create_transport_key(&auth(3)).expect("a key");
    let signing = tpm.create_key(KeyAlgorithm::Rs256, &auth(3)).expect("a key");
    let ciphertext = encrypted(&signing.public, &OAEP_SHA1_MGF1SHA1, b"message");
    tpm.decrypt(&signing.blob, &auth(3), &ciphertext).expect_err("a signing key does not decrypt");
    tpm.sign(&transport.blob, &auth(3), &[1; 32]).expect_err("a transport key does not sign");
}
