//! The PIN reset service: its keys, what it gives and releases, and what it refuses.

mod keys;
mod protector;
mod vectors;
