//! Attestation statements (WebAuthn L3 §8), as an authenticator makes them that may be wrong in one point.

use sha2::{Digest as _, Sha256};

use super::ceremony::Registration;
use super::certificate::{self, Chain, der, extension};
use super::key::Key;
use crate::case::Stop;
use crate::cbor::Value;
use crate::cbor_map;

/// A statement with its format.
pub struct Statement {
    /// `fmt`.
    pub format: &'static str,
    /// `attStmt`.
    pub statement: Value,
}

/// Makes a statement over a registration.
pub type Maker = fn(&Registration) -> Result<Statement, Stop>;

/// The extension of an Apple attestation certificate (WebAuthn L3 §8.8).
const APPLE_NONCE: &[u64] = &[1, 2, 840, 113_635, 100, 8, 2];
/// Android's key description (WebAuthn L3 §8.4.1).
const KEY_DESCRIPTION: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];

/// None (§8.7).
#[allow(clippy::unnecessary_wraps, reason = "it is a maker among others that can fail")]
pub fn none(_: &Registration) -> Result<Statement, Stop> {
    Ok(Statement { format: "none", statement: Value::Map(Vec::new()) })
}

/// Packed, signed by the credential itself (§8.2).
pub fn packed_self(registration: &Registration) -> Result<Statement, Stop> {
    let signature = registration.key.sign(&registration.covered())?;
    let statement = cbor_map! { "alg" => registration.key.algorithm(), "sig" => signature };
    Ok(Statement { format: "packed", statement })
}

/// Packed, with a certificate (§8.2).
pub fn packed(registration: &Registration) -> Result<Statement, Stop> {
    let params = certificate::packed(registration.aaguid());
    signed_by(registration, &certificate::issue(&params, Key::generate(-7)?)?)
}

/// A packed statement by the holder of a chain.
pub fn signed_by(registration: &Registration, chain: &Chain) -> Result<Statement, Stop> {
    let signature = chain.key.sign(&registration.covered())?;
    let statement = cbor_map! { "alg" => chain.key.algorithm(), "sig" => signature, "x5c" => x5c(chain) };
    Ok(Statement { format: "packed", statement })
}

/// FIDO U2F (§8.6): one certificate, and what U2F signs.
pub fn fido_u2f(registration: &Registration) -> Result<Statement, Stop> {
    let params = certificate::packed(registration.aaguid());
    let mut chain = certificate::issue(&params, Key::generate(-7)?)?;
    chain.certificates.truncate(1);
    let [x, y] = registration.key.coordinates();
    let data = &registration.data;
    let signed = [
        &[0],
        data.rp_id_hash.as_slice(),
        &registration.client_data_hash(),
        &registration.credential_id(),
        &[4],
        &x,
        &y,
    ]
    .concat();
    let statement = cbor_map! { "sig" => chain.key.sign(&signed)?, "x5c" => x5c(&chain) };
    Ok(Statement { format: "fido-u2f", statement })
}

/// Apple anonymous (§8.8): the certificate is made out to the credential's key, and has the nonce.
pub fn apple(registration: &Registration) -> Result<Statement, Stop> {
    apple_over(registration, &registration.covered())
}

/// The same over other bytes than those it must cover.
pub fn apple_over(registration: &Registration, covered: &[u8]) -> Result<Statement, Stop> {
    let mut params = certificate::packed(registration.aaguid());
    let nonce = der(0x30, &der(0xA1, &der(0x04, &Sha256::digest(covered))));
    params.custom_extensions = vec![extension(APPLE_NONCE, nonce)];
    let chain = certificate::issue(&params, registration.key.again()?)?;
    Ok(Statement { format: "apple", statement: cbor_map! { "x5c" => x5c(&chain) } })
}

/// Android key (§8.4): the certificate is made out to the credential's key, and has the client data hash.
pub fn android_key(registration: &Registration) -> Result<Statement, Stop> {
    android_key_for(registration, &registration.client_data_hash())
}

/// The same with another challenge in the certificate.
pub fn android_key_for(registration: &Registration, challenge: &[u8]) -> Result<Statement, Stop> {
    let mut params = certificate::packed(registration.aaguid());
    // [1] purpose: { sign }, [702] origin: generated.
    let purpose = der(0xA1, &der(0x31, &[2, 1, 2]));
    let origin = vec![0xBF, 0x85, 0x3E, 3, 2, 1, 0];
    let description = [
        [2_u8, 1, 3, 10, 1, 1, 2, 1, 4, 10, 1, 1].as_slice(),
        &der(0x04, challenge),
        &der(0x04, &[]),
        &der(0x30, &[]),
        &der(0x30, &[purpose, origin].concat()),
    ]
    .concat();
    params.custom_extensions = vec![extension(KEY_DESCRIPTION, der(0x30, &description))];
    let chain = certificate::issue(&params, registration.key.again()?)?;
    let signature = registration.key.sign(&registration.covered())?;
    let statement =
        cbor_map! { "alg" => registration.key.algorithm(), "sig" => signature, "x5c" => x5c(&chain) };
    Ok(Statement { format: "android-key", statement })
}

fn x5c(chain: &Chain) -> Value {
    Value::Array(chain.certificates.iter().map(|certificate| certificate.as_slice().into()).collect())
}
