//! Key pairs of credentials and attestation, by COSE algorithm (RFC 9053, RFC 8812).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};

use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

use crate::case::Stop;
use crate::cbor::Value;
use crate::cbor_map;

/// A key pair, and what it signs with.
pub struct Key {
    algorithm: i64,
    pair: Pair,
}

enum Pair {
    Ecdsa(Box<EcdsaKeyPair>, i64),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl Key {
    /// A new key for an algorithm.
    ///
    /// # Errors
    /// When this runner cannot make one.
    pub fn generate(algorithm: i64) -> Result<Self, Stop> {
        let ecdsa = |signing: &'static EcdsaSigningAlgorithm, curve| {
            EcdsaKeyPair::generate(signing).map(|pair| Pair::Ecdsa(Box::new(pair), curve)).map_err(broken)
        };
        let rsa = |encoding: &'static dyn RsaEncoding| {
            RsaKeyPair::generate(KeySize::Rsa2048)
                .map(|pair| Pair::Rsa(Box::new(pair), encoding))
                .map_err(broken)
        };
        let pair = match algorithm {
            -7 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, 1),
            -35 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, 2),
            -36 => ecdsa(&ECDSA_P521_SHA512_ASN1_SIGNING, 3),
            -47 => ecdsa(&ECDSA_P256K1_SHA256_ASN1_SIGNING, 8),
            -8 => Ed25519KeyPair::generate().map(|pair| Pair::Ed25519(Box::new(pair))).map_err(broken),
            -257 => rsa(&RSA_PKCS1_SHA256),
            -258 => rsa(&RSA_PKCS1_SHA384),
            -259 => rsa(&RSA_PKCS1_SHA512),
            -37 => rsa(&RSA_PSS_SHA256),
            -38 => rsa(&RSA_PSS_SHA384),
            -39 => rsa(&RSA_PSS_SHA512),
            other => Err(Stop::Broken(format!("this runner has no keys for algorithm {other}"))),
        }?;
        Ok(Self { algorithm, pair })
    }

    /// The COSE algorithm.
    pub fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// The public key as a COSE key.
    pub fn cose(&self) -> Value {
        match &self.pair {
            Pair::Ecdsa(_, curve) => {
                let [x, y] = self.coordinates();
                cbor_map! { 1 => 2, 3 => self.algorithm, -1 => *curve, -2 => x, -3 => y }
            }
            Pair::Ed25519(pair) => {
                let public: &[u8] = pair.public_key().as_ref();
                cbor_map! { 1 => 1, 3 => self.algorithm, -1 => 6, -2 => public }
            }
            Pair::Rsa(pair, _) => {
                let [n, e] = rsa_numbers(pair.public_key().as_ref());
                cbor_map! { 1 => 3, 3 => self.algorithm, -1 => n, -2 => e }
            }
        }
    }

    /// The coordinates of a key on a curve; empty for others.
    pub fn coordinates(&self) -> [Vec<u8>; 2] {
        let Pair::Ecdsa(pair, _) = &self.pair else { return [Vec::new(), Vec::new()] };
        let public: &[u8] = pair.public_key().as_ref();
        let point = public.split_first().map_or([].as_slice(), |(_, point)| point);
        let (x, y) = point.split_at(point.len() / 2);
        [x.to_vec(), y.to_vec()]
    }

    /// The private key of an ECDSA pair as PKCS #8, for the certificate that is made out to it.
    ///
    /// # Errors
    /// For other keys.
    pub fn pkcs8(&self) -> Result<Vec<u8>, Stop> {
        let Pair::Ecdsa(pair, _) = &self.pair else {
            return Err(Stop::Broken("this runner has certificates for ECDSA keys only".to_owned()));
        };
        pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()).map_err(broken)
    }

    /// The same ES256 key once more, for whom it is handed to.
    ///
    /// # Errors
    /// For other keys.
    pub fn again(&self) -> Result<Self, Stop> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8()?)
            .map_err(|error| Stop::Broken(format!("the key cannot be read again: {error}")))?;
        Ok(Self { algorithm: -7, pair: Pair::Ecdsa(Box::new(pair), 1) })
    }

    /// Signs.
    ///
    /// # Errors
    /// When the key cannot.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Stop> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair, _) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(broken)
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map_err(broken)?;
                Ok(signature)
            }
        }
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> [Vec<u8>; 2] {
    let number = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    RSAPublicKey::from_der(der)
        .map_or_else(|_| [Vec::new(), Vec::new()], |(_, key)| [number(key.modulus), number(key.exponent)])
}

fn broken(error: aws_lc_rs::error::Unspecified) -> Stop {
    Stop::Broken(format!("the cryptographic library failed: {error}"))
}
