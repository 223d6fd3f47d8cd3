//! The PIN reset service: its keys, what it gives and releases, and what it refuses.

mod attacks;
mod device;
mod keys;
mod protector;
mod release;
mod scene;
mod vectors;
