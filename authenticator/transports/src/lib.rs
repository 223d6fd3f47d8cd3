//! CTAPHID framing and the carriers under it; native messaging.
//!
//! ```text
//! unix.rs, uhid.rs, udp.rs, tcp.rs ──Port──▶ carrier::Links ──Event──▶ the daemon's loop ──▶ ctaphid::Device ──Action──▶ the daemon's loop
//! ```
//! The framing ([`ctaphid`]) does no I/O and does not know CTAP commands, CBOR, users or keys; a carrier knows only
//! that a report is 64 bytes. [`host`] is the other end of the same framing, for our own client and for tests.

pub mod carrier;
pub mod ctaphid;
pub mod host;
pub mod loopback;
pub mod native_messaging;
pub mod tcp;
pub mod udp;
pub mod uhid;
pub mod unix;

mod owner;
