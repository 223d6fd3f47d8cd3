//! What a computation leaves on the stack.
//!
//! A secret is wiped where it is dropped, but a value that is moved is copied, and the place that it was moved from is
//! not wiped by anybody. So what handles the authentication key or hashes a PIN runs apart, and then its part of the stack is
//! overwritten, before a core dump or a swapped page can show it.

use zeroize::Zeroize;

/// More than anything uses that runs apart, the TPM library included; a thread has at least 2 MiB.
const DEPTH: usize = 192 * 1024;

/// Runs `work`, and wipes the stack that it used.
pub(crate) fn without_traces<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    wipe();
    result
}

#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "it is there to be as large as what it overwrites")]
fn wipe() {
    let mut stack = [0_u8; DEPTH];
    stack.zeroize();
    std::hint::black_box(&stack);
}
