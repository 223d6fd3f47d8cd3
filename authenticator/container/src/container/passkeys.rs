//! Passkeys: registering, finding, changing, deleting, signing.

use rand_core::CryptoRng;

use sha2::{Digest as _, Sha384};

use super::{Container, digest};
use crate::access::{Access, PasskeyClass};
use crate::counter::AHEAD;
use crate::error::Error;
use crate::lookup::Tag;
use crate::passkey::{
    CredRandom, CredentialId, NewPasskey, Passkey, PasskeyAlgorithm, PasskeyExtensions, PasskeyPublicKey,
    PrivateKey, Protection, Signature, UserAccount,
};
use crate::record;
use crate::seal::{Place, SealingKey};
use crate::sealed_key;
use crate::secret::{AuthValue, Secret32};
use crate::store::{RecordTags, StoredRecord};
use crate::time::UnixTime;
use crate::tpm::KeyAlgorithm;
use crate::unlocked::Unlocked;

impl Container {
    /// Makes a passkey. A discoverable one takes the place of the older one of the same account in the same
    /// transaction (CTAP 2.3 §6.1.2). Profile and credProtect level decide its class.
    ///
    /// # Errors
    /// [`Error::GestureNeeded`] for one of the verified class without a gesture, [`Error::Stale`], [`Error::Storage`],
    /// [`Error::Tpm`]; no passkey is made then and none is replaced.
    pub fn register<'a>(
        &mut self,
        access: impl Into<Access<'a>>,
        new: NewPasskey,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Passkey, Error> {
        let access = self.admit_access(access)?;
        self.keep(access, None, new, now, rng)
    }

    /// Makes a key for an application that U2F names by a hash alone: not discoverable, at credProtect level 1 (CTAP 2.3
    /// §10.3), without a user.
    ///
    /// # Errors
    /// As [`Container::register`]; [`Error::GestureNeeded`] where the profile has no passkeys of the presence class.
    pub fn register_u2f(
        &mut self,
        app_id: &[u8; 32],
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Passkey, Error> {
        let nobody = UserAccount { handle: Vec::new(), name: None, display_name: None };
        let new = NewPasskey {
            rp_id: String::new(),
            user: nobody,
            algorithm: KeyAlgorithm::Es256.into(),
            discoverable: false,
            protection: Protection::Optional,
            extensions: PasskeyExtensions::default(),
        };
        self.keep(Access::Presence, Some(*app_id), new, now, rng)
    }

    fn keep(
        &mut self,
        access: Access<'_>,
        app_id: Option<[u8; 32]>,
        new: NewPasskey,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Passkey, Error> {
        let class = PasskeyClass::of(self.profile(), new.protection);
        self.require_reach(access, class)?;
        let (key, public_key) = self.create_passkey_key(new.algorithm, rng)?;
        let passkey = Passkey {
            id: CredentialId::random(rng),
            rp_id: new.rp_id,
            app_id,
            user: new.user,
            algorithm: new.algorithm,
            public_key,
            discoverable: new.discoverable,
            protection: new.protection,
            class,
            created: now,
            label: None,
            extensions: new.extensions,
            key,
            cred_random: CredRandom { with_uv: Secret32::random(rng), without_uv: Secret32::random(rng) },
        };
        let tags = RecordTags {
            id: self.lookup.id(&passkey.id),
            scope: self.lookup.scope(&passkey.rp_id),
            account: self.lookup.account(&passkey.rp_id, &passkey.user.handle),
        };
        let sealed = self.seal(access, &tags.id, &passkey, rng)?;
        let listing = self.listing_of(&passkey, rng);
        self.store.insert(&tags, class, passkey.discoverable, AHEAD, &sealed, listing.as_deref())?;
        self.counts.put(passkey.id.clone(), 1, AHEAD);
        Ok(passkey)
    }

    /// The passkey with this credential ID, if it is here for this access.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Storage`], [`Error::Damaged`].
    pub fn passkey<'a>(
        &mut self,
        access: impl Into<Access<'a>>,
        id: &CredentialId,
    ) -> Result<Option<Passkey>, Error> {
        let access = self.admit_access(access)?;
        let tag = self.lookup.id(id);
        let opened = self.store.record(&tag, |class, sealed| {
            access.reaches(class).then(|| self.unseal_record(access, &tag, class, sealed))
        })?;
        opened.flatten().transpose()
    }

    /// The discoverable passkeys of a relying party that are here for this access, newest first.
    ///
    /// # Errors
    /// As [`Container::passkey`].
    pub fn passkeys_for<'a>(
        &mut self,
        access: impl Into<Access<'a>>,
        rp_id: &str,
    ) -> Result<Vec<Passkey>, Error> {
        let access = self.admit_access(access)?;
        let records = self.store.records_of(&self.lookup.scope(rp_id))?;
        let passkeys = self.unseal_records(access, &records)?;
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
        let access = self.admit_access(unlocked)?;
        let records = self.store.records()?;
        self.unseal_records(access, &records)
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
    pub fn delete<'a>(&mut self, access: impl Into<Access<'a>>, id: &CredentialId) -> Result<bool, Error> {
        let access = self.admit_access(access)?;
        let tag = self.lookup.id(id);
        // Not opened: a damaged one can be deleted too.
        if self.store.record(&tag, |class, _sealed| access.reaches(class))? != Some(true) {
            return Ok(false);
        }
        let deleted = self.store.delete(&tag)?;
        self.counts.forget(id);
        Ok(deleted)
    }

    /// Signs the parts of a message, one after the other, with a passkey. The digest is computed here: there is no
    /// way to have a digest signed whose message the caller does not know.
    ///
    /// # Errors
    /// [`Error::GestureNeeded`] for one of the verified class without a gesture, [`Error::Stale`], [`Error::OtherTpm`],
    /// [`Error::Tpm`].
    pub fn sign<'a>(
        &mut self,
        access: impl Into<Access<'a>>,
        passkey: &Passkey,
        message: &[&[u8]],
    ) -> Result<Signature, Error> {
        let access = self.admit_access(access)?;
        self.require_reach(access, passkey.class)?;
        let bytes = match &passkey.key {
            PrivateKey::DeviceBound(blob, auth) => {
                self.tpm.sign(blob, auth, &digest_for(passkey.algorithm, message))?
            }
            PrivateKey::Sealed(algorithm, seed) => sealed_key::sign(*algorithm, seed, message),
        };
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

    fn create_passkey_key(
        &mut self,
        algorithm: PasskeyAlgorithm,
        rng: &mut dyn CryptoRng,
    ) -> Result<(PrivateKey, PasskeyPublicKey), Error> {
        Ok(match algorithm {
            PasskeyAlgorithm::DeviceBound(algorithm) => {
                let auth = AuthValue::random(rng);
                let created = self.tpm.create_key(algorithm, &auth)?;
                let public = PasskeyPublicKey::DeviceBound(created.public);
                (PrivateKey::DeviceBound(created.blob, auth), public)
            }
            PasskeyAlgorithm::Sealed(algorithm) => {
                let seed = Secret32::random(rng);
                let public = sealed_key::public_key(algorithm, &seed);
                (PrivateKey::Sealed(algorithm, seed), public)
            }
        })
    }

    fn rewrite(
        &mut self,
        unlocked: &Unlocked,
        passkey: &Passkey,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Error> {
        let tag = self.lookup.id(&passkey.id);
        let sealed = self.seal(unlocked.into(), &tag, passkey, rng)?;
        let listing = self.listing_of(passkey, rng);
        Ok(self.store.replace(&tag, &sealed, listing.as_deref())?)
    }

    /// An access that is not stale.
    pub(super) fn admit_access<'a>(&self, access: impl Into<Access<'a>>) -> Result<Access<'a>, Error> {
        let access = access.into();
        if let Access::Verified(unlocked) = access {
            self.require(unlocked)?;
        }
        Ok(access)
    }

    pub(super) fn require_reach(&self, access: Access<'_>, class: PasskeyClass) -> Result<(), Error> {
        self.records_key(access, class).map(drop)
    }

    /// What opens the records of a class. Of the verified class only the evidence of a gesture holds the key.
    fn records_key<'a>(&'a self, access: Access<'a>, class: PasskeyClass) -> Result<&'a SealingKey, Error> {
        match (class, access) {
            (PasskeyClass::Verified, Access::Verified(unlocked)) => Ok(unlocked.records()),
            (PasskeyClass::Verified, Access::Presence) => Err(Error::GestureNeeded),
            (PasskeyClass::Presence, Access::Verified(_) | Access::Presence) => {
                self.presence.as_ref().ok_or(Error::Damaged { what: "class of a passkey" })
            }
        }
    }

    fn seal(
        &self,
        access: Access<'_>,
        tag: &Tag,
        passkey: &Passkey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, Error> {
        let key = self.records_key(access, passkey.class)?;
        Ok(key.seal(self.place(tag), &record::encode(passkey), rng))
    }

    /// Those of the records that the access reaches.
    fn unseal_records(&self, access: Access<'_>, records: &[StoredRecord]) -> Result<Vec<Passkey>, Error> {
        let reached = records.iter().filter(|record| access.reaches(record.class));
        reached.map(|record| self.unseal_record(access, &record.tag, record.class, &record.sealed)).collect()
    }

    fn unseal_record(
        &self,
        access: Access<'_>,
        tag: &Tag,
        class: PasskeyClass,
        sealed: &[u8],
    ) -> Result<Passkey, Error> {
        let payload = self.records_key(access, class)?.open(self.place(tag), sealed);
        payload
            .and_then(|payload| record::decode(class, &payload))
            .ok_or(Error::Damaged { what: "passkey record" })
    }

    const fn place<'a>(&'a self, tag: &'a Tag) -> Place<'a> {
        Place { container: &self.identity.id, row: tag }
    }
}

/// The digest of a message with the hash of the algorithm.
fn digest_for(algorithm: PasskeyAlgorithm, message: &[&[u8]]) -> Vec<u8> {
    if algorithm == PasskeyAlgorithm::DeviceBound(KeyAlgorithm::Es384) {
        let mut digest = Sha384::new();
        for part in message {
            digest.update(part);
        }
        digest.finalize().to_vec()
    } else {
        digest(message).to_vec()
    }
}
