//! The container's port to the security device, implemented twice: [`DeviceTpm`] on a TPM 2.0 and [`SoftwareTpm`]
//! on files. One contract test (`tests/it/contract.rs`) runs against both.
//!
//! This crate knows objects, authorisation values and policies; PINs, protectors and credentials are the
//! container's words.

mod device;
mod software;

pub use device::{DeviceOptions, DeviceTpm};
pub use software::SoftwareTpm;
