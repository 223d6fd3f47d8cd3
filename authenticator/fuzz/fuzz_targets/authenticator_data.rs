#![no_main]
#![allow(unsafe_code, missing_docs, reason = "the macro exports a function to libFuzzer")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| latchkey_fuzz::authenticator_data::check(data));
