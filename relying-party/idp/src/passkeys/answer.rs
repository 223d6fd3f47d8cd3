//! What a registration's answer claims, checked against what this provider is, before anything is looked up.
//!
//! `webauthn-rs` checks the same again, and the signature. These checks come first so that the origin is compared as one
//! exact string (conformance R4), `id` and `rawId` cannot name two passkeys (R1), and the claims can be stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::PasskeyRefused;
use crate::client_data::ClientData;
use crate::settings::Settings;

/// The longest credential ID that an authenticator may make (WebAuthn L3 §5.8.3).
const LONGEST_CREDENTIAL_ID: usize = 1023;
/// An attestation object nests a few maps and arrays; deeper input is an attack on the parser (R11).
const DEEPEST: usize = 16;

/// Flags of authenticator data (WebAuthn L3 §6.1).
const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;

/// An acceptable answer. What it claims is believed once `webauthn-rs` has verified `response`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: RegisterPublicKeyCredential,
    /// The challenge that it answers, in base64url.
    pub(super) challenge: String,
    pub(super) credential_id: Vec<u8>,
    /// Only a verified attestation makes it a fact.
    pub(super) aaguid: Uuid,
    pub(super) signature_count: u32,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    /// The name of the attestation statement's format.
    pub(super) format: String,
}

struct AuthenticatorData {
    flags: u8,
    signature_count: u32,
    aaguid: [u8; 16],
    credential_id: Vec<u8>,
}

impl Answer {
    pub(super) fn parse(credential: &str, settings: &Settings) -> Result<Self, PasskeyRefused> {
        let unreadable = PasskeyRefused::Answer("it could not be read");
        let Ok(json) = serde_json::from_str(credential) else { return Err(unreadable) };
        let Ok(response) = serde_json::from_value::<RegisterPublicKeyCredential>(completed(json)) else {
            return Err(unreadable);
        };
        if response.type_ != "public-key" || response.id != URL_SAFE_NO_PAD.encode(&response.raw_id) {
            return Err(PasskeyRefused::Answer("it names two different passkeys"));
        }
        if response.extensions.cred_props.as_ref().is_some_and(|properties| properties.rk == Some(false)) {
            return Err(PasskeyRefused::NotDiscoverable);
        }
        let challenge = client_data(&response.response.client_data_json, settings)?;
        let (format, data) = attestation_object(&response.response.attestation_object)?;
        let data = AuthenticatorData::parse(&data, settings)?;
        if data.credential_id != response.raw_id {
            return Err(PasskeyRefused::Answer("it names two different passkeys"));
        }
        Ok(Self {
            response,
            challenge,
            credential_id: data.credential_id,
            aaguid: Uuid::from_bytes(data.aaguid),
            signature_count: data.signature_count,
            backup_eligible: data.flags & BE != 0,
            backed_up: data.flags & BS != 0,
            format,
        })
    }
}

/// `rawId` is `id` and `type` has one value; API clients leave them out (idp-wire §1.8).
fn completed(mut json: Value) -> Value {
    if let Some(members) = json.as_object_mut() {
        if let Some(id) = members.get("id").cloned() {
            members.entry("rawId").or_insert(id);
        }
        members.entry("type").or_insert_with(|| "public-key".into());
    }
    json
}

fn client_data(json: &[u8], settings: &Settings) -> Result<String, PasskeyRefused> {
    let data = ClientData::parse(json).ok_or(PasskeyRefused::Answer("it could not be read"))?;
    if data.r#type != "webauthn.create" {
        return Err(PasskeyRefused::Answer("it belongs to another kind of request"));
    }
    if !data.made_here(settings) {
        return Err(PasskeyRefused::Answer("it was made on another website"));
    }
    Ok(data.challenge)
}

/// The format and the authenticator data.
fn attestation_object(bytes: &[u8]) -> Result<(String, Vec<u8>), PasskeyRefused> {
    let object: ciborium::Value = ciborium::de::from_reader_with_recursion_limit(bytes, DEEPEST)
        .map_err(|_| PasskeyRefused::Answer("it could not be read"))?;
    let members = object.into_map().map_err(|_| PasskeyRefused::Answer("it could not be read"))?;
    let (mut format, mut data) = (None, None);
    for (key, value) in members {
        let twice = match (key.as_text(), value) {
            (Some("fmt"), ciborium::Value::Text(text)) => format.replace(text).is_some(),
            (Some("authData"), ciborium::Value::Bytes(bytes)) => data.replace(bytes).is_some(),
            (_, _) => false,
        };
        if twice {
            return Err(PasskeyRefused::Answer("it could not be read"));
        }
    }
    format.zip(data).ok_or(PasskeyRefused::Answer("it could not be read"))
}

impl AuthenticatorData {
    fn parse(data: &[u8], settings: &Settings) -> Result<Self, PasskeyRefused> {
        let (rp_id_hash, rest) = data.split_first_chunk::<32>().ok_or(TOO_SHORT)?;
        if rp_id_hash.as_slice() != Sha256::digest(settings.rp_id().as_bytes()).as_slice() {
            return Err(PasskeyRefused::Answer("the passkey is for another website"));
        }
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(TOO_SHORT)?;
        if flags & (UP | UV) != UP | UV {
            return Err(PasskeyRefused::NotVerified);
        }
        // WebAuthn L3 §6.1.3: what cannot be backed up is not backed up.
        if flags & AT == 0 || flags & (BE | BS) == BS {
            return Err(TOO_SHORT);
        }
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(TOO_SHORT)?;
        let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or(TOO_SHORT)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(TOO_SHORT)?;
        let credential_id = rest.get(..u16::from_be_bytes(*length).into()).ok_or(TOO_SHORT)?;
        if credential_id.is_empty() || credential_id.len() > LONGEST_CREDENTIAL_ID {
            return Err(TOO_SHORT);
        }
        Ok(Self {
            flags: *flags,
            signature_count: u32::from_be_bytes(*count),
            aaguid: *aaguid,
            credential_id: credential_id.to_vec(),
        })
    }
}

const TOO_SHORT: PasskeyRefused = PasskeyRefused::Answer("what the authenticator says is incomplete");
