//! Session keys against known answers, and what a device makes of what we seal.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};

use super::*;

fn counted<const N: usize>() -> [u8; N] {
    std::array::from_fn(|place| u8::try_from(place).unwrap())
}

fn key() -> SessionKey {
    SessionKey::from_bytes(&counted::<32>()).unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

#[test]
fn derived_keys_are_the_known_ones() {
    let context = counted::<24>();
    let payload = br#"{"refresh_token":"x"}"#;
    for (derivation, known) in [
        (Derivation::V1, "70296b4334bf08f7bc6953575e6b6c18959dbcad6adb263fb625939d099456b3"),
        (Derivation::V2, "2bc9b6955655e18cc5c78964c210b169f5222964a164ee80db2630c52aa1679b"),
    ] {
        let known = u128::from_str_radix(&known[..32], 16)
            .unwrap()
            .to_be_bytes()
            .into_iter()
            .chain(u128::from_str_radix(&known[32..], 16).unwrap().to_be_bytes());
        assert!(key().derive(derivation, &context, payload).bytes().iter().copied().eq(known));
    }
    assert_eq!(format!("{:?}", key()), "SessionKey(..)");
}

/// A message as a broker signs it.
fn signed(header: &Value, payload: &str, key: &DerivedKey) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(&header.to_string()), part(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[test]
fn a_message_is_believed_under_its_own_key_only() {
    let context = counted::<24>();
    let ctx = STANDARD.encode(context);
    let payload = r#"{"refresh_token":"x"}"#;
    let v1 = key().derive(Derivation::V1, &context, payload.as_bytes());
    let v2 = key().derive(Derivation::V2, &context, payload.as_bytes());
    let read =
        |text: &str, least| Jws::parse(text).and_then(|jws| jws.verify_session::<Value>(&key(), least));
    let old = signed(&json!({"alg":"HS256","ctx":ctx}), payload, &v1);
    let new = signed(&json!({"alg":"HS256","ctx":ctx,"kdf_ver":2}), payload, &v2);
    assert_eq!(read(&old, Derivation::V1).unwrap()["refresh_token"], "x");
    assert_eq!(read(&new, Derivation::V2).unwrap()["refresh_token"], "x");
    assert_eq!(read(&old, Derivation::V2).unwrap_err(), JwsError::Derivation);
    let other = r#"{"refresh_token":"y"}"#;
    for (text, error) in [
        // A key that was derived once signs another message with the first derivation, and not with the second.
        (signed(&json!({"alg":"HS256","ctx":ctx,"kdf_ver":2}), other, &v2), JwsError::Signature),
        (signed(&json!({"alg":"HS256","ctx":ctx,"kdf_ver":2}), payload, &v1), JwsError::Signature),
        (signed(&json!({"alg":"HS256","ctx":ctx,"kdf_ver":3}), payload, &v2), JwsError::Derivation),
        (signed(&json!({"alg":"none","ctx":ctx}), payload, &v1), JwsError::Algorithm),
        (signed(&json!({"alg":"HS512","ctx":ctx}), payload, &v1), JwsError::Algorithm),
        (signed(&json!({"alg":"RS256","ctx":ctx}), payload, &v1), JwsError::Algorithm),
        (signed(&json!({"alg":"HS256"}), payload, &v1), JwsError::Malformed),
        (signed(&json!({"alg":"HS256","ctx":""}), payload, &v1), JwsError::Malformed),
        (signed(&json!({"alg":"HS256","ctx":"%"}), payload, &v1), JwsError::Malformed),
    ] {
        assert_eq!(read(&text, Derivation::V1).unwrap_err(), error, "{text}");
    }
    assert!(read(&signed(&json!({"alg":"HS256","ctx":ctx}), other, &v1), Derivation::V1).is_ok());
}

fn parts(jwe: &str) -> Vec<Vec<u8>> {
    jwe.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect()
}

#[test]
fn the_session_key_is_the_content_key_of_its_jwe() {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der = private.as_der().unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.as_ref()).unwrap();
    let public = pair.public_key();
    let transport = PublicKey::Rsa {
        n: public.modulus().big_endian_without_leading_zero().to_vec(),
        e: public.exponent().big_endian_without_leading_zero().to_vec(),
    };
    let jwe = key().sealed_to(&transport, &mut rng()).unwrap();
    let parts = parts(&jwe);
    assert_eq!(parts[0], br#"{"enc":"A256GCM","alg":"RSA-OAEP"}"#);
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut room = vec![0; private.min_output_size()];
    let opened = private.decrypt(&OAEP_SHA1_MGF1SHA1, &parts[1], &mut room, None).unwrap();
    assert_eq!(opened, counted::<32>());
    assert_eq!((parts[2].len(), parts[4].len()), (12, 16));
    assert!(key().sealed_to(&PublicKey::P256([4; 65]), &mut rng()).is_err());
    assert!(key().sealed_to(&PublicKey::Rsa { n: vec![1], e: vec![3] }, &mut rng()).is_err());
}

#[test]
fn answers_are_read_by_both_kinds_of_clients() {
    let text = br#"{"access_token":"t"}"#;
    for cipher in [AnswerCipher::Cbc, AnswerCipher::Gcm] {
        let jwe = seal_answer(&key(), cipher, text, &mut rng()).unwrap();
        let parts = parts(&jwe);
        let header: Value = serde_json::from_slice(&parts[0]).unwrap();
        assert_eq!((header["alg"].as_str(), header["enc"].as_str()), (Some("dir"), Some("A256GCM")));
        assert!(parts[1].is_empty());
        let context = STANDARD.decode(header["ctx"].as_str().unwrap()).unwrap();
        let derived = key().derive(Derivation::V1, &context, &[]);
        let mut sealed = [&*parts[3], &*parts[4]].concat();
        let opened = match cipher {
            AnswerCipher::Cbc => {
                assert!(parts[4].is_empty(), "libhimmelblau reads no tag");
                let key = UnboundCipherKey::new(&AES_256, derived.bytes()).unwrap();
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
                let iv: [u8; 16] = parts[2].as_slice().try_into().unwrap();
                key.decrypt(&mut sealed, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap()
            }
            AnswerCipher::Gcm => {
                let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, derived.bytes()).unwrap());
                let nonce = Nonce::try_assume_unique_for_key(&parts[2]).unwrap();
                let header = jwe.split('.').next().unwrap();
                key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut sealed).unwrap()
            }
        };
        assert_eq!(opened, text);
    }
}
