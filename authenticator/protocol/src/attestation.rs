//! Attestation statements and objects (WebAuthn Level 3 §6.5.4, §8).

use ciborium::Value;

use crate::cbor::encode::{self, Encode};
use crate::cbor::members::{Decode, Members};
use crate::{Algorithm, Malformed, cbor};

/// How an authenticator vouches for a credential.
#[derive(Debug, Clone, PartialEq)]
pub enum AttestationStatement {
    /// Format "none": not at all (§8.7).
    None,
    /// Format "packed" with the credential's own key (§8.2).
    PackedSelf {
        /// The credential's algorithm.
        alg: Algorithm,
        /// The signature over authenticator data and client data hash.
        sig: Vec<u8>,
    },
    /// Another format, or "packed" with certificates: its name and its statement.
    Other(String, Value),
}

/// A statement of the format "packed" with a certificate (§8.2), to be sent: parsing gives
/// [`AttestationStatement::Other`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedStatement {
    /// The algorithm of the certified key.
    pub alg: Algorithm,
    /// Its signature over authenticator data and client data hash.
    pub sig: Vec<u8>,
    /// Its certificate, and the chain; DER.
    pub x5c: Vec<Vec<u8>>,
}

/// A statement of the format "tpm" (§8.3), to be sent: parsing gives [`AttestationStatement::Other`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmStatement {
    /// The attestation key's algorithm.
    pub alg: Algorithm,
    /// The attestation key's certificate, and its chain; DER.
    pub x5c: Vec<Vec<u8>>,
    /// The attestation key's signature over `cert_info`.
    pub sig: Vec<u8>,
    /// The `TPMS_ATTEST`.
    pub cert_info: Vec<u8>,
    /// The `TPMT_PUBLIC` of the credential's key.
    pub pub_area: Vec<u8>,
}

/// What `navigator.credentials.create()` hands to the relying party.
#[derive(Debug, Clone, PartialEq)]
pub struct AttestationObject {
    /// `fmt` and `attStmt`.
    pub att_stmt: AttestationStatement,
    /// `authData`.
    pub auth_data: Vec<u8>,
}

const NONE: &str = "none";
const PACKED: &str = "packed";
const TPM: &str = "tpm";
/// The version of the TPM specification (§8.3).
const TPM_VERSION: &str = "2.0";

impl AttestationStatement {
    /// The attestation statement format identifier.
    #[must_use]
    pub fn format(&self) -> &str {
        match self {
            Self::None => NONE,
            Self::PackedSelf { .. } => PACKED,
            Self::Other(format, _) => format,
        }
    }

    pub(crate) fn from_parts(format: String, statement: Value) -> Result<Self, Malformed> {
        let Some(entries) = statement.as_map() else {
            return Err(Malformed::unexpected_type("attStmt"));
        };
        match format.as_str() {
            NONE if entries.is_empty() => Ok(Self::None),
            NONE => Err(Malformed::parameter("attStmt of format \"none\" is not empty")),
            // With certificates there is a third member.
            PACKED if entries.len() <= 2 => {
                let mut members = Members::decode(statement, "attStmt")?;
                Ok(Self::PackedSelf {
                    alg: members.required("alg", "attStmt.alg")?,
                    sig: members.required("sig", "attStmt.sig")?,
                })
            }
            _ => Ok(Self::Other(format, statement)),
        }
    }
}

impl From<PackedStatement> for AttestationStatement {
    fn from(statement: PackedStatement) -> Self {
        let PackedStatement { alg, sig, x5c } = statement;
        let members = [("alg", alg.0.into()), ("sig", sig.into()), ("x5c", certificates(x5c))];
        Self::Other(PACKED.to_owned(), named(members))
    }
}

impl From<TpmStatement> for AttestationStatement {
    fn from(statement: TpmStatement) -> Self {
        let TpmStatement { alg, x5c, sig, cert_info, pub_area } = statement;
        // In canonical order: shorter names first.
        let members: [(&str, Value); 6] = [
            ("alg", alg.0.into()),
            ("sig", sig.into()),
            ("ver", TPM_VERSION.into()),
            ("x5c", certificates(x5c)),
            ("pubArea", pub_area.into()),
            ("certInfo", cert_info.into()),
        ];
        Self::Other(TPM.to_owned(), named(members))
    }
}

fn certificates(x5c: Vec<Vec<u8>>) -> Value {
    Value::Array(x5c.into_iter().map(Value::Bytes).collect())
}

fn named<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

impl Encode for AttestationStatement {
    fn encode_into(&self, to: &mut Vec<u8>) {
        match self {
            Self::None => encode::named(to, &[]),
            Self::PackedSelf { alg, sig } => encode::named(to, &[("alg", Some(alg)), ("sig", Some(sig))]),
            Self::Other(_, statement) => statement.encode_into(to),
        }
    }
}

impl AttestationObject {
    /// The canonical encoding: `fmt`, `attStmt`, `authData`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(self.auth_data.len() + 256);
        encode::named(
            &mut encoded,
            &[
                ("fmt", Some(&self.att_stmt.format())),
                ("attStmt", Some(&self.att_stmt)),
                ("authData", Some(&self.auth_data)),
            ],
        );
        encoded
    }

    /// Reads an attestation object; authenticator data is left to
    /// [`AuthenticatorData::parse`](crate::authenticator_data::AuthenticatorData::parse).
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut members = Members::decode(cbor::decode(bytes)?, "the attestation object is not a map")?;
        let format = members.required("fmt", "fmt")?;
        let statement = members.required("attStmt", "attStmt")?;
        Ok(Self {
            att_stmt: AttestationStatement::from_parts(format, statement)?,
            auth_data: members.required("authData", "authData")?,
        })
    }
}
