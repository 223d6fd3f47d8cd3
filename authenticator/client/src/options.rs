//! The options of both ceremonies as JSON (WebAuthn Level 3 §5.1.8, §5.1.9), read into what they mean.

use std::time::Duration;

use latchkey_protocol::{Algorithm, CredentialDescriptor, RpEntity, UserEntity};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::large_blob::LargeBlobInputs;
use crate::prf::PrfInputs;
use crate::{Attachment, DomException, ErrorName};

mod wire;

/// What `create()` was called with. The RP ID is as the page gave it: the caller's right to it is not checked yet.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the members of a dictionary, each a wish of its own")]
pub(crate) struct CreationOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) rp_name: String,
    pub(crate) user: UserEntity,
    pub(crate) challenge: Vec<u8>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) time_limit: Duration,
    pub(crate) exclude: Vec<CredentialDescriptor>,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) resident_key: ResidentKey,
    pub(crate) user_verification: UserVerification,
    pub(crate) attestation: Attestation,
    pub(crate) attestation_formats: Vec<String>,
    pub(crate) cred_props: bool,
    pub(crate) prf: Option<PrfInputs>,
    pub(crate) protection: Option<Protection>,
    pub(crate) enforce_protection: bool,
    pub(crate) large_blob: Option<LargeBlobInputs>,
    pub(crate) cred_blob: Option<Vec<u8>>,
    pub(crate) min_pin_length: bool,
    /// Whether others than the relying party may start a payment with the passkey.
    pub(crate) payment: bool,
}

/// What `get()` was called with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RequestOptions {
    pub(crate) rp_id: Option<String>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) time_limit: Duration,
    /// `None`: any discoverable credential. A list that is empty here had only types that nobody knows.
    pub(crate) allow: Option<Vec<CredentialDescriptor>>,
    pub(crate) user_verification: UserVerification,
    pub(crate) prf: Option<PrfInputs>,
    pub(crate) large_blob: Option<LargeBlobInputs>,
    pub(crate) get_cred_blob: bool,
}

/// `ResidentKeyRequirement` (§5.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResidentKey {
    Discouraged,
    Preferred,
    Required,
}

/// `UserVerificationRequirement` (§5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserVerification {
    Discouraged,
    Preferred,
    Required,
}

/// `AttestationConveyancePreference` (§5.4.7). "indirect" is no member: nothing here anonymises, so it is "direct".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attestation {
    None,
    Direct,
    Enterprise,
}

/// `credentialProtectionPolicy` (CTAP 2.3 §12.1), a Web IDL enumeration: an unknown value is a `TypeError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Protection {
    #[serde(rename = "userVerificationOptional")]
    Optional,
    #[serde(rename = "userVerificationOptionalWithCredentialIDList")]
    OptionalWithList,
    #[serde(rename = "userVerificationRequired")]
    Required,
}

/// What a ceremony may take when the page does not say (§15.1: 5 minutes).
const DEFAULT_TIME_LIMIT: Duration = Duration::from_mins(5);
/// The shortest time that a page may give: long enough to type a PIN.
const SHORTEST_TIME_LIMIT: Duration = Duration::from_secs(15);
/// The longest time that a page may give (§15.1: 10 minutes).
const LONGEST_TIME_LIMIT: Duration = Duration::from_mins(10);

impl CreationOptions {
    /// Reads `PublicKeyCredentialCreationOptionsJSON`.
    ///
    /// # Errors
    /// `TypeError` if it is none, or the user handle has a wrong length (§5.1.3 step 5); `NotSupportedError` if no
    /// credential type is known (step 10).
    pub(crate) fn parse(json: &str) -> Result<Self, DomException> {
        let wire: wire::Creation = read(json)?;
        if !(1..=64).contains(&wire.user.id.0.len()) {
            return Err(DomException::wrong_type("user.id must be 1 to 64 bytes long."));
        }
        let selection = wire.authenticator_selection.unwrap_or_default();
        let extensions = wire.extensions.unwrap_or_default();
        if extensions.prf.as_ref().is_some_and(|prf| prf.eval_by_credential.is_some()) {
            // §10.1.4, client extension processing for registration, step 1.
            return Err(DomException::new(
                ErrorName::NotSupportedError,
                "prf: evalByCredential makes no sense while a passkey is made.",
            ));
        }
        if let Some(large_blob) = &extensions.large_blob {
            large_blob.check_for_create()?;
        }
        Ok(Self {
            rp_id: wire.rp.id,
            rp_name: wire.rp.name,
            user: UserEntity {
                id: wire.user.id.0,
                name: Some(wire.user.name),
                display_name: Some(wire.user.display_name),
            },
            challenge: wire.challenge.0,
            algorithms: algorithms(&wire.pub_key_cred_params)?,
            time_limit: time_limit(wire.timeout),
            exclude: descriptors(wire.exclude_credentials.unwrap_or_default()),
            attachment: selection.attachment(),
            resident_key: selection.resident_key(),
            user_verification: UserVerification::parse(selection.user_verification.as_deref()),
            attestation: Attestation::parse(wire.attestation.as_deref()),
            attestation_formats: wire.attestation_formats.unwrap_or_default(),
            cred_props: extensions.cred_props.unwrap_or(false),
            prf: extensions.prf,
            protection: extensions.credential_protection_policy,
            enforce_protection: extensions.enforce_credential_protection_policy.unwrap_or(false),
            large_blob: extensions.large_blob,
            cred_blob: extensions.cred_blob.map(|blob| blob.0),
            min_pin_length: extensions.min_pin_length.unwrap_or(false),
            payment: extensions.payment.is_some_and(|payment| payment.is_payment == Some(true)),
        })
    }

    /// The relying party as the authenticator is told.
    pub(crate) fn rp(&self, id: &str) -> RpEntity {
        RpEntity { id: id.to_owned(), name: Some(self.rp_name.clone()) }
    }
}

impl RequestOptions {
    /// Reads `PublicKeyCredentialRequestOptionsJSON`.
    ///
    /// # Errors
    /// `TypeError` if it is none, and what the extensions' own checks say.
    pub(crate) fn parse(json: &str) -> Result<Self, DomException> {
        let wire: wire::Request = read(json)?;
        let given = wire.allow_credentials.unwrap_or_default();
        let allow = if given.is_empty() { None } else { Some(descriptors(given)) };
        let extensions = wire.extensions.unwrap_or_default();
        if let Some(large_blob) = &extensions.large_blob {
            large_blob.check_for_get(allow.as_ref().map_or(0, Vec::len))?;
        }
        if let Some(prf) = &extensions.prf {
            let ids: Vec<Vec<u8>> = allow.iter().flatten().map(|descriptor| descriptor.id.clone()).collect();
            prf.check_for_get(&ids)?;
        }
        Ok(Self {
            rp_id: wire.rp_id,
            challenge: wire.challenge.0,
            time_limit: time_limit(wire.timeout),
            allow,
            user_verification: UserVerification::parse(wire.user_verification.as_deref()),
            prf: extensions.prf,
            large_blob: extensions.large_blob,
            get_cred_blob: extensions.get_cred_blob.unwrap_or(false),
        })
    }
}

/// The acceptable algorithms, the best first. An empty list means the defaults, one that only has unknown types is
/// an error (§5.1.3 step 10).
fn algorithms(parameters: &[wire::Parameter]) -> Result<Vec<Algorithm>, DomException> {
    if parameters.is_empty() {
        return Ok(vec![Algorithm::ES256, Algorithm::RS256]);
    }
    let known: Vec<Algorithm> = parameters
        .iter()
        .filter(|parameter| parameter.kind == wire::PUBLIC_KEY)
        .map(|parameter| Algorithm(parameter.alg))
        .collect();
    if known.is_empty() {
        return Err(DomException::new(
            ErrorName::NotSupportedError,
            "No known credential type is among pubKeyCredParams.",
        ));
    }
    Ok(known)
}

/// Descriptors of the one known type; others match nothing (§5.1.3 step 12, §5.1.4.1 step 18).
fn descriptors(given: Vec<wire::Descriptor>) -> Vec<CredentialDescriptor> {
    given
        .into_iter()
        .filter(|descriptor| descriptor.kind == wire::PUBLIC_KEY)
        .map(|descriptor| CredentialDescriptor::public_key(descriptor.id.0))
        .collect()
}

/// The page's wish, corrected to the closest value that is reasonable.
fn time_limit(milliseconds: Option<f64>) -> Duration {
    milliseconds.map_or(DEFAULT_TIME_LIMIT, |milliseconds| {
        let wish = Duration::try_from_secs_f64(milliseconds.max(0.0) / 1000.0).unwrap_or(LONGEST_TIME_LIMIT);
        wish.clamp(SHORTEST_TIME_LIMIT, LONGEST_TIME_LIMIT)
    })
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, DomException> {
    // serde_json quotes what it found where; options are public to the page that wrote them.
    serde_json::from_str(json)
        .map_err(|error| DomException::wrong_type(format!("The options are wrong: {error}.")))
}

impl UserVerification {
    /// An unknown value is as good as none, and none means "preferred" (§5.8.6).
    fn parse(value: Option<&str>) -> Self {
        match value {
            Some("required") => Self::Required,
            Some("discouraged") => Self::Discouraged,
            _ => Self::Preferred,
        }
    }
}

impl Attestation {
    /// An unknown value is as good as none, and none means "none" (§5.4).
    fn parse(value: Option<&str>) -> Self {
        match value {
            Some("direct" | "indirect") => Self::Direct,
            Some("enterprise") => Self::Enterprise,
            _ => Self::None,
        }
    }
}

impl Protection {
    /// The number in CTAP.
    pub(crate) const fn level(self) -> u8 {
        match self {
            Self::Optional => 1,
            Self::OptionalWithList => 2,
            Self::Required => 3,
        }
    }
}

#[cfg(test)]
mod tests;
