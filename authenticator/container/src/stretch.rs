//! From a PIN hash to the two authorisation values of a PIN protector.

use argon2::{Algorithm, Argon2, Params, Version};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::pin::PinHash;
use crate::secret::{AuthValue, Secret32};
use crate::tpm::TpmClass;

/// What one guess costs whoever has the files: Argon2id (RFC 9106) in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StretchCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl StretchCost {
    /// The cost that a class of device needs. A TPM counts the tries and keeps the sealed object to itself; without
    /// one the files alone can be attacked, so there this cost is the whole defence and must not be lowered.
    #[must_use]
    pub const fn for_class(class: TpmClass) -> Self {
        match class {
            TpmClass::Hardware | TpmClass::Virtual => Self { memory_kib: 19 * 1024, passes: 2 },
            TpmClass::Software => Self { memory_kib: 256 * 1024, passes: 3 },
        }
    }
}

/// The two values that a PIN protector wants: one for the index that counts, one for the sealed object.
pub(crate) struct PinAuth {
    pub index: AuthValue,
    pub seal: AuthValue,
}

/// `base = Argon2id(pinHash, salt)`, then HKDF with one label for each value.
pub(crate) fn stretch(cost: StretchCost, pin: &PinHash, salt: &[u8; 32]) -> Result<PinAuth, Error> {
    let base = base(cost, pin, salt)?;
    let value = |label| AuthValue::new(*derive(&base, label).expose());
    Ok(PinAuth { index: value(b"latchkey pin index"), seal: value(b"latchkey pin seal") })
}

/// What tells a PIN of earlier when it comes again, and costs as much to guess from as the protector.
pub(crate) fn verifier(cost: StretchCost, pin: &PinHash, salt: &[u8; 32]) -> Result<Secret32, Error> {
    Ok(derive(&base(cost, pin, salt)?, b"latchkey pin verifier"))
}

fn base(cost: StretchCost, pin: &PinHash, salt: &[u8; 32]) -> Result<Secret32, Error> {
    let failed = |_| Error::Memory { memory_kib: cost.memory_kib };
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(failed)?;
    let mut base = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(pin.expose(), salt, base.as_mut_slice())
        .map_err(failed)?;
    Ok(Secret32::new(*base))
}

/// HKDF-SHA256 (RFC 5869) of a secret under a label.
pub(crate) fn derive(secret: &Secret32, label: &[u8]) -> Secret32 {
    let mut bytes = [0; 32];
    Hkdf::<Sha256>::new(None, secret.expose())
        .expand(label, &mut bytes)
        .unwrap_or_else(|_| unreachable!("HKDF-SHA256 gives up to 8160 bytes"));
    let derived = Secret32::new(bytes);
    bytes.zeroize();
    derived
}
