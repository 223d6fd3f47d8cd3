//! CTAPHID, its carriers and native messaging, from outside.
//!
//! `cfg(test)` on each module tells clippy that its helpers are tests too.

#[cfg(test)]
mod device;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod host;
#[cfg(test)]
mod native_messaging;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod udp;
#[cfg(test)]
mod uhid;
#[cfg(test)]
mod unix;
