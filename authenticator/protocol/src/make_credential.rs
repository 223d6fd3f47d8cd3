//! `authenticatorMakeCredential` (CTAP 2.3 §6.1).

use ciborium::Value;

use crate::attestation::AttestationStatement;
use crate::cbor::encode::{self, Encode, some, unless_empty};
use crate::cbor::members::Members;
use crate::entity::CredentialParameters;
use crate::extensions::RegistrationExtensions;
use crate::{
    CredentialDescriptor, CredentialParameter, Malformed, Options, ResponseError, RpEntity, UserEntity,
    response,
};

/// What to make a credential for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 0x01: SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// 0x02: the relying party.
    pub rp: RpEntity,
    /// 0x03: the account.
    pub user: UserEntity,
    /// 0x04: the acceptable kinds of credential, the best first.
    pub pub_key_cred_params: Vec<CredentialParameter>,
    /// 0x05: credentials that must not be on this authenticator already.
    pub exclude_list: Vec<CredentialDescriptor>,
    /// 0x06: extension inputs.
    pub extensions: RegistrationExtensions,
    /// 0x07: options.
    pub options: Options,
    /// 0x08: MAC over `client_data_hash`; empty from a platform that only asks for a touch.
    pub pin_uv_auth_param: Option<Vec<u8>>,
    /// 0x09: the PIN/UV auth protocol of the MAC.
    pub pin_uv_auth_protocol: Option<u64>,
    /// 0x0A: 1 (vendor-facilitated) or 2 (platform-managed) enterprise attestation.
    pub enterprise_attestation: Option<u64>,
    /// 0x0B: attestation formats, the best first.
    pub attestation_formats_preference: Vec<String>,
}

/// The credential that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// 0x02: authenticator data, as signed.
    pub auth_data: Vec<u8>,
    /// 0x01 and 0x03: the format and the attestation statement.
    pub att_stmt: AttestationStatement,
    /// 0x04: whether this is an enterprise attestation.
    pub enterprise_attestation: Option<bool>,
    /// 0x05: the key for the credential's large blob.
    pub large_blob_key: Option<Vec<u8>>,
    /// 0x06: extension outputs that are not signed, a map.
    pub unsigned_extension_outputs: Option<Value>,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        Ok(Self {
            client_data_hash: members.required(0x01, "clientDataHash")?,
            rp: members.required(0x02, "rp")?,
            user: members.required(0x03, "user")?,
            pub_key_cred_params: members.required::<CredentialParameters>(0x04, "pubKeyCredParams")?.0,
            exclude_list: members.list(0x05, "excludeList")?,
            extensions: members.optional(0x06, "extensions")?.unwrap_or_default(),
            options: members.optional(0x07, "options")?.unwrap_or_default(),
            pin_uv_auth_param: members.optional(0x08, "pinUvAuthParam")?,
            pin_uv_auth_protocol: members.optional(0x09, "pinUvAuthProtocol")?,
            enterprise_attestation: members.optional(0x0A, "enterpriseAttestation")?,
            attestation_formats_preference: members.list(0x0B, "attestationFormatsPreference")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, Some(&self.client_data_hash)),
                (0x02, Some(&self.rp)),
                (0x03, Some(&self.user)),
                (0x04, Some(&self.pub_key_cred_params)),
                (0x05, unless_empty(&self.exclude_list)),
                (0x06, if self.extensions.is_empty() { None } else { Some(&self.extensions) }),
                (0x07, if self.options.is_empty() { None } else { Some(&self.options) }),
                (0x08, some(self.pin_uv_auth_param.as_ref())),
                (0x09, some(self.pin_uv_auth_protocol.as_ref())),
                (0x0A, some(self.enterprise_attestation.as_ref())),
                (0x0B, unless_empty(&self.attestation_formats_preference)),
            ],
        );
    }
}

impl Response {
    /// A response with the members that every one has.
    #[must_use]
    pub const fn new(auth_data: Vec<u8>, att_stmt: AttestationStatement) -> Self {
        Self {
            auth_data,
            att_stmt,
            enterprise_attestation: None,
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
        let format: String = members.required(0x01, "fmt")?;
        // A lenient reading: an absent statement is an empty one, which only format "none" may have.
        let statement = members.optional(0x03, "attStmt")?.unwrap_or(Value::Map(Vec::new()));
        Ok(Self {
            auth_data: members.required(0x02, "authData")?,
            att_stmt: AttestationStatement::from_parts(format, statement)?,
            enterprise_attestation: members.optional(0x04, "epAtt")?,
            large_blob_key: members.optional(0x05, "largeBlobKey")?,
            unsigned_extension_outputs: members.optional(0x06, "unsignedExtensionOutputs")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, Some(&self.att_stmt.format())),
                (0x02, Some(&self.auth_data)),
                (0x03, Some(&self.att_stmt)),
                (0x04, some(self.enterprise_attestation.as_ref())),
                (0x05, some(self.large_blob_key.as_ref())),
                (0x06, some(self.unsigned_extension_outputs.as_ref())),
            ],
        );
    }
}
