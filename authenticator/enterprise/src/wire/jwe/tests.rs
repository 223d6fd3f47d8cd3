use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use latchkey_container::secret::Secret32;

use super::{Compact, Protection};
use crate::wire::session_key::open;
use crate::wire::{WireError, kdf};

const SESSION_KEY: [u8; 32] = [7; 32];
const CONTEXT: [u8; 24] = [9; 24];
const TEXT: &[u8] = br#"{"access_token":"a"}"#;

fn header() -> String {
    let context = BASE64_STANDARD.encode(CONTEXT);
    BASE64_URL_SAFE_NO_PAD
        .encode(format!(r#"{{"alg":"dir","enc":"A256GCM","ctx":"{context}","kid":"session"}}"#))
}

fn derived() -> Secret32 {
    kdf::version_1(&Secret32::new(SESSION_KEY), &CONTEXT)
}

fn gcm() -> String {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, derived().expose()).expect("32 bytes"));
    let mut text = TEXT.to_vec();
    let nonce = Nonce::assume_unique_for_key([1; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header()), &mut text).expect("it encrypts");
    let [iv, text, tag] = [&[1; 12][..], &text, tag.as_ref()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    format!("{}..{iv}.{text}.{tag}", header())
}

fn cbc() -> String {
    let key = UnboundCipherKey::new(&AES_256, derived().expose()).expect("32 bytes");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("a mode");
    let mut text = TEXT.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from([2; 16]));
    let _iv = key.less_safe_encrypt(&mut text, context).expect("it encrypts");
    let [iv, text] = [&[2; 16][..], &text].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    format!("{}..{iv}.{text}.", header())
}

fn opened(answer: &str, protection: Protection) -> Result<Vec<u8>, WireError> {
    open(&Secret32::new(SESSION_KEY), answer, protection).map(|text| text.to_vec())
}

#[test]
fn an_authenticated_answer_opens() {
    for protection in [Protection::Authenticated, Protection::Compatible] {
        assert_eq!(opened(&gcm(), protection).as_deref(), Ok(TEXT));
    }
}

#[test]
fn an_answer_without_a_tag_opens_only_where_it_is_allowed() {
    assert_eq!(opened(&cbc(), Protection::Compatible).as_deref(), Ok(TEXT));
    let refused = opened(&cbc(), Protection::Authenticated);
    assert_eq!(refused, Err(WireError::Unverified("an encrypted answer")));
}

#[test]
fn what_was_altered_does_not_open() {
    let answer = gcm();
    let (front, tag) = answer.rsplit_once('.').expect("five parts");
    let header = BASE64_URL_SAFE_NO_PAD.encode(format!(
        r#"{{"alg":"dir","enc":"A256GCM","ctx":"{}","kid":"other"}}"#,
        BASE64_STANDARD.encode(CONTEXT)
    ));
    let (_, behind_header) = answer.split_once('.').expect("five parts");
    for altered in [
        format!("{front}.{}", tag.chars().rev().collect::<String>()),
        format!("{front}."),
        format!("{header}.{behind_header}"),
    ] {
        assert!(opened(&altered, Protection::Compatible).is_err(), "{altered}");
    }
    let other = open(&Secret32::new([8; 32]), &answer, Protection::Compatible);
    assert_eq!(other.map(|_| ()), Err(WireError::Unverified("an encrypted answer")));
}

#[test]
fn what_is_no_jwe_is_said_to_be_malformed() {
    for text in ["", "a.b.c", "....", "e30....", &format!("{}...", header())] {
        assert!(matches!(opened(text, Protection::Compatible), Err(WireError::Malformed(_))), "{text}");
    }
    let answer = Compact::parse(&gcm()).expect("it is a JWE");
    assert!(answer.sealed_key().is_err(), "an answer holds no session key");
}
