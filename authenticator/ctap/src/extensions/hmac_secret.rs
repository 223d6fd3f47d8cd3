//! The hmac-secret extension in getAssertion, and hmac-secret-mc, which is the same for a new passkey (CTAP 2.3 §12.7,
//! §12.8).

use ciborium::Value;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_container::Passkey;
use latchkey_protocol::authenticator_data::Flags;
use latchkey_protocol::extensions::HmacSecretInput;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::engine::KeyAgreements;
use crate::pin_protocol::{PinProtocol, SharedSecret};
use crate::status::Failure;

const SALT: usize = 32;

/// One or two salts, and the key that the outputs are encrypted with.
pub(crate) struct Salts {
    shared: SharedSecret,
    salts: Zeroizing<Vec<u8>>,
}

impl Salts {
    pub(crate) fn open(input: &HmacSecretInput, keys: &KeyAgreements) -> Result<Self, Failure> {
        // "If not present, protocol one": platforms of CTAP 2.0 know no other.
        let protocol = match input.protocol {
            None => PinProtocol::One,
            Some(number) => PinProtocol::from_number(number).ok_or(Failure::UnsupportedProtocol)?,
        };
        let point = &input.key_agreement;
        let shared = keys.of(protocol).decapsulate(&point.x, &point.y).ok_or(Failure::BadParameter)?;
        if !shared.verify(&[&input.salt_enc], &input.salt_auth) {
            return Err(Failure::TokenRefused);
        }
        let salts = shared.decrypt(&input.salt_enc).ok_or(Failure::BadParameter)?;
        if salts.len() != SALT && salts.len() != 2 * SALT {
            return Err(Failure::BadParameter);
        }
        Ok(Self { shared, salts })
    }

    /// `encrypt(shared secret, HMAC(CredRandom, salt1) ‖ HMAC(CredRandom, salt2))`; nothing of a passkey that was
    /// registered without the extension.
    fn output(&self, passkey: &Passkey, flags: Flags, rng: &mut dyn CryptoRng) -> Option<Value> {
        let cred_random = passkey.cred_random(flags.contains(Flags::UV))?;
        let mut outputs = Zeroizing::new(Vec::with_capacity(self.salts.len()));
        for salt in self.salts.as_chunks::<SALT>().0 {
            if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(cred_random.expose()) {
                mac.update(salt);
                outputs.extend_from_slice(&mac.finalize().into_bytes());
            }
        }
        Some(self.shared.encrypt(&outputs, rng).into())
    }
}

/// The output for a passkey, if there are salts.
pub(crate) fn output(
    salts: Option<&Salts>,
    passkey: &Passkey,
    flags: Flags,
    rng: &mut dyn CryptoRng,
) -> Option<Value> {
    salts?.output(passkey, flags, rng)
}
