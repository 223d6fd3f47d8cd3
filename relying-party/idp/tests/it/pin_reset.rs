//! The PIN reset service: its keys, what it gives and releases, and what it refuses.

mod apart;
mod attacks;
pub mod device;
mod door;
mod ground;
mod helpdesk;
mod keys;
mod pages;
mod pages_for_helpdesk;
mod pages_of_keys;
mod protector;
mod races;
mod release;
mod restored;
pub mod scene;
mod vectors;
