//! `authenticatorGetAssertion` and `authenticatorGetNextAssertion` (CTAP 2.3 §6.2, §6.3): their responses are alike.

use ciborium::Value;

use crate::cbor::encode::{self, Encode, some};
use crate::cbor::members::Members;
use crate::extensions::AuthenticationExtensions;
use crate::{CredentialDescriptor, Malformed, Options, ResponseError, UserEntity, response};

/// What to sign, and with whose credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 0x01: the relying party.
    pub rp_id: String,
    /// 0x02: SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// 0x03: the acceptable credentials; absent to use discoverable ones. Platforms must not send an empty list.
    pub allow_list: Option<Vec<CredentialDescriptor>>,
    /// 0x04: extension inputs.
    pub extensions: AuthenticationExtensions,
    /// 0x05: options; `rk` is none of them, and is kept so that the engine can say so.
    pub options: Options,
    /// 0x06: MAC over `client_data_hash`; empty from a platform that only asks for a touch.
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x07: the PIN/UV auth protocol of the MAC.
    pub pin_uv_auth_protocol: Option<u64>,
}

/// An assertion.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// 0x01: the credential that signed; may be absent when the allow list had exactly one.
    pub credential: Option<CredentialDescriptor>,
    /// 0x02: authenticator data, as signed.
    pub auth_data: Vec<u8>,
    /// 0x03: the signature.
    pub signature: Vec<u8>,
    /// 0x04: the account, for discoverable credentials.
    pub user: Option<UserEntity>,
    /// 0x05: how many credentials there are, in the first response when there are several.
    pub number_of_credentials: Option<u64>,
    /// 0x06: whether the user chose the account on the authenticator itself.
    pub user_selected: Option<bool>,
    /// 0x07: the key for the credential's large blob.
    pub large_blob_key: Option<Vec<u8>>,
    /// 0x08: extension outputs that are not signed, a map.
    pub unsigned_extension_outputs: Option<Value>,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        Ok(Self {
            rp_id: members.required(0x01, "rpId")?,
            client_data_hash: members.required(0x02, "clientDataHash")?,
            allow_list: members.optional(0x03, "allowList")?,
            extensions: members.optional(0x04, "extensions")?.unwrap_or_default(),
            options: members.optional(0x05, "options")?.unwrap_or_default(),
            pin_uv_auth_param: members.optional(0x06, "pinUvAuthParam")?,
            pin_uv_auth_protocol: members.optional(0x07, "pinUvAuthProtocol")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, Some(&self.rp_id)),
                (0x02, Some(&self.client_data_hash)),
                (0x03, some(self.allow_list.as_ref())),
                (0x04, if self.extensions.is_empty() { None } else { Some(&self.extensions) }),
                (0x05, if self.options.is_empty() { None } else { Some(&self.options) }),
                (0x06, some(self.pin_uv_auth_param.as_ref())),
                (0x07, some(self.pin_uv_auth_protocol.as_ref())),
            ],
        );
    }
}

impl Response {
    /// A response with the members that every one has.
    #[must_use]
    pub const fn new(credential: CredentialDescriptor, auth_data: Vec<u8>, signature: Vec<u8>) -> Self {
        Self {
            credential: Some(credential),
            auth_data,
            signature,
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        }
    }

    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        response::success(self)
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        let mut members = response::members(response)?;
        Ok(Self {
            credential: members.optional(0x01, "credential")?,
            auth_data: members.required(0x02, "authData")?,
            signature: members.required(0x03, "signature")?,
            user: members.optional(0x04, "user")?,
            number_of_credentials: members.optional(0x05, "numberOfCredentials")?,
            user_selected: members.optional(0x06, "userSelected")?,
            large_blob_key: members.optional(0x07, "largeBlobKey")?,
            unsigned_extension_outputs: members.optional(0x08, "unsignedExtensionOutputs")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, some(self.credential.as_ref())),
                (0x02, Some(&self.auth_data)),
                (0x03, Some(&self.signature)),
                (0x04, some(self.user.as_ref())),
                (0x05, some(self.number_of_credentials.as_ref())),
                (0x06, some(self.user_selected.as_ref())),
                (0x07, some(self.large_blob_key.as_ref())),
                (0x08, some(self.unsigned_extension_outputs.as_ref())),
            ],
        );
    }
}
