//! The container as a whole: how it comes to be, opens, and ends.

use std::path::Path;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use crate::counter::SignatureCounts;
use crate::directory::Directory;
use crate::error::Error;
use crate::lookup::Lookup;
use crate::pin::{PinRefusal, PinRules};
use crate::profile::Profile;
use crate::seal::{Purpose, SealingKey};
use crate::secret::Secret32;
use crate::store::{Identity, Opened, PinProtector, Store, StoredIdentity};
use crate::stretch::StretchCost;
use crate::time::UnixTime;
use crate::tpm::{KeyAlgorithm, PinIndex, PinSlot, Tpm, TpmClass};

mod biometrics;
mod compartments;
mod device;
mod enterprise;
mod gesture;
mod installation;
mod large_blobs;
mod passkeys;
mod pin_rules;
mod recovery;
mod reset_pin;
mod settings;
mod single;
mod status;

use biometrics::Biometrics;
pub use gesture::PIN_TRIES;
use settings::SettingsRecords;
pub use status::{PinTries, Status};

/// How to create a container.
#[derive(Debug, Clone, Copy)]
pub struct CreateOptions {
    /// What checking a PIN costs; kept with the container.
    pub stretch: StretchCost,
    /// Whether to refuse the software provider (policy `RequireSecurityDevice`).
    pub require_tpm: bool,
    /// What the container is for.
    pub profile: Profile,
}

/// An open container. While it lives, no other process can open it.
pub struct Container {
    tpm: Box<dyn Tpm>,
    store: Store,
    identity: Identity,
    lookup: Lookup,
    /// The key of the records that need no gesture.
    local: SealingKey,
    /// The key of passkeys of the presence class, where the profile knows such.
    presence: Option<SealingKey>,
    counts: SignatureCounts,
    generation: u64,
    pin: Option<PinProtector>,
    biometrics: Biometrics,
    settings: SettingsRecords,
    rules: PinRules,
    /// Which rule the PIN falls short of, as the last unlocking has shown.
    weakness: Option<PinRefusal>,
    /// The commit of a PIN change failed, and only the next one that succeeds tells which PIN stands.
    unsettled: bool,
    /// Given back last, after the database is closed.
    directory: Directory,
}

impl Container {
    /// Creates a container in `dir`, without a PIN. A creation or destruction that was interrupted there is
    /// cleared away first.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::InUse`], [`Error::TpmRequired`], [`Error::SlotTaken`], [`Error::Storage`],
    /// [`Error::Tpm`].
    pub fn create(
        dir: &Path,
        mut tpm: Box<dyn Tpm>,
        options: &CreateOptions,
        now: UnixTime,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, Error> {
        if options.require_tpm && tpm.identity().class == TpmClass::Software {
            return Err(Error::TpmRequired);
        }
        let directory = Directory::make(dir)?;
        directory.make_database()?;
        match Store::open(&directory.database())? {
            Opened::Unborn => {}
            Opened::Container(mut store) => {
                let old = store.identity()?;
                if !old.destroying {
                    return Err(Error::Exists { path: dir.to_owned() });
                }
                // On another TPM, slots of the same place are not the old container's.
                if old.storage_root_name == tpm.identity().storage_root_name {
                    clear_slots(&mut store, tpm.as_mut())?;
                }
            }
        }
        directory.remove_database()?;

        // Told now and not at the first change of PIN, which needs the second slot. What is there is somebody else's,
        // or of a container whose files were deleted by hand; only a person can tell.
        for slot in PinSlot::BOTH {
            tpm.require_free(slot)?;
        }
        let keys = DeviceKeys::random(options.profile, rng);
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        let stored = StoredIdentity {
            identity: Identity { id, created: now, stretch: options.stretch },
            storage_root_name: tpm.identity().storage_root_name.clone(),
            lookup_key: tpm.bind(&keys.lookup)?,
            presence_key: keys.presence.as_ref().map(|key| tpm.bind(key)).transpose()?,
            generation: 0,
            destroying: false,
        };
        directory.make_database()?;
        let store = Store::create(&directory.database(), &stored)?;
        directory.sync()?;
        Self::assemble(tpm, store, stored, &keys, directory)
    }

    /// Opens the container in `dir`, and finishes or undoes what was interrupted there.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::InUse`], [`Error::OtherTpm`], [`Error::TooNew`], [`Error::Storage`],
    /// [`Error::Tpm`].
    pub fn open(dir: &Path, mut tpm: Box<dyn Tpm>) -> Result<Self, Error> {
        let missing = || Error::Missing { path: dir.to_owned() };
        let directory = Directory::enter(dir)?;
        let mut store = match Store::open(&directory.database())? {
            Opened::Unborn => return Err(missing()),
            Opened::Container(store) => store,
        };
        let stored = store.identity()?;
        if stored.storage_root_name != tpm.identity().storage_root_name {
            return Err(Error::OtherTpm);
        }
        if stored.destroying {
            clear_slots(&mut store, tpm.as_mut())?;
            drop(store);
            directory.remove_database()?;
            directory.remove()?;
            return Err(missing());
        }
        // A slot that cannot be cleared now (the owner authorisation may be missing) is no reason to stay closed: the
        // status counts it, and it is tried again.
        drop(clear_abandoned_slots(&mut store, tpm.as_mut()));
        let keys = DeviceKeys {
            lookup: tpm.unbind(&stored.lookup_key)?,
            presence: stored.presence_key.as_ref().map(|key| tpm.unbind(key)).transpose()?,
        };
        Self::assemble(tpm, store, stored, &keys, directory)
    }

    /// Deletes the container with all its passkeys: the PIN from the TPM, then the files.
    ///
    /// # Errors
    /// [`Error::Tpm`], [`Error::Storage`]; the next [`Container::open`] or [`Container::create`] finishes it then.
    pub fn destroy(self) -> Result<(), Error> {
        let Self { mut tpm, mut store, directory, .. } = self;
        store.begin_destruction()?;
        tpm.forget_keys();
        clear_slots(&mut store, tpm.as_mut())?;
        drop(store);
        directory.remove_database()?;
        directory.remove()
    }

    /// Deletes the files of a container whose TPM is gone. The TPM, wherever it is, keeps a PIN index that opens
    /// nothing any more; [`Container::create`] on that TPM says how to remove it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::InUse`], [`Error::Storage`].
    pub fn discard(dir: &Path) -> Result<(), Error> {
        let directory = Directory::enter(dir)?;
        directory.remove_database()?;
        directory.remove()
    }

    /// The kind of device behind the container.
    #[must_use]
    pub fn class(&self) -> TpmClass {
        self.tpm.identity().class
    }

    /// The algorithms of keys that the device can make.
    #[must_use]
    pub fn device_algorithms(&self) -> &[KeyAlgorithm] {
        &self.tpm.identity().key_algorithms
    }

    /// What the container is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        if self.presence.is_some() { Profile::SecurityKey } else { Profile::Hello }
    }

    /// The fewest code points of a PIN. Without a TPM nothing limits the guesses of whoever has the files, so the
    /// PIN must be longer; the settings and the rules that are followed may want more.
    #[must_use]
    pub fn minimum_pin_length(&self) -> u8 {
        let floor = match self.class() {
            TpmClass::Hardware | TpmClass::Virtual => 4,
            TpmClass::Software => 6,
        };
        let own = floor.max(self.settings().minimum_pin_length);
        match &self.rules {
            PinRules::Policy(rules) => own.max(u8::try_from(rules.minimum_length).unwrap_or(u8::MAX)),
            PinRules::None | PinRules::Unreadable => own,
        }
    }

    /// The most code points that the rules which are followed allow; CTAP's limit in bytes holds besides.
    #[must_use]
    pub const fn maximum_pin_length(&self) -> Option<u32> {
        match &self.rules {
            PinRules::Policy(rules) => Some(rules.maximum_length),
            PinRules::None | PinRules::Unreadable => None,
        }
    }

    /// Forgets the loaded keys, as when the last [`Unlocked`] has been dropped.
    pub fn lock(&mut self) {
        self.tpm.forget_keys();
    }

    /// A container from what its database holds.
    fn assemble(
        tpm: Box<dyn Tpm>,
        store: Store,
        stored: StoredIdentity,
        keys: &DeviceKeys,
        directory: Directory,
    ) -> Result<Self, Error> {
        let local = SealingKey::derive(&keys.lookup, Purpose::Local);
        let pin = store.pin()?;
        let biometrics = Biometrics::load(&store)?;
        let settings = SettingsRecords::load(&store, &stored.identity.id, &local)?;
        Ok(Self {
            tpm,
            store,
            identity: stored.identity,
            lookup: Lookup::new(&keys.lookup),
            local,
            presence: keys.presence.as_ref().map(|key| SealingKey::derive(key, Purpose::Presence)),
            counts: SignatureCounts::default(),
            generation: stored.generation,
            pin,
            biometrics,
            settings,
            rules: PinRules::None,
            weakness: None,
            unsettled: false,
            directory,
        })
    }
}

/// What opens with this device alone, until it is turned into the keys that are used.
struct DeviceKeys {
    lookup: Secret32,
    presence: Option<Secret32>,
}

impl DeviceKeys {
    fn random(profile: Profile, rng: &mut dyn CryptoRng) -> Self {
        let lookup = Secret32::random(rng);
        let presence = match profile {
            Profile::Hello => None,
            Profile::SecurityKey => Some(Secret32::random(rng)),
        };
        Self { lookup, presence }
    }
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("directory", &self.directory.path())
            .field("tpm", self.tpm.identity())
            .finish_non_exhaustive()
    }
}

/// The digest to sign of a message's parts, one after the other.
fn digest(message: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in message {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Undefines the indices that an interrupted change left behind.
fn clear_abandoned_slots(store: &mut Store, tpm: &mut dyn Tpm) -> Result<(), Error> {
    for abandoned in store.abandoned_slots()? {
        tpm.undefine_pin_index(abandoned.index())?;
        store.forget_slot(abandoned.index())?;
    }
    Ok(())
}

/// Undefines every index of ours; in both slots, because a database that was restored from a backup may not know where
/// the last PIN is. Done again after a crash, it does no harm.
fn clear_slots(store: &mut Store, tpm: &mut dyn Tpm) -> Result<(), Error> {
    clear_abandoned_slots(store, tpm)?;
    if let Some(pin) = store.pin()? {
        for slot in PinSlot::BOTH {
            tpm.undefine_pin_index(PinIndex { slot, admin: &pin.admin.key })?;
        }
    }
    Ok(())
}
