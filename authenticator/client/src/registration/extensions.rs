//! What a registration asks of extensions, and what the page learns of it.

use latchkey_protocol::authenticator_data::AuthenticatorData;
use latchkey_protocol::extensions::{RegistrationExtensions, name};
use latchkey_protocol::{cbor, make_credential};
use serde::Serialize;

use super::Evaluation;
use crate::DomException;
use crate::large_blob::LargeBlobOutputs;
use crate::options::CreationOptions;
use crate::prf::PrfOutputs;
use crate::session::Session;

/// The inputs that depend on nothing but the options and the authenticator. What it does not have is left out, unless
/// the relying party insists.
pub(super) fn inputs(
    session: &Session<'_>,
    options: &CreationOptions,
    discoverable: bool,
) -> Result<RegistrationExtensions, DomException> {
    let has = |name| session.supports(name);
    let yes = |wanted: bool| wanted.then_some(true);
    Ok(RegistrationExtensions {
        cred_protect: protection(session, options)?,
        cred_blob: options.cred_blob.clone().filter(|_| has(name::CRED_BLOB)),
        hmac_secret: yes(options.prf.is_some() && has(name::HMAC_SECRET)),
        hmac_secret_mc: None,
        large_blob_key: yes(large_blob(session, options, discoverable)?),
        min_pin_length: yes(options.min_pin_length && has(name::MIN_PIN_LENGTH)),
        pin_complexity_policy: None,
        third_party_payment: yes(options.payment && has(name::THIRD_PARTY_PAYMENT)),
    })
}

/// The level for `credProtect` (CTAP 2.3 §12.1): without the extension a policy is dropped, unless it is enforced.
fn protection(session: &Session<'_>, options: &CreationOptions) -> Result<Option<u8>, DomException> {
    let Some(policy) = options.protection else { return Ok(None) };
    if session.supports(name::CRED_PROTECT) {
        return Ok(Some(policy.level()));
    }
    if options.enforce_protection && policy.level() > 1 {
        return Err(DomException::not_allowed(
            "The authenticator cannot protect the passkey as the site insists.",
        ));
    }
    Ok(None)
}

/// Whether the passkey gets a key for a large blob: only a discoverable one can (CTAP 2.3 §12.3).
fn large_blob(
    session: &Session<'_>,
    options: &CreationOptions,
    discoverable: bool,
) -> Result<bool, DomException> {
    let Some(wish) = &options.large_blob else { return Ok(false) };
    let possible = discoverable && session.large_blobs();
    if wish.insists() && !possible {
        return Err(DomException::not_allowed(
            "The authenticator cannot keep the large blob that the site insists on with this passkey.",
        ));
    }
    Ok(possible)
}

/// `AuthenticationExtensionsClientOutputsJSON` of a registration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtensionResults {
    #[serde(skip_serializing_if = "Option::is_none")]
    cred_props: Option<CredProps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prf: Option<PrfOutputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    large_blob: Option<LargeBlobOutputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cred_blob: Option<bool>,
}

#[derive(Debug, Serialize)]
struct CredProps {
    rk: bool,
}

/// What the page learns. Outputs answer inputs.
pub(super) fn results(
    options: &CreationOptions,
    discoverable: bool,
    made: &make_credential::Response,
    data: &AuthenticatorData,
    evaluation: Option<&Evaluation<'_>>,
) -> Result<ExtensionResults, DomException> {
    let supported = LargeBlobOutputs { supported: Some(made.large_blob_key.is_some()), ..Default::default() };
    let kept = output(data, name::CRED_BLOB).and_then(cbor::Value::as_bool).unwrap_or(false);
    Ok(ExtensionResults {
        cred_props: options.cred_props.then_some(CredProps { rk: discoverable }),
        prf: options.prf.as_ref().map(|_| prf(data, evaluation)).transpose()?,
        large_blob: options.large_blob.as_ref().map(|_| supported),
        cred_blob: options.cred_blob.as_ref().map(|_| kept),
    })
}

fn prf(data: &AuthenticatorData, evaluation: Option<&Evaluation<'_>>) -> Result<PrfOutputs, DomException> {
    let enabled = output(data, name::HMAC_SECRET).and_then(cbor::Value::as_bool).unwrap_or(false);
    let results = match (evaluation, output(data, name::HMAC_SECRET_MC).and_then(cbor::Value::as_bytes)) {
        (Some((values, secret)), Some(output)) => Some(values.results(secret, output)?),
        (Some(_) | None, _) => None,
    };
    Ok(PrfOutputs { enabled: Some(enabled), results })
}

/// The output of an extension in authenticator data.
pub(crate) fn output<'d>(data: &'d AuthenticatorData, name: &str) -> Option<&'d cbor::Value> {
    let outputs = data.extensions.as_ref()?.as_map()?;
    outputs.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}
