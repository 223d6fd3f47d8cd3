//! PIN indices and what is sealed to them.

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{AdminKeyBlob, PinCount, PinIndex, PinSlot, SealedBlob, TpmError};
use tss_esapi::Context;
use tss_esapi::handles::{AuthHandle, KeyHandle, NvIndexHandle, ObjectHandle, TpmHandle};
use tss_esapi::interface_types::resource_handles::{NvAuth, Provision};
use tss_esapi::interface_types::session_handles::PolicySession;
use tss_esapi::structures::{Auth, Digest, MaxNvBuffer, Nonce, SensitiveData};

use super::blob::ObjectBlob;
use super::connection::{Connection, owner_refused, tss_auth};
use super::fault::{Fault, ResponseCode};
use super::template;

impl Connection {
    /// Seals to this TPM alone.
    pub fn bind(&mut self, payload: &Secret32) -> Result<SealedBlob, Fault> {
        let made = self.create(template::open_secret()?, None, Some(payload.expose().as_slice()))?;
        Ok(SealedBlob(made.encode()?))
    }

    /// Opens what [`Connection::bind`] sealed.
    pub fn unbind(&mut self, blob: &SealedBlob) -> Result<Secret32, Fault> {
        self.with_loaded(ObjectBlob::decode(&blob.0)?, |connection, handle| {
            secret(&connection.run(|context| context.unseal(handle.into()))?)
        })
    }

    /// Creates the administrative key.
    pub fn create_admin_key(&mut self, auth: &AuthValue) -> Result<AdminKeyBlob, Fault> {
        let made = self.create(template::admin_key()?, Some(auth), None)?;
        Ok(AdminKeyBlob(made.encode()?))
    }

    /// Whether nothing is defined in `slot`. `tcti` is how people reach this TPM.
    pub fn require_free(&mut self, slot: PinSlot, tcti: &str) -> Result<(), Fault> {
        let found = match self.find_pin_index(slot) {
            Err(Fault::Known(TpmError::SlotEmpty)) => return Ok(()),
            found => found?,
        };
        let (public, _) = self.context.execute_without_session(|context| context.nv_read_public(found))?;
        let what = if template::is_pin_index(&public) {
            "the PIN of a Latchkey container that is not this one"
        } else {
            "something that is not Latchkey's"
        };
        let handle = u32::from(self.indices.handle(slot)?);
        Err(Fault::Known(TpmError::SlotTaken(format!(
            "NV index {handle:#010x} of the TPM holds {what}: if nothing needs it any more (the files of its container \
             were deleted by hand or gave way to an older copy, say), remove it with \
             `tpm2_nvundefine -T {tcti} -C o {handle:#010x}`"
        ))))
    }

    /// Defines and writes a PIN index; when it cannot be written it is undefined again.
    pub fn define_pin_index(
        &mut self,
        index: PinIndex<'_>,
        index_auth: &AuthValue,
        limit: u32,
        admin_auth: &AuthValue,
        tcti: &str,
    ) -> Result<(), Fault> {
        let slot = index.slot;
        let admin = ObjectBlob::decode(&index.admin.0)?;
        let policy = template::secret_policy(&template::object_name(&admin.public)?)?;
        let public = template::pin_index(self.indices.handle(slot)?, policy, false)?;
        let auth = tss_auth(index_auth)?;
        self.with_loaded(admin, |connection, admin| {
            let defined =
                connection.run(|context| context.nv_define_space(Provision::Owner, Some(auth), public));
            if defined == Err(Fault::Refused(ResponseCode::NV_DEFINED)) {
                connection.require_free(slot, tcti)?;
            }
            let index = defined.map_err(owner_refused)?;
            // The TSS remembers the value that it defined with; it is given anew at each use.
            connection.forget_auth(index.into());
            let written = connection.write_pin_index(index, limit, admin, admin_auth);
            if written.is_ok() {
                *connection.indices.slot(slot) = Some(index);
            } else {
                let undefined = connection.run(|context| context.nv_undefine_space(Provision::Owner, index));
                connection.broken |= undefined.is_err();
            }
            written
        })
    }

    /// Removes a PIN index, whether it was written or not.
    pub fn undefine_pin_index(&mut self, index: PinIndex<'_>) -> Result<(), Fault> {
        let undefined = self.own_pin_index(index, Written::Either).and_then(|found| {
            self.run(|context| context.nv_undefine_space(Provision::Owner, found))
                .map_err(|fault| self.recheck(index, Written::Either, fault))
        });
        match undefined {
            Ok(()) => *self.indices.slot(index.slot) = None,
            Err(Fault::Known(TpmError::SlotEmpty)) => {}
            Err(fault) => return Err(owner_refused(fault)),
        }
        Ok(())
    }

    /// Writes zero failures beside the limit that stands.
    pub fn rearm_pin_index(&mut self, index: PinIndex<'_>, admin_auth: &AuthValue) -> Result<(), Fault> {
        let admin = ObjectBlob::decode(&index.admin.0)?;
        let count = self.pin_count(index)?.ok_or(TpmError::SlotEmpty)?;
        let found = self.own_pin_index(index, Written::Yes)?;
        self.with_loaded(admin, |connection, admin| {
            connection.write_pin_index(found, count.limit, admin, admin_auth)
        })
    }

    /// Reads the count of a PIN index.
    pub fn pin_count(&mut self, index: PinIndex<'_>) -> Result<Option<PinCount>, Fault> {
        let read = self.own_pin_index(index, Written::Yes).and_then(|found| {
            self.run(|context| context.nv_read(NvAuth::Owner, found, template::PIN_INDEX_LENGTH, 0))
                .map_err(|fault| self.recheck(index, Written::Yes, fault))
        });
        match read {
            Ok(bytes) => pin_count(bytes.value()).map(Some),
            Err(Fault::Known(TpmError::SlotEmpty)) => Ok(None),
            Err(fault) => Err(owner_refused(fault)),
        }
    }

    /// Seals to a PIN index and an authorisation value.
    pub fn seal(
        &mut self,
        index: PinIndex<'_>,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, Fault> {
        let index = self.own_pin_index(index, Written::Yes)?;
        let name = self.context.tr_get_name(index.into())?;
        let policy = template::secret_and_auth_policy(name.value())?;
        let made = self.create(
            template::sealed_secret(policy)?,
            Some(seal_auth),
            Some(payload.expose().as_slice()),
        )?;
        Ok(SealedBlob(made.encode()?))
    }

    /// Opens what [`Connection::seal`] sealed. The PIN index is asked first, so that a wrong PIN costs no load and
    /// never reaches the object that dictionary-attack protection covers.
    pub fn unseal(
        &mut self,
        index: PinIndex<'_>,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, Fault> {
        let blob = ObjectBlob::decode(&blob.0)?;
        let found = self.own_pin_index(index, Written::Yes)?;
        let policy = self.start_policy(true)?;
        let opened = self
            .satisfy_pin_index(index.slot, found, policy, index_auth)
            .and_then(|()| self.unseal_with_policy(policy, blob, seal_auth));
        if opened.is_err() {
            self.flush_session(policy.into());
        }
        opened.as_ref().map_err(Clone::clone).and_then(secret)
    }

    fn satisfy_pin_index(
        &mut self,
        slot: PinSlot,
        index: NvIndexHandle,
        policy: PolicySession,
        index_auth: &AuthValue,
    ) -> Result<(), Fault> {
        self.context.tr_set_auth(index.into(), tss_auth(index_auth)?)?;
        let asked = self.run(|context| policy_secret(context, policy, index.into()));
        self.forget_auth(index.into());
        asked.map_err(|fault| {
            if fault == Fault::Refused(ResponseCode::AUTH_UNAVAILABLE) {
                Fault::Known(TpmError::PinExhausted)
            } else if fault == Fault::Refused(ResponseCode::HANDLE) {
                self.forget_pin_index(slot);
                Fault::Known(TpmError::SlotEmpty)
            } else {
                fault
            }
        })
    }

    fn unseal_with_policy(
        &mut self,
        policy: PolicySession,
        blob: ObjectBlob,
        seal_auth: &AuthValue,
    ) -> Result<SensitiveData, Fault> {
        self.context.execute_without_session(|context| context.policy_auth_value(policy))?;
        self.with_loaded(blob, |connection, object| {
            connection.context.tr_set_auth(object.into(), tss_auth(seal_auth)?)?;
            connection.end_with_next(policy.into())?;
            connection.run_with_policy(policy, |context| context.unseal(object.into()))
        })
    }

    /// Writes zero failures and the limit, which only the administrative key allows.
    fn write_pin_index(
        &mut self,
        index: NvIndexHandle,
        limit: u32,
        admin: KeyHandle,
        admin_auth: &AuthValue,
    ) -> Result<(), Fault> {
        self.context.tr_set_auth(admin.into(), tss_auth(admin_auth)?)?;
        let mut bytes = 0_u32.to_be_bytes().to_vec();
        bytes.extend_from_slice(&limit.to_be_bytes());
        let data = MaxNvBuffer::try_from(bytes)?;
        let policy = self.start_policy(false)?;
        let written = self
            .run(|context| policy_secret(context, policy, ObjectHandle::from(admin).into()))
            .and_then(|()| self.end_with_next(policy.into()))
            .and_then(|()| {
                self.run_with_policy(policy, |context| {
                    context.nv_write(NvAuth::NvIndex(index), index, data, 0)
                })
            });
        if written.is_err() {
            self.flush_session(policy.into());
        }
        written
    }

    /// The TSS handle of an index that was defined under its administrative key; whatever else is in the slot is not
    /// there for us. The Name tells: it covers the policy, which names the key, and whether it was ever written
    /// (TPM 2.0 Part 1 §16). An index that was defined anew over ours cannot have the same one, since only the key can
    /// write it.
    fn own_pin_index(&mut self, index: PinIndex<'_>, written: Written) -> Result<NvIndexHandle, Fault> {
        let admin = ObjectBlob::decode(&index.admin.0)?;
        let policy = template::secret_policy(&template::object_name(&admin.public)?)?;
        let handle = self.indices.handle(index.slot)?;
        let found = self.find_pin_index(index.slot)?;
        let name = self.context.tr_get_name(found.into())?;
        let is = |written| -> Result<bool, Fault> {
            let public = template::pin_index(handle, policy.clone(), written)?;
            Ok(name.value() == template::index_name(&public)?)
        };
        if is(true)? || (written == Written::Either && is(false)?) {
            return Ok(found);
        }
        self.forget_pin_index(index.slot);
        Err(Fault::Known(TpmError::SlotEmpty))
    }

    /// The TSS handle of whatever is in a slot, looked up once.
    fn find_pin_index(&mut self, slot: PinSlot) -> Result<NvIndexHandle, Fault> {
        if let Some(index) = *self.indices.slot(slot) {
            return Ok(index);
        }
        let handle = TpmHandle::NvIndex(self.indices.handle(slot)?);
        let found = self.context.execute_without_session(|context| context.tr_from_tpm_public(handle));
        match found.map_err(Fault::from) {
            Ok(object) => {
                let index = NvIndexHandle::from(object);
                *self.indices.slot(slot) = Some(index);
                Ok(index)
            }
            Err(Fault::Refused(ResponseCode::HANDLE)) => Err(Fault::Known(TpmError::SlotEmpty)),
            Err(fault) => Err(fault),
        }
    }

    /// What a refusal means. A command about an index that was removed, or defined anew, behind our back fails as if
    /// the authorisation were wrong, because the Name that the TSS remembers goes into it. So the index is looked up
    /// again.
    fn recheck(&mut self, index: PinIndex<'_>, written: Written, fault: Fault) -> Fault {
        let suspicious = [ResponseCode::HANDLE, ResponseCode::BAD_AUTH, ResponseCode::AUTH_FAIL];
        if !suspicious.map(Fault::Refused).contains(&fault) {
            return fault;
        }
        self.forget_pin_index(index.slot);
        self.own_pin_index(index, written).err().unwrap_or(fault)
    }

    fn forget_pin_index(&mut self, slot: PinSlot) {
        if let Some(index) = self.indices.slot(slot).take() {
            let mut object = ObjectHandle::from(index);
            self.broken |= self.context.tr_close(&mut object).is_err();
        }
    }

    fn forget_auth(&mut self, handle: ObjectHandle) {
        self.broken |= self.context.tr_set_auth(handle, Auth::default()).is_err();
    }
}

/// Which of our indices counts: one whose definition was interrupted opens nothing, and is only good to be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Yes,
    Either,
}

/// Asks for the authorisation of `entity` in `policy`, for as long as that lasts.
pub fn policy_secret(
    context: &mut Context,
    policy: PolicySession,
    entity: AuthHandle,
) -> tss_esapi::Result<()> {
    context
        .policy_secret(policy, entity, Nonce::default(), Digest::default(), Nonce::default(), None)
        .map(|_ticket| ())
}

fn secret(data: &SensitiveData) -> Result<Secret32, Fault> {
    let bytes = <&[u8; 32]>::try_from(data.value()).map_err(|_| Fault::Known(TpmError::ForeignBlob))?;
    Ok(Secret32::new(*bytes))
}

fn pin_count(bytes: &[u8]) -> Result<PinCount, Fault> {
    let parsed = bytes.split_first_chunk::<4>().and_then(|(failures, limit)| {
        Some(PinCount {
            failures: u32::from_be_bytes(*failures),
            limit: u32::from_be_bytes(*limit.first_chunk::<4>()?),
        })
    });
    parsed.ok_or_else(|| TpmError::Unexpected("with a PIN index of another size".to_owned()).into())
}
