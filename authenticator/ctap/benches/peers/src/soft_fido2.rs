//! `soft-fido2`, with its passkeys in a map.

use std::collections::HashMap;
use std::sync::Mutex;

use soft_fido2::{
    Authenticator, AuthenticatorCallbacks, AuthenticatorConfig, AuthenticatorOptions, Credential,
    CredentialRef, Result, UpResult, UvResult,
};

use crate::Peer;

const MAKE_CREDENTIAL: u8 = 0x01;
const GET_ASSERTION: u8 = 0x02;

/// A user who agrees to everything at once, and a store in memory.
#[derive(Default)]
struct Agreeing(Mutex<HashMap<Vec<u8>, Credential>>);

impl AuthenticatorCallbacks for Agreeing {
    fn request_up(&self, _info: &str, _user_name: Option<&str>, _rp_id: &str) -> Result<UpResult> {
        Ok(UpResult::Accepted)
    }

    fn request_uv(&self, _info: &str, _user_name: Option<&str>, _rp_id: &str) -> Result<UvResult> {
        Ok(UvResult::Accepted)
    }

    fn write_credential(&self, credential: &CredentialRef) -> Result<()> {
        self.0.lock().expect("one thread").insert(credential.id.to_vec(), credential.to_owned());
        Ok(())
    }

    fn read_credential(&self, id: &[u8]) -> Result<Option<Credential>> {
        Ok(self.0.lock().expect("one thread").get(id).cloned())
    }

    fn delete_credential(&self, id: &[u8]) -> Result<()> {
        self.0.lock().expect("one thread").remove(id);
        Ok(())
    }

    fn list_credentials(&self, rp_id: &str, _user_id: Option<&[u8]>) -> Result<Vec<Credential>> {
        let held = self.0.lock().expect("one thread");
        Ok(held.values().filter(|credential| credential.rp.id == rp_id).cloned().collect())
    }

    fn enumerate_rps(&self) -> Result<Vec<(String, Option<String>, usize)>> {
        Ok(Vec::new())
    }

    fn credential_count(&self) -> Result<usize> {
        Ok(self.0.lock().expect("one thread").len())
    }

    fn get_timestamp_ms(&self) -> u64 {
        0
    }
}

/// The authenticator.
pub struct SoftFido2(Authenticator<Agreeing>);

impl SoftFido2 {
    /// Without passkeys.
    pub fn new() -> Self {
        let config = AuthenticatorConfig {
            options: Some(AuthenticatorOptions::default()),
            max_credentials: usize::MAX,
            ..AuthenticatorConfig::default()
        };
        Self(Authenticator::with_config(Agreeing::default(), config).expect("soft-fido2 starts"))
    }

    fn answer(&mut self, command: u8, request: &[u8]) -> Vec<u8> {
        let mut response = Vec::new();
        let message = [&[command], request].concat();
        self.0.handle(&message, &mut response).expect("soft-fido2 answers");
        assert_eq!(response.first(), Some(&0), "soft-fido2 refuses what is measured");
        response.split_off(1)
    }
}

impl Peer for SoftFido2 {
    const NAME: &'static str = "soft-fido2 0.17";
    const ATTESTATION: &'static str = "self";

    fn make_credential(&mut self, request: &[u8]) -> Vec<u8> {
        self.answer(MAKE_CREDENTIAL, request)
    }

    fn get_assertion(&mut self, request: &[u8]) -> Vec<u8> {
        self.answer(GET_ASSERTION, request)
    }
}
