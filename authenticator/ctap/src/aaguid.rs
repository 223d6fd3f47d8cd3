//! The three models of this authenticator: random UUIDs (version 4), minted for Latchkey.
//!
//! A relying party that accepts the hardware model only must not be served by software, so each class of
//! container has its own AAGUID, and the engine takes the class from the container, never from a setting.

use latchkey_container::tpm::TpmClass;

/// Keys in a discrete or firmware TPM: `f48e42bc-af5d-4b75-84be-e0d983a2caa5`.
pub const HARDWARE: [u8; 16] = 0xf48e42bc_af5d_4b75_84be_e0d983a2caa5_u128.to_be_bytes();

/// Keys in a TPM that is itself software beside or below this machine:
/// `06c7892e-47e1-4671-a9d0-5058b77e725c`.
pub const VIRTUAL: [u8; 16] = 0x06c7892e_47e1_4671_a9d0_5058b77e725c_u128.to_be_bytes();

/// Keys in files, protected by key derivation: `f450ac9c-f9fa-4785-9c1a-be0c6d252198`.
pub const SOFTWARE: [u8; 16] = 0xf450ac9c_f9fa_4785_9c1a_be0c6d252198_u128.to_be_bytes();

/// The AAGUID of a container of this class.
#[must_use]
pub const fn of(class: TpmClass) -> [u8; 16] {
    match class {
        TpmClass::Hardware => HARDWARE,
        TpmClass::Virtual => VIRTUAL,
        TpmClass::Software => SOFTWARE,
    }
}
