//! PIN indices and what is sealed to them.

use latchkey_container::secret::{AuthValue, Secret32};
use latchkey_container::tpm::{AdminKeyBlob, PinCount, PinSlot, SealedBlob, TpmError};
use tss_esapi::Context;
use tss_esapi::handles::{AuthHandle, KeyHandle, NvIndexHandle, NvIndexTpmHandle, ObjectHandle, TpmHandle};
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
        let made = self.create(template::bound_secret()?, None, Some(payload.expose()))?;
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

    /// Defines and writes a PIN index; when it cannot be written it is undefined again.
    pub fn define_pin_index(
        &mut self,
        slot: PinSlot,
        handle: u32,
        index_auth: &AuthValue,
        limit: u32,
        admin: &AdminKeyBlob,
        admin_auth: &AuthValue,
    ) -> Result<(), Fault> {
        let admin = ObjectBlob::decode(&admin.0)?;
        self.with_loaded(admin, |connection, admin| {
            let name = connection.context.tr_get_name(admin.into())?;
            let policy = template::secret_policy(name.value())?;
            let public = template::pin_index(NvIndexTpmHandle::new(handle)?, policy)?;
            let auth = tss_auth(index_auth)?;
            let index = connection
                .run(|context| context.nv_define_space(Provision::Owner, Some(auth), public))
                .map_err(owner_refused)?;
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

    /// Removes a PIN index.
    pub fn undefine_pin_index(&mut self, slot: PinSlot, handle: u32) -> Result<(), Fault> {
        let index = match self.pin_index(slot, handle) {
            Ok(index) => index,
            Err(Fault::Known(TpmError::SlotEmpty)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let removed = self.run(|context| context.nv_undefine_space(Provision::Owner, index));
        *self.indices.slot(slot) = if removed.is_ok() { None } else { Some(index) };
        match removed.map_err(|fault| self.without_stale(slot, fault)) {
            Ok(()) | Err(Fault::Known(TpmError::SlotEmpty)) => Ok(()),
            Err(fault) => Err(owner_refused(fault)),
        }
    }

    /// Reads the count of a PIN index. One that was defined and not written counts to zero: it opens nothing.
    pub fn pin_count(&mut self, slot: PinSlot, handle: u32) -> Result<Option<PinCount>, Fault> {
        let index = match self.pin_index(slot, handle) {
            Ok(index) => index,
            Err(Fault::Known(TpmError::SlotEmpty)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let read = self.run(|context| context.nv_read(NvAuth::Owner, index, template::PIN_INDEX_LENGTH, 0));
        match read.map_err(|fault| self.without_stale(slot, fault)) {
            Ok(bytes) => pin_count(bytes.value()).map(Some),
            Err(Fault::Known(TpmError::SlotEmpty)) => Ok(None),
            Err(Fault::Refused(ResponseCode::NV_UNINITIALIZED)) => {
                Ok(Some(PinCount { failures: 0, limit: 0 }))
            }
            Err(fault) => Err(owner_refused(fault)),
        }
    }

    /// Seals to a PIN index and an authorisation value.
    pub fn seal(
        &mut self,
        slot: PinSlot,
        handle: u32,
        payload: &Secret32,
        seal_auth: &AuthValue,
    ) -> Result<SealedBlob, Fault> {
        let index = self.pin_index(slot, handle)?;
        let name = self.context.tr_get_name(index.into())?;
        let policy = template::secret_and_auth_policy(name.value())?;
        let made = self.create(template::sealed_secret(policy)?, Some(seal_auth), Some(payload.expose()))?;
        Ok(SealedBlob(made.encode()?))
    }

    /// Opens what [`Connection::seal`] sealed. The PIN index is asked first, so that a wrong PIN costs no load and
    /// never reaches the object that dictionary-attack protection covers.
    pub fn unseal(
        &mut self,
        slot: PinSlot,
        handle: u32,
        blob: &SealedBlob,
        index_auth: &AuthValue,
        seal_auth: &AuthValue,
    ) -> Result<Secret32, Fault> {
        let blob = ObjectBlob::decode(&blob.0)?;
        let index = self.pin_index(slot, handle)?;
        let policy = self.start_policy(true)?;
        let opened = self
            .satisfy_pin_index(slot, index, policy, index_auth)
            .and_then(|()| self.unseal_with_policy(policy, blob, seal_auth));
        if opened.is_err() {
            self.flush_policy(policy);
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
            } else {
                self.without_stale(slot, fault)
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
            connection.end_after_next(policy)?;
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
            .and_then(|()| self.end_after_next(policy))
            .and_then(|()| {
                self.run_with_policy(policy, |context| {
                    context.nv_write(NvAuth::NvIndex(index), index, data, 0)
                })
            });
        if written.is_err() {
            self.flush_policy(policy);
        }
        written
    }

    /// The TSS handle of a slot, looked up once.
    fn pin_index(&mut self, slot: PinSlot, handle: u32) -> Result<NvIndexHandle, Fault> {
        if let Some(index) = *self.indices.slot(slot) {
            return Ok(index);
        }
        let handle = TpmHandle::NvIndex(NvIndexTpmHandle::new(handle)?);
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

    /// Forgets a slot that somebody else has undefined behind our back.
    fn without_stale(&mut self, slot: PinSlot, fault: Fault) -> Fault {
        if fault != Fault::Refused(ResponseCode::HANDLE) {
            return fault;
        }
        if let Some(index) = self.indices.slot(slot).take() {
            let mut object = ObjectHandle::from(index);
            self.broken |= self.context.tr_close(&mut object).is_err();
        }
        Fault::Known(TpmError::SlotEmpty)
    }

    fn forget_auth(&mut self, handle: ObjectHandle) {
        self.broken |= self.context.tr_set_auth(handle, Auth::default()).is_err();
    }
}

fn policy_secret(context: &mut Context, policy: PolicySession, entity: AuthHandle) -> tss_esapi::Result<()> {
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
