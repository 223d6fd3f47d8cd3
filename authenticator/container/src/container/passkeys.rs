//! Passkeys: registering, finding, changing, deleting, signing.

use rand_core::CryptoRng;

use super::{Container, digest};
use crate::counter::AHEAD;
use crate::error::Error;
use crate::lookup::Tag;
use crate::passkey::{CredRandom, CredentialId, NewPasskey, Passkey, Signature, UserAccount};
use crate::record;
use crate::seal::Place;
use crate::secret::{AuthValue, Secret32};
use crate::store::{RecordTags, StoredRecord};
use crate::time::UnixTime;
use crate::unlocked::Unlocked;

impl Container {
    /// Makes a passkey. A discoverable one takes the place of the older one of the same account in the same
    /// transaction (CTAP 2.3 §6.1.2).
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Tpm`]; no passkey is made then and none is replaced.
    pub fn register(
        &mut self,
        unlocked: &Unlocked,
        new: NewPasskey,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Passkey, Error> {
        self.require(unlocked)?;
        let auth = AuthValue::random(rng);
        let created = self.tpm.create_key(new.algorithm, &auth)?;
        let passkey = Passkey {
            id: CredentialId::random(rng),
            rp_id: new.rp_id,
            user: new.user,
            algorithm: new.algorithm,
            public_key: created.public,
            discoverable: new.discoverable,
            protection: new.protection,
            created: now,
            label: None,
            key: created.blob,
            auth,
            hmac_secret: new.hmac_secret,
            cred_random: CredRandom { with_uv: Secret32::random(rng), without_uv: Secret32::random(rng) },
        };
        let tags = RecordTags {
            id: self.lookup.id(&passkey.id),
            scope: self.lookup.scope(&passkey.rp_id),
            account: self.lookup.account(&passkey.rp_id, &passkey.user.handle),
        };
        let sealed = self.seal(unlocked, &tags.id, &passkey, rng);
        self.store.insert(&tags, passkey.discoverable, AHEAD, &sealed)?;
        self.counts.put(passkey.id.clone(), 1, AHEAD);
        Ok(passkey)
    }

    /// The passkey with this credential ID.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Damaged`].
    pub fn passkey(&mut self, unlocked: &Unlocked, id: &CredentialId) -> Result<Option<Passkey>, Error> {
        self.require(unlocked)?;
        let tag = self.lookup.id(id);
        let Some(passkey) = self.store.record(&tag, |sealed| self.unseal_record(unlocked, &tag, sealed))?
        else {
            return Ok(None);
        };
        passkey.map(Some)
    }

    /// The discoverable passkeys of a relying party, newest first.
    ///
    /// # Errors
    /// As [`Container::passkey`].
    pub fn passkeys_for(&mut self, unlocked: &Unlocked, rp_id: &str) -> Result<Vec<Passkey>, Error> {
        self.require(unlocked)?;
        let records = self.store.records_of(&self.lookup.scope(rp_id))?;
        let passkeys = self.unseal_records(unlocked, &records)?;
        // The tags are not sealed: whoever can write the database could file a passkey under another site.
        if passkeys.iter().any(|passkey| passkey.rp_id != rp_id) {
            return Err(Error::Damaged { what: "index of passkeys" });
        }
        Ok(passkeys)
    }

    /// Every passkey, newest first.
    ///
    /// # Errors
    /// As [`Container::passkey`].
    pub fn passkeys(&mut self, unlocked: &Unlocked) -> Result<Vec<Passkey>, Error> {
        self.require(unlocked)?;
        let records = self.store.records()?;
        self.unseal_records(unlocked, &records)
    }

    /// Whether there is a passkey with this credential ID for this relying party. Works while locked.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn knows(&mut self, id: &CredentialId, rp_id: &str) -> Result<bool, Error> {
        Ok(self.store.knows(&self.lookup.id(id), &self.lookup.scope(rp_id))?)
    }

    /// How many discoverable passkeys there are. Works while locked.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn discoverable_count(&mut self) -> Result<u32, Error> {
        Ok(self.store.discoverable_count()?)
    }

    /// Replaces the names of an account (CTAP 2.3 §6.8.6); whether there is such a passkey of this user handle.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Damaged`].
    pub fn update_user(
        &mut self,
        unlocked: &Unlocked,
        id: &CredentialId,
        user: UserAccount,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Error> {
        let Some(mut passkey) = self.passkey(unlocked, id)? else { return Ok(false) };
        if passkey.user.handle != user.handle {
            return Ok(false);
        }
        passkey.user = user;
        self.rewrite(unlocked, &passkey, rng)
    }

    /// Gives a passkey the name that its user wants to see, `None` takes it away; whether there is such a passkey.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Damaged`].
    pub fn rename(
        &mut self,
        unlocked: &Unlocked,
        id: &CredentialId,
        label: Option<String>,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Error> {
        let Some(mut passkey) = self.passkey(unlocked, id)? else { return Ok(false) };
        passkey.label = label;
        self.rewrite(unlocked, &passkey, rng)
    }

    /// Deletes a passkey; whether there was one.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`].
    pub fn delete(&mut self, unlocked: &Unlocked, id: &CredentialId) -> Result<bool, Error> {
        self.require(unlocked)?;
        let deleted = self.store.delete(&self.lookup.id(id))?;
        self.counts.forget(id);
        Ok(deleted)
    }

    /// Signs the parts of a message, one after the other, with a passkey. The digest is computed here: there is no
    /// way to have a digest signed whose message the caller does not know.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::OtherTpm`], [`Error::Tpm`].
    pub fn sign(
        &mut self,
        unlocked: &Unlocked,
        passkey: &Passkey,
        message: &[&[u8]],
    ) -> Result<Signature, Error> {
        self.require(unlocked)?;
        let bytes = self.tpm.sign(&passkey.key, &passkey.auth, &digest(message))?;
        Ok(Signature { bytes })
    }

    /// The signature count of the next assertion: greater than every one before, also after a crash
    /// (WebAuthn L3 §6.1.1). One call in 64 writes to the disk.
    ///
    /// # Errors
    /// [`Error::UnknownPasskey`], [`Error::Storage`].
    pub fn next_signature_count(&mut self, id: &CredentialId) -> Result<u32, Error> {
        if let Some(count) = self.counts.take(id) {
            return Ok(count);
        }
        let last = self.store.reserve_counts(&self.lookup.id(id), AHEAD)?.ok_or(Error::UnknownPasskey)?;
        let first = last.saturating_sub(AHEAD).saturating_add(1);
        self.counts.put(id.clone(), first.saturating_add(1), last);
        Ok(first)
    }

    fn rewrite(
        &mut self,
        unlocked: &Unlocked,
        passkey: &Passkey,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Error> {
        let tag = self.lookup.id(&passkey.id);
        let sealed = self.seal(unlocked, &tag, passkey, rng);
        Ok(self.store.replace(&tag, &sealed)?)
    }

    fn seal(&self, unlocked: &Unlocked, tag: &Tag, passkey: &Passkey, rng: &mut dyn CryptoRng) -> Vec<u8> {
        unlocked.records().seal(self.place(tag), &record::encode(passkey), rng)
    }

    fn unseal_records(&self, unlocked: &Unlocked, records: &[StoredRecord]) -> Result<Vec<Passkey>, Error> {
        records.iter().map(|record| self.unseal_record(unlocked, &record.tag, &record.sealed)).collect()
    }

    fn unseal_record(&self, unlocked: &Unlocked, tag: &Tag, sealed: &[u8]) -> Result<Passkey, Error> {
        let payload = unlocked.records().open(self.place(tag), sealed);
        payload.and_then(|payload| record::decode(&payload)).ok_or(Error::Damaged { what: "passkey record" })
    }

    const fn place<'a>(&'a self, tag: &'a Tag) -> Place<'a> {
        Place { container: &self.identity.id, row: tag }
    }
}
