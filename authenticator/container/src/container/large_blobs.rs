//! The large-blob array (CTAP 2.3 §6.10). Platforms may read it without a gesture and have encrypted what is in it; it
//! lies sealed to this device, so that a copied database does not tell how much is kept for how many passkeys.

use rand_core::CryptoRng;

use super::Container;
use crate::error::Error;
use crate::store::Single;

impl Container {
    /// The array as it was written last; `None` if none was written since the container began or was reset.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    pub fn large_blobs(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.single(Single::LargeBlobs)?.map(|array| array.to_vec()))
    }

    /// Writes the array, in one commit: after a crash there is the one before or this one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn set_large_blobs(&mut self, array: &[u8], rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.set_single(Single::LargeBlobs, array, rng)
    }
}
