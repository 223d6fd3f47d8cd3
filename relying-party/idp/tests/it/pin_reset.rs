//! The PIN reset service: its keys, what it gives and releases, and what it refuses.

mod apart;
mod attacks;
mod device;
mod door;
mod ground;
mod helpdesk;
mod keys;
mod pages;
mod protector;
mod races;
mod release;
mod restored;
mod scene;
mod vectors;
