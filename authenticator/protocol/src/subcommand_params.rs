//! `subCommandParams` (CTAP 2.3 §6.7, §6.8, §6.11): parameters of which a MAC covers the bytes as they were sent.

use ciborium::Value;

use crate::cbor::encode::{self, Encode, Member};
use crate::cbor::members::{Decode as _, Members};
use crate::{Malformed, cbor};

/// What the parameters say, and the bytes that the MAC covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubCommandParams<M> {
    raw: Vec<u8>,
    /// What they say.
    pub members: M,
}

impl<M> SubCommandParams<M> {
    /// Parameters that say `members`, which `listed` gives in canonical order.
    pub(crate) fn encoded(members: M, listed: impl FnOnce(&M) -> Vec<(i64, Member<'_>)>) -> Self {
        let mut raw = Vec::new();
        encode::members(&mut raw, &listed(&members));
        Self { raw, members }
    }

    /// Takes them out of a message, whose members and bytes these are.
    pub(crate) fn take(
        message: &mut Members,
        body: &[u8],
        label: u8,
        read: impl FnOnce(Members) -> Result<M, Malformed>,
    ) -> Result<Option<Self>, Malformed> {
        const WHAT: &str = "subCommandParams";
        let Some(value) = message.optional::<Value>(i64::from(label), WHAT)? else { return Ok(None) };
        let raw = cbor::member_bytes(body, label.into())?.unwrap_or_default().to_vec();
        Ok(Some(Self { raw, members: read(Members::decode(value, WHAT)?)? }))
    }

    /// The bytes as received, or as they will be sent: what the MAC is computed over, after what stands before them.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl<M> Encode for SubCommandParams<M> {
    fn encode_into(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.raw);
    }
}
