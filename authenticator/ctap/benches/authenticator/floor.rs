//! The bare work that every authenticator has to do, in software.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::measure::Times;
use latchkey_tests::figures::{Row, Table};

const SIGNATURES: usize = 5000;
const MESSAGE: [u8; 69] = [0x5A; 69];

/// The fastest medians of this run, in microseconds.
pub struct Floor {
    /// One ES256 signature over authenticator data and client data hash.
    pub signature: f64,
    /// One new ES256 key and one signature with it.
    pub key_and_signature: f64,
}

/// Measures the signature of two crates, and key generation.
pub fn measure(table: &Table) -> Floor {
    let rng = SystemRandom::new();
    let generate = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made");
    let key = generate();
    let aws_lc = Times::of(
        SIGNATURES,
        || (),
        |()| {
            black_box(key.sign(&rng, &MESSAGE).expect("it signs"));
        },
    );
    let slow = SigningKey::from_slice(&[7; 32]).expect("a scalar");
    let p256 = Times::of(
        SIGNATURES / 5,
        || (),
        |()| {
            black_box(Signer::<Signature>::sign(&slow, &MESSAGE).to_der());
        },
    );
    let both = Times::of(
        SIGNATURES,
        || (),
        |()| {
            black_box(generate().sign(&rng, &MESSAGE).expect("it signs"));
        },
    );
    table.row(&Row::alone("bare ES256 signature, aws-lc-rs, p50", aws_lc.p50(), "us"));
    table.row(&Row::alone("bare ES256 signature, p256, p50", p256.p50(), "us"));
    table.row(&Row::alone("bare ES256 key and signature, aws-lc-rs, p50", both.p50(), "us"));
    Floor { signature: aws_lc.p50().min(p256.p50()), key_and_signature: both.p50() }
}
