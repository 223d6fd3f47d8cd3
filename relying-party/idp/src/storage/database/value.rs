//! Parameters of statements.

use serde::Deserialize;

use crate::domain::{
    ClientId, DeviceId, EnterpriseKeyId, GrantId, GroupId, OpaqueHash, SessionId, TenantId, UserId,
};
use crate::hex;
use crate::storage::Error;

/// A parameter of a statement. Postgres wants to know a NULL's type too.
#[derive(Clone, Debug)]
pub(in crate::storage) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::storage::database::Value::from($value)),*] };
}
pub(in crate::storage) use values;

/// The values as an array of JSON, blobs as hexadecimal digits.
pub(super) fn json(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(Value::json).collect();
    serde_json::Value::Array(values).to_string()
}

/// A value of a row that came as JSON.
pub(super) fn read<'a, T: Deserialize<'a>>(value: Option<&'a serde_json::Value>) -> Result<T, Error> {
    T::deserialize(value.ok_or(Error::Damaged)?).map_err(|_| Error::Damaged)
}

impl Value {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Int(value) => (*value).into(),
            Self::Text(value) => value.as_deref().into(),
            Self::Blob(value) => value.as_deref().map(hex::digits).into(),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<crate::clock::UnixTime> for Value {
    fn from(value: crate::clock::UnixTime) -> Self {
        Self::Int(Some(value.seconds()))
    }
}

impl From<Option<crate::clock::UnixTime>> for Value {
    fn from(value: Option<crate::clock::UnixTime>) -> Self {
        Self::Int(value.map(crate::clock::UnixTime::seconds))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(Some(value.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(value: Option<&[u8]>) -> Self {
        Self::Blob(value.map(<[u8]>::to_vec))
    }
}

impl From<&OpaqueHash> for Value {
    fn from(value: &OpaqueHash) -> Self {
        Self::Blob(Some(value.as_bytes().to_vec()))
    }
}

macro_rules! identifiers {
    ($($name:ident),*) => {$(
        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }

        impl From<Option<$name>> for Value {
            fn from(value: Option<$name>) -> Self {
                Self::Text(value.map(|value| value.to_string()))
            }
        }
    )*};
}

identifiers!(TenantId, UserId, ClientId, SessionId, GrantId, DeviceId, EnterpriseKeyId, GroupId);
