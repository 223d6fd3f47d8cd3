//! authenticatorGetInfo (CTAP 2.3 §6.4): only what works.

use std::collections::BTreeMap;

use latchkey_container::{PasskeyAlgorithm, UnixTime};
use latchkey_protocol::get_info::Response;
use latchkey_protocol::{CredentialParameter, MAX_MESSAGE};

use crate::aaguid;
use crate::engine::Authenticator;
use crate::extensions::{SUPPORTED, cred_blob};
use crate::keys::cose_algorithm;
use crate::large_blobs::MAX_ARRAY;
use crate::pin_protocol::PinProtocol;

/// All of §9 "Mandatory features" for `FIDO_2_3` holds: hmac-secret and credProtect, credMgmt with rk, an
/// explicit clientPin, pinUvAuthToken, and protocol two. `FIDO_2_1` and `FIDO_2_0` are subsets of what is
/// here. `FIDO_2_2` was never defined and must not appear; U2F is off while alwaysUv is on, so `U2F_V2` must
/// not either (§6.4).
const VERSIONS: [&str; 3] = ["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"];

/// Longer allow and exclude lists are refused; 128 descriptors fill a message of the largest size.
pub(crate) const MAX_CREDENTIALS_IN_LIST: usize = 128;

/// Every credential ID of the container has this length.
const CREDENTIAL_ID_LENGTH: u64 = 32;

/// The longest PIN (§6.5.1).
const MAX_PIN_LENGTH: u64 = 63;

/// `USER_VERIFY_PASSCODE_INTERNAL` of the FIDO registry of predefined values: a PIN typed at our own prompt.
const UV_MODALITY: u64 = 0x0000_0004;

const FIRMWARE_VERSION: u64 = 1;

impl Authenticator {
    pub(crate) fn get_info(&self, now: UnixTime) -> Vec<u8> {
        Response {
            versions: VERSIONS.map(str::to_owned).to_vec(),
            extensions: SUPPORTED.map(str::to_owned).to_vec(),
            aaguid: aaguid::of(self.container.class()),
            options: self.options(),
            max_msg_size: u64::try_from(MAX_MESSAGE).ok(),
            pin_uv_auth_protocols: PinProtocol::PREFERRED.map(PinProtocol::number).to_vec(),
            max_credential_count_in_list: u64::try_from(MAX_CREDENTIALS_IN_LIST).ok(),
            max_credential_id_length: Some(CREDENTIAL_ID_LENGTH),
            transports: vec!["usb".to_owned()],
            algorithms: self.algorithms().into_iter().map(supported).collect(),
            max_serialized_large_blob_array: u64::try_from(MAX_ARRAY).ok(),
            force_pin_change: Some(self.container.pin_overdue(now).is_some()),
            min_pin_length: Some(self.container.minimum_pin_length().into()),
            firmware_version: Some(FIRMWARE_VERSION),
            max_cred_blob_length: u64::try_from(cred_blob::MAX_LENGTH).ok(),
            uv_modality: Some(UV_MODALITY),
            attestation_formats: self.attestation_formats(),
            max_pin_length: Some(self.maximum_pin_length()),
            ..Response::default()
        }
        .encode()
    }

    /// CTAP counts bytes and organisations characters: of as many characters as bytes every PIN is short enough.
    fn maximum_pin_length(&self) -> u64 {
        self.container.maximum_pin_length().map_or(MAX_PIN_LENGTH, |most| MAX_PIN_LENGTH.min(most.into()))
    }

    fn options(&self) -> BTreeMap<String, bool> {
        // Both follow from one PIN: it can be typed on the platform (clientPin) or at our own prompt (uv).
        let pin = self.container.has_pin();
        [
            ("rk", true),
            ("up", true),
            ("uv", pin),
            // Chromium ignores a HID authenticator that calls itself a platform authenticator.
            ("plat", false),
            ("clientPin", pin),
            ("pinUvAuthToken", true),
            ("largeBlobs", true),
            ("credMgmt", true),
            // libfido2 before 1.13 knows only the prototype's command.
            ("credentialMgmtPreview", true),
            ("makeCredUvNotRqd", false),
            ("alwaysUv", self.always_uv()),
        ]
        .into_iter()
        .map(|(option, value)| (option.to_owned(), value))
        .collect()
    }
}

fn supported(algorithm: PasskeyAlgorithm) -> CredentialParameter {
    CredentialParameter::public_key(cose_algorithm(algorithm))
}
