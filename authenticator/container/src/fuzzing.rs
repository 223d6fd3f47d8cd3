//! A door for fuzz targets to what lies behind a seal. It gives out nothing that its caller did not bring.

use zeroize::Zeroizing;

use crate::access::PasskeyClass;
use crate::record;

/// Reads the opened payload of a passkey's record and writes it again; `None` when it is not one.
#[must_use]
pub fn record_again(payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    record::decode(PasskeyClass::Verified, payload).map(|passkey| record::encode(&passkey))
}
