//! authenticatorGetInfo (CTAP 2.3 §6.4): only what works.

use std::collections::BTreeMap;

use latchkey_container::PasskeyAlgorithm;
use latchkey_protocol::get_info::Response;
use latchkey_protocol::{CredentialParameter, MAX_MESSAGE};
use rand_core::CryptoRng;

use crate::aaguid;
use crate::config::MAX_PIN_FACTS_FOR;
use crate::engine::Authenticator;
use crate::extensions::{SUPPORTED, cred_blob};
use crate::keys::cose_algorithm;
use crate::large_blobs::MAX_ARRAY;
use crate::make_credential::MAX_PASSKEYS;
use crate::persistent_token::Secret;
use crate::pin_protocol::PinProtocol;
use crate::status::Failure;
use crate::step::Ambient;
use crate::u2f;

/// All of §9 "Mandatory features" for `FIDO_2_3` holds: hmac-secret and credProtect, credMgmt with rk, an
/// explicit clientPin, pinUvAuthToken, and protocol two. `FIDO_2_1` and `FIDO_2_0` are subsets of what is
/// here. `FIDO_2_2` was never defined and must not appear (§6.4).
const VERSIONS: [&str; 3] = ["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"];

/// Longer allow and exclude lists are refused; 128 descriptors fill a message of the largest size.
pub(crate) const MAX_CREDENTIALS_IN_LIST: usize = 128;

/// Every credential ID of the container has this length.
const CREDENTIAL_ID_LENGTH: u64 = 32;

/// The longest PIN (§6.5.1).
const MAX_PIN_LENGTH: u64 = 63;

/// Our prompt lets the user try again by itself.
const PLATFORM_UV_ATTEMPTS: u64 = 1;

/// More room than this is not told.
const PLENTY_OF_ROOM: u32 = 1000;

const FIRMWARE_VERSION: u64 = 1;

impl Authenticator {
    pub(crate) fn get_info(&mut self, ambient: &mut Ambient<'_>) -> Result<Vec<u8>, Failure> {
        let response = Response {
            versions: self.versions(),
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
            force_pin_change: Some(self.container.pin_overdue(ambient.now).is_some()),
            min_pin_length: Some(self.container.minimum_pin_length().into()),
            firmware_version: Some(FIRMWARE_VERSION),
            max_cred_blob_length: u64::try_from(cred_blob::MAX_LENGTH).ok(),
            max_rp_ids_for_set_min_pin_length: u64::try_from(MAX_PIN_FACTS_FOR).ok(),
            preferred_platform_uv_attempts: Some(PLATFORM_UV_ATTEMPTS),
            uv_modality: Some(self.uv_modality()),
            remaining_discoverable_credentials: Some(self.room_for_passkeys()?),
            attestation_formats: self.attestation_formats(),
            uv_count_since_last_pin_entry: self.container.gestures_since_pin(),
            long_touch_for_reset: Some(self.container.settings().long_touch_for_reset),
            enc_identifier: self.for_holder(Secret::Identifier, ambient.rng)?,
            transports_for_reset: vec!["usb".to_owned()],
            pin_complexity_policy: Some(self.container.holds_pins_to_more_than_a_length()),
            max_pin_length: Some(self.maximum_pin_length()),
            enc_cred_store_state: self.for_holder(Secret::CredentialStoreState, ambient.rng)?,
            authenticator_config_commands: Some(
                self.config_commands().into_iter().map(|subcommand| subcommand.0.into()).collect(),
            ),
            ..Response::default()
        };
        Ok(response.encode())
    }

    /// What only the holder of the persistent token reads; absent while nobody has it.
    fn for_holder(&self, secret: Secret, rng: &mut dyn CryptoRng) -> Result<Option<Vec<u8>>, Failure> {
        let (Some(token), Some(identifier)) =
            (self.container.persistent_token(), self.container.identifier())
        else {
            return Ok(None);
        };
        let value = match secret {
            Secret::Identifier => identifier,
            Secret::CredentialStoreState => self.container.credential_store_state()?,
        };
        Ok(Some(secret.encrypt(token, value, rng)))
    }

    /// An estimate, as §6.4 has it: exact only where room gets scarce, because everybody may ask, and the exact number would
    /// tell how many passkeys the user has.
    fn room_for_passkeys(&mut self) -> Result<u64, Failure> {
        let room = MAX_PASSKEYS.saturating_sub(self.container.discoverable_count()?);
        Ok(room.min(PLENTY_OF_ROOM).into())
    }

    /// CTAP counts bytes and organisations characters: of as many characters as bytes every PIN is short enough.
    pub(crate) fn maximum_pin_length(&self) -> u64 {
        self.container.maximum_pin_length().map_or(MAX_PIN_LENGTH, |most| MAX_PIN_LENGTH.min(most.into()))
    }

    /// U2F is off while alwaysUv is on (§7.2).
    fn versions(&self) -> Vec<String> {
        let u2f = self.speaks_u2f().then_some(u2f::VERSION);
        u2f.into_iter().chain(VERSIONS).map(str::to_owned).collect()
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
            ("perCredMgmtRO", true),
            ("authnrCfg", true),
            ("uvAcfg", true),
            ("setMinPINLength", true),
            // libfido2 before 1.13 knows only the prototype's command.
            ("credentialMgmtPreview", true),
            ("makeCredUvNotRqd", false),
            ("alwaysUv", self.always_uv()),
        ]
        .into_iter()
        .chain(self.can_attest_enterprise().then(|| ("ep", self.container.settings().enterprise_attestation)))
        .chain(self.biometric_options())
        .map(|(option, value)| (option.to_owned(), value))
        .collect()
    }
}

fn supported(algorithm: PasskeyAlgorithm) -> CredentialParameter {
    CredentialParameter::public_key(cose_algorithm(algorithm))
}
