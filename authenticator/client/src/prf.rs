//! The `prf` extension on top of `hmac-secret` (WebAuthn Level 3 §10.1.4, CTAP 2.3 §12.7).

use std::collections::BTreeMap;

use latchkey_protocol::extensions::HmacSecretInput;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::base64url::{self, Bytes};
use crate::pin_uv::SharedSecret;
use crate::{DomException, ErrorName};

/// `AuthenticationExtensionsPRFInputs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PrfInputs {
    /// For whichever credential is used.
    pub(crate) eval: Option<PrfValues>,
    /// By base64url credential id.
    pub(crate) eval_by_credential: Option<BTreeMap<String, PrfValues>>,
}

/// `AuthenticationExtensionsPRFValues`, as input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PrfValues {
    /// The first input, of any length.
    pub(crate) first: Bytes,
    /// The second input.
    pub(crate) second: Option<Bytes>,
}

/// `AuthenticationExtensionsPRFOutputs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct PrfOutputs {
    /// Only at registration: whether the credential can evaluate at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    /// The outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) results: Option<PrfResults>,
}

/// `AuthenticationExtensionsPRFValues`, as output: 32 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PrfResults {
    first: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<Bytes>,
}

/// The length of a salt and of an output.
const SALT: usize = 32;

impl PrfInputs {
    /// The checks of `get()` (§10.1.4, client extension processing for authentication, steps 1 and 2).
    ///
    /// # Errors
    /// `NotSupportedError` and `SyntaxError`, as those steps say.
    pub(crate) fn check_for_get(&self, allowed: &[Vec<u8>]) -> Result<(), DomException> {
        let Some(by_credential) = &self.eval_by_credential else { return Ok(()) };
        if !by_credential.is_empty() && allowed.is_empty() {
            return Err(DomException::new(
                ErrorName::NotSupportedError,
                "prf: evalByCredential needs a list of allowed credentials.",
            ));
        }
        let known = |id: &str| base64url::decode(id).is_some_and(|id| allowed.contains(&id));
        if by_credential.keys().any(|id| id.is_empty() || !known(id)) {
            return Err(DomException::new(
                ErrorName::SyntaxError,
                "prf: evalByCredential names a credential that is not in the list of allowed ones.",
            ));
        }
        Ok(())
    }

    /// Whether the inputs differ from one credential to another, so that it must be known beforehand which one signs.
    pub(crate) fn depends_on_credential(&self) -> bool {
        self.eval_by_credential.as_ref().is_some_and(|inputs| !inputs.is_empty())
    }

    /// Whether there is anything to evaluate.
    pub(crate) fn evaluates(&self) -> bool {
        self.eval.is_some() || self.depends_on_credential()
    }

    /// The inputs for the credential with this id; for an unknown credential those that fit every one.
    pub(crate) fn values_for(&self, credential_id: Option<&[u8]>) -> Option<&PrfValues> {
        let own = credential_id
            .zip(self.eval_by_credential.as_ref())
            .and_then(|(id, inputs)| inputs.get(&base64url::encode(id)));
        own.or(self.eval.as_ref())
    }
}

impl PrfValues {
    /// The salts of `hmac-secret`, one after the other.
    fn salts(&self) -> Zeroizing<Vec<u8>> {
        let mut salts = Zeroizing::new(Vec::with_capacity(2 * SALT));
        for input in [Some(&self.first), self.second.as_ref()].into_iter().flatten() {
            // The prefix keeps web sites away from what native applications get for the same credential.
            salts.extend(Sha256::new().chain_update(b"WebAuthn PRF\0").chain_update(&input.0).finalize());
        }
        salts
    }

    /// The salts as `hmac-secret` takes them.
    pub(crate) fn encrypted(&self, secret: &SharedSecret, rng: &mut dyn CryptoRng) -> HmacSecretInput {
        let salt_enc = secret.encrypt(&self.salts(), rng);
        HmacSecretInput {
            key_agreement: secret.platform_key.clone(),
            salt_auth: secret.authenticate(&salt_enc),
            salt_enc,
            protocol: Some(secret.protocol().number()),
        }
    }

    /// The results in what `hmac-secret` answered to these inputs.
    ///
    /// # Errors
    /// `UnknownError` unless there is exactly one output for each input.
    pub(crate) fn results(&self, secret: &SharedSecret, output: &[u8]) -> Result<PrfResults, DomException> {
        let outputs = secret.decrypt(output)?;
        let mut outputs = outputs.chunks(SALT).map(|output| Bytes(output.to_vec()));
        let (first, second) = (outputs.next(), outputs.next());
        let sound = |output: &Option<Bytes>| output.as_ref().is_none_or(|output| output.0.len() == SALT);
        match first {
            Some(first)
                if second.is_some() == self.second.is_some()
                    && first.0.len() == SALT
                    && sound(&second)
                    && outputs.next().is_none() =>
            {
                Ok(PrfResults { first, second })
            }
            _ => Err(DomException::unknown("The authenticator's hmac-secret answer has a wrong length.")),
        }
    }
}

#[cfg(test)]
mod tests;
