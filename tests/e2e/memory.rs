//! What the programs' memory holds after a PIN reset: none of the secrets that it was made with, neither what the PIN reset
//! service gave out, nor the authentication key of before or after, nor a PIN. Nor does a core dump, which has the registers
//! besides.

mod command;
mod core_file;
mod daemon;
mod secrets;
