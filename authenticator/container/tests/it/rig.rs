//! A container's home, and a device that can be watched, made to fail, and photographed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{
    AdminKeyBlob, Certification, CreatedAttestationKey, CreatedKey, CredentialChallenge, DeviceKeys,
    Endorsement, KeyBlob, Lifetime, PinCount, PinIndex, PinSlot, SealedBlob, TpmIdentity,
};
use latchkey_container::{
    Container, CreateOptions, Error, KeyAlgorithm, Lockout, NewPasskey, PasskeyExtensions, Pin, PinHash,
    Profile, Protection, StretchCost, Tpm, TpmError, UnixTime, UserAccount,
};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Cheap: what the stretching costs an attacker is not tested here.
pub const OPTIONS: CreateOptions = CreateOptions {
    stretch: StretchCost { memory_kib: 64, passes: 1 },
    require_tpm: false,
    profile: Profile::Hello,
};
pub const NOW: UnixTime = UnixTime(1_767_225_600);

/// A directory with a container and, beside it, the software provider's state.
pub struct Home {
    _keep: Option<TempDir>,
    root: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { root: dir.path().to_owned(), _keep: Some(dir) }
    }

    pub fn container_dir(&self) -> PathBuf {
        self.root.join("container")
    }

    pub fn device(&self) -> Box<dyn Tpm> {
        let seed = rng_seed();
        Box::new(
            SoftwareTpm::open(&self.root.join("tpm"), Box::new(ChaCha20Rng::seed_from_u64(seed))).unwrap(),
        )
    }

    pub fn create(&self) -> Container {
        self.try_create().unwrap()
    }

    /// A container of the profile `security-key`.
    pub fn create_security_key(&self) -> Container {
        let options = CreateOptions { profile: Profile::SecurityKey, ..OPTIONS };
        Container::create(&self.container_dir(), self.device(), &options, NOW, &mut rng()).unwrap()
    }

    pub fn try_create(&self) -> Result<Container, Error> {
        self.create_on(self.device())
    }

    pub fn create_on(&self, device: Box<dyn Tpm>) -> Result<Container, Error> {
        Container::create(&self.container_dir(), device, &OPTIONS, NOW, &mut rng())
    }

    pub fn open(&self) -> Container {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Container, Error> {
        Container::open(&self.container_dir(), self.device())
    }

    /// The same files at another place, as a crash right now would leave them.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_dir(&self.root, &copy.root);
        copy
    }

    /// Every byte of the container's files, in one piece.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.container_dir()).unwrap() {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        all
    }

    /// What somebody does to the database who can write it.
    pub fn sql(&self, statements: &str) {
        self.database().execute_batch(statements).unwrap();
    }

    /// Exchanges a column of two rows of a kind.
    pub fn swap(&self, table: &str, column: &str, kind: &str) {
        self.sql(&format!(
            "CREATE TEMP TABLE old AS SELECT rowid AS at, {column} AS value FROM {table} WHERE kind = '{kind}';
             UPDATE {table} SET {column} = (SELECT value FROM old WHERE at <> {table}.rowid)
             WHERE kind = '{kind}';"
        ));
    }

    /// What a query counts.
    pub fn number(&self, query: &str) -> u32 {
        self.database().query_row(query, [], |row| row.get(0)).unwrap()
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.container_dir().join("container.db")).unwrap()
    }

    /// The container's files become those of another home; the device stays as it is.
    pub fn restore_container(&self, other: &Self) {
        std::fs::remove_dir_all(self.container_dir()).unwrap();
        std::fs::create_dir(self.container_dir()).unwrap();
        copy_dir(&other.container_dir(), &self.container_dir());
    }

    /// A second handle on the same files, for a hook.
    pub fn same(&self) -> Self {
        Self { _keep: None, root: self.root.clone() }
    }
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Seeded, and different at each call, so that no two things of one test are alike.
pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(rng_seed())
}

fn rng_seed() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn pin(text: &str) -> Pin {
    Pin::typed(text, 6).unwrap()
}

pub fn hash(text: &str) -> PinHash {
    PinHash::typed(text)
}

pub fn new_passkey(rp_id: &str, handle: &[u8]) -> NewPasskey {
    NewPasskey {
        rp_id: rp_id.into(),
        user: UserAccount {
            handle: handle.to_vec(),
            name: Some("alice@example.org".into()),
            display_name: Some("Alice Example".into()),
        },
        algorithm: KeyAlgorithm::Es256.into(),
        discoverable: true,
        protection: Protection::Required,
        extensions: PasskeyExtensions { hmac_secret: true, ..PasskeyExtensions::default() },
    }
}

/// Before or after the device did what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Sees each call of the port twice; `false` makes the call fail there, as if the device had gone away.
pub type Hook = Box<dyn FnMut(Moment, &'static str) -> bool + Send>;

/// A device with a hook on every call.
pub struct Watched {
    inner: Box<dyn Tpm>,
    hook: Arc<Mutex<Hook>>,
}

impl Watched {
    pub fn new(inner: Box<dyn Tpm>, hook: Hook) -> Self {
        Self { inner, hook: Arc::new(Mutex::new(hook)) }
    }

    fn call<T>(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&mut dyn Tpm) -> Result<T, TpmError>,
    ) -> Result<T, TpmError> {
        let gone = || TpmError::Unreachable("pulled out".into());
        if !(self.hook.lock().unwrap())(Moment::Before, name) {
            return Err(gone());
        }
        let answer = call(self.inner.as_mut());
        if (self.hook.lock().unwrap())(Moment::After, name) { answer } else { Err(gone()) }
    }
}

/// The names of the calls made so far.
pub type Log = Arc<Mutex<Vec<&'static str>>>;

/// A device that writes down every call.
pub fn logged(inner: Box<dyn Tpm>) -> (Box<Watched>, Log) {
    let log = Log::default();
    let writer = Arc::clone(&log);
    let device = Watched::new(
        inner,
        Box::new(move |moment, name| {
            if moment == Moment::Before {
                writer.lock().unwrap().push(name);
            }
            true
        }),
    );
    (Box::new(device), log)
}

/// What has been written down since the last look.
pub fn taken(log: &Log) -> Vec<&'static str> {
    std::mem::take(&mut *log.lock().unwrap())
}

impl Tpm for Watched {
    fn identity(&self) -> &TpmIdentity {
        self.inner.identity()
    }
    fn lockout(&mut self) -> Result<Lockout, TpmError> {
        self.call("lockout", |tpm| tpm.lockout())
    }
    fn bind(&mut self, payload: &Secret32) -> Result<SealedBlob, TpmError> {
        self.call("bind", |tpm| tpm.bind(payload))
    }
    fn unbind(&mut self, blob: &SealedBlob) -> Result<Secret32, TpmError> {
        self.call("unbind", |tpm| tpm.unbind(blob))
    }
    fn create_admin_key(&mut self, auth: &AuthValue) -> Result<AdminKeyBlob, TpmError> {
        self.call("create_admin_key", |tpm| tpm.create_admin_key(auth))
    }
    fn require_free(&mut self, slot: PinSlot) -> Result<(), TpmError> {
        self.call("require_free", |tpm| tpm.require_free(slot))
    }
    fn define_pin_index(
        &mut self,
        index: PinIndex<'_>,
        index_auth: &AuthValue,
        limit: u32,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError> {
        self.call("define_pin_index", |tpm| tpm.define_pin_index(index, index_auth, limit, admin_auth))
    }
    fn undefine_pin_index(&mut self, index: PinIndex<'_>) -> Result<(), TpmError> {
        self.call("undefine_pin_index", |tpm| tpm.undefine_pin_index(index))
    }
    fn pin_count(&mut self, index: PinIndex<'_>) -> Result<Option<PinCount>, TpmError> {
        self.call("pin_count", |tpm| tpm.pin_count(index))
    }
    fn seal(
        &mut self,
        index: PinIndex<'_>,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, TpmError> {
        self.call("seal", |tpm| tpm.seal(index, payload, seal_auth))
    }
    fn unseal(
        &mut self,
        index: PinIndex<'_>,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, TpmError> {
        self.call("unseal", |tpm| tpm.unseal(index, blob, index_auth, seal_auth))
    }
    fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        self.call("create_key", |tpm| tpm.create_key(algorithm, auth))
    }
    fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8]) -> Result<Vec<u8>, TpmError> {
        self.call("sign", |tpm| tpm.sign(key, auth, digest))
    }
    fn forget_keys(&mut self) {
        self.inner.forget_keys();
    }
    fn rearm_pin_index(&mut self, index: PinIndex<'_>, admin_auth: &AuthValue) -> Result<(), TpmError> {
        self.call("rearm_pin_index", |tpm| tpm.rearm_pin_index(index, admin_auth))
    }
    fn seal_under(
        &mut self,
        payload: &[u8],
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<SealedBlob, TpmError> {
        self.call("seal_under", |tpm| tpm.seal_under(payload, auth, lifetime))
    }
    fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.call("unseal_under", |tpm| tpm.unseal_under(blob, auth, lifetime))
    }
}

impl DeviceKeys for Watched {
    fn create_transport_key(&mut self, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        self.call("create_transport_key", |tpm| tpm.create_transport_key(auth))
    }
    fn decrypt(
        &mut self,
        key: &KeyBlob,
        auth: &AuthValue,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.call("decrypt", |tpm| tpm.decrypt(key, auth, ciphertext))
    }
    fn endorsement(&mut self) -> Result<Option<Endorsement>, TpmError> {
        self.call("endorsement", |tpm| tpm.endorsement())
    }
    fn create_attestation_key(&mut self, auth: &AuthValue) -> Result<CreatedAttestationKey, TpmError> {
        self.call("create_attestation_key", |tpm| tpm.create_attestation_key(auth))
    }
    fn activate_credential(
        &mut self,
        attestation_key: &KeyBlob,
        auth: &AuthValue,
        challenge: &CredentialChallenge,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.call("activate_credential", |tpm| tpm.activate_credential(attestation_key, auth, challenge))
    }
    fn certify(
        &mut self,
        attestation_key: (&KeyBlob, &AuthValue),
        key: (&KeyBlob, &AuthValue),
        qualifying: &[u8; 32],
    ) -> Result<Certification, TpmError> {
        self.call("certify", |tpm| tpm.certify(attestation_key, key, qualifying))
    }
}
