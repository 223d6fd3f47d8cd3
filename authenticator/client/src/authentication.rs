//! `get()`: an authentication ceremony (WebAuthn Level 3 §5.1.4).

use latchkey_protocol::authenticator_data::{AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::extensions::{AuthenticationExtensions, name};
use latchkey_protocol::{CredentialDescriptor, Options, Request, cbor, get_assertion};
use rand_core::CryptoRng;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::base64url::{self, Bytes};
use crate::client_data::{Ceremony, ClientData};
use crate::large_blob::LargeBlobOutputs;
use crate::options::{RequestOptions, UserVerification};
use crate::pin_uv::SharedSecret;
use crate::prf::{PrfInputs, PrfOutputs, PrfValues};
use crate::registration::extensions::output as extension_output;
use crate::session::{Proof, Session, Verification, used};
use crate::{Account, Attachment, Authenticator, Caller, Chooser, DomException};

/// Runs the ceremony.
pub(crate) fn run(
    options_json: &str,
    caller: Caller<'_>,
    authenticator: &mut dyn Authenticator,
    chooser: &mut dyn Chooser,
    rng: &mut dyn CryptoRng,
) -> Result<AuthenticationResponse, DomException> {
    let options = RequestOptions::parse(options_json)?;
    let rp_id = caller.rp_id(options.rp_id.as_deref())?;
    let client_data = ClientData::new(Ceremony::Get, &options.challenge, &caller);
    let attachment = authenticator.attachment();
    let mut session = Session::begin(authenticator, options.time_limit)?;
    // A PRF has one answer with user verification and another without; pages get the one with (§10.1.4).
    let evaluates =
        options.prf.as_ref().is_some_and(PrfInputs::evaluates) && session.supports(name::HMAC_SECRET);
    let verification = match session.verification(Ceremony::Get, options.user_verification, evaluates) {
        Err(_) if evaluates => session.verification(Ceremony::Get, options.user_verification, false),
        decided => decided,
    }?;
    let plan = Plan { options: &options, rp_id: &rp_id, client_data: &client_data };
    let allowed = plan.allowed(&session)?;
    let proof = session.prove(verification, plan.permissions(&session), &rp_id, rng)?;
    let allowed = plan.narrowed(&mut session, allowed, &proof)?;
    let evaluation = match plan.prf_values(&allowed) {
        Some(values) if evaluates && verification != Verification::None => {
            Some((values, session.shared_secret(rng)?))
        }
        Some(_) | None => None,
    };
    let assertions = plan.assertions(&mut session, &allowed, &proof, evaluation.as_ref(), rng)?;
    let assertion = plan.chosen(assertions, chooser)?;
    // Before the response: what becomes of the blob is part of it.
    let large_blob = plan.large_blob(&mut session, &assertion, &proof, rng)?;
    plan.respond(assertion, &allowed, evaluation.as_ref(), large_blob, attachment)
}

/// An authentication whose questions are all answered.
struct Plan<'a> {
    options: &'a RequestOptions,
    rp_id: &'a str,
    client_data: &'a ClientData,
}

/// What is needed to read the outputs of a PRF.
type Evaluation<'a> = (&'a PrfValues, SharedSecret);

impl<'a> Plan<'a> {
    /// What the user is verified for.
    fn permissions(&self, session: &Session<'_>) -> Permissions {
        let writes = self.options.large_blob.as_ref().is_some_and(|inputs| inputs.write.is_some());
        if writes && session.large_blobs() {
            Permissions::GET_ASSERTION | Permissions::LARGE_BLOB_WRITE
        } else {
            Permissions::GET_ASSERTION
        }
    }

    /// The credentials that may be used; empty means every discoverable one, so a list of which nothing is left
    /// ends the ceremony here.
    fn allowed(&self, session: &Session<'_>) -> Result<Vec<CredentialDescriptor>, DomException> {
        let Some(allow) = &self.options.allow else { return Ok(Vec::new()) };
        let allowed = session.plausible(allow);
        if allowed.is_empty() { Err(nothing_fits()) } else { Ok(allowed) }
    }

    /// One credential instead of a list, where a list will not do: it is too long for one request, or each credential
    /// has its own PRF inputs.
    fn narrowed(
        &self,
        session: &mut Session<'_>,
        allowed: Vec<CredentialDescriptor>,
        proof: &Proof,
    ) -> Result<Vec<CredentialDescriptor>, DomException> {
        let too_many = allowed.len() > session.batch();
        let by_credential = self.options.prf.as_ref().is_some_and(PrfInputs::depends_on_credential);
        if allowed.len() < 2 || !(too_many || by_credential) {
            return Ok(allowed);
        }
        match session.find(self.rp_id, &allowed, proof)? {
            Some(found) => Ok(vec![found]),
            // Nothing of it is here. A request with a part of the list asks for presence before it says so.
            None => Ok(allowed.into_iter().take(1).collect()),
        }
    }

    fn prf_values(&self, allowed: &[CredentialDescriptor]) -> Option<&'a PrfValues> {
        let id = match allowed {
            [only] => Some(only.id.as_slice()),
            _ => None,
        };
        self.options.prf.as_ref()?.values_for(id)
    }

    /// getAssertion and, for several accounts, getNextAssertion until there is one for each.
    fn assertions(
        &self,
        session: &mut Session<'_>,
        allowed: &[CredentialDescriptor],
        proof: &Proof,
        evaluation: Option<&Evaluation<'_>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<get_assertion::Response>, DomException> {
        let (pin_uv_auth_protocol, pin_uv_auth_param) = proof.over(&self.client_data.hash);
        let response = session.transact(&Request::GetAssertion(get_assertion::Request {
            rp_id: self.rp_id.to_owned(),
            client_data_hash: self.client_data.hash,
            allow_list: if allowed.is_empty() { None } else { Some(allowed.to_vec()) },
            extensions: AuthenticationExtensions {
                hmac_secret: evaluation.map(|(values, secret)| values.encrypted(secret, rng)),
                cred_blob: asked(self.options.get_cred_blob && session.supports(name::CRED_BLOB)),
                large_blob_key: asked(self.options.large_blob.is_some() && session.large_blobs()),
                third_party_payment: None,
            },
            options: Options { rk: None, up: None, uv: proof.option() },
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        }))?;
        let first = get_assertion::Response::parse(&response)?;
        let settled = !allowed.is_empty() || first.user_selected == Some(true);
        let more = if settled { 0 } else { first.number_of_credentials.unwrap_or(1).saturating_sub(1) };
        let mut assertions = vec![first];
        for _ in 0..more {
            let response = session.transact(&Request::GetNextAssertion)?;
            assertions.push(get_assertion::Response::parse(&response)?);
        }
        Ok(assertions)
    }

    /// The assertion for the account that the user chooses.
    fn chosen(
        &self,
        mut assertions: Vec<get_assertion::Response>,
        chooser: &mut dyn Chooser,
    ) -> Result<get_assertion::Response, DomException> {
        let index = if assertions.len() > 1 {
            let accounts: Vec<Account> = assertions.iter().map(account).collect();
            chooser
                .choose(self.rp_id, &accounts)
                .filter(|index| *index < assertions.len())
                .ok_or_else(|| DomException::not_allowed("No account was chosen."))?
        } else {
            0
        };
        Ok(assertions.swap_remove(index))
    }

    /// What becomes of the large blob, once the user has signed in.
    fn large_blob(
        &self,
        session: &mut Session<'_>,
        assertion: &get_assertion::Response,
        proof: &Proof,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<LargeBlobOutputs>, DomException> {
        let Some(inputs) = &self.options.large_blob else { return Ok(None) };
        let key = match assertion.large_blob_key.as_deref().map(<[u8; 32]>::try_from) {
            Some(Err(_)) => {
                return Err(DomException::unknown(
                    "The authenticator's key for a large blob has a wrong length.",
                ));
            }
            Some(Ok(key)) => Some(Zeroizing::new(key)),
            None => None,
        };
        inputs.carry_out(session, key.as_deref(), proof, rng).map(Some)
    }

    fn respond(
        &self,
        assertion: get_assertion::Response,
        allowed: &[CredentialDescriptor],
        evaluation: Option<&Evaluation<'_>>,
        large_blob: Option<LargeBlobOutputs>,
        attachment: Attachment,
    ) -> Result<AuthenticationResponse, DomException> {
        let data = AuthenticatorData::parse(&assertion.auth_data)
            .map_err(|error| DomException::unknown(format!("The authenticator's data is wrong: {error}.")))?;
        self.check(&data)?;
        let credential = used(assertion.credential, allowed)?;
        // Some relying parties gave an empty user handle, which is none (CTAP 2.3 §6.2.2).
        let user_handle = assertion.user.map(|user| Bytes(user.id)).filter(|handle| !handle.0.is_empty());
        if allowed.is_empty() && user_handle.is_none() {
            return Err(DomException::unknown("The authenticator does not say which account signed."));
        }
        let output = extension_output(&data, name::HMAC_SECRET).and_then(cbor::Value::as_bytes);
        let results = match (evaluation, output) {
            (Some((values, secret)), Some(output)) => Some(values.results(secret, output)?),
            (Some(_) | None, _) => None,
        };
        let blob = extension_output(&data, name::CRED_BLOB).and_then(cbor::Value::as_bytes).cloned();
        Ok(AuthenticationResponse {
            id: base64url::encode(&credential.id),
            raw_id: Bytes(credential.id),
            response: AssertionResponse {
                client_data_json: Bytes(self.client_data.json.clone().into_bytes()),
                authenticator_data: Bytes(assertion.auth_data),
                signature: Bytes(assertion.signature),
                user_handle,
            },
            authenticator_attachment: attachment.as_str(),
            client_extension_results: ExtensionResults {
                prf: self.options.prf.as_ref().map(|_| PrfOutputs { enabled: None, results }),
                large_blob,
                get_cred_blob: blob.filter(|_| self.options.get_cred_blob).map(Bytes),
            },
            kind: "public-key",
        })
    }

    fn check(&self, data: &AuthenticatorData) -> Result<(), DomException> {
        let rp_id_hash: [u8; 32] = Sha256::digest(self.rp_id.as_bytes()).into();
        if data.rp_id_hash != rp_id_hash {
            return Err(DomException::unknown("The authenticator signed for another site."));
        }
        if !data.flags.contains(Flags::UP) {
            return Err(DomException::not_allowed("The authenticator did not ask the user."));
        }
        if self.options.user_verification == UserVerification::Required && !data.flags.contains(Flags::UV) {
            return Err(DomException::not_allowed("The authenticator did not verify the user."));
        }
        Ok(())
    }
}

fn nothing_fits() -> DomException {
    DomException::not_allowed("None of the passkeys that the site asks for can be on this authenticator.")
}

fn account(assertion: &get_assertion::Response) -> Account {
    let user = assertion.user.clone().unwrap_or_default();
    Account { user_handle: user.id, name: user.name, display_name: user.display_name }
}

/// `AuthenticationResponseJSON` (§5.1.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticationResponse {
    id: String,
    raw_id: Bytes,
    response: AssertionResponse,
    authenticator_attachment: &'static str,
    client_extension_results: ExtensionResults,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_handle: Option<Bytes>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionResults {
    #[serde(skip_serializing_if = "Option::is_none")]
    prf: Option<PrfOutputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    large_blob: Option<LargeBlobOutputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    get_cred_blob: Option<Bytes>,
}

/// The input of an extension that can only be asked for.
fn asked(wanted: bool) -> Option<bool> {
    wanted.then_some(true)
}
