//! Records: XChaCha20-Poly1305 under keys derived from the authentication key, which only an unlocked container has, or
//! from the look-up key and the presence key, which keep from the reader of a copied database what needs no gesture.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::secret::Secret32;
use crate::stretch::derive;

#[cfg(test)]
mod tests;

/// The format of what is sealed; part of the associated data, so that a later format is never read as this one.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
const CONTEXT: usize = 16 + 32 + 1;

/// What a sealing key is for; each purpose has its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The records of user keys.
    Records,
    /// The authorisation value of the administrative key.
    AdminAuth,
    /// The form of the PIN, and verifiers of earlier ones.
    PinRecord,
    /// What may be seen of passkeys without a gesture; the one that is derived from the persistent token.
    Listings,
    /// What needs this device and no gesture; the one that is derived from the look-up key.
    Local,
    /// The records of passkeys of the presence class; derived from a key of their own.
    Presence,
}

/// A key for one purpose.
pub(crate) struct SealingKey(Secret32);

/// Where a sealed text belongs: moved to another row or container, it does not open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The container.
    pub container: &'a [u8; 16],
    /// The row: its look-up tag, or a constant for what there is once.
    pub row: &'a [u8; 32],
}

impl SealingKey {
    pub fn derive(secret: &Secret32, purpose: Purpose) -> Self {
        Self(derive(
            secret,
            match purpose {
                Purpose::Records => b"latchkey records",
                Purpose::AdminAuth => b"latchkey admin auth",
                Purpose::PinRecord => b"latchkey pin record",
                Purpose::Listings => b"latchkey listings",
                Purpose::Local => b"latchkey local",
                Purpose::Presence => b"latchkey presence",
            },
        ))
    }

    /// Nonce, ciphertext and tag in one piece. A random 192-bit nonce needs no counter on disk.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        // The text is encrypted where it is written: no second copy of it is left behind.
        let mut body = plaintext.to_vec();
        let tag = self
            .cipher()
            .encrypt_inout_detached(&nonce.into(), &place.context(), body.as_mut_slice().into())
            .unwrap_or_else(|_| unreachable!("a record is far below the cipher's limit of 256 GiB"));
        let mut sealed = Vec::with_capacity(NONCE.saturating_add(body.len()).saturating_add(TAG));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// The plaintext, or `None` for anything that [`SealingKey::seal`] did not make for this place.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        let (body, tag) = rest.split_last_chunk::<TAG>()?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                nonce.into(),
                &place.context(),
                plaintext.as_mut_slice().into(),
                tag.into(),
            )
            .ok()?;
        Some(plaintext)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose().into())
    }
}

impl Place<'_> {
    fn context(&self) -> [u8; CONTEXT] {
        let mut context = [FORMAT; CONTEXT];
        for (to, from) in context.iter_mut().zip(self.container.iter().chain(self.row)) {
            *to = *from;
        }
        context
    }
}
