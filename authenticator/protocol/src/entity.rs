//! The structures that several messages share (CTAP 2.3 §6.1, WebAuthn Level 3 §5.4 and §5.8).

use ciborium::Value;

use crate::cbor::encode::{self, Encode};
use crate::cbor::members::{Decode, Members};
use crate::{Algorithm, Malformed};

/// The only credential type there is.
pub const PUBLIC_KEY: &str = "public-key";

/// `PublicKeyCredentialRpEntity`: a relying party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpEntity {
    /// The RP ID.
    pub id: String,
    /// A name for people; may be absent.
    pub name: Option<String>,
}

/// `PublicKeyCredentialUserEntity`: an account at a relying party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserEntity {
    /// The user handle: 1 to 64 bytes, and empty from some relying parties, which the specification does not want.
    pub id: Vec<u8>,
    /// The account's name.
    pub name: Option<String>,
    /// The person's name.
    pub display_name: Option<String>,
}

/// The longest user handle (WebAuthn Level 3 §5.4.3).
const LONGEST_USER_HANDLE: usize = 64;

/// One element of `pubKeyCredParams`: a kind of credential that the relying party accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialParameter {
    /// The signature algorithm.
    pub alg: Algorithm,
    /// [`PUBLIC_KEY`], or a type that is not known here and that nobody can serve.
    pub kind: String,
}

/// `PublicKeyCredentialDescriptor`: names a credential in an allow or exclude list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialDescriptor {
    /// The credential id.
    pub id: Vec<u8>,
    /// [`PUBLIC_KEY`], or a type that is not known here; such descriptors match no credential.
    pub kind: String,
    /// Hints about how to reach the authenticator.
    pub transports: Vec<String>,
}

/// The option map of makeCredential and getAssertion (CTAP 2.3 §6.1, §6.2). Unknown options are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Discoverable credential. Kept in getAssertion too, where the engine must refuse it.
    pub rk: Option<bool>,
    /// User presence.
    pub up: Option<bool>,
    /// User verification.
    pub uv: Option<bool>,
}

impl CredentialParameter {
    /// A public-key credential with this algorithm.
    #[must_use]
    pub fn public_key(alg: Algorithm) -> Self {
        Self { alg, kind: PUBLIC_KEY.to_owned() }
    }

    /// Whether the type is one that exists.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.kind == PUBLIC_KEY
    }
}

impl CredentialDescriptor {
    /// The public-key credential with this id.
    #[must_use]
    pub fn public_key(id: Vec<u8>) -> Self {
        Self { id, kind: PUBLIC_KEY.to_owned(), transports: Vec::new() }
    }

    /// Whether the type is one that exists.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.kind == PUBLIC_KEY
    }
}

impl Decode for RpEntity {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        forget_icon(&mut members)?;
        Ok(Self { id: members.required("id", "rp.id")?, name: members.optional("name", "rp.name")? })
    }
}

impl Encode for RpEntity {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(to, &[("id", Some(&self.id)), ("name", encode::some(self.name.as_ref()))]);
    }
}

impl Decode for UserEntity {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        forget_icon(&mut members)?;
        let id: Vec<u8> = members.required("id", "user.id")?;
        if id.len() > LONGEST_USER_HANDLE {
            return Err(Malformed::length("user.id is longer than 64 bytes"));
        }
        Ok(Self {
            id,
            name: members.optional("name", "user.name")?,
            display_name: members.optional("displayName", "user.displayName")?,
        })
    }
}

impl Encode for UserEntity {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(
            to,
            &[
                ("id", Some(&self.id)),
                ("name", encode::some(self.name.as_ref())),
                ("displayName", encode::some(self.display_name.as_ref())),
            ],
        );
    }
}

/// CTAP 2.0 had `icon`, a text. Its value is of no use, but its type is still checked: suites test that.
fn forget_icon(members: &mut Members) -> Result<(), Malformed> {
    members.optional::<String>("icon", "icon").map(|_| ())
}

/// The elements of `pubKeyCredParams`. Of a type that is not known here only the type itself is required, since
/// which members are mandatory depends on the type (CTAP 2.3 §6.1.2 step 3).
pub(crate) struct CredentialParameters(pub(crate) Vec<CredentialParameter>);

impl Decode for CredentialParameters {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let elements: Vec<Members> = Decode::decode(value, what)?;
        let mut parameters = Vec::with_capacity(elements.len());
        for mut members in elements {
            let alg: Option<Algorithm> = members.optional("alg", "pubKeyCredParams[].alg")?;
            let kind: String = members.required("type", "pubKeyCredParams[].type")?;
            match alg {
                Some(alg) => parameters.push(CredentialParameter { alg, kind }),
                None if kind == PUBLIC_KEY => return Err(Malformed::missing("pubKeyCredParams[].alg")),
                None => {}
            }
        }
        Ok(Self(parameters))
    }
}

impl Encode for CredentialParameter {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(to, &[("alg", Some(&self.alg)), ("type", Some(&self.kind))]);
    }
}

impl Decode for CredentialDescriptor {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        Ok(Self {
            id: members.required("id", "credential descriptor: id")?,
            kind: members.required("type", "credential descriptor: type")?,
            transports: members.list("transports", "credential descriptor: transports")?,
        })
    }
}

impl Encode for CredentialDescriptor {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(
            to,
            &[
                ("id", Some(&self.id)),
                ("type", Some(&self.kind)),
                ("transports", encode::unless_empty(&self.transports)),
            ],
        );
    }
}

impl Options {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Decode for Options {
    fn decode(value: Value, what: &'static str) -> Result<Self, Malformed> {
        let mut members = Members::decode(value, what)?;
        Ok(Self {
            rk: members.optional("rk", "options.rk")?,
            up: members.optional("up", "options.up")?,
            uv: members.optional("uv", "options.uv")?,
        })
    }
}

impl Encode for Options {
    fn encode_into(&self, to: &mut Vec<u8>) {
        encode::named(
            to,
            &[
                ("rk", encode::some(self.rk.as_ref())),
                ("up", encode::some(self.up.as_ref())),
                ("uv", encode::some(self.uv.as_ref())),
            ],
        );
    }
}
