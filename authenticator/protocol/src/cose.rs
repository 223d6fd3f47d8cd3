//! COSE keys (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4, RFC 9964 §3) as WebAuthn and CTAP2 restrict them: exactly the members that
//! the key needs, in canonical order. No arithmetic: whether a point lies on its curve is for the user of the key.

use std::fmt;

use ciborium::Value;
use ciborium::value::Integer;

use crate::cbor::encode::{self, Encode};
use crate::cbor::members::{Decode, Members};
use crate::{Malformed, Status, cbor};

/// A COSE algorithm identifier. An open number: a relying party may ask for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Algorithm(pub i64);

impl Algorithm {
    /// ECDSA on P-256 with SHA-256.
    pub const ES256: Self = Self(-7);
    /// `EdDSA`; in WebAuthn always Ed25519.
    pub const EDDSA: Self = Self(-8);
    /// ECDH-ES with HKDF-SHA-256. CTAP's key-agreement keys carry it although they use another derivation.
    pub const ECDH_ES_HKDF_256: Self = Self(-25);
    /// ECDSA on P-384 with SHA-384.
    pub const ES384: Self = Self(-35);
    /// ECDSA on P-521 with SHA-512.
    pub const ES512: Self = Self(-36);
    /// ML-DSA-44.
    pub const ML_DSA_44: Self = Self(-48);
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub const RS256: Self = Self(-257);
}

/// The public key of a credential.
#[derive(Debug, Clone, PartialEq)]
pub enum CoseKey {
    /// ES256: kty 2, alg −7, crv 1.
    P256 {
        /// The x coordinate.
        x: [u8; 32],
        /// The y coordinate.
        y: [u8; 32],
    },
    /// ES384: kty 2, alg −35, crv 2.
    P384 {
        /// The x coordinate.
        x: [u8; 48],
        /// The y coordinate.
        y: [u8; 48],
    },
    /// `EdDSA` on Ed25519: kty 1, alg −8, crv 6.
    Ed25519 {
        /// The public key (RFC 8032 §5.1.2).
        x: [u8; 32],
    },
    /// ML-DSA-44: kty 7, alg −48.
    MlDsa44 {
        /// The public key: 1312 bytes (FIPS 204 §4).
        key: Vec<u8>,
    },
    /// RS256: kty 3, alg −257.
    Rsa {
        /// The modulus, big-endian, without leading zeros.
        n: Vec<u8>,
        /// The public exponent, big-endian, without leading zeros.
        e: Vec<u8>,
    },
    /// A key of another algorithm, kept as it came: a relying party may know it.
    Other(Value),
}

/// A key-agreement key of the PIN/UV auth protocols (CTAP 2.3 §6.5.6): kty 2, alg −25, crv 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAgreement {
    /// The x coordinate.
    pub x: [u8; 32],
    /// The y coordinate.
    pub y: [u8; 32],
}

const KTY: i64 = 1;
const ALG: i64 = 3;
const KTY_OKP: i64 = 1;
const KTY_EC2: i64 = 2;
const KTY_RSA: i64 = 3;
const KTY_AKP: i64 = 7;
const CRV_P256: i64 = 1;
const CRV_P384: i64 = 2;
const CRV_ED25519: i64 = 6;
/// Of ML-DSA-44, in bytes.
const ML_DSA_44_KEY: usize = 1312;

impl CoseKey {
    /// Reads a key that stands alone.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not canonical CBOR, or claim an algorithm known here and are no key of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::decode(cbor::decode(bytes)?, "credential public key")
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(96);
        self.encode_into(&mut encoded);
        encoded
    }

    /// The key's algorithm; `None` only if an [`CoseKey::Other`] was made by hand without one.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::P256 { .. } => Some(Algorithm::ES256),
            Self::P384 { .. } => Some(Algorithm::ES384),
            Self::Ed25519 { .. } => Some(Algorithm::EDDSA),
            Self::MlDsa44 { .. } => Some(Algorithm::ML_DSA_44),
            Self::Rsa { .. } => Some(Algorithm::RS256),
            Self::Other(key) => number(key, ALG).map(Algorithm),
        }
    }
}

impl Decode for CoseKey {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        if !value.is_map() {
            return Err(Malformed::unexpected_type(what));
        }
        let kty = number(&value, KTY).ok_or(Malformed::missing("COSE key: kty"))?;
        let alg = number(&value, ALG).map(Algorithm).ok_or(Malformed::missing("COSE key: alg"))?;
        match (kty, alg) {
            (KTY_EC2, Algorithm::ES256) => {
                let (x, y) = ec2(Members::decode(value, what)?, CRV_P256)?;
                Ok(Self::P256 { x, y })
            }
            (KTY_EC2, Algorithm::ES384) => {
                let (x, y) = ec2(Members::decode(value, what)?, CRV_P384)?;
                Ok(Self::P384 { x, y })
            }
            (KTY_OKP, Algorithm::EDDSA) => ed25519(Members::decode(value, what)?),
            (KTY_AKP, Algorithm::ML_DSA_44) => ml_dsa_44(Members::decode(value, what)?),
            (KTY_RSA, Algorithm::RS256) => rsa(Members::decode(value, what)?),
            (
                _,
                Algorithm::ES256
                | Algorithm::ES384
                | Algorithm::EDDSA
                | Algorithm::ML_DSA_44
                | Algorithm::RS256,
            ) => Err(Malformed::parameter("COSE key: kty does not belong to alg")),
            _ => Ok(Self::Other(value)),
        }
    }
}

impl Encode for CoseKey {
    fn encode_into(&self, to: &mut Vec<u8>) {
        match self {
            Self::P256 { x, y } => encode_ec2(to, Algorithm::ES256, CRV_P256, x, y),
            Self::P384 { x, y } => encode_ec2(to, Algorithm::ES384, CRV_P384, x, y),
            Self::Ed25519 { x } => encode::members(
                to,
                &[
                    (KTY, Some(&KTY_OKP)),
                    (ALG, Some(&Algorithm::EDDSA)),
                    (-1, Some(&CRV_ED25519)),
                    (-2, Some(x)),
                ],
            ),
            Self::MlDsa44 { key } => encode::members(
                to,
                &[(KTY, Some(&KTY_AKP)), (ALG, Some(&Algorithm::ML_DSA_44)), (-1, Some(key))],
            ),
            Self::Rsa { n, e } => encode::members(
                to,
                &[(KTY, Some(&KTY_RSA)), (ALG, Some(&Algorithm::RS256)), (-1, Some(n)), (-2, Some(e))],
            ),
            Self::Other(key) => key.encode_into(to),
        }
    }
}

impl Decode for KeyAgreement {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        if members.required::<Integer>(ALG, "keyAgreement: alg")? != Algorithm::ECDH_ES_HKDF_256.0.into() {
            return Err(Malformed::parameter("keyAgreement: alg is not -25"));
        }
        if members.required::<Integer>(KTY, "keyAgreement: kty")? != KTY_EC2.into() {
            return Err(Malformed::parameter("keyAgreement: kty is not 2"));
        }
        let (x, y) = coordinates(members, CRV_P256)?;
        Ok(Self { x, y })
    }
}

impl Encode for KeyAgreement {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode_ec2(to, Algorithm::ECDH_ES_HKDF_256, CRV_P256, &self.x, &self.y);
    }
}

fn encode_ec2<const N: usize>(to: &mut Vec<u8>, alg: Algorithm, crv: i64, x: &[u8; N], y: &[u8; N]) {
    encode::members(
        to,
        &[(KTY, Some(&KTY_EC2)), (ALG, Some(&alg)), (-1, Some(&crv)), (-2, Some(x)), (-3, Some(y))],
    );
}

fn ec2<const N: usize>(mut members: Members, crv: i64) -> Result<([u8; N], [u8; N]), Malformed> {
    forget_kind(&mut members)?;
    coordinates(members, crv)
}

fn coordinates<const N: usize>(mut members: Members, crv: i64) -> Result<([u8; N], [u8; N]), Malformed> {
    on_curve(&mut members, crv)?;
    let x = members.required(-2, "COSE key: x").map_err(length_is_value)?;
    let y = members.required(-3, "COSE key: y").map_err(length_is_value)?;
    nothing_else(&members)?;
    Ok((x, y))
}

fn on_curve(members: &mut Members, crv: i64) -> Result<(), Malformed> {
    if members.required::<Integer>(-1, "COSE key: crv")? == crv.into() {
        Ok(())
    } else {
        Err(Malformed::parameter("COSE key: crv does not belong to alg"))
    }
}

fn ed25519(mut members: Members) -> Result<CoseKey, Malformed> {
    forget_kind(&mut members)?;
    on_curve(&mut members, CRV_ED25519)?;
    let x = members.required(-2, "COSE key: x").map_err(length_is_value)?;
    nothing_else(&members)?;
    Ok(CoseKey::Ed25519 { x })
}

fn ml_dsa_44(mut members: Members) -> Result<CoseKey, Malformed> {
    forget_kind(&mut members)?;
    let key: Vec<u8> = members.required(-1, "COSE key: pub")?;
    nothing_else(&members)?;
    if key.len() != ML_DSA_44_KEY {
        return Err(Malformed::parameter("COSE key: pub does not have the length of its algorithm"));
    }
    Ok(CoseKey::MlDsa44 { key })
}

/// A coordinate of another length is no point, which is a wrong value rather than a wrong message: the status
/// for a key that cannot be used is `INVALID_PARAMETER` (CTAP 2.3 §6.5.5).
fn length_is_value(malformed: Malformed) -> Malformed {
    if malformed.status == Status::INVALID_LENGTH {
        Malformed::parameter("COSE key: a coordinate does not have the length of its curve")
    } else {
        malformed
    }
}

fn rsa(mut members: Members) -> Result<CoseKey, Malformed> {
    forget_kind(&mut members)?;
    let n: Vec<u8> = members.required(-1, "COSE key: n")?;
    let e: Vec<u8> = members.required(-2, "COSE key: e")?;
    nothing_else(&members)?;
    // RFC 8230 §4: the octet strings are minimal.
    if [&n, &e].iter().any(|number| number.first().is_none_or(|first| *first == 0)) {
        return Err(Malformed::parameter("COSE key: an RSA number is empty or starts with zero"));
    }
    Ok(CoseKey::Rsa { n, e })
}

fn forget_kind(members: &mut Members) -> Result<(), Malformed> {
    members.required::<Integer>(KTY, "COSE key: kty")?;
    members.required::<Integer>(ALG, "COSE key: alg")?;
    Ok(())
}

/// WebAuthn Level 3 §6.5.1.1 and CTAP 2.3 §6.5.6: no optional members, in particular no private part.
fn nothing_else(members: &Members) -> Result<(), Malformed> {
    if members.is_empty() {
        Ok(())
    } else {
        Err(Malformed::parameter("COSE key: members beyond the required ones"))
    }
}

/// The integer under `label`.
fn number(key: &Value, label: i64) -> Option<i64> {
    let (_, value) =
        key.as_map()?.iter().find(|(found, _)| found.as_integer() == Some(Integer::from(label)))?;
    i64::try_from(value.as_integer()?).ok()
}

impl Decode for Algorithm {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let number: Integer = Decode::decode(value, what)?;
        // Beyond 64 bits there is no algorithm, so the nearest number that is no algorithm either says the same.
        Ok(Self(i64::try_from(number).unwrap_or(i64::MIN)))
    }
}

impl Encode for Algorithm {
    fn encode_into(&self, to: &mut Vec<u8>) {
        self.0.encode_into(to);
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::ES256 => "ES256",
            Self::EDDSA => "EdDSA",
            Self::ECDH_ES_HKDF_256 => "ECDH-ES+HKDF-256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::ML_DSA_44 => "ML-DSA-44",
            Self::RS256 => "RS256",
            Self(_) => return write!(f, "COSE algorithm {}", self.0),
        };
        f.write_str(name)
    }
}
