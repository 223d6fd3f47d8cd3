//! Settings of the authenticator, and the persistent token: whoever has it may list the passkeys without a gesture until the
//! PIN changes (persistentPinUvAuthToken, CTAP 2.3 §6.5.2.1).
//!
//! The records of passkeys open only after a gesture, so the token comes with a second, smaller record of each discoverable
//! passkey, sealed under a key derived from the token. There are none while nobody has such a token.

use rand_core::CryptoRng;
use serde_bytes::ByteArray;

use super::Container;
use crate::error::Error;
use crate::listing::PasskeyListing;
use crate::lookup::Tag;
use crate::passkey::Passkey;
use crate::pin::{PinOverdue, PinRecord, PinRefusal, PinShape};
use crate::seal::{Place, SealingKey};
use crate::secret::Secret32;
use crate::settings::{Grant, Kept, OfThisPin, Settings};
use crate::store::{SealedListing, Store};
use crate::unlocked::Unlocked;

/// Both records, opened.
#[derive(Default)]
pub(super) struct SettingsRecords {
    kept: Kept,
    of_this_pin: OfThisPin,
}

impl SettingsRecords {
    pub fn load(store: &Store, container: &[u8; 16], key: &SealingKey) -> Result<Self, Error> {
        let damaged = || Error::Damaged { what: "settings" };
        let mut records = Self::default();
        if let Some(sealed) = store.kept_settings()? {
            records.kept = Kept::open(container, key, &sealed).ok_or_else(damaged)?;
        }
        if let Some(sealed) = store.settings_of_this_pin()? {
            records.of_this_pin = OfThisPin::open(container, key, &sealed).ok_or_else(damaged)?;
        }
        Ok(records)
    }

    /// What follows from a change of PIN, whose commit has done the same.
    pub fn forget_those_of_the_pin(&mut self) {
        self.of_this_pin = OfThisPin::Nothing;
    }
}

impl Container {
    /// What is set about the authenticator.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings.kept.settings
    }

    /// Replaces the settings.
    ///
    /// # Errors
    /// [`Error::Storage`]; nothing is changed then.
    pub fn change_settings(&mut self, new: Settings, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        self.put_settings(Kept { settings: new, ..self.settings.kept.clone() }, None, rng)
    }

    /// Replaces the settings, and wants another PIN before the one of now opens anything again. With that the persistent
    /// token ends.
    ///
    /// # Errors
    /// [`Error::NoPin`], [`Error::Storage`]; nothing is changed then.
    pub fn demand_new_pin(&mut self, new: Settings, rng: &mut dyn CryptoRng) -> Result<(), Error> {
        if !self.has_pin() {
            return Err(Error::NoPin);
        }
        let kept = Kept { settings: new, ..self.settings.kept.clone() };
        self.put_settings(kept, Some((OfThisPin::MustChange, Vec::new())), rng)
    }

    /// Whether the PIN of now keeps these settings, as far as is known: of one that was set before its form was written
    /// down, nothing is.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn pin_keeps(&self, unlocked: &Unlocked, settings: &Settings) -> Result<bool, Error> {
        self.require(unlocked)?;
        let record = self.open_pin_record(unlocked.pin_record());
        Ok(record.as_ref().and_then(PinRecord::shape).is_some_and(|shape| settings.fault(shape).is_none()))
    }

    /// The persistent token, if somebody has it.
    #[must_use]
    pub fn persistent_token(&self) -> Option<&Secret32> {
        Some(&self.settings.of_this_pin.grant()?.token)
    }

    /// The persistent token, made now if nobody has it yet.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::PinOverdue`], [`Error::Storage`], [`Error::Damaged`]; there is no token then.
    pub fn grant_persistent_token(
        &mut self,
        unlocked: &Unlocked,
        rng: &mut dyn CryptoRng,
    ) -> Result<&Secret32, Error> {
        self.require(unlocked)?;
        if self.must_change_pin() {
            return Err(Error::PinOverdue(PinOverdue::Demanded));
        }
        if self.persistent_token().is_none() {
            let grant = Grant::of(Secret32::random(rng));
            let passkeys = self.passkeys(unlocked)?;
            let discoverable = passkeys.iter().filter(|passkey| passkey.discoverable);
            let listings = discoverable.map(|passkey| self.list_under(&grant, passkey, rng)).collect();
            let mut kept = self.settings.kept.clone();
            kept.identifier.get_or_insert_with(|| {
                let mut identifier = [0; 16];
                rng.fill_bytes(&mut identifier);
                ByteArray::new(identifier)
            });
            self.put_settings(kept, Some((OfThisPin::Granted(grant), listings)), rng)?;
        }
        self.persistent_token().ok_or(Error::NoPin)
    }

    /// What names this authenticator from one reset to the next, for whoever has the persistent token (CTAP 2.3 §6.4,
    /// encIdentifier). There is one as soon as somebody has had it.
    #[must_use]
    pub fn identifier(&self) -> Option<[u8; 16]> {
        self.settings.kept.identifier.map(ByteArray::into_array)
    }

    /// What is another after each change of the discoverable passkeys (CTAP 2.3 §6.4, encCredStoreState).
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn credential_store_state(&self) -> Result<[u8; 16], Error> {
        let identifier = self.identifier().unwrap_or_default();
        Ok(self.lookup.store_state(&identifier, self.store.discoverable_changes()?))
    }

    /// The discoverable passkeys, newest first, for whoever has the persistent token; none while nobody has. Works while
    /// locked.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    pub fn listings(&self) -> Result<Vec<PasskeyListing>, Error> {
        let Some(grant) = self.settings.of_this_pin.grant() else { return Ok(Vec::new()) };
        let open = |record: SealedListing| {
            let cbor = grant.listings.open(self.listing_place(&record.tag), &record.sealed);
            let listing = cbor.and_then(|cbor| PasskeyListing::decode(&cbor));
            listing.ok_or(Error::Damaged { what: "list of passkeys" })
        };
        self.store.listings()?.into_iter().map(open).collect()
    }

    /// What goes with a passkey's record into its commit, while somebody has the persistent token.
    pub(super) fn listing_of(&self, passkey: &Passkey, rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        let grant = self.settings.of_this_pin.grant().filter(|_| passkey.discoverable)?;
        Some(self.list_under(grant, passkey, rng).sealed)
    }

    /// The first of our own rules that a PIN of this form breaks, whoever else has rules.
    pub(super) fn fault_by_settings(&self, shape: &PinShape) -> Option<PinRefusal> {
        self.settings().fault(shape)
    }

    /// Whether the PIN opens nothing before it is changed, because that was demanded.
    pub(super) const fn must_change_pin(&self) -> bool {
        matches!(self.settings.of_this_pin, OfThisPin::MustChange)
    }

    fn put_settings(
        &mut self,
        kept: Kept,
        of_this_pin: Option<(OfThisPin, Vec<SealedListing>)>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        let container = self.identity.id;
        let sealed_kept = kept.seal(&container, &self.local, rng);
        let sealed = of_this_pin.as_ref().map(|(record, _)| record.seal(&container, &self.local, rng));
        let listings = of_this_pin.as_ref().map(|(_, listings)| listings.as_slice()).unwrap_or_default();
        self.store.put_settings(&sealed_kept, sealed.as_deref().map(|sealed| (sealed, listings)))?;
        self.settings.kept = kept;
        if let Some((record, _)) = of_this_pin {
            self.settings.of_this_pin = record;
        }
        Ok(())
    }

    fn list_under(&self, grant: &Grant, passkey: &Passkey, rng: &mut dyn CryptoRng) -> SealedListing {
        let tag = self.lookup.id(&passkey.id);
        let listing = PasskeyListing::from(passkey).encode();
        let sealed = grant.listings.seal(self.listing_place(&tag), &listing, rng);
        SealedListing { tag, sealed }
    }

    const fn listing_place<'a>(&'a self, tag: &'a Tag) -> Place<'a> {
        Place { container: &self.identity.id, row: tag }
    }
}
