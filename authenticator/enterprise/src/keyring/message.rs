//! What is asked of the container's side, and what it answers. Each goes over the control socket as JSON.

use latchkey_container::{Compartment, RecoveryProtocol};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
use super::facts::{Facts, Provider, PrtAttempt, User};
use super::session::{Handed, Session};
use crate::policy::PolicyDocument;
use crate::secret::Secret;
use crate::wire::key::Registered;
use crate::wire::recovery::ServiceKey;
use crate::wire::registration::{AttestationChallenge, AttestationRequest, Joined, Machine};
use crate::wire::rsa_key::RsaKey;

/// A compartment's ID in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompartmentName(pub String);

/// What is wanted. Requests that build something to be signed take the provider's nonce for it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are said with their request; `at` is always the compartment")]
pub enum Request {
    /// All compartments.
    Look {},
    /// Make a place for a provider's tenant and the device's keys in it, or find the one of a join that was interrupted.
    BeginJoin { provider: Provider, user: User },
    /// Build the join, with the attestation where the provider challenged the TPM.
    BuildJoin { at: CompartmentName, challenge: Option<AttestationChallenge>, machine: Machine },
    /// Take the provider's answer to the join.
    FinishJoin { at: CompartmentName, joined: Box<Joined> },
    /// Sign a request that only says which device asks: for the policy, or to be deleted. `audience` is its URL.
    BuildDeviceRequest { at: CompartmentName, nonce: String, audience: String },
    /// Take a newer policy.
    SetPolicy { at: CompartmentName, policy: Box<PolicyDocument> },
    /// Take the PIN reset service's key, or give up the protector that was made with it.
    SetRecovery { at: CompartmentName, key: Option<ServiceKey> },
    /// Forget the tenant, with every key that belongs to it. Passkeys stay.
    Leave { at: CompartmentName },
    /// Make the enterprise key, and build its registration. `audience` is the URL of the request.
    BuildKey { at: CompartmentName, nonce: String, audience: String },
    /// The key was registered: use it from now on.
    FinishKey { at: CompartmentName, registered: Registered },
    /// Build the sign-in, with a nonce for the enterprise key and one for the device key.
    BuildSignIn { at: CompartmentName, user_nonce: String, device_nonce: String },
    /// Take the primary refresh token: the provider's answer as it came.
    FinishSignIn { at: CompartmentName, answer: Secret },
    /// Build a request for an access token.
    BuildToken { at: CompartmentName, nonce: String, client: String, resource: Option<String>, scope: String },
    /// Build a request for a new primary refresh token.
    BuildRenewal { at: CompartmentName, nonce: String },
    /// Open the provider's answer to either.
    FinishToken { at: CompartmentName, answer: Secret },
    /// Build the credential that a browser shows the provider's pages.
    BuildCredential { at: CompartmentName, nonce: String },
    /// The provider did not give a primary refresh token: keep why, for the status report.
    NoteAttempt { at: CompartmentName, attempt: PrtAttempt },
    /// Forget the tokens and what a gesture opened.
    SignOut { at: CompartmentName },
    /// Forget what a gesture opened.
    Lock {},
    /// Build the request for the secret that resets a forgotten PIN, or with `rearm` the one that clears the count of
    /// tries. `audience` is its URL.
    BuildRecovery { at: CompartmentName, nonce: String, audience: String, rearm: bool },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the members are said with their answer")]
pub enum Answer {
    /// All compartments.
    Compartments(Vec<View>),
    /// The place for the join, and what the TPM says who it is, where it can.
    JoinBegun { at: CompartmentName, attestation: Option<AttestationRequest> },
    /// The body of a request, ready to be sent.
    Body(Value),
    /// A signed request, ready to be sent.
    Signed(String),
    /// The compartment as it is now.
    Compartment(Box<View>),
    /// An access token; none where only the primary refresh token was renewed.
    Token(Option<AccessToken>),
    /// It is done.
    Done,
}

impl Answer {
    pub(crate) fn compartments(self) -> Result<Vec<View>, Refusal> {
        let Self::Compartments(views) = self else { return Err(Refusal::Answer) };
        Ok(views)
    }

    pub(crate) fn join_begun(self) -> Result<(CompartmentName, Option<AttestationRequest>), Refusal> {
        let Self::JoinBegun { at, attestation } = self else { return Err(Refusal::Answer) };
        Ok((at, attestation))
    }

    pub(crate) fn body(self) -> Result<Value, Refusal> {
        let Self::Body(body) = self else { return Err(Refusal::Answer) };
        Ok(body)
    }

    pub(crate) fn signed(self) -> Result<String, Refusal> {
        let Self::Signed(signed) = self else { return Err(Refusal::Answer) };
        Ok(signed)
    }

    pub(crate) fn compartment(self) -> Result<View, Refusal> {
        let Self::Compartment(view) = self else { return Err(Refusal::Answer) };
        Ok(*view)
    }

    pub(crate) fn token(self) -> Result<Option<AccessToken>, Refusal> {
        let Self::Token(token) = self else { return Err(Refusal::Answer) };
        Ok(token)
    }

    pub(crate) fn done(self) -> Result<(), Refusal> {
        let Self::Done = self else { return Err(Refusal::Answer) };
        Ok(())
    }
}

/// A token for one application and resource.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccessToken {
    /// The token.
    pub access_token: Secret,
    /// Seconds that it is good for.
    pub expires_in: u64,
    /// What it permits, where the provider says so.
    pub scope: Option<String>,
    /// What it is for, where the provider says so.
    pub resource: Option<String>,
}

/// A compartment as anybody may see it who can reach the control socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub at: CompartmentName,
    /// What is known about the provider.
    pub facts: Facts,
    /// The enterprise key in use: base64 of SHA-256 over its `RSA1` blob.
    pub key: Option<String>,
    /// Whether a key waits to be registered.
    pub key_pending: bool,
    /// The PIN reset protector.
    pub recovery: RecoveryView,
    /// Whether a gesture has opened the container for the commands of this crate.
    pub open: bool,
    /// What programs got since then, at all tenants together.
    pub handed: Handed,
}

/// A PIN reset protector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryView {
    /// Whether the policy wants one and the service's key is known.
    pub wanted: bool,
    /// Whether there is one.
    pub present: bool,
    /// Whether it is the one that is wanted; else the next unlock by PIN makes it so.
    pub fits: bool,
    /// The service's key that it was made with.
    pub kid: Option<String>,
    /// `hpke-p256` or `blind-p256`.
    pub protocol: Option<String>,
    /// How often it was made.
    pub version: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
}

impl View {
    pub(super) fn of(compartment: &Compartment, session: &Session) -> Result<Self, Refusal> {
        let key = compartment.enterprise_key.as_ref().and_then(|key| RsaKey::of(&key.public));
        let recovery = &compartment.recovery;
        let present = recovery.present.as_ref();
        let mut facts = Facts::read(&compartment.facts)?;
        if key.is_none() {
            // A reset of the authenticator took the key and the tokens, and the facts know nothing of it.
            (facts.key, facts.prt) = (None, None);
        }
        Ok(Self {
            at: CompartmentName(compartment.id.hex()),
            facts,
            key: key.map(|key| key.id_text()),
            key_pending: compartment.pending_enterprise_key.is_some(),
            recovery: RecoveryView {
                wanted: recovery.wanted,
                present: present.is_some(),
                fits: recovery.fits,
                kid: present.map(|protector| protector.kid.clone()),
                protocol: present.map(|protector| protocol_name(protector.protocol).to_owned()),
                version: present.map(|protector| protector.protector_version),
                created: present.map(|protector| protector.created.0),
            },
            open: session.is_open(),
            handed: session.handed().clone(),
        })
    }
}

const fn protocol_name(protocol: RecoveryProtocol) -> &'static str {
    match protocol {
        RecoveryProtocol::Hpke => "hpke-p256",
        RecoveryProtocol::Blind => "blind-p256",
    }
}
