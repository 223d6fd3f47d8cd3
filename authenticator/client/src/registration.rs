//! `create()`: a registration ceremony (WebAuthn Level 3 §5.1.3).

use latchkey_protocol::attestation::{AttestationObject, AttestationStatement};
use latchkey_protocol::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use latchkey_protocol::client_pin::Permissions;
use latchkey_protocol::extensions::{RegistrationExtensions, name};
use latchkey_protocol::{CredentialParameter, Options, Request, make_credential};
use rand_core::CryptoRng;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::base64url::{self, Bytes};
use crate::client_data::{Ceremony, ClientData};
use crate::options::{Attestation, CreationOptions, ResidentKey, UserVerification};
use crate::pin_uv::SharedSecret;
use crate::prf::PrfValues;
use crate::session::{Session, Verification};
use crate::{Attachment, Authenticator, Caller, DomException, ErrorName, spki};
use extensions::ExtensionResults;

pub(crate) mod extensions;

/// Runs the ceremony.
pub(crate) fn run(
    options_json: &str,
    caller: Caller<'_>,
    authenticator: &mut dyn Authenticator,
    rng: &mut dyn CryptoRng,
) -> Result<RegistrationResponse, DomException> {
    let options = CreationOptions::parse(options_json)?;
    let rp_id = caller.rp_id(options.rp_id.as_deref())?;
    let client_data = ClientData::new(Ceremony::Create, &options.challenge, &caller);
    let attachment = authenticator.attachment();
    if options.attachment.is_some_and(|wanted| wanted != attachment) {
        return Err(DomException::not_allowed(format!(
            "The site wants an authenticator that is attached otherwise than this one, which is {}.",
            attachment.as_str()
        )));
    }
    let mut session = Session::begin(authenticator, options.time_limit)?;
    let discoverable = discoverable(&session, options.resident_key)?;
    let extensions = extensions::inputs(&session, &options, discoverable)?;
    let verification = verification(&session, &options, discoverable)?;
    let plan = Plan { options: &options, rp_id: &rp_id, client_data: &client_data, discoverable, extensions };
    let (made, evaluation) = plan.make(&mut session, verification, rng)?;
    plan.respond(&session, &made, evaluation.as_ref(), attachment)
}

/// A registration whose questions are all answered.
struct Plan<'a> {
    options: &'a CreationOptions,
    rp_id: &'a str,
    client_data: &'a ClientData,
    discoverable: bool,
    /// All inputs but that of the PRF, which is evaluated later.
    extensions: RegistrationExtensions,
}

/// What is needed to read the outputs of a PRF that is evaluated at registration.
type Evaluation<'a> = (&'a PrfValues, SharedSecret);

impl<'a> Plan<'a> {
    fn make(
        &self,
        session: &mut Session<'_>,
        verification: Verification,
        rng: &mut dyn CryptoRng,
    ) -> Result<(make_credential::Response, Option<Evaluation<'a>>), DomException> {
        let excluded = session.plausible(&self.options.exclude);
        let too_many = excluded.len() > session.batch();
        let eval = self.options.prf.as_ref().and_then(|prf| prf.eval.as_ref());
        let eval =
            eval.filter(|_| self.extensions.hmac_secret.is_some() && session.supports(name::HMAC_SECRET_MC));
        // Deviation: CTAP 2.3 §6.1.1 prefers a token to the option `uv`. But only makeCredential itself tells the
        // authenticator whose passkey it is, so only its own gesture can be asked for by name, and such a gesture
        // serves nothing else. A token is for when one gesture must cover more than one command.
        let by_name = verification == Verification::Token && !too_many && eval.is_none();
        let verification = if by_name { Verification::Option } else { verification };
        let permissions = if too_many {
            Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION
        } else {
            Permissions::MAKE_CREDENTIAL
        };
        let proof = session.prove(verification, permissions, self.rp_id, rng)?;
        let exclude_list = if too_many {
            // If one of a long list is there, it goes alone into the request, so that the authenticator asks for
            // consent before it says so.
            session.find(self.rp_id, &excluded, &proof)?.into_iter().collect()
        } else {
            excluded
        };
        let evaluation = match eval {
            Some(values) => Some((values, session.shared_secret(rng)?)),
            None => None,
        };
        let (pin_uv_auth_protocol, pin_uv_auth_param) = proof.over(&self.client_data.hash);
        let enterprise = self.options.attestation == Attestation::Enterprise && session.info.option("ep");
        let response = session.transact(&Request::MakeCredential(make_credential::Request {
            client_data_hash: self.client_data.hash,
            rp: self.options.rp(self.rp_id),
            user: self.options.user.clone(),
            pub_key_cred_params: self
                .options
                .algorithms
                .iter()
                .copied()
                .map(CredentialParameter::public_key)
                .collect(),
            exclude_list,
            extensions: RegistrationExtensions {
                hmac_secret_mc: evaluation.as_ref().map(|(values, secret)| values.encrypted(secret, rng)),
                ..self.extensions.clone()
            },
            options: Options { rk: self.discoverable.then_some(true), up: None, uv: proof.option() },
            pin_uv_auth_param,
            pin_uv_auth_protocol,
            // Vendor-facilitated: the authenticator has its own list of relying parties (CTAP 2.3 §7.1.2). The
            // platform-managed kind needs a list of ours.
            enterprise_attestation: enterprise.then_some(1),
            attestation_formats_preference: self.options.attestation_formats.clone(),
        }))?;
        Ok((make_credential::Response::parse(&response)?, evaluation))
    }

    fn respond(
        &self,
        session: &Session<'_>,
        made: &make_credential::Response,
        evaluation: Option<&Evaluation<'_>>,
        attachment: Attachment,
    ) -> Result<RegistrationResponse, DomException> {
        let data = AuthenticatorData::parse(&made.auth_data)
            .map_err(|error| DomException::unknown(format!("The authenticator's data is wrong: {error}.")))?;
        let attested = self.check(&data)?;
        let algorithm = attested
            .public_key
            .algorithm()
            .filter(|made| self.options.algorithms.contains(made))
            .ok_or_else(|| {
                DomException::unknown("The authenticator used an algorithm that was not asked for.")
            })?;
        let attestation = AttestationObject {
            att_stmt: conveyed(self.options.attestation, &made.att_stmt, attested),
            auth_data: made.auth_data.clone(),
        };
        Ok(RegistrationResponse {
            id: base64url::encode(&attested.credential_id),
            raw_id: Bytes(attested.credential_id.clone()),
            response: AttestationResponse {
                client_data_json: Bytes(self.client_data.json.clone().into_bytes()),
                authenticator_data: Bytes(made.auth_data.clone()),
                transports: transports(session, attachment),
                public_key: spki::encode(&attested.public_key).map(Bytes),
                public_key_algorithm: algorithm.0,
                attestation_object: Bytes(attestation.encode()),
            },
            authenticator_attachment: attachment.as_str(),
            client_extension_results: extensions::results(
                self.options,
                self.discoverable,
                made,
                &data,
                evaluation,
            )?,
            kind: "public-key",
        })
    }

    fn check<'d>(&self, data: &'d AuthenticatorData) -> Result<&'d AttestedCredential, DomException> {
        let rp_id_hash: [u8; 32] = Sha256::digest(self.rp_id.as_bytes()).into();
        if data.rp_id_hash != rp_id_hash {
            return Err(DomException::unknown("The authenticator made a passkey for another site."));
        }
        if self.options.user_verification == UserVerification::Required && !data.flags.contains(Flags::UV) {
            return Err(DomException::not_allowed("The authenticator did not verify the user."));
        }
        data.attested
            .as_ref()
            .ok_or_else(|| DomException::unknown("The authenticator returned no credential."))
    }
}

/// Whether the credential shall be discoverable (§5.1.3 step 20, `residentKey`).
fn discoverable(session: &Session<'_>, wish: ResidentKey) -> Result<bool, DomException> {
    match (wish, session.info.option("rk")) {
        (ResidentKey::Discouraged, _) | (ResidentKey::Preferred, false) => Ok(false),
        (ResidentKey::Preferred | ResidentKey::Required, true) => Ok(true),
        (ResidentKey::Required, false) => Err(DomException::new(
            ErrorName::ConstraintError,
            "The authenticator cannot keep the discoverable passkey that the site requires.",
        )),
    }
}

/// A credential on a protected authenticator needs user verification, unless it says otherwise for credentials that
/// are not discoverable (CTAP 2.3 §6.1.2, `makeCredUvNotRqd`).
fn verification(
    session: &Session<'_>,
    options: &CreationOptions,
    discoverable: bool,
) -> Result<Verification, DomException> {
    let protected = session.info.option("uv") || session.info.option("clientPin");
    let exempt = session.info.option("makeCredUvNotRqd") && !discoverable;
    session.verification(Ceremony::Create, options.user_verification, protected && !exempt)
}

/// The attestation statement that the relying party may see (§5.1.3, "If any authenticator indicates success").
///
/// Level 3 no longer zeroes the AAGUID under "none": it names the model, which relying parties show to the user.
fn conveyed(
    wish: Attestation,
    statement: &AttestationStatement,
    attested: &AttestedCredential,
) -> AttestationStatement {
    match (wish, statement) {
        (Attestation::Direct | Attestation::Enterprise, statement) => statement.clone(),
        // Self attestation by an authenticator without a model says nothing about anybody.
        (Attestation::None, AttestationStatement::PackedSelf { .. }) if attested.aaguid == [0; 16] => {
            statement.clone()
        }
        (
            Attestation::None,
            AttestationStatement::None
            | AttestationStatement::PackedSelf { .. }
            | AttestationStatement::Other(_, _),
        ) => AttestationStatement::None,
    }
}

/// In lexicographical order, each once (§5.2.1.1). A platform authenticator is reached as "internal" here, and keeps
/// what it says itself: Latchkey is also a HID device, and a browser that sees only "internal" would not look there.
fn transports(session: &Session<'_>, attachment: Attachment) -> Vec<String> {
    let mut transports = session.info.transports.clone();
    match attachment {
        Attachment::Platform => transports.push("internal".to_owned()),
        Attachment::CrossPlatform => {}
    }
    transports.sort_unstable();
    transports.dedup();
    transports
}

/// `RegistrationResponseJSON` (§5.1.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistrationResponse {
    id: String,
    raw_id: Bytes,
    response: AttestationResponse,
    authenticator_attachment: &'static str,
    client_extension_results: ExtensionResults,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Bytes,
    authenticator_data: Bytes,
    transports: Vec<String>,
    /// Absent for algorithms whose keys a client need not understand (§5.2.1.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<Bytes>,
    public_key_algorithm: i64,
    attestation_object: Bytes,
}
