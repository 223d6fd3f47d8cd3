//! The command's side: what is said to the provider, step by step. It holds no key and signs nothing; what it sends was
//! built by the [`Keyring`], and what comes back is judged there.
//!
//! Every flow can be interrupted anywhere and begun again: the keyring takes the same keys, the provider the same device.

pub mod device;
pub mod pin_reset;
pub mod provision;
pub mod tokens;

use serde::Deserialize;
use url::Url;

use crate::http::{Http, HttpError, Origin, OriginError};
use crate::keyring::{CompartmentName, Facts, Keyring, Provider, Refusal, Request, View};
use crate::policy::{LocalPolicy, Policy, resolve};
use crate::wire::registration::Nonce;

pub use provision::Prerequisite;

/// Why a flow ended early.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The provider.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The container's side.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The address that was stored is none.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// What provisioning wants first.
    #[error(transparent)]
    Prerequisite(#[from] Prerequisite),
    /// Not which of several tenants.
    #[error("this device is registered at several tenants: say which with --tenant")]
    SeveralTenants,
    /// The PIN reset protector is missing, so only the destructive reset is left.
    #[error(
        "your PIN cannot be reset without losing passkeys ({0}); `latchkey pin reset --destructive` deletes them and begins anew"
    )]
    OnlyDestructive(&'static str),
    /// The policy forbids it.
    #[error("your organisation does not let you reset your PIN: ask its help desk")]
    ResetForbidden,
}

/// One tenant that this device is at, and both ways that a flow needs.
pub struct Site<'k> {
    http: Http,
    view: View,
    keyring: &'k mut dyn Keyring,
    files: &'k [LocalPolicy],
}

/// Answer of the grant `srv_challenge`.
#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "Nonce")]
    nonce: String,
}

impl<'k> Site<'k> {
    /// The tenant that `tenant` names (its ID or the domain of its users), or the only one.
    ///
    /// # Errors
    /// [`Refusal::NotJoined`], [`FlowError::SeveralTenants`].
    pub fn find(
        keyring: &'k mut dyn Keyring,
        tenant: Option<&str>,
        files: &'k [LocalPolicy],
    ) -> Result<Self, FlowError> {
        let mut joined = look(keyring)?.into_iter().filter(|view| view.facts.device.is_some());
        let mut meant = joined.by_ref().filter(|view| tenant.is_none_or(|tenant| is_of(&view.facts, tenant)));
        match (meant.next(), meant.next()) {
            (Some(view), None) => Self::at(keyring, view, files),
            (Some(_), Some(_)) => Err(FlowError::SeveralTenants),
            (None, _) => Err(Refusal::NotJoined.into()),
        }
    }

    /// The tenant of this compartment; `files` are the policies of this machine.
    ///
    /// # Errors
    /// When the stored address or CA cannot be used.
    pub fn at(keyring: &'k mut dyn Keyring, view: View, files: &'k [LocalPolicy]) -> Result<Self, FlowError> {
        let http = http(&view.facts.provider)?;
        Ok(Self { http, view, keyring, files })
    }

    /// What the tenant and this machine ask for together.
    #[must_use]
    pub fn policy(&self) -> Policy {
        resolve(self.view.facts.policy.as_ref(), self.files).policy
    }

    /// What is known.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// The way to the provider.
    #[must_use]
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// Forgets what a gesture opened.
    ///
    /// # Errors
    /// [`FlowError`].
    pub fn lock(&mut self) -> Result<(), FlowError> {
        Ok(self.keyring.call(Request::Lock {})?.done()?)
    }

    fn name(&self) -> CompartmentName {
        self.view.at.clone()
    }

    fn tenant(&self) -> &str {
        &self.view.facts.provider.tenant
    }

    /// Asks the keyring for something to send.
    fn build(&mut self, request: Request) -> Result<serde_json::Value, FlowError> {
        Ok(self.keyring.call(request)?.body()?)
    }

    fn build_signed(&mut self, request: Request) -> Result<String, FlowError> {
        Ok(self.keyring.call(request)?.signed()?)
    }

    /// Tells the keyring something, which changes the compartment.
    fn tell(&mut self, request: Request) -> Result<(), FlowError> {
        self.view = self.keyring.call(request)?.compartment()?;
        Ok(())
    }

    /// A nonce of the device registration service.
    async fn registration_nonce(&self) -> Result<String, FlowError> {
        let url =
            self.http.origin().at(&format!("/EnrollmentServer/nonce/{}/?api-version=1.0", self.tenant()));
        let nonce: Nonce = self.http.get(&url, None).await?.read()?;
        Ok(nonce.value)
    }

    /// A nonce of the token endpoint.
    async fn token_nonce(&self) -> Result<String, FlowError> {
        let answer = self.http.post_form(&self.token_endpoint(), &[("grant_type", "srv_challenge")]).await?;
        let challenge: Challenge = answer.read()?;
        Ok(challenge.nonce)
    }

    fn token_endpoint(&self) -> Url {
        self.http.origin().at(&format!("/{}/oauth2/token", self.tenant()))
    }

    /// An endpoint of the device registration service: with its version to be sent to, without to be signed.
    fn registration_endpoint(&self, path: &str, version: &str) -> (Url, String) {
        let path = format!("/EnrollmentServer/{path}");
        let origin = self.http.origin();
        (origin.at(&format!("{path}?api-version={version}")), origin.at(&path).to_string())
    }
}

/// The way to a provider.
fn http(provider: &Provider) -> Result<Http, FlowError> {
    Ok(Http::new(Origin::parse(&provider.url)?, provider.ca.as_deref().map(str::as_bytes))?)
}

/// All compartments, also of joins that were interrupted.
///
/// # Errors
/// [`Refusal`].
pub fn look(keyring: &mut dyn Keyring) -> Result<Vec<View>, Refusal> {
    keyring.call(Request::Look {})?.compartments()
}

fn is_of(facts: &Facts, tenant: &str) -> bool {
    let domain = facts.user.upn.split_once('@').map(|(_, domain)| domain);
    facts.provider.tenant.eq_ignore_ascii_case(tenant)
        || domain.is_some_and(|domain| domain.eq_ignore_ascii_case(tenant))
}
