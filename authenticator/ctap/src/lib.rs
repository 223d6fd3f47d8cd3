//! CTAP 2.3 as a state machine over the container. It performs no I/O and knows no clock: a request goes in,
//! a [`Step`] comes out, and where the user must answer first, the driver hands the answer to
//! [`Authenticator::resume`].
//!
//! One module per command, and one per extension below `extensions`; `status.rs` holds the one table from reasons
//! to status bytes, `token.rs` the state of the pinUvAuthToken, `user_verification.rs` what a request shows of the user,
//! `gesture.rs` the counting of wrong PINs. `u2f.rs` is what CTAP calls CTAP1.

pub mod aaguid;

mod attestation;
mod bio_enrollment;
mod biometrics;
mod certificate;
mod client_pin;
mod config;
mod continuation;
mod credential_management;
mod engine;
mod extensions;
mod gesture;
mod get_assertion;
mod get_info;
mod keys;
mod large_blobs;
mod local;
mod make_credential;
mod persistent_token;
mod pin_protocol;
mod policy;
mod reset;
mod status;
mod step;
mod token;
mod u2f;
mod user_verification;

pub use biometrics::{
    BiometricService, Capture, Captured, EnrolledTemplate, FingerprintKind, FingerprintSensor, Learnt,
    SampleStatus, ServiceError,
};
pub use engine::Authenticator;
pub use local::PinRefused;
pub use policy::{Organisation, Policy};
pub use step::{Ambient, Answer, ChannelId, Notice, Operation, Prompt, Step, Suspended, Want};
pub use u2f::{Reply, Touch};
