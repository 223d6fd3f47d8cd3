//! `authenticatorCredentialManagement` (CTAP 2.3 §6.8).

use crate::cbor::encode::{self, Encode, Member, some};
use crate::cbor::members::Members;
use crate::command::open_number;
use crate::cose::CoseKey;
use crate::subcommand_params::SubCommandParams;
use crate::{CredentialDescriptor, Malformed, ResponseError, RpEntity, Status, UserEntity, response};

open_number! {
    /// What to do (§6.8).
    SubCommand {
        GET_CREDS_METADATA = 0x01, "getCredsMetadata";
        ENUMERATE_RPS_BEGIN = 0x02, "enumerateRPsBegin";
        ENUMERATE_RPS_GET_NEXT_RP = 0x03, "enumerateRPsGetNextRP";
        ENUMERATE_CREDENTIALS_BEGIN = 0x04, "enumerateCredentialsBegin";
        ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL = 0x05, "enumerateCredentialsGetNextCredential";
        DELETE_CREDENTIAL = 0x06, "deleteCredential";
        UPDATE_USER_INFORMATION = 0x07, "updateUserInformation";
    }
}

/// The parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 0x01: what to do.
    pub subcommand: SubCommand,
    /// 0x02: what to do it to.
    pub params: Option<Params>,
    /// 0x03: the PIN/UV auth protocol of the MAC.
    pub protocol: Option<u64>,
    /// 0x04: MAC over the subcommand byte and [`Params::raw`].
    pub pin_uv_auth_param: Option<Vec<u8>>,
}

/// `subCommandParams`.
pub type Params = SubCommandParams<Subject>;

/// Its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// 0x01: SHA-256 of the RP ID.
    pub rp_id_hash: Option<[u8; 32]>,
    /// 0x02: the credential.
    pub credential_id: Option<CredentialDescriptor>,
    /// 0x03: what the account becomes.
    pub user: Option<UserEntity>,
}

/// The result; which members it has depends on the subcommand. Without any, [`Response::encode`] gives only the
/// status byte.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// 0x01: discoverable credentials on the authenticator.
    pub existing_resident_credentials_count: Option<u64>,
    /// 0x02: how many more it can hold at most.
    pub max_possible_remaining_resident_credentials_count: Option<u64>,
    /// 0x03: a relying party.
    pub rp: Option<RpEntity>,
    /// 0x04: SHA-256 of its RP ID.
    pub rp_id_hash: Option<[u8; 32]>,
    /// 0x05: relying parties, in the first answer of an enumeration.
    pub total_rps: Option<u64>,
    /// 0x06: an account.
    pub user: Option<UserEntity>,
    /// 0x07: its credential.
    pub credential_id: Option<CredentialDescriptor>,
    /// 0x08: the credential's public key.
    pub public_key: Option<CoseKey>,
    /// 0x09: the relying party's credentials, in the first answer of an enumeration.
    pub total_credentials: Option<u64>,
    /// 0x0A: the credential's protection policy.
    pub cred_protect: Option<u64>,
    /// 0x0B: the key for the credential's large blob.
    pub large_blob_key: Option<Vec<u8>>,
    /// 0x0C: whether it may be used for third-party payments.
    pub third_party_payment: Option<bool>,
}

impl Params {
    /// Parameters, encoded canonically.
    #[must_use]
    pub fn new(
        rp_id_hash: Option<[u8; 32]>,
        credential_id: Option<CredentialDescriptor>,
        user: Option<UserEntity>,
    ) -> Self {
        Self::encoded(Subject { rp_id_hash, credential_id, user }, |subject| {
            vec![
                (0x01, some(subject.rp_id_hash.as_ref())),
                (0x02, some(subject.credential_id.as_ref())),
                (0x03, some(subject.user.as_ref())),
            ]
        })
    }
}

impl Subject {
    fn read(mut members: Members) -> Result<Self, Malformed> {
        Ok(Self {
            rp_id_hash: members.optional(0x01, "subCommandParams: rpIDHash")?,
            credential_id: members.optional(0x02, "subCommandParams: credentialID")?,
            user: members.optional(0x03, "subCommandParams: user")?,
        })
    }
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::of_message(body)?;
        let params = Params::take(&mut members, body, 0x02, Subject::read)?;
        Ok(Self {
            subcommand: members.required(0x01, "subCommand")?,
            params,
            protocol: members.optional(0x03, "pinUvAuthProtocol")?,
            pin_uv_auth_param: members.optional(0x04, "pinUvAuthParam")?,
        })
    }
}

impl Encode for Request {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::members(
            to,
            &[
                (0x01, Some(&self.subcommand)),
                (0x02, some(self.params.as_ref())),
                (0x03, some(self.protocol.as_ref())),
                (0x04, some(self.pin_uv_auth_param.as_ref())),
            ],
        );
    }
}

impl Response {
    /// The whole response, status byte first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if *self == Self::default() { Status::OK.response() } else { response::success(self) }
    }

    /// Reads a whole response, status byte first.
    ///
    /// # Errors
    /// The authenticator's refusal, or [`Malformed`].
    pub fn parse(response: &[u8]) -> Result<Self, ResponseError> {
        let mut members = response::members(response)?;
        Ok(Self {
            existing_resident_credentials_count: members
                .optional(0x01, "existingResidentCredentialsCount")?,
            max_possible_remaining_resident_credentials_count: members
                .optional(0x02, "maxPossibleRemainingResidentCredentialsCount")?,
            rp: members.optional(0x03, "rp")?,
            rp_id_hash: members.optional(0x04, "rpIDHash")?,
            total_rps: members.optional(0x05, "totalRPs")?,
            user: members.optional(0x06, "user")?,
            credential_id: members.optional(0x07, "credentialID")?,
            public_key: members.optional(0x08, "publicKey")?,
            total_credentials: members.optional(0x09, "totalCredentials")?,
            cred_protect: members.optional(0x0A, "credProtect")?,
            large_blob_key: members.optional(0x0B, "largeBlobKey")?,
            third_party_payment: members.optional(0x0C, "thirdPartyPayment")?,
        })
    }
}

impl Encode for Response {
    fn encode_into(&self, to: &mut Vec<u8>) {
        let members: [(i64, Member<'_>); 12] = [
            (0x01, some(self.existing_resident_credentials_count.as_ref())),
            (0x02, some(self.max_possible_remaining_resident_credentials_count.as_ref())),
            (0x03, some(self.rp.as_ref())),
            (0x04, some(self.rp_id_hash.as_ref())),
            (0x05, some(self.total_rps.as_ref())),
            (0x06, some(self.user.as_ref())),
            (0x07, some(self.credential_id.as_ref())),
            (0x08, some(self.public_key.as_ref())),
            (0x09, some(self.total_credentials.as_ref())),
            (0x0A, some(self.cred_protect.as_ref())),
            (0x0B, some(self.large_blob_key.as_ref())),
            (0x0C, some(self.third_party_payment.as_ref())),
        ];
        encode::members(to, &members);
    }
}
