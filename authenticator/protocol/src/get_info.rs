//! `authenticatorGetInfo` (CTAP 2.3 §6.4).

use std::collections::BTreeMap;

use ciborium::Value;

use crate::cbor::encode::{self, Encode, some, unless_empty};
use crate::cbor::members::{Decode, Members};
use crate::entity::CredentialParameters;
use crate::{CredentialParameter, Malformed, ResponseError, response};

/// What the authenticator says about itself.
///
/// A list that is empty here is absent on the wire, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// 0x01: `FIDO_2_3`, …
    pub versions: Vec<String>,
    /// 0x02.
    pub extensions: Vec<String>,
    /// 0x03.
    pub aaguid: [u8; 16],
    /// 0x04.
    pub options: BTreeMap<String, bool>,
    /// 0x05; absent means 1024.
    pub max_msg_size: Option<u64>,
    /// 0x06: the preferred one first.
    pub pin_uv_auth_protocols: Vec<u64>,
    /// 0x07.
    pub max_credential_count_in_list: Option<u64>,
    /// 0x08.
    pub max_credential_id_length: Option<u64>,
    /// 0x09.
    pub transports: Vec<String>,
    /// 0x0A: the preferred one first.
    pub algorithms: Vec<CredentialParameter>,
    /// 0x0B.
    pub max_serialized_large_blob_array: Option<u64>,
    /// 0x0C.
    pub force_pin_change: Option<bool>,
    /// 0x0D: in code points.
    pub min_pin_length: Option<u64>,
    /// 0x0E.
    pub firmware_version: Option<u64>,
    /// 0x0F.
    pub max_cred_blob_length: Option<u64>,
    /// 0x10.
    pub max_rp_ids_for_set_min_pin_length: Option<u64>,
    /// 0x11.
    pub preferred_platform_uv_attempts: Option<u64>,
    /// 0x12: the bits of the FIDO registry's user verification methods.
    pub uv_modality: Option<u64>,
    /// 0x13.
    pub certifications: BTreeMap<String, u64>,
    /// 0x14.
    pub remaining_discoverable_credentials: Option<u64>,
    /// 0x15.
    pub vendor_prototype_config_commands: Option<Vec<u64>>,
    /// 0x16: without "none".
    pub attestation_formats: Vec<String>,
    /// 0x17.
    pub uv_count_since_last_pin_entry: Option<u64>,
    /// 0x18.
    pub long_touch_for_reset: Option<bool>,
    /// 0x19: 32 bytes, different in every answer.
    pub enc_identifier: Option<Vec<u8>>,
    /// 0x1A.
    pub transports_for_reset: Vec<String>,
    /// 0x1B.
    pub pin_complexity_policy: Option<bool>,
    /// 0x1C.
    pub pin_complexity_policy_url: Option<Vec<u8>>,
    /// 0x1D: in code points.
    pub max_pin_length: Option<u64>,
    /// 0x1E: 32 bytes, different in every answer.
    pub enc_cred_store_state: Option<Vec<u8>>,
    /// 0x1F: the subcommands of `authenticatorConfig`.
    pub authenticator_config_commands: Option<Vec<u64>>,
}

impl Response {
    /// Whether an option is there and true.
    #[must_use]
    pub fn option(&self, name: &str) -> bool {
        self.options.get(name).copied().unwrap_or(false)
    }

    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        response::success(self)
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        let mut members = response::members(response)?;
        Ok(Self {
            versions: members.required(0x01, "versions")?,
            extensions: members.list(0x02, "extensions")?,
            aaguid: members.required(0x03, "aaguid")?,
            options: members.optional::<Named<bool>>(0x04, "options")?.unwrap_or_default().0,
            max_msg_size: members.optional(0x05, "maxMsgSize")?,
            pin_uv_auth_protocols: members.list(0x06, "pinUvAuthProtocols")?,
            max_credential_count_in_list: members.optional(0x07, "maxCredentialCountInList")?,
            max_credential_id_length: members.optional(0x08, "maxCredentialIdLength")?,
            transports: members.list(0x09, "transports")?,
            algorithms: members
                .optional::<CredentialParameters>(0x0A, "algorithms")?
                .map(|algorithms| algorithms.0)
                .unwrap_or_default(),
            max_serialized_large_blob_array: members.optional(0x0B, "maxSerializedLargeBlobArray")?,
            force_pin_change: members.optional(0x0C, "forcePINChange")?,
            min_pin_length: members.optional(0x0D, "minPINLength")?,
            firmware_version: members.optional(0x0E, "firmwareVersion")?,
            max_cred_blob_length: members.optional(0x0F, "maxCredBlobLength")?,
            max_rp_ids_for_set_min_pin_length: members.optional(0x10, "maxRPIDsForSetMinPINLength")?,
            preferred_platform_uv_attempts: members.optional(0x11, "preferredPlatformUvAttempts")?,
            uv_modality: members.optional(0x12, "uvModality")?,
            certifications: members.optional::<Named<u64>>(0x13, "certifications")?.unwrap_or_default().0,
            remaining_discoverable_credentials: members.optional(0x14, "remainingDiscoverableCredentials")?,
            vendor_prototype_config_commands: members.optional(0x15, "vendorPrototypeConfigCommands")?,
            attestation_formats: members.list(0x16, "attestationFormats")?,
            uv_count_since_last_pin_entry: members.optional(0x17, "uvCountSinceLastPinEntry")?,
            long_touch_for_reset: members.optional(0x18, "longTouchForReset")?,
            enc_identifier: members.optional(0x19, "encIdentifier")?,
            transports_for_reset: members.list(0x1A, "transportsForReset")?,
            pin_complexity_policy: members.optional(0x1B, "pinComplexityPolicy")?,
            pin_complexity_policy_url: members.optional(0x1C, "pinComplexityPolicyURL")?,
            max_pin_length: members.optional(0x1D, "maxPINLength")?,
            enc_cred_store_state: members.optional(0x1E, "encCredStoreState")?,
            authenticator_config_commands: members.optional(0x1F, "authenticatorConfigCommands")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let options = NamedRef(&self.options);
        let certifications = NamedRef(&self.certifications);
        encode::members(
            to,
            &[
                (0x01, Some(&self.versions)),
                (0x02, unless_empty(&self.extensions)),
                (0x03, Some(&self.aaguid)),
                (0x04, if self.options.is_empty() { None } else { Some(&options) }),
                (0x05, some(self.max_msg_size.as_ref())),
                (0x06, unless_empty(&self.pin_uv_auth_protocols)),
                (0x07, some(self.max_credential_count_in_list.as_ref())),
                (0x08, some(self.max_credential_id_length.as_ref())),
                (0x09, unless_empty(&self.transports)),
                (0x0A, unless_empty(&self.algorithms)),
                (0x0B, some(self.max_serialized_large_blob_array.as_ref())),
                (0x0C, some(self.force_pin_change.as_ref())),
                (0x0D, some(self.min_pin_length.as_ref())),
                (0x0E, some(self.firmware_version.as_ref())),
                (0x0F, some(self.max_cred_blob_length.as_ref())),
                (0x10, some(self.max_rp_ids_for_set_min_pin_length.as_ref())),
                (0x11, some(self.preferred_platform_uv_attempts.as_ref())),
                (0x12, some(self.uv_modality.as_ref())),
                (0x13, if self.certifications.is_empty() { None } else { Some(&certifications) }),
                (0x14, some(self.remaining_discoverable_credentials.as_ref())),
                (0x15, some(self.vendor_prototype_config_commands.as_ref())),
                (0x16, unless_empty(&self.attestation_formats)),
                (0x17, some(self.uv_count_since_last_pin_entry.as_ref())),
                (0x18, some(self.long_touch_for_reset.as_ref())),
                (0x19, some(self.enc_identifier.as_ref())),
                (0x1A, unless_empty(&self.transports_for_reset)),
                (0x1B, some(self.pin_complexity_policy.as_ref())),
                (0x1C, some(self.pin_complexity_policy_url.as_ref())),
                (0x1D, some(self.max_pin_length.as_ref())),
                (0x1E, some(self.enc_cred_store_state.as_ref())),
                (0x1F, some(self.authenticator_config_commands.as_ref())),
            ],
        );
    }
}

/// A map from names, all of which are kept.
struct Named<T>(BTreeMap<String, T>);

/// The same, to be encoded.
struct NamedRef<'a, T>(&'a BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Decode> Decode for Named<T> {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut named = BTreeMap::new();
        for (key, value) in Members::decode(value, what)?.rest() {
            named.insert(String::decode(key, what)?, T::decode(value, what)?);
        }
        Ok(Self(named))
    }
}

impl<T: Encode> Encode for NamedRef<'_, T> {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let mut members: Vec<_> =
            self.0.iter().map(|(name, member)| (name.as_str(), some(Some(member)))).collect();
        // Canonical order: shorter names first. The sort is stable and the tree is in byte order already.
        members.sort_by_key(|(name, _)| name.len());
        encode::named(to, &members);
    }
}
