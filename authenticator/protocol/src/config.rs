//! `authenticatorConfig` (CTAP 2.3 §6.11). Its answer is a status and nothing else.

use crate::Malformed;
use crate::cbor::encode::{self, Encode, some};
use crate::cbor::members::Members;
use crate::command::open_number;
use crate::subcommand_params::SubCommandParams;

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

/// `subCommandParams`. Only setMinPINLength has any; those of another subcommand are covered by the MAC and not read.
pub type Params = SubCommandParams<PinParams>;

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
        Self::encoded(pin, |pin| {
            vec![
                (0x01, some(pin.new_min_pin_length.as_ref())),
                (0x02, some(pin.min_pin_length_rp_ids.as_ref())),
                (0x03, some(pin.force_change_pin.as_ref())),
                (0x04, some(pin.pin_complexity_policy.as_ref())),
            ]
        })
    }
}

impl PinParams {
    fn read(subcommand: SubCommand, mut members: Members) -> Result<Self, Malformed> {
        Ok(match subcommand {
            SubCommand::SET_MIN_PIN_LENGTH => Self {
                new_min_pin_length: members.optional(0x01, "newMinPINLength")?,
                min_pin_length_rp_ids: members.optional(0x02, "minPinLengthRPIDs")?,
                force_change_pin: members.optional(0x03, "forceChangePin")?,
                pin_complexity_policy: members.optional(0x04, "pinComplexityPolicy")?,
            },
            SubCommand(_) => Self::default(),
        })
    }
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        let subcommand = members.required(0x01, "subCommand")?;
        let params = Params::take(&mut members, body, 0x02, |members| PinParams::read(subcommand, members))?;
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
        encode::members(
            to,
            &[
                (0x01, Some(&self.subcommand)),
                (0x02, some(self.params.as_ref())),
                (0x03, some(self.protocol.as_ref())),
                (0x04, some(self.pin_uv_auth_param.as_ref())),
            ],
        );
    }
}
