//! The PIN reset service: its keys, what it gives and releases, and what it refuses.

mod attacks;
mod device;
mod helpdesk;
mod keys;
mod pages;
mod protector;
mod races;
mod release;
mod scene;
mod vectors;
