//! The report of what the container keeps, what the policy says, and what was just seen.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::UnixTime;

use super::{
    Certificate, CertificateError, Diagnostics, PrerequisiteCheck, Registration, Report, ResetFacts,
    SsoState, Standing, UserState, can_reset,
};
use crate::flows::provision::Surroundings;
use crate::http::Origin;
use crate::keyring::{Device, Facts, View};
use crate::policy::{LocalPolicy, Policy, PolicyDocument, resolve};

/// What the machine and the provider say, besides what the container keeps.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The machine.
    pub surroundings: Surroundings,
    /// What the provider says of the device.
    pub standing: Standing,
    /// Whether the device key signs.
    pub key_signs: bool,
    /// The time.
    pub now: UnixTime,
}

impl Report {
    /// Reports on the first registration of `views`; `files`: this machine's policies, or why they cannot be read.
    ///
    /// # Errors
    /// When the device certificate cannot be read.
    pub fn of(
        views: &[View],
        files: Result<&[LocalPolicy], String>,
        seen: &Seen,
    ) -> Result<Self, CertificateError> {
        let mut joined = views.iter().filter_map(|view| Some((view, view.facts.device.as_ref()?)));
        let first = joined.next();
        let facts = first.map(|(view, _device)| &view.facts);
        let document = facts.and_then(|facts| facts.policy.as_ref());
        let policy = files.map(|files| resolve(document, files).policy);
        let key = facts.and_then(|facts| facts.key.as_ref());
        let check = prerequisites(first.is_some(), policy.as_ref().ok(), seen.surroundings);
        let reset = policy.map(|policy| reset_facts(first.map(|(view, _device)| view), &policy, check));
        Ok(Self {
            registration: first.map(|(view, device)| registration(view, device, seen)).transpose()?,
            user: UserState {
                key: key.map(|key| key.kid.clone()),
                can_reset: can_reset(reset, seen.now),
                other_registrations: joined.next().is_some(),
            },
            sso: SsoState {
                token: facts.and_then(|facts| token(facts, seen.now)),
                failure: facts.and_then(|facts| Some((facts.prt_attempt.clone()?, facts.user.upn.clone()))),
            },
            diagnostics: first.map(|_| Diagnostics { key_signs: seen.key_signs }),
            prerequisites: key.is_none().then_some(check),
        })
    }
}

fn registration(view: &View, device: &Device, seen: &Seen) -> Result<Registration, CertificateError> {
    let facts = &view.facts;
    let der = BASE64_STANDARD.decode(&device.certificate).map_err(|_| CertificateError)?;
    let name = facts.policy.as_ref().map(PolicyDocument::tenant_name);
    Ok(Registration {
        device: device.id.clone(),
        certificate: Certificate::read(&der)?,
        compartment: view.at.0.clone(),
        tpm: seen.surroundings.has_tpm,
        standing: seen.standing.clone(),
        tenant_name: name.unwrap_or_default().to_owned(),
        tenant: facts.provider.tenant.clone(),
        provider: Origin::parse(&facts.provider.url).map_err(|_| CertificateError)?,
    })
}

fn token(facts: &Facts, now: UnixTime) -> Option<(UnixTime, UnixTime)> {
    let times = facts.prt.filter(|times| times.is_good(now))?;
    Some((UnixTime(times.updated), UnixTime(times.expires)))
}

/// A policy that cannot be read permits nothing.
fn prerequisites(joined: bool, policy: Option<&Policy>, surroundings: Surroundings) -> PrerequisiteCheck {
    PrerequisiteCheck {
        joined,
        policy: policy.is_some_and(|policy| policy.use_passport_for_work),
        post_logon: policy.is_some_and(|policy| !policy.disable_post_logon_provisioning),
        eligible: surroundings.has_tpm || policy.is_some_and(|policy| !policy.require_security_device),
        local: !surroundings.is_remote,
        remotely: policy.is_some_and(|policy| policy.provision_in_remote_session),
    }
}

fn reset_facts(view: Option<&View>, policy: &Policy, check: PrerequisiteCheck) -> ResetFacts {
    let facts = view.map(|view| &view.facts);
    let service = facts.and_then(|facts| facts.policy.as_ref()?.pin_reset());
    ResetFacts {
        enabled: policy.enable_pin_recovery,
        service: service.map(|service| service.allowed),
        protector: view.is_some_and(|view| view.recovery.present),
        key_until: facts.and_then(|facts| facts.reset_key_until).map(UnixTime),
        may_provision: check.policy && check.eligible,
    }
}
