//! The port on a TPM 2.0, through tpm2-tss.
//!
//! Every command that carries a secret goes through one long-lived session that is salted to the storage root key
//! and encrypts the first parameter both ways, so that nothing on the bus helps who listens there. Connections are
//! opened anew when the TPM was reset or its socket died.

mod attestation;
mod blob;
mod bridge;
mod connection;
mod device_keys;
mod fault;
mod identity;
mod keys;
mod pin;
mod sealed;
mod template;

use std::path::Path;

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{
    AdminKeyBlob, CreatedKey, KeyAlgorithm, KeyBlob, Lifetime, Lockout, PinCount, PinIndex, PinSlot,
    SealedBlob, Tpm, TpmError, TpmIdentity,
};
use tss_esapi::structures::Auth;
use zeroize::Zeroizing;

use bridge::Bridge;
use connection::{Connection, Target};
use fault::Fault;

/// How a TPM is reached and used.
pub struct DeviceOptions {
    /// `device:/dev/tpmrm0`, `swtpm:path=/absolute/socket`, or any TCTI string that tss-esapi takes.
    pub tcti: String,
    /// The handle of PIN slot A in the owner's range of NV indices; slot B is the next one. Each container on a
    /// machine needs a pair of its own.
    pub nv_base: u32,
    /// The authorisation value of the owner hierarchy, when the machine has one.
    pub owner_auth: Option<Zeroizing<Vec<u8>>>,
    /// How many keys may stay loaded. A TPM with few object slots keeps fewer, but always one.
    pub hot_keys: usize,
}

impl DeviceOptions {
    /// A pair of handles in the owner's range (TCG Registry of Reserved TPM 2.0 Handles §2.2) that nobody has
    /// registered.
    pub const DEFAULT_NV_BASE: u32 = 0x0180_1A50;
    /// How many keys stay loaded unless something else is asked for.
    pub const DEFAULT_HOT_KEYS: usize = 3;

    /// Everything but the TCTI string as most machines want it.
    #[must_use]
    pub fn new(tcti: impl Into<String>) -> Self {
        Self {
            tcti: tcti.into(),
            nv_base: Self::DEFAULT_NV_BASE,
            owner_auth: None,
            hot_keys: Self::DEFAULT_HOT_KEYS,
        }
    }
}

/// A TPM 2.0.
pub struct DeviceTpm {
    identity: TpmIdentity,
    // Before the bridge: it is dropped first, and flushes what it has loaded through the bridge.
    connection: Option<Connection>,
    target: Target,
    /// The TCTI string as it was given.
    named: String,
    _bridge: Option<Bridge>,
}

impl DeviceTpm {
    /// Connects to a TPM, and creates the storage root key at 0x81000001 when nothing is there.
    ///
    /// # Errors
    /// [`TpmError::Unreachable`] when no TPM answers, [`TpmError::OwnerAuth`] when the storage root key cannot be
    /// made without an authorisation value.
    pub fn open(options: &DeviceOptions) -> Result<Self, TpmError> {
        let bridge = options
            .tcti
            .strip_prefix("swtpm:path=")
            .map(|socket| Bridge::start(Path::new(socket)))
            .transpose()
            .map_err(|error| TpmError::Unreachable(format!("no loopback port for the socket: {error}")))?;
        let tcti = bridge.as_ref().map_or_else(
            || options.tcti.clone(),
            |bridge| format!("swtpm:host=127.0.0.1,port={}", bridge.port()),
        );
        let owner_auth = options.owner_auth.as_ref().map(|auth| Auth::try_from(auth.as_slice())).transpose();
        let target = Target {
            tcti,
            nv_base: options.nv_base,
            owner_auth: owner_auth.map_err(|_| TpmError::OwnerAuth)?,
            hot_keys: options.hot_keys,
        };
        let mut connection = open(&target, false)?;
        let description = identity::describe(&mut connection.context).map_err(TpmError::from)?;
        let identity = TpmIdentity {
            class: description.class,
            storage_root_name: connection.storage_root_name().to_vec(),
            description: description.text,
            key_algorithms: identity::key_algorithms(&mut connection.context).map_err(TpmError::from)?,
        };
        Ok(Self {
            identity,
            connection: Some(connection),
            target,
            named: options.tcti.clone(),
            _bridge: bridge,
        })
    }

    /// Runs one operation. When the TPM was reset since the last one, or is full of what dead programs left, the
    /// operation runs again on a new connection, once: each undoes what it had begun, or does not mind it.
    fn attempt<T>(&mut self, operation: impl Fn(&mut Connection) -> Result<T, Fault>) -> Result<T, TpmError> {
        let clean = match self.run(&operation, false) {
            Err(Fault::Lost) => false,
            Err(Fault::Full) => true,
            done => return done.map_err(TpmError::from),
        };
        self.run(&operation, clean).map_err(TpmError::from)
    }

    fn run<T>(
        &mut self,
        operation: &impl Fn(&mut Connection) -> Result<T, Fault>,
        clean: bool,
    ) -> Result<T, Fault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen(clean)?,
        };
        let result = operation(&mut connection);
        let alive = !connection.broken
            && match &result {
                Ok(_) | Err(Fault::Refused(_) | Fault::Known(_)) => true,
                Err(Fault::Lost | Fault::Full | Fault::Link(_)) => false,
            };
        if alive {
            self.connection = Some(connection);
        }
        result
    }

    fn reopen(&self, clean: bool) -> Result<Connection, Fault> {
        let connection = open(&self.target, clean)?;
        if connection.storage_root_name() == self.identity.storage_root_name {
            Ok(connection)
        } else {
            Err(Fault::Known(TpmError::ForeignBlob))
        }
    }
}

/// Opens a connection; when the TPM has no room, once more after flushing what dead programs left in it.
fn open(target: &Target, clean: bool) -> Result<Connection, Fault> {
    match Connection::open(target, clean) {
        Err(Fault::Full) if !clean => Connection::open(target, true),
        other => other,
    }
}

impl Tpm for DeviceTpm {
    fn identity(&self) -> &TpmIdentity {
        &self.identity
    }

    fn lockout(&mut self) -> Result<Lockout, TpmError> {
        self.attempt(|connection| identity::lockout(&mut connection.context))
    }

    fn bind(&mut self, payload: &Secret32) -> Result<SealedBlob, TpmError> {
        self.attempt(|connection| connection.bind(payload))
    }

    fn unbind(&mut self, blob: &SealedBlob) -> Result<Secret32, TpmError> {
        self.attempt(|connection| connection.unbind(blob))
    }

    fn create_admin_key(&mut self, auth: &AuthValue) -> Result<AdminKeyBlob, TpmError> {
        self.attempt(|connection| connection.create_admin_key(auth))
    }

    fn require_free(&mut self, slot: PinSlot) -> Result<(), TpmError> {
        let tcti = self.named.clone();
        self.attempt(|connection| connection.require_free(slot, &tcti))
    }

    fn define_pin_index(
        &mut self,
        index: PinIndex<'_>,
        index_auth: &AuthValue,
        limit: u32,
        admin_auth: &AuthValue,
    ) -> Result<(), TpmError> {
        let tcti = self.named.clone();
        self.attempt(|connection| connection.define_pin_index(index, index_auth, limit, admin_auth, &tcti))
    }

    fn undefine_pin_index(&mut self, index: PinIndex<'_>) -> Result<(), TpmError> {
        self.attempt(|connection| connection.undefine_pin_index(index))
    }

    fn pin_count(&mut self, index: PinIndex<'_>) -> Result<Option<PinCount>, TpmError> {
        self.attempt(|connection| connection.pin_count(index))
    }

    fn seal(
        &mut self,
        index: PinIndex<'_>,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, TpmError> {
        self.attempt(|connection| connection.seal(index, payload, seal_auth))
    }

    fn unseal(
        &mut self,
        index: PinIndex<'_>,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, TpmError> {
        self.attempt(|connection| connection.unseal(index, blob, index_auth, seal_auth))
    }

    fn rearm_pin_index(&mut self, index: PinIndex<'_>, admin_auth: &AuthValue) -> Result<(), TpmError> {
        self.attempt(|connection| connection.rearm_pin_index(index, admin_auth))
    }

    fn seal_under(
        &mut self,
        payload: &[u8],
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<SealedBlob, TpmError> {
        self.attempt(|connection| connection.seal_under(payload, auth, lifetime))
    }

    fn unseal_under(
        &mut self,
        blob: &SealedBlob,
        auth: &AuthValue,
        lifetime: Lifetime,
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        self.attempt(|connection| connection.unseal_under(blob, auth, lifetime))
    }

    fn create_key(&mut self, algorithm: KeyAlgorithm, auth: &AuthValue) -> Result<CreatedKey, TpmError> {
        self.attempt(|connection| connection.create_key(algorithm, auth))
    }

    fn sign(&mut self, key: &KeyBlob, auth: &AuthValue, digest: &[u8]) -> Result<Vec<u8>, TpmError> {
        self.attempt(|connection| connection.sign(key, auth, digest))
    }

    fn forget_keys(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.forget_keys();
            if connection.broken {
                self.connection = None;
            }
        }
    }
}
