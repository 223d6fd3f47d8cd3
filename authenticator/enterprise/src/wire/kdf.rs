//! Keys derived from the session key: SP 800-108 in counter mode with HMAC-SHA-256 (MS-OAPXBC 3.1.5.1.3).

use hmac::{Hmac, KeyInit as _, Mac as _};
use latchkey_container::secret::Secret32;
use sha2::{Digest as _, Sha256};

const LABEL: &[u8] = b"AzureAD-SecureConversation";
/// The length of the derived key in bits.
const BITS: [u8; 4] = 256_u32.to_be_bytes();

/// Version 1: whoever once learns a derived key can use it with any payload. Answers are still encrypted under it.
#[must_use]
pub fn version_1(session_key: &Secret32, context: &[u8]) -> Secret32 {
    let mut mac = Hmac::<Sha256>::new_from_slice(session_key.expose())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    for part in [&1_u32.to_be_bytes()[..], LABEL, &[0], context, &BITS] {
        mac.update(part);
    }
    Secret32::new(mac.finalize().into_bytes().into())
}

/// Version 2: the key is good for this payload only (CVE-2021-33779 is why).
#[must_use]
pub fn version_2(session_key: &Secret32, context: &[u8], payload: &[u8]) -> Secret32 {
    let bound: [u8; 32] = Sha256::new().chain_update(context).chain_update(payload).finalize().into();
    version_1(session_key, &bound)
}

#[cfg(test)]
mod tests;
