//! The device at the provider: join, policy, leave.

use super::{FlowError, Site};
use crate::http::{Http, HttpAnswer, HttpError, Refused};
use crate::keyring::{Keyring, Provider, Request, User};
use crate::policy::{LocalPolicy, PolicyDocument};
use crate::status::Standing;
use crate::web_sign_in::SignedIn;
use crate::wire::recovery::ServiceKey;
use crate::wire::registration::{AttestationChallenge, AttestationRequest, Joined, Machine};

impl<'k> Site<'k> {
    /// Registers this device for who signed in. Done again after an interruption, it finishes the same registration.
    ///
    /// # Errors
    /// [`FlowError`]; what the provider may have registered is found again by the next join.
    pub async fn join(
        http: Http,
        keyring: &'k mut dyn Keyring,
        person: &SignedIn,
        ca: Option<String>,
        machine: Machine,
        files: &'k [LocalPolicy],
    ) -> Result<Self, FlowError> {
        let provider =
            Provider { url: http.origin().to_string(), ca, tenant: person.person.tenant.to_string() };
        let user = User {
            upn: person.person.user_name.clone(),
            object: person.person.object.to_string(),
            name: person.person.name.clone(),
        };
        let (at, attestation) = keyring.call(Request::BeginJoin { provider, user })?.join_begun()?;
        let token = person.access_token.expose();
        let challenge = match attestation {
            Some(attestation) => Some(challenge(&http, token, &attestation).await?),
            None => None,
        };
        let body = keyring.call(Request::BuildJoin { at: at.clone(), challenge, machine })?.body()?;
        let url = http.origin().at("/EnrollmentServer/device/?api-version=2.0");
        let joined: Box<Joined> = http.post_json(&url, Some(token), &body).await?.read()?;
        let view = keyring.call(Request::FinishJoin { at, joined })?.compartment()?;
        let mut site = Self { http, view, keyring, files };
        site.refresh_recovery().await?;
        Ok(site)
    }

    /// Reads the tenant's policy anew, and what follows from it.
    ///
    /// # Errors
    /// [`FlowError`]; the policy so far stays.
    pub async fn refresh(&mut self) -> Result<(), FlowError> {
        let policy: PolicyDocument = self.policy_answer().await?.read()?;
        let at = self.name();
        self.tell(Request::SetPolicy { at, policy: Box::new(policy) })?;
        self.refresh_recovery().await
    }

    /// Whether the device key signs: for nobody, since no provider gave out the nonce.
    pub fn key_signs(&mut self) -> bool {
        let (_url, audience) = self.registration_endpoint("policy/", "1.0");
        let at = self.name();
        self.build(Request::BuildDeviceRequest { at, nonce: "test".to_owned(), audience }).is_ok()
    }

    /// Asks the provider whether it still knows the device. Changes nothing here.
    pub async fn standing(&mut self) -> Standing {
        match self.policy_answer().await.and_then(|answer| Ok(answer.read::<PolicyDocument>()?)) {
            Ok(_policy) => Standing::Good,
            Err(FlowError::Http(HttpError::Refused(refused))) if is_gone(&refused) => Standing::Gone,
            Err(_other) => Standing::Unknown,
        }
    }

    async fn policy_answer(&mut self) -> Result<HttpAnswer, FlowError> {
        let (url, audience) = self.registration_endpoint("policy/", "1.0");
        let body = self.device_request(audience).await?;
        Ok(self.http.post_json(&url, None, &body).await?)
    }

    /// Fetches the PIN reset service's key where the policy wants a PIN reset protector; gives the protector up where it
    /// does not. The next unlock by PIN makes the protector.
    ///
    /// # Errors
    /// [`FlowError`]; also when the key is not one that the pinned anchor vouches for.
    pub async fn refresh_recovery(&mut self) -> Result<(), FlowError> {
        let has_service = self.view.facts.reset_service().is_ok();
        let wanted = has_service && self.policy().enable_pin_recovery;
        let key = if wanted { Some(self.recovery_key().await?) } else { None };
        let at = self.name();
        self.tell(Request::SetRecovery { at, key })
    }

    async fn recovery_key(&self) -> Result<ServiceKey, FlowError> {
        let facts = &self.view.facts;
        let service = self.reset_service()?;
        let mut url = service.origin().at("/getencryptionkey/v1");
        url.query_pairs_mut()
            .append_pair("tid", self.tenant())
            .append_pair("protocol", &self.policy().pin_recovery_protocol.to_string())
            .append_pair("oid", &facts.user.object)
            .append_pair("deviceId", &facts.device()?.id)
            .append_pair("containerId", &self.view.at.0);
        Ok(service.get(&url, None).await?.read()?)
    }

    /// Deletes the device at the provider, then all of the tenant's keys here. Passkeys stay.
    ///
    /// # Errors
    /// [`FlowError`]; nothing is deleted here unless the provider knows.
    pub async fn leave(mut self) -> Result<(), FlowError> {
        let device = self.view.facts.device()?.id.clone();
        let (url, audience) = self.registration_endpoint(&format!("device/{device}"), "2.0");
        let body = self.device_request(audience).await?;
        let answer = self.http.delete_json(&url, &body).await?;
        match answer.status() {
            200..300 | 404 => self.forget(),
            _refused => Err(HttpError::Refused(answer.refusal()).into()),
        }
    }

    /// Deletes all of the tenant's keys here, whatever the provider thinks.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn forget(self) -> Result<(), FlowError> {
        let at = self.name();
        Ok(self.keyring.call(Request::Leave { at })?.done()?)
    }

    async fn device_request(&mut self, audience: String) -> Result<serde_json::Value, FlowError> {
        let nonce = self.registration_nonce().await?;
        let at = self.name();
        self.build(Request::BuildDeviceRequest { at, nonce, audience })
    }
}

/// The provider's words for a device that it no longer believes.
fn is_gone(refused: &Refused) -> bool {
    ["device_unknown", "device_disabled"].contains(&refused.error.as_str())
}

async fn challenge(
    http: &Http,
    token: &str,
    attestation: &AttestationRequest,
) -> Result<AttestationChallenge, FlowError> {
    let url = http.origin().at("/EnrollmentServer/attestation/?api-version=1.0");
    Ok(http.post_json(&url, Some(token), attestation).await?.read()?)
}
