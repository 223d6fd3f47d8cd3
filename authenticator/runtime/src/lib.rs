//! What drives an authenticator, the same for the daemon and the simulator.
//!
//! ```text
//! carriers ──reports──▶ Exchange ──World::give(Job)─────▶ the engine's thread: Requests + Authenticator
//!                          │  ▲                                  │
//!      the user ◀─World::ask  └──────────── Report ◀─────────────┘
//! ```
//! [`Exchange`] never computes and never waits for a disk or a TPM, so keepalives and cancels work while a PIN is
//! stretched; [`Requests`] never asks and never sends. Who the user is, what else the thread does, and which carriers
//! there are, each program decides.

pub mod clock;
pub mod log;

mod exchange;
mod requests;

pub use exchange::{Exchange, Happening, World};
pub use requests::{Job, Message, Report, Requests};
