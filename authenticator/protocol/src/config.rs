//! `authenticatorConfig` (CTAP 2.3 §6.11). Its answer is a status and nothing else.

use ciborium::Value;

use crate::cbor::encode::{self, Encode, Encoded, some};
use crate::cbor::members::{Decode, Members};
use crate::command::open_number;
use crate::{Malformed, cbor};

open_number! {
    /// What to change.
    SubCommand {
        ENABLE_ENTERPRISE_ATTESTATION = 0x01, "enableEnterpriseAttestation";
        TOGGLE_ALWAYS_UV = 0x02, "toggleAlwaysUv";
        SET_MIN_PIN_LENGTH = 0x03, "setMinPINLength";
        ENABLE_LONG_TOUCH_FOR_RESET = 0x04, "enableLongTouchForReset";
        VENDOR_PROTOTYPE = 0xFF, "vendorPrototype";
    }
}

/// The parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 0x01: what to change.
    pub subcommand: SubCommand,
    /// 0x02: to what.
    pub params: Option<Params>,
    /// 0x03: the PIN/UV auth protocol of the MAC.
    pub protocol: Option<u64>,
    /// 0x04: MAC over 32 bytes 0xFF, the command byte, the subcommand byte and [`Params::raw`].
    pub pin_uv_auth_param: Option<Vec<u8>>,
}

/// `subCommandParams`: the bytes that the MAC covers, and their members where the subcommand is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    raw: Vec<u8>,
    /// The parameters of setMinPINLength; of every other subcommand none.
    pub pin: PinParams,
}

/// The parameters of setMinPINLength (§6.11.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PinParams {
    /// 0x01: the fewest code points of a PIN from now on.
    pub new_min_pin_length: Option<u64>,
    /// 0x02: the relying parties that are told.
    pub min_pin_length_rp_ids: Option<Vec<String>>,
    /// 0x03: whether the PIN must be changed before it is of use again.
    pub force_change_pin: Option<bool>,
    /// 0x04: whether PINs are held to more than a length.
    pub pin_complexity_policy: Option<bool>,
}

impl Params {
    /// The parameters of setMinPINLength, encoded canonically.
    #[must_use]
    pub fn new(pin: PinParams) -> Self {
        let mut raw = Vec::new();
        encode::members(
            &mut raw,
            &[
                (0x01, some(pin.new_min_pin_length.as_ref())),
                (0x02, some(pin.min_pin_length_rp_ids.as_ref())),
                (0x03, some(pin.force_change_pin.as_ref())),
                (0x04, some(pin.pin_complexity_policy.as_ref())),
            ],
        );
        Self { raw, pin }
    }

    /// The bytes as received, or as they will be sent.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    fn parse(value: Value, raw: &[u8], subcommand: SubCommand) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, "subCommandParams")?;
        let pin = match subcommand {
            SubCommand::SET_MIN_PIN_LENGTH => PinParams {
                new_min_pin_length: members.optional(0x01, "newMinPINLength")?,
                min_pin_length_rp_ids: members.optional(0x02, "minPinLengthRPIDs")?,
                force_change_pin: members.optional(0x03, "forceChangePin")?,
                pin_complexity_policy: members.optional(0x04, "pinComplexityPolicy")?,
            },
            SubCommand(_) => PinParams::default(),
        };
        Ok(Self { raw: raw.to_vec(), pin })
    }
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        let subcommand = members.required(0x01, "subCommand")?;
        let params = match members.optional::<Value>(0x02, "subCommandParams")? {
            Some(value) => {
                let raw = cbor::member_bytes(body, 0x02)?.unwrap_or_default();
                Some(Params::parse(value, raw, subcommand)?)
            }
            None => None,
        };
        Ok(Self {
            subcommand,
            params,
            protocol: members.optional(0x03, "pinUvAuthProtocol")?,
            pin_uv_auth_param: members.optional(0x04, "pinUvAuthParam")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let params = self.params.as_ref().map(|params| Encoded(params.raw()));
        encode::members(
            to,
            &[
                (0x01, Some(&self.subcommand)),
                (0x02, params.as_ref().map(|params| -> &dyn Encode { params })),
                (0x03, some(self.protocol.as_ref())),
                (0x04, some(self.pin_uv_auth_param.as_ref())),
            ],
        );
    }
}
