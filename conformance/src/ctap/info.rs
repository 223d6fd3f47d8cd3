//! What authenticatorGetInfo tells (CTAP 2.3 §6.4), read leniently: what is wrong with it is for its own cases to say.

use crate::cbor::Value;

/// The answer of authenticatorGetInfo.
#[derive(Debug, Clone, Default)]
pub struct Info {
    members: Vec<(Value, Value)>,
}

impl Info {
    /// From the body of an answer.
    pub fn new(body: &Value) -> Self {
        Self { members: body.map().unwrap_or_default().to_vec() }
    }

    /// A member by its number.
    pub fn member(&self, key: u64) -> Option<&Value> {
        self.members.iter().find(|(candidate, _)| *candidate == Value::Unsigned(key)).map(|(_, value)| value)
    }

    /// Every member.
    pub fn members(&self) -> &[(Value, Value)] {
        &self.members
    }

    /// versions (0x01).
    pub fn versions(&self) -> Vec<&str> {
        self.texts(0x01)
    }

    /// extensions (0x02).
    pub fn extensions(&self) -> Vec<&str> {
        self.texts(0x02)
    }

    /// An option (0x04); none if it is not listed.
    pub fn option(&self, name: &str) -> Option<bool> {
        self.member(0x04)?.at(name)?.bool()
    }

    /// maxMsgSize (0x05), or what holds without it.
    pub fn max_message(&self) -> u64 {
        self.member(0x05).and_then(Value::unsigned).unwrap_or(1024)
    }

    /// pinUvAuthProtocols (0x06).
    pub fn protocols(&self) -> Vec<u64> {
        self.array(0x06).iter().filter_map(Value::unsigned).collect()
    }

    /// algorithms (0x0A), as COSE identifiers.
    pub fn algorithms(&self) -> Vec<i64> {
        self.array(0x0A).iter().filter_map(|entry| entry.at("alg")?.integer()).collect()
    }

    /// Whether a PIN is set; none if the authenticator knows no PIN of the platform.
    pub fn client_pin(&self) -> Option<bool> {
        self.option("clientPin")
    }

    fn array(&self, key: u64) -> &[Value] {
        self.member(key).and_then(Value::array).unwrap_or_default()
    }

    fn texts(&self, key: u64) -> Vec<&str> {
        self.array(key).iter().filter_map(Value::text).collect()
    }
}
