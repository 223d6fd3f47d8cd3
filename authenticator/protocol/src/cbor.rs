//! Strict CTAP2 canonical CBOR (CTAP 2.3 §8): one pass that checks and decodes together, and its inverse.
//!
//! Refused: lengths and integers that are not in their shortest form, indefinite lengths, map keys that are not
//! in canonical order (so also keys given twice), keys that are neither integers nor strings, tags, text that is
//! not UTF-8, more than four nested maps and arrays, bytes after the value, and messages longer than
//! [`MAX_MESSAGE`](crate::MAX_MESSAGE). Floating-point numbers and simple values other than `false`, `true` and
//! `null` are well-formed but no member of any message has them: their status is `CBOR_UNEXPECTED_TYPE`.
//! A claimed length is never trusted with memory: it must fit into the bytes that are there.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod members;
#[cfg(test)]
mod tests;

pub use ciborium::Value;

pub use decode::{decode, decode_prefix, member_bytes};
pub use encode::encode;

/// The deepest nesting of maps and arrays (CTAP 2.3 §8).
pub const MAX_DEPTH: usize = 4;
