//! What a TSS call can answer, sorted by what we do about it.

use bitfield::BitRange;
use latchkey_container::tpm::TpmError;
use tss_esapi::Error;
use tss_esapi::constants::response_code::Tss2ResponseCode;

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The TPM refused.
    Refused(ResponseCode),
    /// The TPM does not know our session or object any more: it was reset since. Nothing was executed.
    Lost,
    /// The TPM has no room for one more object or session. Nothing was executed.
    Full,
    /// The way to the TPM is broken, or what came back was not what the TPM sent.
    Link(String),
    /// Already in the words of the port.
    Known(TpmError),
}

/// A TPM response code (TPM 2.0 Part 2 §6.6) without the number of the handle, session or parameter it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseCode(pub u32);

impl ResponseCode {
    /// Wrong authorisation of an entity that dictionary-attack protection covers.
    pub const AUTH_FAIL: Self = Self(0x08E);
    /// Wrong authorisation of an entity that it does not cover.
    pub const BAD_AUTH: Self = Self(0x0A2);
    /// A handle that names nothing.
    pub const HANDLE: Self = Self(0x08B);
    /// A wrapped object that this TPM did not wrap.
    pub const INTEGRITY: Self = Self(0x09F);
    /// A PIN index at its limit.
    pub const AUTH_UNAVAILABLE: Self = Self(0x12F);
    /// An index that was defined and never written.
    pub const NV_UNINITIALIZED: Self = Self(0x14A);
    /// An index that is there already.
    pub const NV_DEFINED: Self = Self(0x14C);
    /// Dictionary-attack lockout.
    pub const LOCKOUT: Self = Self(0x921);

    const VALUE: Self = Self(0x084);
    const INITIALIZE: Self = Self(0x100);
    const OBJECT_MEMORY: Self = Self(0x902);
    const SESSION_MEMORY: Self = Self(0x903);
    const MEMORY: Self = Self(0x904);
    const SESSION_HANDLES: Self = Self(0x905);
    const OBJECT_HANDLES: Self = Self(0x906);
    const REFERENCE_FIRST: Self = Self(0x910);
    const REFERENCE_LAST: Self = Self(0x91E);

    /// Whether a session handle of ours names nothing, or a session of another kind: after a reset the TPM gives the
    /// same slots to new sessions. Format one, number 8 or above (a session), without the parameter bit.
    fn is_about_session(raw: u32) -> bool {
        raw & 0x8C0 == 0x880 && [Self::HANDLE, Self::VALUE].contains(&Self::new(raw))
    }

    /// Drops the number that a format-one code carries in bits 6 and 8 to 11.
    fn new(code: u32) -> Self {
        if code & 0x80 == 0 { Self(code & 0xFFF) } else { Self(code & 0x0BF) }
    }
}

impl Fault {
    /// What a refusal means that is not about an authorisation.
    pub fn unless_unauthorised(self, meaning: TpmError) -> Self {
        let unauthorised = [ResponseCode::AUTH_FAIL, ResponseCode::BAD_AUTH, ResponseCode::LOCKOUT];
        match self {
            Self::Refused(code) if !unauthorised.contains(&code) => Self::Known(meaning),
            Self::Refused(_) | Self::Lost | Self::Full | Self::Link(_) | Self::Known(_) => self,
        }
    }

    /// What a refused authorisation means of a command that only a hierarchy authorises.
    pub fn if_unauthorised(self, meaning: TpmError) -> Self {
        match self {
            Self::Refused(ResponseCode::AUTH_FAIL | ResponseCode::BAD_AUTH) => Self::Known(meaning),
            Self::Refused(_) | Self::Lost | Self::Full | Self::Link(_) | Self::Known(_) => self,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let raw: u32 = match error {
            Error::WrapperError(kind) => {
                return Self::Known(TpmError::Unexpected(format!("what tss-esapi does not take: {kind}")));
            }
            Error::Tss2Error(Tss2ResponseCode::Success) => 0,
            Error::Tss2Error(Tss2ResponseCode::FormatZero(code)) => code.bit_range(31, 0),
            Error::Tss2Error(Tss2ResponseCode::FormatOne(code)) => code.bit_range(31, 0),
        };
        // TCG TSS 2.0 Overview §3.2: the layer that answers; 0 is the TPM, 11 and 12 a resource manager that
        // speaks for it, everything else sits in this process or on the way.
        match raw >> 16 {
            0 | 11 | 12 if ResponseCode::is_about_session(raw) => Self::Lost,
            0 | 11 | 12 => Self::from(ResponseCode::new(raw & 0xFFFF)),
            10 => Self::Link(format!("connection error {raw:#x}")),
            layer => Self::Link(format!("error {raw:#x} in TSS layer {layer}")),
        }
    }
}

impl From<ResponseCode> for Fault {
    fn from(code: ResponseCode) -> Self {
        match code {
            ResponseCode::INITIALIZE => Self::Lost,
            ResponseCode(number)
                if (ResponseCode::REFERENCE_FIRST.0..=ResponseCode::REFERENCE_LAST.0).contains(&number) =>
            {
                Self::Lost
            }
            ResponseCode::OBJECT_MEMORY
            | ResponseCode::SESSION_MEMORY
            | ResponseCode::MEMORY
            | ResponseCode::SESSION_HANDLES
            | ResponseCode::OBJECT_HANDLES => Self::Full,
            other => Self::Refused(other),
        }
    }
}

impl From<TpmError> for Fault {
    fn from(error: TpmError) -> Self {
        Self::Known(error)
    }
}

impl From<Fault> for TpmError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(ResponseCode::AUTH_FAIL | ResponseCode::BAD_AUTH) => Self::WrongAuth,
            Fault::Refused(ResponseCode::LOCKOUT) => Self::LockedOut,
            Fault::Refused(ResponseCode::INTEGRITY) => Self::ForeignBlob,
            Fault::Refused(ResponseCode(code)) => Self::Unexpected(format!("response code {code:#x}")),
            Fault::Lost => Self::Unreachable("it was reset in the middle of a call".to_owned()),
            Fault::Full => Self::Unexpected(
                "that it has no room for another object or session: use it through a resource manager \
                 (/dev/tpmrm0), or flush what other programs left (tpm2_flushcontext -t -l)"
                    .to_owned(),
            ),
            Fault::Link(text) => Self::Unreachable(text),
            Fault::Known(error) => error,
        }
    }
}
