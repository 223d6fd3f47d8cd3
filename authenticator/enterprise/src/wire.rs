//! The formats that device and identity provider speak: pure functions from values to text and back. They sign nothing and
//! send nothing.
//!
//! MS-OAPXBC (primary refresh token), MS-DVRJ (device registration), MS-KPP (key provisioning), and this project's own
//! attestation profile and PIN reset service.

pub mod anchor;
pub mod jwe;
pub mod jws;
pub mod kdf;
pub mod key;
pub mod prt;
pub mod recovery;
pub mod registration;
pub mod rsa_key;
pub mod session_key;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Why something that the provider sent cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It does not have the form that the protocol gives it.
    #[error("the provider sent {0} that cannot be read: tell its administrator")]
    Malformed(&'static str),
    /// It is not what it claims to be: somebody altered it, or it was made for another device.
    #[error("the provider sent {0} that does not verify; nothing was done with it")]
    Unverified(&'static str),
}

/// A number that older endpoints write as text.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Number(u64),
        Text(String),
    }
    match Number::deserialize(deserializer)? {
        Number::Number(number) => Ok(number),
        Number::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

/// Adds a member to an object, where there is one to add.
fn with(mut object: Value, name: &str, member: Option<impl Into<Value>>) -> Value {
    if let (Value::Object(members), Some(member)) = (&mut object, member) {
        members.insert(name.to_owned(), member.into());
    }
    object
}
