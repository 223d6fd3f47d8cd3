//! Identifiers. Each is a GUID on the wire and in the database, and its own type here.

use std::fmt;
use std::str::FromStr;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is no GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an identifier: it must be a GUID")]
pub struct IdError;

macro_rules! identifiers {
    ($($(#[$meta:meta])* $name:ident)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier with this GUID.
            #[must_use]
            pub const fn new(guid: Uuid) -> Self {
                Self(guid)
            }

            /// A new identifier.
            #[must_use]
            pub fn random(rng: &mut dyn CryptoRng) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// The GUID.
            #[must_use]
            pub const fn guid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Only the hyphenated form: an identifier has one spelling, whichever case its letters have.
            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }
    )*};
}

identifiers! {
    /// A tenant (`tid`).
    TenantId
    /// A user, within all tenants (`oid`).
    UserId
    /// A client application or an API (`appid`, `azp`, `aud`).
    ClientId
    /// A browser's session with the provider (`sid`).
    SessionId
    /// What a user's sign-in gave to one client: the family of its refresh tokens.
    GrantId
    /// A registered device (`deviceid`).
    DeviceId
    /// An enterprise key, as its device is told (`kid` in MS-KPP).
    EnterpriseKeyId
    /// A group of users.
    GroupId
}
