//! One connection to a TPM: the storage root key, one long-lived session, and the objects loaded in it.

use std::str::FromStr;

use latchkey_container::secret::AuthValue;
use latchkey_container::tpm::{PinSlot, TpmError};
use tss_esapi::Context;
use tss_esapi::attributes::SessionAttributesBuilder;
use tss_esapi::constants::{CapabilityType, SessionType};
use tss_esapi::handles::{
    KeyHandle, NvIndexHandle, NvIndexTpmHandle, ObjectHandle, PersistentTpmHandle, SessionHandle, TpmHandle,
};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::dynamic_handles::Persistent;
use tss_esapi::interface_types::resource_handles::{Hierarchy, Provision};
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{Auth, CapabilityData, Public, SensitiveData, SymmetricDefinition};
use tss_esapi::tcti_ldr::TctiNameConf;
use tss_esapi::utils::TpmsContext;

use super::blob::ObjectBlob;
use super::fault::{Fault, ResponseCode};
use super::identity;
use super::keys::HotKeys;
use super::template;

/// Where the TCG puts the storage root key (TCG TPM v2.0 Provisioning Guidance §7.8).
const STORAGE_ROOT: u32 = 0x8100_0001;
/// Ranges of handles that a program can leave behind: transient objects and loaded sessions
/// (TPM 2.0 Part 2 §7.2).
const LEFTOVERS: [u32; 2] = [0x8000_0000, 0x0200_0000];
/// Slots that loading one more object needs: the object and its parent.
const SLOTS_TO_LOAD: u32 = 2;

/// What opening a connection needs to know.
pub struct Target {
    /// How the TPM is reached.
    pub tcti: String,
    /// The handle of PIN slot A; B is the next one.
    pub nv_base: u32,
    /// The authorisation value of the owner hierarchy, when it has one.
    pub owner_auth: Option<Auth>,
    /// How many keys may stay loaded.
    pub hot_keys: usize,
}

/// An open connection.
pub struct Connection {
    /// The TSS; loaded objects and the session go with it.
    pub context: Context,
    /// Loaded keys.
    pub hot: HotKeys,
    /// The PIN indices.
    pub indices: PinIndices,
    /// Set when something could not be flushed: the next call opens a new connection.
    pub broken: bool,
    /// The endorsement key as the TPM saved it, once it was made.
    pub endorsement_key: Option<TpmsContext>,
    session: AuthSession,
    storage_root: KeyHandle,
    storage_root_name: Vec<u8>,
}

/// Where the two slots are, and their TSS handles, once looked up.
pub struct PinIndices {
    base: u32,
    a: Option<NvIndexHandle>,
    b: Option<NvIndexHandle>,
}

impl PinIndices {
    /// The TPM handle of `slot`.
    pub fn handle(&self, slot: PinSlot) -> Result<NvIndexTpmHandle, Fault> {
        Ok(NvIndexTpmHandle::new(match slot {
            PinSlot::A => self.base,
            PinSlot::B => self.base.saturating_add(1),
        })?)
    }

    /// The TSS handle of `slot`.
    pub fn slot(&mut self, slot: PinSlot) -> &mut Option<NvIndexHandle> {
        match slot {
            PinSlot::A => &mut self.a,
            PinSlot::B => &mut self.b,
        }
    }
}

impl Connection {
    /// Connects, and creates the storage root key when there is none. With `clean`, first flushes every object and
    /// session that is loaded: on a TPM without a resource manager those of programs that died.
    pub fn open(target: &Target, clean: bool) -> Result<Self, Fault> {
        let tcti = TctiNameConf::from_str(&target.tcti).map_err(|_| {
            Fault::Link(format!(
                "{:?} is not a TCTI: use device:PATH, swtpm:path=SOCKET, swtpm:host=H,port=P, mssim or tabrmd",
                target.tcti
            ))
        })?;
        let mut context = Context::new(tcti)?;
        if clean {
            flush_leftovers(&mut context)?;
        }
        if let Some(auth) = &target.owner_auth {
            context.tr_set_auth(ObjectHandle::Owner, auth.clone())?;
        }
        let (storage_root, storage_root_name) = open_storage_root(&mut context)?;
        let free = identity::free_object_slots(&mut context)?.saturating_sub(SLOTS_TO_LOAD);
        // At least one: a key that is being used has to be loaded anyway.
        let hot_keys = target.hot_keys.min(usize::try_from(free).unwrap_or(usize::MAX)).max(1);
        let session = start_session(&mut context, SessionType::Hmac, Some(storage_root))?;
        Ok(Self {
            context,
            hot: HotKeys::new(hot_keys),
            indices: PinIndices { base: target.nv_base, a: None, b: None },
            broken: false,
            endorsement_key: None,
            session,
            storage_root,
            storage_root_name,
        })
    }

    /// The Name of the storage root key.
    pub fn storage_root_name(&self) -> &[u8] {
        &self.storage_root_name
    }

    /// Runs one command authorised, authenticated and encrypted by the long-lived session.
    pub fn run<T>(&mut self, command: impl FnOnce(&mut Context) -> tss_esapi::Result<T>) -> Result<T, Fault> {
        self.encrypt_both_ways()?;
        Ok(self.context.execute_with_session(Some(self.session), command)?)
    }

    /// Runs one command that wants two authorisations: of its first handle by the long-lived session, of its second by
    /// `second`, which ends with it.
    pub fn run_with_second<T>(
        &mut self,
        second: AuthSession,
        command: impl FnOnce(&mut Context) -> tss_esapi::Result<T>,
    ) -> Result<T, Fault> {
        self.encrypt_both_ways()?;
        self.end_with_next(second)?;
        let sessions = (Some(self.session), Some(second), None);
        Ok(self.context.execute_with_sessions(sessions, command)?)
    }

    /// Runs one command authorised by `policy`; the long-lived session encrypts.
    pub fn run_with_policy<T>(
        &mut self,
        policy: PolicySession,
        command: impl FnOnce(&mut Context) -> tss_esapi::Result<T>,
    ) -> Result<T, Fault> {
        self.encrypt_both_ways()?;
        let sessions = (Some(AuthSession::PolicySession(policy)), Some(self.session), None);
        Ok(self.context.execute_with_sessions(sessions, command)?)
    }

    /// tpm2-tss takes a flag away for a command that has no such parameter, and does not give it back when the TPM
    /// refuses that command (seen with 3.2.1: after a refused `NV_DefineSpace` the next `Unseal` was answered with
    /// `TPM_RC_ATTRIBUTES`). So the flags are set each time, which costs no command.
    fn encrypt_both_ways(&mut self) -> Result<(), Fault> {
        let (attributes, mask) = SessionAttributesBuilder::new()
            .with_decrypt(true)
            .with_encrypt(true)
            .with_continue_session(true)
            .build();
        Ok(self.context.tr_sess_set_attributes(self.session, attributes, mask)?)
    }

    /// Creates an object under the storage root key.
    pub fn create(
        &mut self,
        public: Public,
        auth: Option<&AuthValue>,
        data: Option<&[u8]>,
    ) -> Result<ObjectBlob, Fault> {
        let parent = self.storage_root;
        let auth = auth.map(tss_auth).transpose()?;
        let data = data.map(SensitiveData::try_from).transpose()?;
        let made = self
            .run(|context| context.create(parent, public, auth, data, None, None))
            .map_err(storage_root_gone)?;
        Ok(ObjectBlob { private: made.out_private, public: made.out_public })
    }

    /// Loads an object under the storage root key; the caller flushes it.
    pub fn load(&mut self, blob: ObjectBlob) -> Result<KeyHandle, Fault> {
        let parent = self.storage_root;
        self.run(|context| context.load(parent, blob.private, blob.public)).map_err(foreign)
    }

    /// Has the TPM save a loaded object, which stays loaded.
    pub fn save(&mut self, object: KeyHandle) -> Result<TpmsContext, Fault> {
        Ok(self.context.execute_without_session(|context| context.context_save(object.into()))?)
    }

    /// Loads a saved object; the caller flushes it. What was saved before the last reset is foreign.
    pub fn load_saved(&mut self, saved: TpmsContext) -> Result<KeyHandle, Fault> {
        let loaded = self.context.execute_without_session(|context| context.context_load(saved));
        loaded.map(KeyHandle::from).map_err(|error| foreign(error.into()))
    }

    /// Loads an object for the time of `work`.
    pub fn with_loaded<T>(
        &mut self,
        blob: ObjectBlob,
        work: impl FnOnce(&mut Self, KeyHandle) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let handle = self.load(blob)?;
        let result = work(self, handle);
        self.flush(handle.into());
        result
    }

    /// Starts a policy session. A salted one keeps an observer of the bus from trying authorisation values offline
    /// against the command's HMAC. Its last command flushes it; on any other path the caller does.
    pub fn start_policy(&mut self, salted: bool) -> Result<PolicySession, Fault> {
        let salt = salted.then_some(self.storage_root);
        let session =
            start_session(&mut self.context, SessionType::Policy, salt).map_err(storage_root_gone)?;
        PolicySession::try_from(session).map_err(Fault::from)
    }

    /// Starts a session that authorises one command beside the long-lived one. It is not salted: what it proves to know
    /// is random, so an observer of the bus cannot try values against the command's HMAC.
    pub fn start_second(&mut self) -> Result<AuthSession, Fault> {
        start_session(&mut self.context, SessionType::Hmac, None)
    }

    /// Lets the next command of a session be its last one: the TPM flushes the session with it.
    pub fn end_with_next(&mut self, session: AuthSession) -> Result<(), Fault> {
        let (attributes, mask) = SessionAttributesBuilder::new().with_continue_session(false).build();
        Ok(self.context.tr_sess_set_attributes(session, attributes, mask)?)
    }

    /// Flushes a session that did not get to its last command.
    pub fn flush_session(&mut self, session: AuthSession) {
        self.flush(SessionHandle::from(session).into());
    }

    /// Flushes an object or a session. A failure changes no result; it makes the connection unusable.
    pub fn flush(&mut self, handle: ObjectHandle) {
        if self.context.flush_context(handle).is_err() {
            self.broken = true;
        }
    }
}

/// An authorisation value in the words of the TSS.
pub fn tss_auth(auth: &AuthValue) -> Result<Auth, Fault> {
    Ok(Auth::try_from(auth.expose().as_slice())?)
}

fn start_session(
    context: &mut Context,
    kind: SessionType,
    salt: Option<KeyHandle>,
) -> Result<AuthSession, Fault> {
    context
        .execute_without_session(|context| {
            context.start_auth_session(
                salt,
                None,
                None,
                kind,
                SymmetricDefinition::AES_128_CFB,
                HashingAlgorithm::Sha256,
            )
        })?
        .ok_or_else(|| Fault::Link("no session was started".to_owned()))
}

/// The key and its Name, which is computed here: a Name that is merely claimed would pin nothing.
fn open_storage_root(context: &mut Context) -> Result<(KeyHandle, Vec<u8>), Fault> {
    let handle = PersistentTpmHandle::new(STORAGE_ROOT)?;
    let found =
        context.execute_without_session(|context| context.tr_from_tpm_public(TpmHandle::Persistent(handle)));
    let object = match found.map_err(Fault::from) {
        Ok(object) => object,
        Err(Fault::Refused(ResponseCode::HANDLE)) => create_storage_root(context, handle)?,
        Err(fault) => return Err(fault),
    };
    let key = KeyHandle::from(object);
    let (public, claimed, _) = context.execute_without_session(|context| context.read_public(key))?;
    let name = template::object_name(&public)?;
    if template::is_storage_root(&public) && claimed.value() == name {
        Ok((key, name))
    } else {
        Err(Fault::Known(TpmError::Unexpected(format!(
            "with something that is not a storage root key at {STORAGE_ROOT:#x}: another program put it there"
        ))))
    }
}

/// The session is not salted, because there is no key to salt it to yet; the owner's authorisation value, if there
/// is one, proves itself by HMAC and does not travel.
fn create_storage_root(context: &mut Context, handle: PersistentTpmHandle) -> Result<ObjectHandle, Fault> {
    let session = start_session(context, SessionType::Hmac, None)?;
    let made = context.execute_with_session(Some(session), |context| {
        let primary =
            context.create_primary(Hierarchy::Owner, template::storage_root()?, None, None, None, None)?;
        let kept = context.evict_control(
            Provision::Owner,
            primary.key_handle.into(),
            Persistent::Persistent(handle),
        );
        context.flush_context(primary.key_handle.into())?;
        kept
    });
    context.flush_context(SessionHandle::from(session).into())?;
    made.map_err(|error| owner_refused(Fault::from(error)))
}

/// Whatever a TPM finds wrong with a wrapped or saved object means that it did not make it, or not since it was reset.
fn foreign(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(_) => Fault::Known(TpmError::ForeignBlob),
        Fault::Lost | Fault::Full | Fault::Link(_) | Fault::Known(_) => fault,
    }
}

/// A command that needs the storage root key and does not find it: the TPM was cleared under us.
fn storage_root_gone(fault: Fault) -> Fault {
    if fault == Fault::Refused(ResponseCode::HANDLE) { Fault::Known(TpmError::ForeignBlob) } else { fault }
}

/// A refused authorisation of a command that only the owner hierarchy authorises.
pub fn owner_refused(fault: Fault) -> Fault {
    fault.if_unauthorised(TpmError::OwnerAuth)
}

fn flush_leftovers(context: &mut Context) -> Result<(), Fault> {
    for first in LEFTOVERS {
        let (found, _more) = context
            .execute_without_session(|context| context.get_capability(CapabilityType::Handles, first, 64))?;
        let CapabilityData::Handles(handles) = found else { continue };
        for handle in handles.into_inner() {
            if let Ok(object) = context.execute_without_session(|context| context.tr_from_tpm_public(handle))
            {
                // The TSS complains about a policy session that it flushes; the TPM has flushed it nevertheless.
                let _flushed = context.flush_context(object);
            }
        }
    }
    Ok(())
}
