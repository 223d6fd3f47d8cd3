//! Command numbers (CTAP 2.3 §6), and how the numbers of subcommands are made.

use std::fmt;

/// Makes an open number: a newtype with the specification's values as constants and their names for display.
macro_rules! open_number {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $code:literal, $spec:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(pub u8);

        impl $type {
            $(#[doc = concat!("`", $spec, "`, ", stringify!($code), ".")]
            pub const $name: Self = Self($code);)*

            /// The specification's name, if it gives one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($spec),)*
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($type), " 0x{:02X}"), self.0),
                }
            }
        }

        impl $crate::cbor::members::Decode for $type {
            fn decode(value: ::ciborium::Value, what: &'static str) -> Result<Self, $crate::Malformed> {
                // A number that does not even fit is no number we know: the same answer as for an unlisted one.
                let number: u64 = $crate::cbor::members::Decode::decode(value, what)?;
                u8::try_from(number)
                    .map(Self)
                    .map_err(|_| $crate::Malformed::new($crate::Status::INVALID_SUBCOMMAND, what))
            }
        }

        impl $crate::cbor::encode::Encode for $type {
            fn encode_into(&self, to: &mut Vec<u8>) {
                u64::from(self.0).encode_into(to);
            }
        }
    };
}
pub(crate) use open_number;

/// The first byte of every request. An open number: a peer may send anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Command(pub u8);

impl Command {
    /// `authenticatorMakeCredential` (§6.1).
    pub const MAKE_CREDENTIAL: Self = Self(0x01);
    /// `authenticatorGetAssertion` (§6.2).
    pub const GET_ASSERTION: Self = Self(0x02);
    /// `authenticatorGetInfo` (§6.4).
    pub const GET_INFO: Self = Self(0x04);
    /// `authenticatorClientPIN` (§6.5).
    pub const CLIENT_PIN: Self = Self(0x06);
    /// `authenticatorReset` (§6.6).
    pub const RESET: Self = Self(0x07);
    /// `authenticatorGetNextAssertion` (§6.3).
    pub const GET_NEXT_ASSERTION: Self = Self(0x08);
    /// `authenticatorBioEnrollment` (§6.7).
    pub const BIO_ENROLLMENT: Self = Self(0x09);
    /// `authenticatorCredentialManagement` (§6.8).
    pub const CREDENTIAL_MANAGEMENT: Self = Self(0x0A);
    /// `authenticatorSelection` (§6.9).
    pub const SELECTION: Self = Self(0x0B);
    /// `authenticatorLargeBlobs` (§6.10).
    pub const LARGE_BLOBS: Self = Self(0x0C);
    /// `authenticatorConfig` (§6.11).
    pub const CONFIG: Self = Self(0x0D);
    /// The prototype of `authenticatorBioEnrollment`, from before CTAP 2.1.
    pub const BIO_ENROLLMENT_PREVIEW: Self = Self(0x40);
    /// The prototype of `authenticatorCredentialManagement`, from before CTAP 2.1.
    pub const CREDENTIAL_MANAGEMENT_PREVIEW: Self = Self(0x41);

    /// The specification's name, if it gives one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::MAKE_CREDENTIAL => "authenticatorMakeCredential",
            Self::GET_ASSERTION => "authenticatorGetAssertion",
            Self::GET_INFO => "authenticatorGetInfo",
            Self::CLIENT_PIN => "authenticatorClientPIN",
            Self::RESET => "authenticatorReset",
            Self::GET_NEXT_ASSERTION => "authenticatorGetNextAssertion",
            Self::BIO_ENROLLMENT => "authenticatorBioEnrollment",
            Self::CREDENTIAL_MANAGEMENT => "authenticatorCredentialManagement",
            Self::SELECTION => "authenticatorSelection",
            Self::LARGE_BLOBS => "authenticatorLargeBlobs",
            Self::CONFIG => "authenticatorConfig",
            Self::BIO_ENROLLMENT_PREVIEW => "authenticatorBioEnrollment (prototype)",
            Self::CREDENTIAL_MANAGEMENT_PREVIEW => "authenticatorCredentialManagement (prototype)",
            Self(_) => return None,
        })
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "command 0x{:02X}", self.0),
        }
    }
}
