//! What a container has once, sealed to this device: it opens without a gesture, and a copied database does not tell it.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Container;
use crate::error::Error;
use crate::seal::Place;
use crate::store::Single;

impl Container {
    pub(super) fn single(&self, single: Single) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some(sealed) = self.store.single(single)? else { return Ok(None) };
        let opened = self.local.open(self.single_place(single), &sealed);
        opened.map(Some).ok_or(Error::Damaged { what: single.name() })
    }

    pub(super) fn set_single(
        &mut self,
        single: Single,
        payload: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let sealed = self.local.seal(self.single_place(single), payload, rng);
        Ok(self.store.set_single(single, &sealed)?)
    }

    const fn single_place(&self, single: Single) -> Place<'_> {
        Place { container: &self.identity.id, row: single.row() }
    }
}
