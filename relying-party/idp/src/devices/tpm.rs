//! What a TPM says about its keys (TPM 2.0 Library, Part 2), read strictly, and the one thing that is said to it.
//!
//! The server has no TPM library: it needs three structures, a hash and a signature. Sizes are checked before anything is
//! kept, what is not used here is refused, and nothing may stand behind a structure.

mod attest;
mod credential;
mod public;
mod reader;

pub use attest::{Certified, CertifyError, certified};
pub use credential::{Challenge, make_credential};
pub use public::{Key, PublicArea};
pub use reader::Malformed;

/// `TPM_ALG_ID`s that are read (TCG Algorithm Registry).
mod algorithm {
    pub(super) const RSA: u16 = 0x0001;
    pub(super) const AES: u16 = 0x0006;
    pub(super) const SHA256: u16 = 0x000b;
    pub(super) const NULL: u16 = 0x0010;
    pub(super) const RSASSA: u16 = 0x0014;
    pub(super) const RSAES: u16 = 0x0015;
    pub(super) const RSAPSS: u16 = 0x0016;
    pub(super) const OAEP: u16 = 0x0017;
    pub(super) const ECDSA: u16 = 0x0018;
    pub(super) const ECC: u16 = 0x0023;
    pub(super) const CFB: u16 = 0x0043;
}

#[cfg(test)]
mod tests;
