//! Requests that make and use credentials, and the credential that most cases share.

use super::{Session, Token, preferred_algorithm};
use crate::case::{Stop, present, status};
use crate::cbor::Value;
use crate::cbor_map;
use crate::ctap::{Answer, AuthenticatorData, PublicKey, Request, Status, command, permission};

/// The relying party of the runner.
pub const RP_ID: &str = "conformance.example";

/// Where the runner keeps three accounts.
pub const ACCOUNTS: &str = "accounts.example";

/// What stands for the hash of the client data. The authenticator cannot tell it from a real one.
pub const CLIENT_DATA_HASH: [u8; 32] = *b"a hash of client data, 32 bytes.";

/// A credential that was made here.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its ID.
    pub id: Vec<u8>,
    /// Its public key.
    pub key: PublicKey,
}

impl Credential {
    /// From the answer of makeCredential.
    ///
    /// # Errors
    /// When that is not one.
    pub fn from_answer(answer: &Answer) -> Result<Self, Stop> {
        status(answer, Status::OK)?;
        let bytes = present(answer.member(0x02).and_then(Value::bytes), "authData (0x02)")?;
        let data =
            AuthenticatorData::parse(bytes).map_err(|error| Stop::failed(error, "authenticator data"))?;
        let attested = present(data.credential, "attested credential data")?;
        Ok(Self { id: attested.id, key: attested.key })
    }

    /// Its descriptor.
    pub fn descriptor(&self) -> Value {
        cbor_map! { "id" => self.id.clone(), "type" => "public-key" }
    }
}

impl Session {
    /// makeCredential as any platform would send it, without user verification: for user `number` of [`RP_ID`].
    pub fn make_request(&self, number: u8) -> Request {
        let parameters = vec![cbor_map! { "alg" => preferred_algorithm(&self.info), "type" => "public-key" }];
        Request::new(
            command::MAKE_CREDENTIAL,
            vec![
                (0x01, CLIENT_DATA_HASH.into()),
                (0x02, cbor_map! { "id" => RP_ID, "name" => "Conformance" }),
                (0x03, cbor_map! { "id" => [number; 16], "name" => "ann", "displayName" => "Ann Example" }),
                (0x04, parameters.into()),
            ],
        )
    }

    /// getAssertion as any platform would send it, without user verification, for these credentials of [`RP_ID`].
    pub fn assert_request(allowed: Vec<Value>) -> Request {
        let request =
            Request::new(command::GET_ASSERTION, vec![(0x01, RP_ID.into()), (0x02, CLIENT_DATA_HASH.into())]);
        if allowed.is_empty() { request } else { request.with(0x03, allowed) }
    }

    /// Adds a pinUvAuthParam to makeCredential or getAssertion, if a PIN is set.
    ///
    /// # Errors
    /// When the authenticator gives no token.
    pub fn authorized(&mut self, request: Request) -> Result<Request, Stop> {
        if self.info.client_pin() != Some(true) {
            return Ok(request);
        }
        let token = self.token(permission::MC | permission::GA)?;
        Ok(proved(request, &token))
    }

    /// Adds a pinUvAuthParam of a token for another relying party than [`RP_ID`], if a PIN is set.
    ///
    /// # Errors
    /// When the authenticator gives no token.
    pub fn authorized_for(&mut self, request: Request, rp_id: &str) -> Result<Request, Stop> {
        if self.info.client_pin() != Some(true) {
            return Ok(request);
        }
        let token = self.new_token(self.protocol()?, permission::MC | permission::GA, Some(rp_id))?;
        Ok(proved(request, &token))
    }

    /// [`Session::make_request`], authorized.
    ///
    /// # Errors
    /// As [`Session::authorized`].
    pub fn make(&mut self, number: u8) -> Result<Request, Stop> {
        self.authorized(self.make_request(number))
    }

    /// [`Session::assert_request`] for the shared credential, authorized.
    ///
    /// # Errors
    /// When that cannot be made.
    pub fn assert(&mut self) -> Result<Request, Stop> {
        let credential = self.shared_credential()?;
        self.authorized(Self::assert_request(vec![credential.descriptor()]))
    }

    /// The credential that cases of getAssertion share: discoverable where the authenticator can.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn shared_credential(&mut self) -> Result<Credential, Stop> {
        if let Some(credential) = &self.credential {
            return Ok(credential.clone());
        }
        let credential = self.new_credential(0x51)?;
        self.credential = Some(credential.clone());
        Ok(credential)
    }

    /// A new credential, discoverable where the authenticator can.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_credential(&mut self, number: u8) -> Result<Credential, Stop> {
        let mut request = self.make(number)?;
        if self.info.option("rk") == Some(true) {
            request = request.with(0x07, cbor_map! { "rk" => true });
        }
        let answer = self.send(&request)?;
        Credential::from_answer(&answer)
    }
}

impl Session {
    /// Three discoverable credentials at [`ACCOUNTS`], oldest first, which cases share.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn three_accounts(&mut self) -> Result<Vec<Credential>, Stop> {
        if let Some(accounts) = &self.accounts {
            return Ok(accounts.clone());
        }
        let accounts: Vec<Credential> =
            (1..=3).map(|number| self.account(ACCOUNTS, number)).collect::<Result<_, _>>()?;
        self.accounts = Some(accounts.clone());
        Ok(accounts)
    }

    /// A discoverable credential for user `number` at a relying party; one of the same user is replaced.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn account(&mut self, rp_id: &str, number: u8) -> Result<Credential, Stop> {
        let request = self
            .make_request(number)
            .with(0x02, cbor_map! { "id" => rp_id })
            .with(0x03, cbor_map! { "id" => [number; 16], "name" => &*format!("account {number}") })
            .with(0x07, cbor_map! { "rk" => true });
        let request = self.authorized_for(request, rp_id)?;
        Credential::from_answer(&self.send(&request)?)
    }
}

/// The request with the proof that a token is at hand.
pub fn proved(request: Request, token: &Token) -> Request {
    let first = if request.command == command::MAKE_CREDENTIAL { 0x08 } else { 0x06 };
    request.with(first, token.authenticate(&CLIENT_DATA_HASH)).with(first + 1, token.protocol.number())
}
