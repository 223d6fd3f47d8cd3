//! `authenticatorBioEnrollment` (CTAP 2.3 §6.7).

use ciborium::Value;

use crate::cbor::encode::{self, Encode, Member, some};
use crate::cbor::members::{Decode, Members};
use crate::command::open_number;
use crate::subcommand_params::SubCommandParams;
use crate::{Malformed, ResponseError, Status, response};

/// The only modality that can be enrolled over CTAP: a finger (§6.7.2).
pub const FINGERPRINT: u64 = 0x01;

open_number! {
    /// What to do (§6.7).
    SubCommand {
        ENROLL_BEGIN = 0x01, "enrollBegin";
        ENROLL_CAPTURE_NEXT_SAMPLE = 0x02, "enrollCaptureNextSample";
        CANCEL_CURRENT_ENROLLMENT = 0x03, "cancelCurrentEnrollment";
        ENUMERATE_ENROLLMENTS = 0x04, "enumerateEnrollments";
        SET_FRIENDLY_NAME = 0x05, "setFriendlyName";
        REMOVE_ENROLLMENT = 0x06, "removeEnrollment";
        GET_FINGERPRINT_SENSOR_INFO = 0x07, "getFingerprintSensorInfo";
    }
}

/// The parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// 0x01: which kind of gesture.
    pub modality: Option<u64>,
    /// 0x02: what to do.
    pub subcommand: Option<SubCommand>,
    /// 0x03: what to do it to.
    pub params: Option<Params>,
    /// 0x04: the PIN/UV auth protocol of the MAC.
    pub protocol: Option<u64>,
    /// 0x05: MAC over modality, subcommand byte and [`Params::raw`].
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x06: asks which modality there is, and for nothing else.
    pub get_modality: Option<bool>,
}

/// `subCommandParams`.
pub type Params = SubCommandParams<Wanted>;

/// Its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// 0x01: the template.
    pub template_id: Option<Vec<u8>>,
    /// 0x02: what people call it.
    pub friendly_name: Option<String>,
    /// 0x03: how long the sensor waits for a sample, in milliseconds.
    pub timeout_milliseconds: Option<u64>,
}

/// One enrolled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateInfo {
    /// 0x01: names it.
    pub template_id: Vec<u8>,
    /// 0x02: what people call it.
    pub friendly_name: Option<String>,
}

/// The result; which members it has depends on the subcommand. Without any, [`Response::encode`] gives only the
/// status byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// 0x01: the kind of gesture that can be enrolled.
    pub modality: Option<u64>,
    /// 0x02: 1 for a sensor that is touched, 2 for one that a finger is swiped over.
    pub fingerprint_kind: Option<u64>,
    /// 0x03: good samples until a finger is learnt, at most.
    pub max_capture_samples_required_for_enroll: Option<u64>,
    /// 0x04: the template that is being made.
    pub template_id: Option<Vec<u8>>,
    /// 0x05: how the last sample was.
    pub last_enroll_sample_status: Option<u64>,
    /// 0x06: good samples that are still wanted; 0 when the finger is enrolled.
    pub remaining_samples: Option<u64>,
    /// 0x07: what is enrolled.
    pub template_infos: Option<Vec<TemplateInfo>>,
    /// 0x08: the longest friendly name, in bytes.
    pub max_template_friendly_name: Option<u64>,
}

impl Params {
    /// Parameters, encoded canonically.
    #[must_use]
    pub fn new(
        template_id: Option<Vec<u8>>,
        friendly_name: Option<String>,
        timeout_milliseconds: Option<u64>,
    ) -> Self {
        Self::encoded(Wanted { template_id, friendly_name, timeout_milliseconds }, |wanted| {
            vec![
                (0x01, some(wanted.template_id.as_ref())),
                (0x02, some(wanted.friendly_name.as_ref())),
                (0x03, some(wanted.timeout_milliseconds.as_ref())),
            ]
        })
    }
}

impl Wanted {
    fn read(mut members: Members) -> Result<Self, Malformed> {
        Ok(Self {
            template_id: members.optional(0x01, "subCommandParams: templateId")?,
            friendly_name: members.optional(0x02, "subCommandParams: templateFriendlyName")?,
            timeout_milliseconds: members.optional(0x03, "subCommandParams: timeoutMilliseconds")?,
        })
    }
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        let params = Params::take(&mut members, body, 0x03, Wanted::read)?;
        Ok(Self {
            modality: members.optional(0x01, "modality")?,
            subcommand: members.optional(0x02, "subCommand")?,
            params,
            protocol: members.optional(0x04, "pinUvAuthProtocol")?,
            pin_uv_auth_param: members.optional(0x05, "pinUvAuthParam")?,
            get_modality: members.optional(0x06, "getModality")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, some(self.modality.as_ref())),
                (0x02, some(self.subcommand.as_ref())),
                (0x03, some(self.params.as_ref())),
                (0x04, some(self.protocol.as_ref())),
                (0x05, some(self.pin_uv_auth_param.as_ref())),
                (0x06, some(self.get_modality.as_ref())),
            ],
        );
    }
}

impl Decode for TemplateInfo {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        Ok(Self {
            template_id: members.required(0x01, "templateInfo: templateId")?,
            friendly_name: members.optional(0x02, "templateInfo: templateFriendlyName")?,
        })
    }
}

impl Encode for TemplateInfo {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(to, &[(0x01, Some(&self.template_id)), (0x02, some(self.friendly_name.as_ref()))]);
    }
}

impl Response {
    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if *self == Self::default() { Status::OK.response() } else { response::success(self) }
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        let mut members = response::members(response)?;
        Ok(Self {
            modality: members.optional(0x01, "modality")?,
            fingerprint_kind: members.optional(0x02, "fingerprintKind")?,
            max_capture_samples_required_for_enroll: members
                .optional(0x03, "maxCaptureSamplesRequiredForEnroll")?,
            template_id: members.optional(0x04, "templateId")?,
            last_enroll_sample_status: members.optional(0x05, "lastEnrollSampleStatus")?,
            remaining_samples: members.optional(0x06, "remainingSamples")?,
            template_infos: members.optional(0x07, "templateInfos")?,
            max_template_friendly_name: members.optional(0x08, "maxTemplateFriendlyName")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let members: [(i64, Member<'_>); 8] = [
            (0x01, some(self.modality.as_ref())),
            (0x02, some(self.fingerprint_kind.as_ref())),
            (0x03, some(self.max_capture_samples_required_for_enroll.as_ref())),
            (0x04, some(self.template_id.as_ref())),
            (0x05, some(self.last_enroll_sample_status.as_ref())),
            (0x06, some(self.remaining_samples.as_ref())),
            (0x07, some(self.template_infos.as_ref())),
            (0x08, some(self.max_template_friendly_name.as_ref())),
        ];
        encode::members(to, &members);
    }
}
