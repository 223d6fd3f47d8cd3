//! What a browser's response claims, checked against what this site is, before anything is looked up.
//!
//! `webauthn-rs` checks the same again and the signature. These checks come first so that (a) the origin is compared
//! as one exact string, (b) a refusal says what is wrong, and (c) it says so alike for known and unknown accounts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use crate::settings::Settings;

/// Why a response is refused, whoever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unacceptable {
    #[error("The browser's answer could not be read. Reload the page and try again.")]
    Malformed,
    #[error("The browser's answer names two different passkeys. Nothing was changed.")]
    IdMismatch,
    #[error("The browser's answer belongs to another kind of request. Reload the page and try again.")]
    WrongType,
    #[error("The browser's answer was made on another website. Open this site at its own address.")]
    WrongOrigin,
    #[error("The passkey was used from inside another website. Open this site in its own tab.")]
    CrossOrigin,
    #[error("The passkey belongs to another website.")]
    WrongRpId,
    #[error("Your device did not ask for your confirmation. Try again and confirm when it asks.")]
    UserNotPresent,
    #[error("Your device did not check that it is you. Use your PIN, fingerprint or face and try again.")]
    UserNotVerified,
}

/// What an acceptable response claims.
#[derive(Debug)]
pub(crate) struct Claims {
    /// The challenge that it answers.
    pub(crate) challenge: Vec<u8>,
}

/// What an acceptable registration claims besides.
#[derive(Debug)]
pub(crate) struct NewCredential {
    pub(crate) challenge: Vec<u8>,
    pub(crate) credential_id: Vec<u8>,
    /// Without attestation this is what the authenticator says of itself, so it is for display only.
    pub(crate) aaguid: [u8; 16],
    pub(crate) signature_count: u32,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
}

/// Flags of authenticator data (WebAuthn L3 §6.1).
#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    const UP: u8 = 0x01;
    const UV: u8 = 0x04;
    const BE: u8 = 0x08;
    const BS: u8 = 0x10;
    const AT: u8 = 0x40;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// The longest credential ID that an authenticator may make (WebAuthn L3 §5.8.3).
const LONGEST_CREDENTIAL_ID: usize = 1023;

/// Checks a sign-in response (WebAuthn L3 §7.2, the steps that need no look-up).
pub(crate) fn check_assertion(
    response: &PublicKeyCredential,
    settings: &Settings,
) -> Result<Claims, Unacceptable> {
    check_ids(&response.id, &response.raw_id, &response.type_)?;
    let challenge = check_client_data(&response.response.client_data_json, "webauthn.get", settings)?;
    check_authenticator_data(&response.response.authenticator_data, settings)?;
    Ok(Claims { challenge })
}

/// Checks a registration response (WebAuthn L3 §7.1, likewise).
pub(crate) fn check_registration(
    response: &RegisterPublicKeyCredential,
    settings: &Settings,
) -> Result<NewCredential, Unacceptable> {
    check_ids(&response.id, &response.raw_id, &response.type_)?;
    let challenge = check_client_data(&response.response.client_data_json, "webauthn.create", settings)?;
    let authenticator_data = authenticator_data_of(&response.response.attestation_object)?;
    let (flags, rest) = check_authenticator_data(&authenticator_data, settings)?;
    if !flags.has(Flags::AT) {
        return Err(Unacceptable::Malformed);
    }
    let (count, rest) = rest.split_first_chunk::<4>().ok_or(Unacceptable::Malformed)?;
    let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or(Unacceptable::Malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(Unacceptable::Malformed)?;
    let credential_id = rest.get(..u16::from_be_bytes(*length).into()).ok_or(Unacceptable::Malformed)?;
    if credential_id.is_empty() || credential_id.len() > LONGEST_CREDENTIAL_ID {
        return Err(Unacceptable::Malformed);
    }
    if credential_id != response.raw_id.as_slice() {
        return Err(Unacceptable::IdMismatch);
    }
    Ok(NewCredential {
        challenge,
        credential_id: credential_id.to_vec(),
        aaguid: *aaguid,
        signature_count: u32::from_be_bytes(*count),
        backup_eligible: flags.has(Flags::BE),
        backed_up: flags.has(Flags::BS),
    })
}

/// `id` is the base64url form of `rawId`, nothing else: two readers of one response must see one credential.
fn check_ids(id: &str, raw_id: &[u8], kind: &str) -> Result<(), Unacceptable> {
    if kind != "public-key" {
        return Err(Unacceptable::Malformed);
    }
    if id != URL_SAFE_NO_PAD.encode(raw_id) {
        return Err(Unacceptable::IdMismatch);
    }
    Ok(())
}

/// Collected client data (WebAuthn L3 §5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

fn check_client_data(json: &[u8], expected: &str, settings: &Settings) -> Result<Vec<u8>, Unacceptable> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| Unacceptable::Malformed)?;
    if data.r#type != expected {
        return Err(Unacceptable::WrongType);
    }
    if data.origin != settings.origin {
        return Err(Unacceptable::WrongOrigin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Unacceptable::CrossOrigin);
    }
    URL_SAFE_NO_PAD.decode(&data.challenge).map_err(|_| Unacceptable::Malformed)
}

/// Checks RP ID hash and flags; returns the flags and what follows them.
fn check_authenticator_data<'a>(
    data: &'a [u8],
    settings: &Settings,
) -> Result<(Flags, &'a [u8]), Unacceptable> {
    let (rp_id_hash, rest) = data.split_first_chunk::<32>().ok_or(Unacceptable::Malformed)?;
    let (flags, rest) = rest.split_first().ok_or(Unacceptable::Malformed)?;
    let flags = Flags(*flags);
    if rp_id_hash.as_slice() != Sha256::digest(settings.rp_id.as_bytes()).as_slice() {
        return Err(Unacceptable::WrongRpId);
    }
    if !flags.has(Flags::UP) {
        return Err(Unacceptable::UserNotPresent);
    }
    if !flags.has(Flags::UV) {
        return Err(Unacceptable::UserNotVerified);
    }
    // WebAuthn L3 §6.1.3: what cannot be backed up is not backed up.
    if flags.has(Flags::BS) && !flags.has(Flags::BE) {
        return Err(Unacceptable::Malformed);
    }
    Ok((flags, rest))
}

fn authenticator_data_of(attestation_object: &[u8]) -> Result<Vec<u8>, Unacceptable> {
    // An attestation object nests a few maps and arrays; deeper input is an attack on the parser.
    let object: ciborium::Value = ciborium::de::from_reader_with_recursion_limit(attestation_object, 16)
        .map_err(|_| Unacceptable::Malformed)?;
    let members = object.into_map().map_err(|_| Unacceptable::Malformed)?;
    let mut found = members.into_iter().filter(|(key, _)| key.as_text() == Some("authData"));
    match (found.next(), found.next()) {
        (Some((_, value)), None) => value.into_bytes().map_err(|_| Unacceptable::Malformed),
        _ => Err(Unacceptable::Malformed),
    }
}

#[cfg(test)]
mod tests;
