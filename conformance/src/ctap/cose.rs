//! Public keys in COSE form (RFC 9052), and the signatures that they check.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::cbor::Value;

/// A credential's public key.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicKey {
    /// The COSE algorithm.
    pub algorithm: i64,
    /// The whole key.
    pub cose: Value,
}

impl PublicKey {
    /// Reads a key, and checks that it holds the members of its kind and no other (WebAuthn §6.5.1.1).
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(cose: &Value) -> Result<Self, String> {
        let algorithm = cose.at(3).and_then(Value::integer).ok_or("the public key has no alg (3)")?;
        let (kind, curve, members, length): (i64, Option<i64>, &[i64], usize) = match algorithm {
            -7 => (2, Some(1), &[-2, -3], 32),
            -35 => (2, Some(2), &[-2, -3], 48),
            -8 => (1, Some(6), &[-2], 32),
            -257 => (3, None, &[-1, -2], 0),
            _ => return Ok(Self { algorithm, cose: cose.clone() }),
        };
        if cose.at(1).and_then(Value::integer) != Some(kind) {
            return Err(format!("kty (1) of a key for algorithm {algorithm} is not {kind}"));
        }
        if curve.is_some() && cose.at(-1).and_then(Value::integer) != curve {
            return Err(format!("crv (-1) of a key for algorithm {algorithm} is wrong"));
        }
        for member in members {
            let bytes =
                cose.at(*member).and_then(Value::bytes).ok_or(format!("the public key has no {member}"))?;
            if length != 0 && bytes.len() != length {
                return Err(format!(
                    "member {member} of the public key has {} bytes, not {length}",
                    bytes.len()
                ));
            }
        }
        let count = members.len().saturating_add(if curve.is_some() { 3 } else { 2 });
        if cose.map().map(<[_]>::len) != Some(count) {
            return Err("the public key has members that its kind does not have".to_owned());
        }
        Ok(Self { algorithm, cose: cose.clone() })
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// A sentence, if it is wrong or this runner cannot check it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), String> {
        let part = |member: i64| self.cose.at(member).and_then(Value::bytes).unwrap_or_default();
        let point = [&[4], part(-2), part(-3)].concat();
        match self.algorithm {
            -7 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            -35 => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point).verify(message, signature),
            -8 => UnparsedPublicKey::new(&ED25519, part(-2)).verify(message, signature),
            -257 => RsaPublicKeyComponents { n: part(-1), e: part(-2) }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            other => return Err(format!("this runner cannot check signatures of algorithm {other}")),
        }
        .map_err(|_| {
            format!("the signature does not verify under the public key (algorithm {})", self.algorithm)
        })
    }
}

/// The coordinates of a P-256 key, for U2F.
pub fn es256_coordinates(key: &PublicKey) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((key.cose.at(-2)?.bytes()?.to_vec(), key.cose.at(-3)?.bytes()?.to_vec()))
}
